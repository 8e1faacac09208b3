/* Reads a file of texts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "formats/json.h"

static bool wrong(const char *path, const char *what) {
    fprintf(stderr, "llmcs-bench: %s: %s\n", path, what);
    return false;
}

static char *read_file(const char *path, size_t *n_bytes) {
    FILE *f = fopen(path, "rb");
    long n = -1;
    char *bytes = NULL;
    if (f && !fseek(f, 0, SEEK_END)) n = ftell(f);
    if (n >= 0 && !fseek(f, 0, SEEK_SET)) bytes = malloc((size_t)n + 1);
    if (bytes && fread(bytes, 1, (size_t)n, f) != (size_t)n) {
        free(bytes);
        bytes = NULL;
    }
    if (!bytes) wrong(path, strerror(errno));
    if (f) fclose(f);
    *n_bytes = (size_t)n;
    return bytes;
}

/* The lines that are not empty; `lines` may be NULL to count them. */
static size_t find_lines(const char *bytes, size_t n_bytes, llmcs_text *lines) {
    size_t n = 0;
    for (size_t at = 0; at < n_bytes;) {
        const char *end = memchr(bytes + at, '\n', n_bytes - at);
        const size_t length = end ? (size_t)(end - bytes) - at : n_bytes - at;
        if (length && lines) lines[n] = (llmcs_text){.text = bytes + at, .text_bytes = length};
        n += length > 0;
        at += length + 1;
    }
    return n;
}

/* Takes n of n_all texts, evenly spaced, because the file may be sorted, and shuffles them in a fixed order, so that
 * any part of them is representative. */
static void keep_some(llmcs_text *lines, size_t n_all, size_t n) {
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) lines[i] = lines[i * n_all / n];
    for (size_t i = n; i > 1; i--) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
        const size_t k = (state >> 8) % i;
        const llmcs_text line = lines[i - 1];
        lines[i - 1] = lines[k];
        lines[k] = line;
    }
}

/* The field "text" of a line of JSON. */
static bool read_field(encode_texts *t, const char *path, llmcs_text *line) {
    const llmcs_allocator a = ll_allocator_default();
    ll_json_doc *doc = NULL;
    if (ll_json_parse(&a, path, line->text, line->text_bytes, (uint64_t)(line->text - t->file), &doc))
        return wrong(path, llmcs_error_message());
    t->docs[t->n_docs++] = doc;
    line->text = ll_json_string(ll_json_get(ll_json_root(doc), "text"), &line->text_bytes);
    return line->text || wrong(path, "a line of JSON without \"text\"");
}

bool encode_texts_read(encode_texts *t, const char *path, size_t n) {
    size_t n_bytes;
    *t = (encode_texts){.file = read_file(path, &n_bytes)};
    if (!t->file) return false;
    const size_t n_all = find_lines(t->file, n_bytes, NULL);
    if (!n_all) return wrong(path, "no texts");
    t->texts = bench_memory(n_all * sizeof *t->texts);
    find_lines(t->file, n_bytes, t->texts);
    const bool json = t->texts[0].text[0] == '{';
    t->n = n < n_all ? n : n_all;
    keep_some(t->texts, n_all, t->n);
    t->docs = bench_memory(t->n * sizeof(ll_json_doc *));
    for (size_t i = 0; json && i < t->n; i++)
        if (!read_field(t, path, &t->texts[i])) return false;
    return true;
}

void encode_texts_free(encode_texts *t) {
    for (size_t i = 0; i < t->n_docs; i++) ll_json_free(&t->docs[i]);
    free(t->docs);
    free(t->texts);
    free(t->file);
    *t = (encode_texts){0};
}
