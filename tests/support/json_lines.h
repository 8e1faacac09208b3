/* Files of one JSON object a line. */
#ifndef TESTS_SUPPORT_JSON_LINES_H
#define TESTS_SUPPORT_JSON_LINES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/json.h"
#include "support/suite.h"

typedef void (*golden_fn)(void *user, size_t line, ll_json object);

/* Calls fn for every line of the file; returns how many there were. */
static inline size_t golden_each(const char *path, golden_fn fn, void *user) {
    llmcs_allocator a = ll_allocator_default();
    char *data;
    size_t len, line = 0;
    ck_assert_msg(ll_file_read_all(&a, path, 1u << 30, &data, &len) == LLMCS_OK, "%s", llmcs_error_message());
    for (size_t at = 0; at < len;) {
        const char *end = memchr(data + at, '\n', len - at);
        size_t n = end ? (size_t)(end - data) - at : len - at;
        ll_json_doc *doc;
        line++;
        ck_assert_msg(ll_json_parse(&a, path, data + at, n, at, &doc) == LLMCS_OK, "%s", llmcs_error_message());
        fn(user, line, ll_json_root(doc));
        ll_json_free(&doc);
        at += n + 1;
    }
    ll_free(&a, data);
    return line;
}

#endif
