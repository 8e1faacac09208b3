/* Ids and decoded texts equal to Hugging Face's, on tokenizers of other families where they are at hand. */
#include "support/shared.h"
#include "support/suite.h"
#include "text/golden.h"

typedef struct column {
    const llmcs_tokenizer *tokenizer;
    const char *name;
    size_t n_compared;
} column;

static void compare_ids(const column *c, size_t line, const char *text, size_t len, const int32_t *want,
                        size_t n_want) {
    size_t n_got = 0, capacity = 4 * len + 64;
    int32_t *got = malloc(capacity * sizeof *got);
    ck_assert_msg(!llmcs_encode(c->tokenizer, text, len, NULL, 0, NULL, got, NULL, NULL, capacity, &n_got),
                  "line %zu: %s", line, llmcs_error_message());
    size_t at = 0;
    while (at < n_want && at < n_got && want[at] == got[at]) at++;
    ck_assert_msg(at == n_want && at == n_got,
                  "%s, line %zu, token %zu: %d, expected %d (%zu tokens, expected %zu): %.*s", c->name, line, at,
                  at < n_got ? got[at] : -1, at < n_want ? want[at] : -1, n_got, n_want, (int)len, text);
    free(got);
}

static void compare_text(const column *c, size_t line, ll_json want, const int32_t *ids, size_t n_ids) {
    size_t n_want, n_got, capacity = 1 << 20;
    const char *text = ll_json_string(want, &n_want);
    char *got = malloc(capacity);
    ck_assert_msg(!llmcs_decode(c->tokenizer, ids, n_ids, LLMCS_SKIP_SPECIAL, got, capacity, &n_got), "line %zu: %s",
                  line, llmcs_error_message());
    ck_assert_msg(n_got == n_want && !memcmp(got, text, n_want), "%s, line %zu: \"%.*s\", expected \"%.*s\"", c->name,
                  line, (int)n_got, got, (int)n_want, text);
    free(got);
}

static void compare(void *user, size_t line, ll_json object) {
    column *c = user;
    ll_json expected = ll_json_get(object, c->name);
    if (ll_json_get_type(expected) == LL_JSON_MISSING) return;
    size_t len, n_want;
    const char *text = ll_json_string(ll_json_get(object, "text"), &len);
    int32_t *want = golden_ids(ll_json_get(expected, "ids"), &n_want);
    compare_ids(c, line, text, len, want, n_want);
    compare_text(c, line, ll_json_get(expected, "decoded"), want, n_want);
    c->n_compared++;
    free(want);
}

static const struct {
    const char *name, *golden;
} COLUMNS[] = {
    {"albert-30k", "tokenizers/golden-families.jsonl"},  {"xlm-roberta-50k", "tokenizers/golden-families.jsonl"},
    {"mbart50-50k", "tokenizers/golden-families.jsonl"}, {"unigram-bytes-2k", "tokenizers/golden-families.jsonl"},
    {"t5-envit5", "tokenizers/golden-families.jsonl"},   {"qwen3", "tokenizers/golden-families.jsonl"},
    {"llama3_1", "tokenizers/golden-families.jsonl"},    {"marian-en-pt", "tokenizers/golden-marian.jsonl"},
};

START_TEST(tokenizers_give_the_golden_ids_and_texts) {
    char golden[500], folder[500], part[100];
    snprintf(part, sizeof part, "tokenizers/%s", COLUMNS[_i].name);
    if (!shared_path(golden, sizeof golden, COLUMNS[_i].golden) || !shared_path(folder, sizeof folder, part)) {
        suite_skip(COLUMNS[_i].name, "the shared vocabularies are not at hand");
        return;
    }
    llmcs_tokenizer *t = NULL;
    ck_assert_msg(llmcs_tokenizer_open(folder, NULL, &t) == LLMCS_OK, "%s", llmcs_error_message());
    column c = {t, COLUMNS[_i].name, 0};
    golden_each(golden, compare, &c);
    ck_assert_uint_gt(c.n_compared, 500);
    llmcs_tokenizer_free(&t);
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, tokenizers_give_the_golden_ids_and_texts, 0, (int)(sizeof COLUMNS / sizeof *COLUMNS));
}

SUITE_MAIN("text/golden_families", add)
