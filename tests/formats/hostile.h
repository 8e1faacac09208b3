/* What every case of the hostile-file suites is held to: the expected status, a message that names the right thing,
 * nothing left behind (memory, descriptors), less than a second, and less memory than eight times the header. */
#ifndef TESTS_FORMATS_HOSTILE_H
#define TESTS_FORMATS_HOSTILE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tensors.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

#define MOST_SECONDS 1.0       /* ten times as many under a sanitizer */
#define SMALL_BYTES (16 << 10) /* paths, handles and first chunks, whatever the file */

static char folder[TEMP_PATH_BYTES];

static inline void make_folder(void) { temp_folder(folder); }
static inline void remove_folder(void) { temp_remove(folder); }

static inline int open_descriptors(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d) return 0;
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

/* Opens `path` in one mode under the rules above. Two statuses may be allowed (the second may repeat the first). */
static __attribute__((noinline, unused)) void check_open(const char *what, const char *path, llmcs_load_mode mode,
                                                         llmcs_status one, llmcs_status other, const char *needle,
                                                         size_t header_bytes) {
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    ll_log log = {NULL, NULL};
    ll_tensors *t = NULL;
    int descriptors = open_descriptors();
    double start = suite_cpu_seconds();
    ll_source source;
    llmcs_status st = ll_source_open(&source, &a, path, mode);
    if (!st) st = ll_tensors_open(&a, &source, mode, &log, &t);
    double took = suite_cpu_seconds() - start;
    const char *message = llmcs_error_message();
    ck_assert_msg(st == one || st == other, "%s: %s (%s), expected %s", what, llmcs_status_name(st), st ? message : "",
                  llmcs_status_name(one));
    ck_assert_msg(!st || strstr(message, needle), "%s: \"%s\" lacks \"%s\"", what, message, needle);
    ck_assert_msg(strlen(message) < 256, "%s: message of %zu bytes", what, strlen(message));
    ck_assert_msg((st == LLMCS_OK) == (t != NULL), "%s: handle", what);
    ck_assert_msg(f.bytes < (long long)(8 * header_bytes + SMALL_BYTES), "%s: %lld bytes allocated, header of %zu",
                  what, (long long)f.bytes, header_bytes);
    ll_tensors_close(&t);
    ll_source_close(&source);
    ck_assert_msg(f.live == 0, "%s: %ld allocations left", what, (long)f.live);
    ck_assert_msg(open_descriptors() == descriptors, "%s: descriptors left open", what);
    ck_assert_msg(took < (suite_sanitized() ? 10 : 1) * MOST_SECONDS, "%s: %.2f s", what, took);
}

/* A file of `folder`: header length, header, and n_data zero bytes. */
static inline void write_safetensors(const char *name, uint64_t length, const char *header, size_t header_bytes,
                                     size_t n_data) {
    size_t n = 8 + header_bytes + n_data;
    unsigned char *bytes = calloc(1, n);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(length >> (8 * i));
    memcpy(bytes + 8, header, header_bytes);
    temp_write(folder, name, bytes, n);
    free(bytes);
}

/* model.safetensors with this header must be answered so, in both modes. */
static inline void check_header_n(const char *header, size_t header_bytes, size_t n_data, llmcs_status expected,
                                  const char *needle) {
    write_safetensors("model.safetensors", header_bytes, header, header_bytes, n_data);
    check_open(header_bytes < 300 ? header : "(long header)", folder, LLMCS_LOAD_COPY, expected, expected, needle,
               header_bytes);
    check_open(header_bytes < 300 ? header : "(long header)", folder, LLMCS_LOAD_MMAP, expected, expected, needle,
               header_bytes);
}

static inline void check_header(const char *header, size_t n_data, llmcs_status expected, const char *needle) {
    check_header_n(header, strlen(header), n_data, expected, needle);
}

#endif
