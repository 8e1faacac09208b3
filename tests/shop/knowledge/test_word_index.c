/* Texts in memory against FTS5: the same candidates with the same bits, while entries come and go in another handle on
 * the same store. */
#include <stdlib.h>

#include "shop/knowledge/follow.h"
#include "shop/knowledge/fts_tokens.h"
#include "shop/knowledge/word_index.h"
#include "shop/store/shop_case.h"
#include "support/model_fixture.h"

static char folder[TEMP_PATH_BYTES], encoder_folder[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 16];
static llmcs_model *encoder;
static uint64_t seed;

static void setup(void) {
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
    text_bert_folder("bert-embed", encoder_folder);
    encoder = open_model(encoder_folder, 1);
    seed = 20261129;
    printf("seed %llu\n", (unsigned long long)seed);
}

static void teardown(void) {
    llmcs_model_free(&encoder);
    temp_remove(encoder_folder);
    temp_remove(folder);
}

static size_t below(size_t n) { return random_below(&seed, n); }

/* Words of all kinds, among them some that FTS5 cuts otherwise than we do: a middle dot, a combining mark, Cyrillic. */
static const char *const words[] = {"return",
                                    "returns",
                                    "the",
                                    "hat",
                                    "hats",
                                    "of",
                                    "cost",
                                    "12.50",
                                    "1,299",
                                    "how",
                                    "退货",
                                    "运费",
                                    "多少",
                                    "可以",
                                    "的",
                                    "发票",
                                    "ｆｕｌｌ",
                                    "e\xcc\x81t\xcc\x83q",
                                    "コーヒー・豆",
                                    "ガ",
                                    "Привет",
                                    "straße",
                                    "don't",
                                    "größe",
                                    "한국어",
                                    "PL26",
                                    "😀",
                                    "a",
                                    ("\xe2\x83\x9d"
                                     "x"),
                                    "々"};
enum { N_WORDS = sizeof words / sizeof *words };

static void make_text(char *out, size_t capacity, size_t most) {
    size_t n = 0;
    for (size_t i = 1 + below(most); i-- > 0;)
        n += (size_t)snprintf(out + n, capacity - n, "%s%s", below(3) ? " " : "", words[below(N_WORDS)]);
}

static llmcs_shop *open_with(uint32_t flags, size_t index_bytes) {
    llmcs_shop_options o;
    llmcs_shop *shop = NULL;
    llmcs_shop_options_init(&o);
    o.flags = flags;
    o.encoder = encoder;
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    SHOP_OK(shop_limit_texts_in_memory(shop, index_bytes, SHOP_ENTRY_TEXTS_BYTES));
    return shop;
}

static void put_random(llmcs_shop *shop) {
    static const char *const langs[] = {"en", "zh", ""}, *const all_tags[] = {"a", "b", "退", "c d"};
    char id[16], answer[400], questions[4][200];
    const char *list[4], *tags[2];
    const size_t n = 1 + below(4), n_tags = below(3);
    snprintf(id, sizeof id, "e%zu", below(40));
    make_text(answer, sizeof answer, 20);
    for (size_t i = 0; i < n; i++) make_text(questions[i], sizeof questions[i], 7), list[i] = questions[i];
    for (size_t i = 0; i < n_tags; i++) tags[i] = all_tags[below(4)];
    const llmcs_shop_entry e = {.struct_size = sizeof e,
                                .id = id,
                                .lang = langs[below(3)],
                                .questions = list,
                                .n_questions = n,
                                .answer = answer,
                                .tags = tags,
                                .n_tags = n_tags,
                                .valid_from = below(4) ? 0 : 1000 + (int64_t)below(10),
                                .valid_until = below(4) ? 0 : 2000 + (int64_t)below(10)};
    const llmcs_shop_entry *one[] = {&e};
    size_t stored = 0;
    SHOP_OK(llmcs_shop_put_entries(shop, one, 1, NULL, NULL, &stored));
}

static void check_double(double a, double b) {
#ifdef __x86_64__
    ck_assert_msg(!memcmp(&a, &b, sizeof a), "%a is not %a", a, b);
#else /* SQLite may be compiled with a fused product and sum */
    ck_assert_double_eq_tol(a, b, 1e-9);
#endif
}

