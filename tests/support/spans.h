/* The checkpoints and cases of tests/data/spans: what Transformers' pipelines find in texts. */
#ifndef TESTS_SUPPORT_SPANS_H
#define TESTS_SUPPORT_SPANS_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/suite.h"
#include "support/temp.h"

#define SPANS_FOLDER "tests/data/spans/"
#define SPANS_CASES SPANS_FOLDER "cases.jsonl"

static inline void spans_link(const char *from, const char *name, const char *folder) {
    char source[300], resolved[PATH_MAX];
    snprintf(source, sizeof source, "%s/%s", from, name);
    if (!realpath(source, resolved)) return; /* the other family's vocabulary */
    ck_assert_int_eq(symlink(resolved, temp_path(folder, name)), 0);
}

/* A folder with the checkpoint `model` and the tokenizer `tokenizer` of tests/data/tokenizers. */
static inline void spans_folder(const char *model, const char *tokenizer, char path[TEMP_PATH_BYTES]) {
    static const char *const files[] = {"vocab.txt", "vocab.json", "merges.txt", "tokenizer.json",
                                        "tokenizer_config.json"};
    char from[200];
    temp_folder(path);
    snprintf(from, sizeof from, SPANS_FOLDER "%s", model);
    spans_link(from, "config.json", path);
    spans_link(from, "model.safetensors", path);
    snprintf(from, sizeof from, "tests/data/tokenizers/%s", tokenizer);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) spans_link(from, files[i], path);
}

#endif
