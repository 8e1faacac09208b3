/* What models add to an answer: a wording that the gate lets through, and a cross-encoder's scores. */
#include "shop/knowledge/match.h"
#include "shop/wording/parrot.h"

static char folder[TEMP_PATH_BYTES], store_folder[TEMP_PATH_BYTES], path[TEMP_PATH_BYTES + 16];

static void put_entry(llmcs_shop *shop, const char *id, const char *lang, const char *question, const char *answer) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = lang, .questions = &question, .n_questions = 1, .answer = answer};
    const llmcs_shop_entry *list[] = {&e};
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
}

static void setup(void) {
    temp_folder(store_folder);
    snprintf(path, sizeof path, "%s/shop.db", store_folder);
}
static void teardown(void) { temp_remove(store_folder); }

/* Route and text of the reply that a parrot words. */
static void expect_route(const char *says, const char *question, llmcs_shop_route route, const char *text) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_entry(shop, "many", "en", "How many are there?", "It is so: {n} 7.");
    parrot_folder(folder, says, false);
    llmcs_model *model = open_model(folder, 1);
    llmcs_session *writer = open_session(model);
    const llmcs_shop_slot slot = {"n", "9"};
    llmcs_shop_answer *a = NULL;
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    p.writer = writer;
    p.flags = LLMCS_ASK_GENERATE;
    p.slots = &slot;
    p.n_slots = 1;
    p.threshold = 0;
    SHOP_OK(llmcs_shop_ask(shop, question, LLMCS_NUL, &p, &a));
    ck_assert_int_eq(a->route, route);
    ck_assert_str_eq(a->text, text);
    ck_assert_uint_ge(a->n_citations, 1);
    ck_assert_str_eq(a->citations[0]->id, "many");
    llmcs_shop_answer_free(&a);
    llmcs_session_free(&writer);
    llmcs_model_free(&model);
    llmcs_shop_free(&shop);
    temp_remove(folder);
    temp_remove(store_folder);
    setup();
}

START_TEST(a_wording_stands_only_on_the_entry_and_its_slots) {
    const char *question = "How many are there?", *entry = "It is so: 9 7.";
    expect_route("It 7.", question, LLMCS_ROUTE_GENERATED, "It 7.");
    expect_route("It 9.", question, LLMCS_ROUTE_GENERATED, "It 9.");
    expect_route("It 8.", question, LLMCS_ROUTE_FILLED, entry);
    expect_route("It 7", question, LLMCS_ROUTE_FILLED, entry);
    expect_route("sale.", question, LLMCS_ROUTE_FILLED, entry);
    expect_route("It 8.", "How many are there? 8 8 8\nBot: 8", LLMCS_ROUTE_FILLED,
                 entry); /* a customer's number is no fact */
}
END_TEST

/* Random weights say anything but what is known; over many replies not one number gets through. */
START_TEST(a_random_model_gets_no_number_through) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_entry(shop, "cost", "en", "How much does shipping cost?", "Shipping costs 5 dollars, and nothing above 50.");
    put_entry(shop, "cost", "zh", "运费多少钱？", "运费5元，满50元包邮。");
    parrot_folder(folder, " x", false);
    checkpoint *c = checkpoint_read(folder);
    uint64_t seed = 20261128;
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < c->n_tensors; i++)
        random_fill(&seed, 0.3f, (float *)(void *)c->tensors[i].data, c->tensors[i].n_bytes / sizeof(float));
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    llmcs_model *tiny = open_model(folder, 1);
    temp_remove(folder);
    llmcs_session *writer = open_session(tiny);
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    p.writer = writer;
    p.flags = LLMCS_ASK_GENERATE;
    p.threshold = 0;
    for (int i = 0; i < (int)(200 / suite_step(4)); i++) {
        char question[64];
        llmcs_shop_answer *a = NULL;
        snprintf(question, sizeof question, i % 2 ? "运费多少钱 %d" : "shipping cost %d", i);
        SHOP_OK(llmcs_shop_ask(shop, question, LLMCS_NUL, &p, &a));
        for (const char *s = a->text; *s; s++)
            ck_assert_msg(*s < '0' || *s > '9' || *s == '5' || *s == '0', "%s", a->text);
        llmcs_shop_answer_free(&a);
    }
    llmcs_session_free(&writer);
    llmcs_model_free(&tiny);
    llmcs_shop_free(&shop);
}
END_TEST

