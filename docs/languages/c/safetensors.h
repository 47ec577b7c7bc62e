/* Read a case and write a result, with libc alone: eight bytes, a header in JSON, little-endian numbers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { char *header, *data; } File; /* the JSON as a string, and the numbers */
typedef struct { char dtype[8]; int rank; long shape[8]; long count; void *data; } Tensor;

static int read_file(const char *path, File *file) {
    uint64_t length = 0; /* of the header; this machine is little-endian, like the file */
    FILE *stream = fopen(path, "rb");
    int fine = stream && fread(&length, 8, 1, stream) == 1 && (file->header = calloc(length + 1, 1));
    if (fine && fread(file->header, 1, length, stream) == length) {
        long start = ftell(stream), size = (fseek(stream, 0, SEEK_END), ftell(stream) - start);
        file->data = malloc(size + 1);
        fine = file->data && !fseek(stream, start, SEEK_SET) && fread(file->data, 1, size, stream) == (size_t)size;
    }
    if (stream) fclose(stream);
    return fine;
}
/* What follows "name": in the header, which has no blanks. */
static const char *find(const File *file, const char *name, const char *opening) {
    char key[64];
    snprintf(key, sizeof key, "\"%s\":%s", name, opening);
    const char *found = strstr(file->header, key);
    return found ? found + strlen(key) : NULL;
}
static int get_tensor(const File *file, const char *name, Tensor *tensor) {
    const char *at = find(file, name, "{\"dtype\":\"");
    if (!at || sscanf(at, "%7[^\"]", tensor->dtype) != 1) return 0;
    at = strstr(at, "\"shape\":[") + strlen("\"shape\":[");
    tensor->count = 1;
    for (tensor->rank = 0; *at != ']'; at += *at == ',') {
        tensor->shape[tensor->rank] = strtol(at, (char **)&at, 10);
        tensor->count *= tensor->shape[tensor->rank++];
    }
    tensor->data = file->data + strtol(strstr(at, "\"data_offsets\":[") + strlen("\"data_offsets\":["), NULL, 10);
    return 1;
}

/* The numbers of a parameter, such as "stride":"2 1"; returns how many there are, 0 for a word like "same_upper". */
static int get_numbers(const File *file, const char *name, long *numbers) {
    int count = 0;
    char *end, *at = (char *)find(file, name, "\"");
    for (long number; at && (number = strtol(at, &end, 10), end != at); at = end) numbers[count++] = number;
    return count;
}

static int write_result(const char *path, const Tensor *tensor, size_t size) {
    char header[256];
    int length = sprintf(header, "{\"result\":{\"dtype\":\"%s\",\"shape\":[", tensor->dtype);
    for (int i = 0; i < tensor->rank; i++) length += sprintf(header + length, "%s%ld", i ? "," : "", tensor->shape[i]);
    length += sprintf(header + length, "],\"data_offsets\":[0,%zu]}}", tensor->count * size);
    FILE *stream = fopen(path, "wb");
    int fine = stream && fwrite(&(uint64_t){length}, 8, 1, stream) == 1 && fwrite(header, length, 1, stream) == 1;
    fine = fine && fwrite(tensor->data, size, tensor->count, stream) == (size_t)tensor->count;
    return stream && fclose(stream) == 0 && fine;
}
