/* What the tests of generation share: opening golden folders, and a tokenizer for them. */
#ifndef TESTS_RUNTIME_GENERATE_CASE_H
#define TESTS_RUNTIME_GENERATE_CASE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llmcs.h"
#include "support/suite.h"
#include "support/temp.h"

#define TINY "tests/data/golden/gpt2-tiny" /* 257 tokens, EOS 0, context 64 */
#define TINY_CONTEXT 64
#define TINY_VOCAB 257

/* Check writes a line for every assertion it passes: loops test first. */
#define OK(call)                                                                                                 \
    do {                                                                                                         \
        llmcs_status ok_status_ = (call);                                                                        \
        if (ok_status_) ck_abort_msg("%s: %s: %s", #call, llmcs_status_name(ok_status_), llmcs_error_message()); \
    } while (0)

/* The call fails with `expected`, and the message has `part`. */
#define FAILS(expected, part, call)                                                                               \
    do {                                                                                                          \
        llmcs_status fails_status_ = (call);                                                                      \
        ck_assert_msg(fails_status_ == (expected), "%s: %s, not %s: %s", #call, llmcs_status_name(fails_status_), \
                      llmcs_status_name(expected), llmcs_error_message());                                        \
        ck_assert_msg(strstr(llmcs_error_message(), part), "message \"%s\" lacks \"%s\"", llmcs_error_message(),  \
                      part);                                                                                      \
    } while (0)

static inline llmcs_model *open_with(const char *folder, int n_threads, const llmcs_allocator *allocator) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = n_threads;
    options.allocator = allocator;
    llmcs_model *model = NULL;
    OK(llmcs_model_open(folder, &options, &model));
    return model;
}

static inline llmcs_session *new_session(llmcs_model *model) {
    llmcs_session *session = NULL;
    OK(llmcs_session_create(model, NULL, &session));
    return session;
}

static inline llmcs_generate_params defaults(int32_t max_new_tokens) {
    llmcs_generate_params p;
    llmcs_generate_params_init(&p, NULL);
    p.max_new_tokens = max_new_tokens;
    return p;
}

static inline llmcs_result *generate_ids(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                         const llmcs_generate_params *params) {
    llmcs_result *result = NULL;
    OK(llmcs_generate_ids(session, ids, n_ids, params, NULL, NULL, &result));
    return result;
}

static inline void same_sequence(const llmcs_sequence *a, const llmcs_sequence *b) {
    ck_assert_uint_eq(a->n_ids, b->n_ids);
    ck_assert_mem_eq(a->ids, b->ids, a->n_ids * sizeof *a->ids);
    ck_assert_mem_eq(&a->score, &b->score, sizeof a->score);
    ck_assert_int_eq(a->finish_reason, b->finish_reason);
    ck_assert_uint_eq(a->text_bytes, b->text_bytes);
    ck_assert_mem_eq(a->text, b->text, a->text_bytes + 1);
}

static inline void same_result(const llmcs_result *a, const llmcs_result *b) {
    ck_assert_uint_eq(a->n_sequences, b->n_sequences);
    for (size_t i = 0; i < a->n_sequences; i++) same_sequence(a->sequences[i], b->sequences[i]);
}

/* ---- a folder of its own with gpt2-tiny and a tokenizer: <|endoftext|> and the 256 bytes, no merges */

/* GPT-2's alphabet (Radford et al. 2019, byte-level BPE): printable Latin-1 stands for itself, the other bytes for
 * U+0100 and on, in order. */
static inline unsigned byte_symbol(unsigned byte) {
    unsigned next = 256;
    for (unsigned b = 0; b < 256; b++) {
        bool plain = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
        if (b == byte) return plain ? b : next;
        next += !plain;
    }
    return 0;
}

/* Copies gpt2-tiny's file `name`. */
static inline void copy_file(const char *name, const char *folder) {
    char command[3 * TEMP_PATH_BYTES];
    snprintf(command, sizeof command, "cp '" TINY "/%.32s' '%.250s/' && chmod u+w '%.250s/%.32s'", name, folder, folder,
             name);
    ck_assert_int_eq(system(command), 0);
}

static inline void write_byte_vocabulary(const char *folder) {
    FILE *f = fopen(temp_path(folder, "vocab.json"), "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "{\"<|endoftext|>\": 0");
    for (unsigned byte = 0; byte < 256; byte++) fprintf(f, ", \"\\u%04x\": %u", byte_symbol(byte), byte + 1);
    fprintf(f, "}\n");
    fclose(f);
    temp_write_text(folder, "merges.txt", "#version: 0.2\n");
}

/* Removed with temp_remove. */
static inline void make_text_folder(char folder[TEMP_PATH_BYTES]) {
    temp_folder(folder);
    copy_file("config.json", folder);
    copy_file("model.safetensors", folder);
    write_byte_vocabulary(folder);
}

#endif