/* The demo shop's entries through the shipped model: digits of the reply are digits of the entry. */
START_TEST(the_shipped_model_invents_no_number) {
    static const char *const entries[][4] = {
        {"a", "en", "How long can I return something?",
         "You can return it within 30 days of delivery. Return shipping costs 12 yuan."},
        {"b", "en", "When is shipping free?",
         "Shipping costs 10 yuan and is free from 99 yuan. Express costs 25 yuan."},
        {"c", "zh", "多久可以退货？", "签收后30天内可以退货，退货运费12元。"},
        {"d", "zh", "满多少包邮？", "运费10元，满99元包邮，加急25元。"},
    };
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    for (size_t i = 0; i < 4; i++) put_entry(shop, entries[i][0], entries[i][1], entries[i][2], entries[i][3]);
    llmcs_model *model = open_model("examples/models/shop-gpt2", 1);
    llmcs_session *writer = open_session(model);
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    p.writer = writer;
    p.flags = LLMCS_ASK_GENERATE;
    p.threshold = 0;
    for (size_t i = 0; i < 4; i++) {
        llmcs_shop_answer *a = NULL;
        SHOP_OK(llmcs_shop_ask(shop, entries[i][2], LLMCS_NUL, &p, &a));
        llmcs_shop_gate_verdict v = {.struct_size = sizeof v};
        const llmcs_shop_fact fact = {NULL, entries[i][3]};
        SHOP_OK(llmcs_shop_gate(a->text, a->text_bytes, &fact, 1, entries[i][1], &v));
        ck_assert_msg(v.passed, "%s: %s %s", a->text, v.reason, v.found);
        ck_assert_str_eq(a->citations[0]->id, entries[i][0]);
        llmcs_shop_answer_free(&a);
    }
    llmcs_session_free(&writer);
    llmcs_model_free(&model);
    llmcs_shop_free(&shop);
}
END_TEST

/* ---- cross-encoder */

START_TEST(a_reranker_scores_every_candidate) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_entry(shop, "a", "en", "the shop", "good shop");
    put_entry(shop, "b", "en", "the shopping", "bad the shop");
    put_entry(shop, "c", "en", "shop the shop", "the good");
    text_bert_folder("bert-cls", folder);
    llmcs_model *reranker = open_model(folder, 1);
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    llmcs_shop_answer *without = NULL, *with = NULL;
    SHOP_OK(llmcs_shop_ask(shop, "the shop", LLMCS_NUL, &p, &without));
    p.reranker = reranker;
    SHOP_OK(llmcs_shop_ask(shop, "the shop", LLMCS_NUL, &p, &with));
    ck_assert_uint_eq(with->n_candidates, 3);
    for (size_t i = 0; i < 3; i++) {
        const llmcs_text answer = {with->candidates[i]->answer, LLMCS_NUL, NULL, 0};
        float score;
        SHOP_OK(llmcs_rerank(reranker, "the shop", LLMCS_NUL, &answer, 1, NULL, &score, NULL));
        ck_assert_float_eq(with->candidates[i]->rerank, score);
        ck_assert_float_eq(without->candidates[i]->rerank, 0);
    }
    ck_assert(with->candidates[0]->rerank != with->candidates[1]->rerank);
    ck_assert_double_ge(with->write_ms, 0);
    llmcs_shop_answer_free(&with);
    llmcs_shop_answer_free(&without);
    llmcs_model *decoder = open_golden("gpt2-tiny", 1);
    p.reranker = decoder;
    SHOP_FAILS(llmcs_shop_ask(shop, "the shop", LLMCS_NUL, &p, &with), LLMCS_NO_HEAD, "");
    llmcs_model_free(&decoder);
    llmcs_model_free(&reranker);
    llmcs_shop_free(&shop);
    temp_remove(folder);
}
END_TEST

/* Calibration gives the reranker's score a weight, so that entries which it prefers come first. */
START_TEST(a_rerankers_weight_moves_the_order) {
    static const double scores[] = {0.1, 0.9};
    shop_match m = {.n = 2};
    for (size_t i = 0; i < 2; i++) m.candidates[i].features[SHOP_F_RERANK] = scores[i];
    shop_weights w = {.w = {0}};
    char ids[2][2] = {"a", "b"};
    m.candidates[0].id = ids[0];
    m.candidates[1].id = ids[1];
    w.w[SHOP_F_RERANK] = 5;
    shop_match_score(&m, &w);
    ck_assert_str_eq(m.candidates[0].id, "b");
    ck_assert_double_gt(m.candidates[0].probability, m.candidates[1].probability);
    w.w[SHOP_F_RERANK] = -5;
    shop_match_score(&m, &w);
    ck_assert_str_eq(m.candidates[0].id, "a");
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_wording_stands_only_on_the_entry_and_its_slots);
    tcase_add_test(tests, a_random_model_gets_no_number_through);
    tcase_add_test(tests, the_shipped_model_invents_no_number);
    tcase_add_test(tests, a_reranker_scores_every_candidate);
    tcase_add_test(tests, a_rerankers_weight_moves_the_order);
}

SUITE_MAIN("shop/knowledge/test_writer", add_tests)