static void check_same(const llmcs_shop_answer *a, const llmcs_shop_answer *b) {
    ck_assert_int_eq(a->route, b->route);
    ck_assert_str_eq(a->text, b->text);
    check_double(a->probability, b->probability);
    ck_assert_uint_eq(a->n_candidates, b->n_candidates);
    for (size_t i = 0; i < a->n_candidates; i++) {
        const llmcs_shop_candidate *x = a->candidates[i], *y = b->candidates[i];
        ck_assert_str_eq(x->id, y->id);
        ck_assert_str_eq(x->lang, y->lang);
        ck_assert_str_eq(x->question, y->question);
        ck_assert_str_eq(x->answer, y->answer);
        ck_assert_int_eq(x->version, y->version);
        check_double(x->score, y->score);
        check_double((double)x->bm25, (double)y->bm25);
        check_double((double)x->fused, (double)y->fused);
        check_double((double)x->cosine, (double)y->cosine);
    }
}

static void ask_both(llmcs_shop *memory, llmcs_shop *fts, size_t *n_found) {
    static const char *const tags[] = {"b", "退"};
    char question[200];
    llmcs_shop_ask_params p;
    llmcs_shop_answer *a = NULL, *b = NULL;
    make_text(question, sizeof question, 8);
    llmcs_shop_ask_params_init(&p);
    p.k = 20;
    p.now = 1 + (int64_t)below(3000);
    p.lang = below(2) ? NULL : "zh";
    p.tags = tags;
    p.n_tags = below(3);
    const uint32_t legs[] = {0, LLMCS_ASK_WORDS_ONLY, LLMCS_ASK_VECTORS_ONLY};
    p.flags = legs[below(encoder ? 3 : 2)];
    SHOP_OK(llmcs_shop_ask(memory, question, LLMCS_NUL, &p, &a));
    SHOP_OK(llmcs_shop_ask(fts, question, LLMCS_NUL, &p, &b));
    check_same(a, b);
    *n_found += a->n_candidates;
    llmcs_shop_answer_free(&a);
    llmcs_shop_answer_free(&b);
}

static void compare_handles(int rounds) {
    llmcs_shop *fts = open_with(LLMCS_SHOP_CREATE, 0), *memory = open_with(0, SHOP_WORD_INDEX_BYTES);
    size_t n_found = 0;
    for (int round = 0; round < rounds; round++) {
        for (size_t i = below(4); i-- > 0;) put_random(below(2) ? fts : memory);
        if (!below(4)) {
            char id[16];
            snprintf(id, sizeof id, "e%zu", below(40));
            SHOP_OK(llmcs_shop_retire_entry(below(2) ? fts : memory, id, below(2) ? "en" : NULL, NULL));
        }
        for (int i = 0; i < 3; i++) ask_both(memory, fts, &n_found);
    }
    ck_assert_uint_gt(n_found, (size_t)rounds);
    /* The comparison is of the two ways, not of one with itself. */
    ck_assert(shop_word_index_begin(shop_words_in_memory(memory)));
    shop_word_index_end(shop_words_in_memory(memory));
    ck_assert(!shop_word_index_begin(shop_words_in_memory(fts)));
    llmcs_shop_free(&memory);
    llmcs_shop_free(&fts);
}

START_TEST(memory_answers_as_fts5_does) { compare_handles(150 / (int)suite_step(3)); }
END_TEST

START_TEST(memory_answers_as_fts5_does_without_an_encoder) {
    llmcs_model_free(&encoder);
    compare_handles(200 / (int)suite_step(4));
}
END_TEST

/* A vector that comes later, from another handle. */
START_TEST(vectors_that_are_made_later_count) {
    llmcs_model *kept = encoder;
    size_t n_found = 0;
    encoder = NULL;
    llmcs_shop *plain = open_with(LLMCS_SHOP_CREATE, SHOP_WORD_INDEX_BYTES);
    for (int i = 0; i < 30; i++) put_random(plain);
    encoder = kept;
    llmcs_shop *memory = open_with(0, SHOP_WORD_INDEX_BYTES), *fts = open_with(0, 0);
    for (int i = 0; i < 5; i++) ask_both(memory, fts, &n_found);
    SHOP_OK(llmcs_shop_update_vectors(fts, NULL, NULL));
    for (int i = 0; i < 10; i++) ask_both(memory, fts, &n_found);
    ck_assert_uint_gt(n_found, 15);
    llmcs_shop_free(&memory);
    llmcs_shop_free(&fts);
    llmcs_shop_free(&plain);
}
END_TEST

