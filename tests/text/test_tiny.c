/* Our own vocabularies, the small ones and those of the demo models, against what Hugging Face's implementation gives
 * for them (tests/data/tokenizers): ids, pairs with type ids, special tokens in the text, decoding; from tokenizer.json
 * and from the older files. */
#include "support/suite.h"
#include "text/folders.h"
#include "text/golden.h"

#define DATA "tests/data/tokenizers/"

static const char *const NAMES[] = {"tiny-gpt2", "tiny-roberta", "tiny-bert-uncased", "tiny-bert-cased"};
#define N_NAMES ((int)(sizeof NAMES / sizeof *NAMES))

typedef struct run {
    const llmcs_tokenizer *tokenizer;
    const char *name;
    size_t n_pairs, n_decoded;
} run;

static void compare_ids(const run *r, size_t line, const char *what, ll_json expected, const int32_t *got, size_t n) {
    size_t n_want, at = 0;
    int32_t *want = golden_ids(expected, &n_want);
    while (at < n_want && at < n && want[at] == got[at]) at++;
    ck_assert_msg(at == n_want && at == n, "%s, line %zu, %s, number %zu: %d, expected %d (%zu, expected %zu)", r->name,
                  line, what, at, at < n ? got[at] : -1, at < n_want ? want[at] : -1, n, n_want);
    free(want);
}

#define CAPACITY 4096

static void check_encode(const run *r, size_t line, ll_json object, const char *key, const char *pair_key,
                         uint32_t flags) {
    llmcs_encode_params p;
    llmcs_encode_params_init(&p);
    bool special = false;
    ll_json_bool(ll_json_get(object, "special"), &special);
    p.flags = flags | (special ? LLMCS_PARSE_SPECIAL : 0);
    int32_t ids[CAPACITY], types[CAPACITY];
    size_t len, pair_len = 0, n;
    const char *text = ll_json_string(ll_json_get(object, "text"), &len);
    const char *pair = pair_key ? ll_json_string(ll_json_get(object, pair_key), &pair_len) : NULL;
    ck_assert_msg(llmcs_encode(r->tokenizer, text, len, pair, pair_len, &p, ids, types, NULL, CAPACITY, &n) == LLMCS_OK,
                  "%s, line %zu: %s", r->name, line, llmcs_error_message());
    compare_ids(r, line, key, ll_json_get(object, key), ids, n);
    ll_json want_types = ll_json_get(object, "pair_types");
    if (pair && ll_json_count(want_types)) compare_ids(r, line, "pair_types", want_types, types, n);
}

static void check_decode(run *r, size_t line, ll_json object, const char *key, uint32_t flags) {
    char got[CAPACITY];
    size_t n_ids, n, len;
    const char *want = ll_json_string(ll_json_get(object, key), &len);
    if (!want) return;
    int32_t *ids = golden_ids(ll_json_get(object, "ids"), &n_ids);
    ck_assert_int_eq(llmcs_decode(r->tokenizer, ids, n_ids, flags, got, CAPACITY, &n), LLMCS_OK);
    ck_assert_msg(n == len && !memcmp(got, want, n), "%s, line %zu, %s: \"%.*s\", expected \"%.*s\"", r->name, line,
                  key, (int)n, got, (int)len, want);
    free(ids);
    r->n_decoded++;
}

static void check_line(void *user, size_t line, ll_json object) {
    run *r = user;
    check_encode(r, line, object, "ids", NULL, LLMCS_ADD_SPECIAL_TOKENS);
    check_encode(r, line, object, "plain", NULL, 0);
    if (ll_json_get_type(ll_json_get(object, "pair")) == LL_JSON_STRING) {
        check_encode(r, line, object, "pair_ids", "pair", LLMCS_ADD_SPECIAL_TOKENS);
        r->n_pairs++;
    }
    check_decode(r, line, object, "decoded", 0);
    check_decode(r, line, object, "skipped", LLMCS_SKIP_SPECIAL);
    check_decode(r, line, object, "cleaned", LLMCS_SKIP_SPECIAL | LLMCS_CLEAN_UP_SPACES);
}

/* golden: name of the file in tests/data/tokenizers without .jsonl. */
static void check_folder(const char *folder, const char *name) {
    char golden[200];
    llmcs_tokenizer *t;
    ck_assert_msg(llmcs_tokenizer_open(folder, NULL, &t) == LLMCS_OK, "%s", llmcs_error_message());
    run r = {t, name, 0, 0};
    snprintf(golden, sizeof golden, DATA "%s.jsonl", name);
    ck_assert_uint_gt(golden_each(golden, check_line, &r), 100);
    bool byte_level_only = !strstr(name, "bert"); /* roberta, too, has a template */
    if (!byte_level_only) ck_assert_uint_gt(r.n_pairs, 20);
    ck_assert_uint_gt(r.n_decoded, 300);
    llmcs_tokenizer_free(&t);
}

