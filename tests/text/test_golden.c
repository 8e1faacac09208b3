/* Ids equal to Hugging Face's, on the vocabularies of GPT-2 and BERT where they are at hand. */
#include "support/shared.h"
#include "support/suite.h"
#include "text/folders.h"
#include "text/golden.h"

typedef struct column {
    const llmcs_tokenizer *tokenizer;
    const char *name;
    size_t n_compared;
} column;

static void compare(void *user, size_t line, ll_json object) {
    column *c = user;
    ll_json expected = ll_json_get(object, c->name);
    if (ll_json_get_type(expected) == LL_JSON_MISSING) return;
    size_t len, n_want, n_got = 0;
    const char *text = ll_json_string(ll_json_get(object, "text"), &len);
    int32_t *want = golden_ids(expected, &n_want), *got = malloc((len + 8) * sizeof *got);
    ck_assert_msg(llmcs_encode(c->tokenizer, text, len, NULL, 0, NULL, got, NULL, NULL, len + 8, &n_got) == LLMCS_OK,
                  "line %zu: %s", line, llmcs_error_message());
    size_t at = 0;
    while (at < n_want && at < n_got && want[at] == got[at]) at++;
    ck_assert_msg(at == n_want && at == n_got,
                  "%s, line %zu, token %zu: %d, expected %d (%zu tokens, expected %zu): %.*s", c->name, line, at,
                  at < n_got ? got[at] : -1, at < n_want ? want[at] : -1, n_got, n_want, (int)len, text);
    c->n_compared++;
    free(want);
    free(got);
}

static void compare_folder(const char *folder, const char *name, const char *golden) {
    llmcs_tokenizer *t = NULL;
    ck_assert_msg(llmcs_tokenizer_open(folder, NULL, &t) == LLMCS_OK, "%s", llmcs_error_message());
    column c = {t, name, 0};
    golden_each(golden, compare, &c);
    ck_assert_uint_gt(c.n_compared, 400);
    llmcs_tokenizer_free(&t);
    ck_assert_ptr_null(t);
}

static const char *const NAMES[] = {"gpt2", "bert-base-uncased", "bert-base-chinese"};

START_TEST(tokenizer_json_gives_the_golden_ids) {
    char golden[500], folder[500], part[100];
    snprintf(part, sizeof part, "tokenizers/%s", NAMES[_i]);
    if (!shared_path(golden, sizeof golden, "tokenizers/golden.jsonl") || !shared_path(folder, sizeof folder, part)) {
        suite_skip(NAMES[_i], "the shared vocabularies are not at hand");
        return;
    }
    compare_folder(folder, NAMES[_i], golden);
}
END_TEST

START_TEST(the_older_files_give_the_golden_ids) {
    char golden[500], shared[500], part[100], folder[TEMP_PATH_BYTES];
    snprintf(part, sizeof part, "tokenizers/%s", NAMES[_i]);
    if (!shared_path(golden, sizeof golden, "tokenizers/golden.jsonl") || !shared_path(shared, sizeof shared, part)) {
        suite_skip(NAMES[_i], "the shared vocabularies are not at hand");
        return;
    }
    folder_link_older(shared, folder);
    compare_folder(folder, NAMES[_i], golden);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, tokenizer_json_gives_the_golden_ids, 0, 3);
    tcase_add_loop_test(t, the_older_files_give_the_golden_ids, 0, 3);
}

SUITE_MAIN("text/golden", add)
