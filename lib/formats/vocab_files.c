/* vocab.txt and merges.txt. */
#include <string.h>

#include "base/utf8.h"
#include "formats/tokenizer_read.h"

typedef struct lines {
    const ll_spec_file *file;
    size_t at;
    uint32_t number; /* of the line last read, from 1 */
} lines;

static llmcs_status fail_line(const lines *l, const char *problem) {
    return ll_fail(LLMCS_TOKENIZER, "%s, line %u: %s", l->file->path, l->number, problem);
}

/* The next line without its line ending (LF or CR LF); false at the end of the file. */
static bool next_line(lines *l, const char **line, size_t *len) {
    const char *data = l->file->data;
    if (l->at >= l->file->data_bytes) return false;
    const char *end = memchr(data + l->at, '\n', l->file->data_bytes - l->at);
    *line = data + l->at;
    *len = end ? (size_t)(end - *line) : l->file->data_bytes - l->at;
    l->at += *len + 1;
    if (*len && (*line)[*len - 1] == '\r') --*len;
    if (l->number == 0 && *len >= 3 && !memcmp(*line, "\xef\xbb\xbf", 3)) { /* an editor's byte order mark */
        *line += 3;
        *len -= 3;
    }
    l->number++;
    return true;
}

static llmcs_status check_line(const lines *l, const char *line, size_t len) {
    if (memchr(line, 0, len)) return fail_line(l, "holds a NUL byte");
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        i += ll_utf8_decode(line + i, len - i, &cp);
        if (cp == LL_UTF8_BAD) return fail_line(l, "is not UTF-8");
    }
    return LLMCS_OK;
}

static size_t count_lines(const ll_spec_file *file) {
    lines l = {file, 0, 0};
    const char *line;
    size_t len;
    while (next_line(&l, &line, &len)) {
    }
    return l.number;
}

/* One token per line; its id is the line number from 0. A token that occurs twice has its last id, as in Transformers'
 * load_vocab. */
llmcs_status ll_read_vocab_txt(ll_tokenizer_spec *spec, const ll_spec_file *file) {
    lines l = {file, 0, 0};
    const char *line;
    size_t len, n = count_lines(file);
    spec->model = LL_TOKEN_WORDPIECE;
    spec->path = file->path;
    spec->last_of_equals = true;
    if (n >= INT32_MAX) return ll_fail(LLMCS_LIMIT, "%s: %zu tokens", file->path, n);
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->vocab, "vocabulary", &spec->vocab));
    while (next_line(&l, &line, &len)) {
        LL_TRY(check_line(&l, line, len));
        spec->vocab[spec->n_vocab] = (ll_vocab_entry){line, (uint32_t)len, (int32_t)spec->n_vocab};
        spec->n_vocab++;
    }
    return LLMCS_OK;
}

/* Two tokens per line with one space between them. A first line "#version..." is a heading; the file may end with empty
 * lines. */
llmcs_status ll_read_merges_txt(ll_tokenizer_spec *spec, const ll_spec_file *file) {
    lines l = {file, 0, 0};
    const char *line;
    size_t len, n = count_lines(file), n_empty = 0;
    spec->model = LL_TOKEN_BPE;
    spec->merges_path = file->path;
    spec->merges_line = 1;
    LL_TRY(ll_arena_alloc(&spec->arena, n, sizeof *spec->merges, "merges", &spec->merges));
    while (next_line(&l, &line, &len)) {
        LL_TRY(check_line(&l, line, len));
        if (l.number == 1 && len >= 8 && memcmp(line, "#version", 8) == 0) {
            spec->merges_line = 2;
            continue;
        }
        if (len == 0) {
            n_empty++;
            continue;
        }
        if (n_empty) return fail_line(&l, "a merge after an empty line");
        const char *space = memchr(line, ' ', len);
        size_t left = space ? (size_t)(space - line) : 0;
        if (left == 0 || left + 1 == len || memchr(space + 1, ' ', len - left - 1))
            return fail_line(&l, "two tokens with one space between them are expected");
        spec->merges[spec->n_merges++] = (ll_merge){line, space + 1, (uint32_t)left, (uint32_t)(len - left - 1)};
    }
    return LLMCS_OK;
}