/* A limit that is reached while the store grows: FTS5 goes on. */
START_TEST(a_store_beyond_the_limit_is_searched_by_fts5) {
    llmcs_shop *fts = open_with(LLMCS_SHOP_CREATE, 0), *memory = open_with(0, 120000);
    size_t n_found = 0;
    for (int i = 0; i < 4; i++) put_random(fts);
    ask_both(memory, fts, &n_found);
    ck_assert(!shop_word_index_begin(shop_words_in_memory(memory))); /* one question alone is FTS5's */
    ask_both(memory, fts, &n_found);
    ck_assert(shop_word_index_begin(shop_words_in_memory(memory)));
    shop_word_index_end(shop_words_in_memory(memory));
    for (int i = 0; i < 60; i++) put_random(memory);
    for (int i = 0; i < 10; i++) ask_both(memory, fts, &n_found);
    ck_assert(!shop_word_index_begin(shop_words_in_memory(memory)));
    llmcs_shop_free(&memory);
    llmcs_shop_free(&fts);
}
END_TEST

/* Following fails at every allocation; the next question is answered. */
START_TEST(following_without_memory_leaves_a_sound_index) {
    llmcs_shop_options o;
    llmcs_shop *shop = NULL, *other;
    fail_alloc fail;
    fail_alloc_init(&fail);
    const llmcs_allocator failing = fail_alloc_get(&fail);
    llmcs_model_free(&encoder);
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    o.allocator = &failing;
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    other = open_with(0, 0);
    for (size_t at = 0; at < 400; at += 1 + at / 16) {
        llmcs_shop_answer *a = NULL;
        size_t n_found = 0;
        put_random(other);
        fail.fail_at = atomic_load(&fail.calls) + (long)at;
        const llmcs_status status = llmcs_shop_ask(shop, "return the hat 退货", LLMCS_NUL, NULL, &a);
        fail.fail_at = -1;
        ck_assert(!status || status == LLMCS_NOMEM);
        llmcs_shop_answer_free(&a);
        ask_both(shop, other, &n_found);
    }
    llmcs_shop_free(&shop);
    llmcs_shop_free(&other);
    ck_assert_int_eq(atomic_load(&fail.live), 0);
}
END_TEST

typedef struct tokens {
    char text[400];
} tokens;

static llmcs_status append_token(void *user, const char *token, size_t len) {
    tokens *t = user;
    strncat(t->text, token, len);
    strcat(t->text, "|");
    return LLMCS_OK;
}

START_TEST(tokens_are_those_of_fts5) {
    llmcs_shop *shop = open_with(LLMCS_SHOP_CREATE, 0);
    shop_connection *c;
    shop_fts_tokens *t;
    SHOP_OK(shop_read_begin(shop, &c));
    SHOP_OK(shop_fts_tokens_create(&shop->allocator, c, &t));
    for (size_t i = 0; i < N_WORDS; i++) {
        tokens found = {{0}};
        char own[100];
        SHOP_OK(shop_fts_tokens_of(t, words[i], strlen(words[i]), append_token, &found));
        snprintf(own, sizeof own, "%s|", words[i]);
        if (shop_fts_is_token(words[i], strlen(words[i]))) ck_assert_str_eq(found.text, own);
    }
    ck_assert(shop_fts_is_token("return12", 8));
    ck_assert(shop_fts_is_token("退货", 6));
    ck_assert(!shop_fts_is_token("Return", 6) && !shop_fts_is_token("・", 3) && !shop_fts_is_token("", 0));
    shop_fts_tokens_free(&t);
    shop_read_end(shop, c);
    llmcs_shop_free(&shop);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, memory_answers_as_fts5_does);
    tcase_add_test(tests, memory_answers_as_fts5_does_without_an_encoder);
    tcase_add_test(tests, vectors_that_are_made_later_count);
    tcase_add_test(tests, a_store_beyond_the_limit_is_searched_by_fts5);
    tcase_add_test(tests, following_without_memory_leaves_a_sound_index);
    tcase_add_test(tests, tokens_are_those_of_fts5);
}

SUITE_MAIN("shop/knowledge/test_word_index", add_tests)
