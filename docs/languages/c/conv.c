/* conv CASE RESULT: the target exec:./conv. */
#include "run_case.h"

int main(int count, char **words) {
    File file = {NULL, NULL};
    if (count != 3 || !read_file(words[1], &file)) {
        fprintf(stderr, "usage: conv CASE RESULT\n");
        return FAILED;
    }
    int status = run_case(&file, words[2]);
    if (status == UNSUPPORTED) fprintf(stderr, "float32 images in batches, padding in numbers\n");
    if (status == FAILED) fprintf(stderr, "these arguments do not go together\n");
    return status;
}
