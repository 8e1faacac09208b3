/*
 * What all fuzz targets share: a promise that traps when broken, an allocator that counts and fails on request, a
 * folder for files, and a reader that makes parameters of an input's bytes. A target is a function of any bytes.
 * fuzz_NAME.c runs the target NAME under libFuzzer (make fuzz), test_replay.c on the inputs in tests/data/hostile.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "base/utf8.h"
#include "llmcs.h"

#define MUST(condition)                                                                                \
    do {                                                                                               \
        if (!(condition)) {                                                                            \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, llmcs_error_message()); \
            __builtin_trap();                                                                          \
        }                                                                                              \
    } while (0)

#define UNUSED __attribute__((unused))

/* ------------------------------------------------------------------------------------------------- memory */

typedef struct counter {
    size_t bytes;            /* allocated in all */
    size_t live_bytes, peak; /* not freed yet, and the most of that */
    long live;               /* allocations not freed yet */
    long calls;
    long fail_at; /* from this call on (1: the first) every allocation fails; 0: none */
} counter;

static void *counter_alloc(void *user, size_t size_bytes, size_t alignment) {
    counter *c = user;
    void *p = NULL;
    c->calls++;
    if (c->fail_at && c->calls >= c->fail_at) return NULL;
    if (posix_memalign(&p, alignment < sizeof p ? sizeof p : alignment, size_bytes)) return NULL;
    c->bytes += size_bytes;
    c->live_bytes += malloc_usable_size(p);
    c->peak = ll_max(c->peak, c->live_bytes);
    c->live++;
    return p;
}

static void counter_free(void *user, void *p) {
    counter *c = user;
    if (!p) return;
    c->live--;
    c->live_bytes -= malloc_usable_size(p);
    free(p);
}

static UNUSED llmcs_allocator counting(counter *c) { return (llmcs_allocator){counter_alloc, counter_free, c}; }

/* Memory that ends where its bytes end: a sanitizer sees reads and writes past them. */
static UNUSED void *exact_alloc(size_t n_bytes) {
    void *p = malloc(n_bytes ? n_bytes : 1);
    MUST(p != NULL);
    return p;
}

static UNUSED void *exact_copy(const void *data, size_t n_bytes) {
    void *p = exact_alloc(n_bytes);
    if (n_bytes) memcpy(p, data, n_bytes);
    return p;
}

/* ----------------------------------------------------------------------------------------- folder and files */

static char fuzz_folder[64];

static void remove_fuzz_folder(void) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", fuzz_folder);
    if (system(command)) perror(command);
}

/* A folder for this process. True the first time. */
static UNUSED bool make_fuzz_folder(void) {
    if (fuzz_folder[0]) return false;
    strcpy(fuzz_folder, access("/dev/shm", W_OK) ? "/tmp/llmcs-fuzz-XXXXXX" : "/dev/shm/llmcs-fuzz-XXXXXX");
    MUST(mkdtemp(fuzz_folder));
    atexit(remove_fuzz_folder);
    return true;
}

/* Valid until the next call. */
static UNUSED const char *fuzz_path(const char *name) {
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder, name);
    return path;
}

static UNUSED void fuzz_write(const char *name, const void *data, size_t size) {
    int fd = open(fuzz_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static UNUSED void fuzz_write_text(const char *name, const char *text) { fuzz_write(name, text, strlen(text)); }

static UNUSED void fuzz_copy(const char *from, const char *name) {
    static char data[4 << 20];
    FILE *f = fopen(from, "rb");
    MUST(f != NULL);
    size_t n = fread(data, 1, sizeof data, f);
    MUST(n < sizeof data);
    fclose(f);
    fuzz_write(name, data, n);
}

/* The files that a folder may have, by the number that stands for them in inputs. */
static const char *const fuzz_file_names[] = {
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "generation_config.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "model.safetensors.index.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "source.spm",
    "target.spm",
    "chat_template.jinja",
};
#define N_FUZZ_FILES (sizeof fuzz_file_names / sizeof *fuzz_file_names)

static UNUSED void clear_fuzz_folder(void) {
    if (make_fuzz_folder()) MUST(mkdir(fuzz_path("1_Pooling"), 0700) == 0);
    for (size_t i = 0; i < N_FUZZ_FILES; i++) (void)unlink(fuzz_path(fuzz_file_names[i]));
}

/* -------------------------------------------------------------------------------------------------- reader */

/* Parameters made of an input's bytes; 0 behind its end. */
typedef struct reader {
    const uint8_t *at;
    size_t left;
} reader;

static UNUSED uint8_t read_u8(reader *in) {
    if (!in->left) return 0;
    in->left--;
    return *in->at++;
}

static UNUSED uint32_t read_u32(reader *in) {
    uint32_t x = 0;
    for (int i = 0; i < 4; i++) x |= (uint32_t)read_u8(in) << 8 * i;
    return x;
}

/* At most max bytes. */
static UNUSED const uint8_t *read_bytes(reader *in, size_t max, size_t *n) {
    const uint8_t *bytes = in->at;
    *n = ll_min(max, in->left);
    in->at += *n;
    in->left -= *n;
    return bytes;
}

static UNUSED bool is_utf8(const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        i += ll_utf8_decode(text + i, n - i, &cp);
        if (cp == LL_UTF8_BAD) return false;
    }
    return true;
}

#endif
