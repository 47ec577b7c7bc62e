/* test_vectors DIR: hold every case of the vectors to its bound, and leave the results for refconv judge. */
#include <dirent.h>
#include <math.h>

#include "run_case.h"

/* An element is right if it is within its bound of the result, or equal to it, or both are NaN. An infinite bound
   allows anything. */
static long count_wrong(const char *case_path, const char *result_path) {
    File want_file, got_file;
    Tensor want, bound, got;
    if (!read_file(case_path, &want_file) || !read_file(result_path, &got_file)) return -1;
    if (!get_tensor(&want_file, "result", &want) || !get_tensor(&want_file, "bound", &bound)) return -1;
    if (!get_tensor(&got_file, "result", &got) || got.count != want.count) return -1;
    long wrong = 0;
    for (long i = 0; i < want.count; i++) {
        float a = ((float *)got.data)[i], d = ((float *)want.data)[i], b = ((float *)bound.data)[i];
        int is_right = isinf(b) || fabs((double)a - d) <= b || a == d || (isnan(a) && isnan(d));
        wrong += !is_right;
    }
    return wrong;
}

int main(int count, char **words) {
    char folder[1024], in[2048], out[2048];
    long outcomes[3] = {0, 0, 0}; /* passed, failed, skipped */
    snprintf(folder, sizeof folder, "%s/cases", count == 2 ? words[1] : "vectors");
    DIR *cases = opendir(folder);
    if (!cases) return fprintf(stderr, "there are no vectors in %s\n", folder), 1;
    for (struct dirent *entry; (entry = readdir(cases));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(in, sizeof in, "%s/%s", folder, entry->d_name);
        snprintf(out, sizeof out, "%s/../results/%s", folder, entry->d_name);
        File file;
        int status = read_file(in, &file) ? run_case(&file, out) : FAILED;
        long wrong = status == OK ? count_wrong(in, out) : 0;
        if (status == FAILED || wrong) printf("FAILED %s: %ld wrong elements\n", entry->d_name, wrong);
        outcomes[status == UNSUPPORTED ? 2 : status == FAILED || wrong]++;
    }
    closedir(cases);
    printf("%ld passed, %ld failed, %ld skipped\n", outcomes[0], outcomes[1], outcomes[2]);
    return outcomes[1] > 0;
}