START_TEST(tokenizer_json_gives_the_golden_ids_and_texts) {
    char folder[200];
    snprintf(folder, sizeof folder, DATA "%s", NAMES[_i]);
    check_folder(folder, NAMES[_i]);
}
END_TEST

START_TEST(the_older_files_give_the_same) {
    char from[200], folder[TEMP_PATH_BYTES];
    snprintf(from, sizeof from, DATA "%s", NAMES[_i]);
    folder_link_older(from, folder);
    check_folder(folder, NAMES[_i]);
    temp_remove(folder);
}
END_TEST

START_TEST(the_demo_models_give_the_golden_ids_and_texts) {
    static const char *const demos[] = {"shop-gpt2", "review-bert", "shop-encoder"};
    char folder[200], vocabulary[300], golden[100];
    snprintf(folder, sizeof folder, "examples/models/%s", demos[_i]);
    snprintf(vocabulary, sizeof vocabulary, "%s/tokenizer.json", folder);
    snprintf(golden, sizeof golden, "demo-%s", demos[_i]);
    if (access(vocabulary, R_OK) != 0) {
        suite_skip(demos[_i], "the demo model is not in this tree");
        return;
    }
    check_folder(folder, golden);
}
END_TEST

START_TEST(without_a_template_a_pair_is_one_text_behind_the_other) {
    llmcs_tokenizer *t;
    int32_t ids[CAPACITY], types[CAPACITY], first[CAPACITY], second[CAPACITY];
    size_t n, n_first, n_second;
    ck_assert_int_eq(llmcs_tokenizer_open(DATA "tiny-gpt2", NULL, &t), LLMCS_OK);
    const char *a = "Where is my order?", *b = "亲,您的包裹";
    ck_assert_int_eq(llmcs_encode(t, a, LLMCS_NUL, b, LLMCS_NUL, NULL, ids, types, NULL, CAPACITY, &n), LLMCS_OK);
    ck_assert_int_eq(llmcs_encode(t, a, LLMCS_NUL, NULL, 0, NULL, first, NULL, NULL, CAPACITY, &n_first), LLMCS_OK);
    ck_assert_int_eq(llmcs_encode(t, b, LLMCS_NUL, NULL, 0, NULL, second, NULL, NULL, CAPACITY, &n_second), LLMCS_OK);
    ck_assert_uint_eq(n, n_first + n_second);
    ck_assert_mem_eq(ids, first, n_first * sizeof *ids);
    ck_assert_mem_eq(ids + n_first, second, n_second * sizeof *ids);
    for (size_t i = 0; i < n; i++) ck_assert_int_eq(types[i], i >= n_first);
    llmcs_tokenizer_free(&t);
}
END_TEST

/* "SKU" is an added token of tiny-gpt2 that only counts as a word of its own: \w on neither side. */
START_TEST(a_single_word_token_is_not_found_within_words) {
    static const struct {
        const char *text;
        int n_found;
    } cases[] = {{"SKU", 1},       {"SKU-1 (SKU)", 2}, {"SKUs", 0},      {"XSKU", 0},           {"SKU_2", 0},
                 {"SKU\u0301", 0}, {"\u4e00SKU", 0},   {" SKU SKU ", 2}, {"\U0001F600SKU!", 1}, {"SKU5", 0}};
    llmcs_tokenizer *t;
    ck_assert_int_eq(llmcs_tokenizer_open(DATA "tiny-gpt2", NULL, &t), LLMCS_OK);
    int32_t sku = llmcs_token_to_id(t, "SKU", 3), ids[CAPACITY];
    ck_assert_int_ge(sku, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        int found = 0;
        ck_assert_int_eq(llmcs_encode(t, cases[i].text, LLMCS_NUL, NULL, 0, NULL, ids, NULL, NULL, CAPACITY, &n),
                         LLMCS_OK);
        for (size_t k = 0; k < n; k++) found += ids[k] == sku;
        ck_assert_msg(found == cases[i].n_found, "\"%s\": %d, expected %d", cases[i].text, found, cases[i].n_found);
    }
    llmcs_tokenizer_free(&t);
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, tokenizer_json_gives_the_golden_ids_and_texts, 0, N_NAMES);
    tcase_add_loop_test(t, the_older_files_give_the_same, 0, N_NAMES);
    tcase_add_loop_test(t, the_demo_models_give_the_golden_ids_and_texts, 0, 3);
    tcase_add_test(t, a_single_word_token_is_not_found_within_words);
    tcase_add_test(t, without_a_template_a_pair_is_one_text_behind_the_other);
}

SUITE_MAIN("text/tiny", add)
