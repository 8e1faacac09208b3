/* Knowledge entries: words, put, retire, versions, ask and its routes, calibration; English and Chinese. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "shop/knowledge/entry_texts.h"
#include "shop/knowledge/follow.h"
#include "shop/knowledge/match.h"
#include "shop/knowledge/words.h"
#include "shop/store/shop_case.h"
#include "support/model_fixture.h"

static char folder[TEMP_PATH_BYTES];
static char path[TEMP_PATH_BYTES + 16];

static void setup(void) {
    temp_folder(folder);
    snprintf(path, sizeof path, "%s/shop.db", folder);
}
static void teardown(void) { temp_remove(folder); }

/* ---- words */

static const char *words_of(const char *text, size_t n) {
    static char joined[4096];
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_words w;
    SHOP_OK(shop_words_make(&a, text, n, &w));
    snprintf(joined, sizeof joined, "%s", w.joined);
    shop_words_free(&w);
    return joined;
}

START_TEST(texts_become_words) {
    static const char *const cases[][2] = {
        {"", ""},
        {"Returned RETURNS return", "return return return "},
        {"退货", "退 退货 货 "},
        {"货", "货 "},
        {"退貨", "退 退货 货 "},
        {"我要退ABC货", "我 我要 要 要退 退 abc 货 "},
        {"Ｒｅｔｕｒｎ １２", "return 12 "},
        {"It's the shop's, isn’t it?", "it the shop isnt it "},
        {"costs 1,299.50 yuan", "cost 1299p50 yuan "},
        {"3.5.1 or 2.", "3p5p1 or 2 "},
        {"Größe café", "grösse café "},
        {"iphone7", "iphon 7 "},
        {"カタカナ", "カ カタ タ タカ カ カナ ナ "},
        {"--!?。，", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(words_of(cases[i][0], strlen(cases[i][0])), cases[i][1]);
    ck_assert_str_eq(words_of("a\xff"
                              "b",
                              3),
                     "a b ");
    ck_assert_str_eq(words_of("a\0b", 3), "a b ");
}
END_TEST

START_TEST(repeated_and_function_words_are_marked) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    shop_words w;
    const char *text = "the bag and the bag 的包";
    SHOP_OK(shop_words_make(&a, text, strlen(text), &w));
    static const bool repeated[] = {false, false, false, true, true, false, false, false},
                      function[] = {true, false, true, true, false, true, false, false};
    ck_assert_uint_eq(w.n, 8);
    for (size_t i = 0; i < w.n; i++) {
        ck_assert_int_eq(w.items[i].repeated, repeated[i]);
        ck_assert_int_eq(w.items[i].function_word, function[i]);
    }
    ck_assert_uint_eq(w.n_han, 2);
    shop_words_free(&w);
}
END_TEST

/* ---- entries */

static void put_entry(llmcs_shop *shop, const char *id, const char *lang, const char *question, const char *answer) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = lang, .questions = &question, .n_questions = 1, .answer = answer};
    const llmcs_shop_entry *list[] = {&e};
    size_t n = 0;
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, &n));
    ck_assert_uint_eq(n, 1);
}

static const char *const entries[][4] = {
    {"return", "en", "Can I return an item?", "You can return it within 30 days."},
    {"cost", "en", "How much does shipping cost?", "Shipping costs 5 dollars, and nothing above 50."},
    {"size", "en", "Which size fits me?", "Look at the size chart next to each picture."},
    {"pay", "en", "Which ways to pay are there?", "Credit card, bank transfer or invoice."},
    {"account", "en", "How do I delete my account?", "Choose Delete in your profile."},
    {"return", "zh", "可以退货吗？", "收货后30天内可以退货。"},
    {"cost", "zh", "运费多少钱？", "运费5元，满50元包邮。"},
    {"size", "zh", "尺码怎么选？", "请看图片旁边的尺码表。"},
    {"pay", "zh", "支持哪些付款方式？", "支持信用卡、银行转账和货到付款。"},
    {"account", "zh", "怎么注销账号？", "在个人资料里选择注销。"},
};
enum { N_ENTRIES = sizeof entries / sizeof *entries };

static llmcs_shop *shop_with_entries(llmcs_model *encoder) {
    llmcs_shop *shop = NULL;
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    o.encoder = encoder;
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    for (size_t i = 0; i < N_ENTRIES; i++) put_entry(shop, entries[i][0], entries[i][1], entries[i][2], entries[i][3]);
    return shop;
}

static llmcs_shop_answer *ask(llmcs_shop *shop, const char *text, const llmcs_shop_ask_params *params) {
    llmcs_shop_answer *answer = NULL;
    SHOP_OK(llmcs_shop_ask(shop, text, LLMCS_NUL, params, &answer));
    return answer;
}

/* "id lang" of the best candidate; valid until the next call. */
static const char *found(llmcs_shop *shop, const char *text, const llmcs_shop_ask_params *params) {
    static char id[64];
    llmcs_shop_answer *a = ask(shop, text, params);
    snprintf(id, sizeof id, "%s", "nothing");
    if (a->n_candidates) snprintf(id, sizeof id, "%s %s", a->candidates[0]->id, a->candidates[0]->lang);
    llmcs_shop_answer_free(&a);
    return id;
}

/* Answers of 20,000 characters, more of them than are kept: those in use stay as they are, the others are read again.
 */
START_TEST(texts_of_entries_are_kept_up_to_a_limit) {
    enum { N = 60, CHARS = 20000, LIMIT = 2 << 20 };
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    shop_entry_texts *first, *again, *last;
    shop_connection *c;
    char id[16], *answer = malloc(3 * CHARS + 1);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < CHARS; k++) memcpy(answer + 3 * k, k % 7 ? "货" : "退", 3);
        snprintf(id, sizeof id, "e%d", i);
        answer[3 * CHARS] = 0;
        put_entry(shop, id, "zh", "可以退货吗？", answer);
    }
    SHOP_OK(shop_limit_texts_in_memory(shop, 0, LIMIT));
    SHOP_OK(shop_read_begin(shop, &c));
    SHOP_OK(shop_entry_texts_acquire(shop, c, 1, 1, &first));
    ck_assert_uint_eq(first->n, 2);
    ck_assert_int_eq(first->items[0].position, 0);
    ck_assert_uint_eq(first->items[0].n, 3 * CHARS);
    ck_assert_uint_eq(first->items[0].n_words, 5); /* 退 退货 货 货货 货退 */
    SHOP_OK(shop_entry_texts_acquire(shop, c, 1, 1, &again));
    ck_assert_ptr_eq(first, again);
    shop_entry_texts_release(shop, again);
    for (int i = 2; i <= N; i++) {
        SHOP_OK(shop_entry_texts_acquire(shop, c, i, 1, &last));
        shop_entry_texts_release(shop, last);
    }
    ck_assert_uint_gt(N * first->bytes, LIMIT);
    SHOP_OK(shop_entry_texts_acquire(shop, c, 1, 1, &again));
    ck_assert_ptr_ne(first, again);
    ck_assert_str_eq(first->chars + first->items[0].begin, again->chars + again->items[0].begin);
    shop_entry_texts_release(shop, again);
    shop_entry_texts_release(shop, first);
    SHOP_OK(shop_entry_texts_acquire(shop, c, 1, 2, &again)); /* a version that is not there */
    ck_assert_uint_eq(again->n, 0);
    shop_entry_texts_release(shop, again);
    shop_read_end(shop, c);
    llmcs_shop_free(&shop);
    free(answer);
}
END_TEST

START_TEST(questions_find_their_entries_in_both_languages) {
    llmcs_shop *shop = shop_with_entries(NULL);
    ck_assert_str_eq(found(shop, "i want to RETURN something", NULL), "return en");
    ck_assert_str_eq(found(shop, "shipping costs?", NULL), "cost en");
    ck_assert_str_eq(found(shop, "deleting accounts", NULL), "account en");
    ck_assert_str_eq(found(shop, "退货", NULL), "return zh");
    ck_assert_str_eq(found(shop, "我想退掉这个货", NULL), "return zh");
    ck_assert_str_eq(found(shop, "请问付款有哪些方式呀", NULL), "pay zh");
    ck_assert_str_eq(found(shop, "码", NULL), "size zh");
    ck_assert_str_eq(found(shop, "注销", NULL), "account zh");
    ck_assert_str_eq(found(shop, "quantum", NULL), "nothing");
    ck_assert_str_eq(found(shop, "", NULL), "nothing");
    ck_assert_str_eq(found(shop, "\" * ( -\xff", NULL), "nothing");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(an_answer_cites_the_entry) {
    llmcs_shop *shop = shop_with_entries(NULL);
    llmcs_shop_answer *a = ask(shop, "How do I delete my account?", NULL);
    ck_assert_int_eq(a->route, LLMCS_ROUTE_ENTRY);
    ck_assert_str_eq(a->text, "Choose Delete in your profile.");
    ck_assert_double_ge(a->probability, a->threshold);
    ck_assert_uint_eq(a->n_citations, 1);
    const llmcs_shop_citation *c = a->citations[0];
    char text[100];
    size_t n;
    SHOP_OK(llmcs_shop_entry_text(shop, c->id, c->lang, c->version, c->text_index, text, sizeof text, &n));
    ck_assert_uint_eq(c->entry_end - c->entry_begin, c->reply_end - c->reply_begin);
    ck_assert_mem_eq(text + c->entry_begin, a->text + c->reply_begin, c->reply_end - c->reply_begin);
    double sum = 0;
    for (size_t i = 0; i < a->n_candidates; i++) sum += a->candidates[i]->probability;
    ck_assert_double_le(sum, 1 + 1e-12);
    llmcs_shop_answer_free(&a);
    ck_assert_ptr_null(a);
    a = ask(shop, "Do you sell horses?", NULL);
    ck_assert_int_eq(a->route, LLMCS_ROUTE_NONE);
    ck_assert_str_eq(a->text, "");
    ck_assert_uint_eq(a->n_citations, 0);
    llmcs_shop_answer_free(&a);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(old_versions_still_resolve) {
    char text[100];
    size_t n;
    llmcs_shop *shop = shop_with_entries(NULL);
    put_entry(shop, "return", "en", "Can I return an item?", "You can return it within 60 days.");
    put_entry(shop, "return", "en", "Can I return an item?", "You can return it within 60 days.");
    llmcs_shop_answer *a = ask(shop, "Can I return an item?", NULL);
    ck_assert_str_eq(a->text, "You can return it within 60 days.");
    ck_assert_int_eq(a->candidates[0]->version, 2); /* the third put changed nothing */
    llmcs_shop_answer_free(&a);
    SHOP_OK(llmcs_shop_entry_text(shop, "return", "en", 1, 0, text, sizeof text, &n));
    ck_assert_str_eq(text, "You can return it within 30 days.");
    SHOP_OK(llmcs_shop_entry_text(shop, "return", "en", 0, 0, text, sizeof text, &n));
    ck_assert_str_eq(text, "You can return it within 60 days.");
    ck_assert_int_eq(llmcs_shop_entry_text(shop, "return", "en", 1, 1, NULL, 0, &n), LLMCS_BUFFER);
    ck_assert_uint_eq(n, strlen("Can I return an item?"));
    SHOP_FAILS(llmcs_shop_entry_text(shop, "return", "en", 3, 0, text, sizeof text, &n), LLMCS_ARG, "version 3");
    SHOP_OK(llmcs_shop_retire_entry(shop, "return", "en", &n));
    ck_assert_uint_eq(n, 1);
    SHOP_OK(llmcs_shop_retire_entry(shop, "return", NULL, &n));
    ck_assert_uint_eq(n, 1);
    SHOP_OK(llmcs_shop_retire_entry(shop, "return", NULL, &n));
    ck_assert_uint_eq(n, 0);
    ck_assert_str_ne(found(shop, "可以退货吗？", NULL), "return zh");
    SHOP_OK(llmcs_shop_entry_text(shop, "return", "zh", 1, 0, text, sizeof text, &n));
    put_entry(shop, "return", "zh", "可以退货吗？", "可以。");
    ck_assert_str_eq(found(shop, "退货", NULL), "return zh");
    ck_assert_uint_eq(shop_info(shop).n_entries, N_ENTRIES - 1);
    llmcs_shop_free(&shop);
    /* what is counted is what is there */
    ck_assert_str_eq(shop_value(path, "SELECT sum(abs(n)) FROM word_counts WHERE word = '60'"), "0");
    ck_assert_str_eq(shop_value(path, "SELECT n FROM word_counts WHERE word = ''"),
                     "18"); /* nine entries with a question each */
    ck_assert_str_eq(shop_value(path, "SELECT count(*) FROM text_words"), "18");
}
END_TEST

START_TEST(entries_that_are_refused) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    const char *const questions[] = {"Where?", "", "W\x01"};
    const char *tags[] = {""};
    llmcs_shop_entry e[8];
    const llmcs_shop_entry *list[9] = {NULL};
    for (size_t i = 0; i < 8; i++) {
        e[i] = (llmcs_shop_entry){.struct_size = sizeof e[i],
                                  .id = "a",
                                  .lang = "en",
                                  .questions = questions,
                                  .n_questions = 1,
                                  .answer = "Here."};
        list[i] = &e[i];
    }
    e[1].id = "", e[2].n_questions = 0, e[3].n_questions = 2, e[4].questions = questions + 2, e[5].answer = NULL;
    e[6].valid_from = 5, e[6].valid_until = 5, e[7].tags = tags, e[7].n_tags = 1;
    refusal_text why = {""};
    size_t n;
    SHOP_OK(llmcs_shop_put_entries(shop, list, 9, keep_refusal, &why, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(why.text,
                     "1 ARG id is empty\n"
                     "2 ARG n_questions: 0 is not valid (1 to 64)\n"
                     "3 ARG question is empty\n"
                     "4 ARG question: byte 1 is a control character\n"
                     "5 ARG answer is missing\n"
                     "6 ARG valid_until: 5 is not after valid_from, 5\n"
                     "7 ARG tag is empty\n"
                     "8 ARG entry is NULL\n");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(dates_and_tags_filter) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    const char *question = "Is there a sale?", *tag = "sale", *other = "other";
    llmcs_shop_entry e = {.struct_size = sizeof e,
                          .id = "may",
                          .lang = "en",
                          .questions = &question,
                          .n_questions = 1,
                          .answer = "In May.",
                          .tags = &tag,
                          .n_tags = 1,
                          .valid_from = 1000,
                          .valid_until = 2000};
    const llmcs_shop_entry *list[] = {&e};
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
    e.id = "june", e.valid_from = 2000, e.valid_until = 0, e.tags = &other;
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    static const struct {
        int64_t now;
        const char *expected;
    } cases[] = {{999, "nothing"}, {1000, "may en"}, {1999, "may en"}, {2000, "june en"}, {99999, "june en"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        p.now = cases[i].now;
        ck_assert_str_eq(found(shop, question, &p), cases[i].expected);
    }
    p.tags = &tag, p.n_tags = 1;
    ck_assert_str_eq(found(shop, question, &p), "nothing");
    p.now = 1500;
    ck_assert_str_eq(found(shop, question, &p), "may en");
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(slots_are_filled_or_requested) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_entry(shop, "where", "en", "Where is my order?", "Order {order_id} is {status}. {x y} {} stay.");
    put_entry(shop, "where", "zh", "我的订单在哪里？", "订单{order_id}：{status}。");
    const llmcs_shop_slot slots[] = {{"order_id", "A-17"}, {"status", "运输中"}};
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    p.slots = slots, p.n_slots = 2;
    p.threshold = 0;
    llmcs_shop_answer *a = ask(shop, "Where is my order?", &p);
    ck_assert_int_eq(a->route, LLMCS_ROUTE_FILLED);
    ck_assert_str_eq(a->text, "Order A-17 is 运输中. {x y} {} stay.");
    ck_assert_uint_eq(a->n_citations, 3);
    for (size_t i = 0; i < a->n_citations; i++)
        ck_assert_mem_eq(a->text + a->citations[i]->reply_begin,
                         a->candidates[0]->answer + a->citations[i]->entry_begin,
                         a->citations[i]->reply_end - a->citations[i]->reply_begin);
    llmcs_shop_answer_free(&a);
    p.n_slots = 1;
    a = ask(shop, "我的订单在哪里？", &p);
    ck_assert_int_eq(a->route, LLMCS_ROUTE_ASK_BACK);
    ck_assert_str_eq(a->missing_slot, "status");
    ck_assert_str_eq(a->text, "请提供：status");
    ck_assert_uint_eq(a->n_citations, 0);
    llmcs_shop_answer_free(&a);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(two_close_entries_are_both_offered) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    put_entry(shop, "a", "en", "Can I return shoes?", "Shoes within 30 days.");
    put_entry(shop, "b", "en", "Can I return hats?", "Hats within 10 days.");
    put_entry(shop, "c", "en", "Which invoices do you write?", "Paper ones.");
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    llmcs_shop_answer *a = ask(shop, "Can I return?", &p);
    p.threshold = a->candidates[0]->probability + a->candidates[1]->probability - 1e-9;
    llmcs_shop_answer_free(&a);
    a = ask(shop, "Can I return?", &p);
    ck_assert_int_eq(a->route, LLMCS_ROUTE_ASK_BACK);
    ck_assert_uint_eq(a->n_citations, 2);
    ck_assert_ptr_nonnull(strstr(a->text, "Can I return shoes?"));
    ck_assert_ptr_nonnull(strstr(a->text, "Can I return hats?"));
    ck_assert_uint_eq(a->citations[0]->text_index, 1);
    ck_assert_double_ge(a->probability, p.threshold);
    llmcs_shop_answer_free(&a);
    llmcs_shop_free(&shop);
}
END_TEST

START_TEST(arguments_that_are_not_valid) {
    llmcs_shop *shop = open_shop(path, LLMCS_SHOP_CREATE);
    llmcs_shop_answer *a = (llmcs_shop_answer *)1;
    llmcs_shop_ask_params p;
    SHOP_FAILS(llmcs_shop_ask(NULL, "a", 1, NULL, &a), LLMCS_ARG, "shop is NULL");
    ck_assert_ptr_null(a);
    SHOP_FAILS(llmcs_shop_ask(shop, NULL, 0, NULL, &a), LLMCS_ARG, "text is NULL");
    SHOP_FAILS(llmcs_shop_ask(shop, "a", 65537, NULL, &a), LLMCS_LIMIT, "65537");
    SHOP_FAILS(llmcs_shop_ask(shop, "a", 1, NULL, NULL), LLMCS_ARG, "answer is NULL");
#define REFUSED(field, value, words) \
    llmcs_shop_ask_params_init(&p);  \
    p.field = value;                 \
    SHOP_FAILS(llmcs_shop_ask(shop, "a", 1, &p, &a), LLMCS_ARG, words)
    REFUSED(k, 0, "k: 0 is not valid (1 to 20)");
    REFUSED(k, 21, "k: 21");
    REFUSED(threshold, 1.5, "threshold: 1.5");
    REFUSED(threshold, (double)NAN, "threshold");
    REFUSED(flags, 0x100, "flags: 0x100");
    REFUSED(flags, LLMCS_ASK_WORDS_ONLY | LLMCS_ASK_VECTORS_ONLY, "exclude");
    REFUSED(flags, LLMCS_ASK_VECTORS_ONLY, "needs an encoder");
    REFUSED(flags, LLMCS_ASK_CHOOSE, "writer");
    REFUSED(lang, "e!", "language tag");
    REFUSED(n_slots, 1, "slots is NULL");
    REFUSED(n_tags, 1, "tags is NULL");
    REFUSED(struct_size, 1, "struct_size");
    llmcs_shop_free(&shop);
}
END_TEST

/* ---- vectors */

START_TEST(vectors_are_found_followed_and_made_anew) {
    char model_folder[TEMP_PATH_BYTES];
    text_bert_folder("bert-embed", model_folder);
    llmcs_model *encoder = open_model(model_folder, 1);
    llmcs_shop *shop = shop_with_entries(encoder), *other = NULL;
    ck_assert_uint_eq(shop_info(shop).n_vectors, 2 * N_ENTRIES);
    llmcs_shop_ask_params p;
    llmcs_shop_ask_params_init(&p);
    p.flags = LLMCS_ASK_VECTORS_ONLY;
    llmcs_shop_answer *a = ask(shop, "How do I delete my account?", &p);
    ck_assert_str_eq(a->candidates[0]->id, "account");
    ck_assert_float_ge(a->candidates[0]->cosine, 0.999f);
    llmcs_shop_answer_free(&a);
    /* another handle writes: this one follows */
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.encoder = encoder;
    SHOP_OK(llmcs_shop_open(path, &o, &other));
    put_entry(other, "hat", "en", "do you sell a hat", "yes");
    a = ask(shop, "do you sell a hat", &p);
    ck_assert_str_eq(a->candidates[0]->id, "hat");
    llmcs_shop_answer_free(&a);
    SHOP_OK(llmcs_shop_retire_entry(other, "hat", NULL, NULL));
    a = ask(shop, "do you sell a hat", &p);
    for (size_t i = 0; i < a->n_candidates; i++) ck_assert_str_ne(a->candidates[i]->id, "hat");
    llmcs_shop_answer_free(&a);
    llmcs_shop_free(&other);
    /* vectors that are lost are made anew */
    shop_sql(path, "DELETE FROM vectors");
    SHOP_OK(llmcs_shop_update_vectors(shop, NULL, NULL));
    ck_assert_uint_eq(shop_info(shop).n_vectors, 2 * N_ENTRIES);
    llmcs_shop_free(&shop);
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    ck_assert_str_eq(found(shop, "How do I delete my account?", &p), "account en");
    llmcs_shop_free(&shop);
    /* a damaged vector is named */
    shop_sql(path, "UPDATE vectors SET vector = x'0011'");
    SHOP_OK(llmcs_shop_open(path, &o, &shop));
    SHOP_FAILS(llmcs_shop_ask(shop, "a", 1, NULL, &a), LLMCS_FORMAT, "a vector has 2 bytes");
    llmcs_shop_free(&shop);
    /* without an encoder, words alone answer */
    shop = open_shop(path, 0);
    ck_assert_str_eq(found(shop, "delete account", NULL), "account en");
    SHOP_FAILS(llmcs_shop_update_vectors(shop, NULL, NULL), LLMCS_STATE, "without an encoder");
    llmcs_shop_free(&shop);
    llmcs_model_free(&encoder);
    temp_remove(model_folder);
}
END_TEST

/* ---- calibration */

START_TEST(calibration_learns_and_is_kept) {
    llmcs_shop *shop = shop_with_entries(NULL);
    llmcs_shop_labelled questions[3 * N_ENTRIES];
    static const char *const unanswerable[] = {"Do you sell horses?", "Who is your boss?", "你们老板是谁？",
                                               "有没有飞机卖？"};
    llmcs_shop_calibration c = {.struct_size = sizeof c};
    llmcs_shop_calibrate_params p;
    size_t n = 0;
    for (size_t i = 0; i < N_ENTRIES; i++) {
        questions[n++] = (llmcs_shop_labelled){entries[i][2], NULL, entries[i][0]};
        questions[n++] = (llmcs_shop_labelled){entries[i][3], entries[i][1], entries[i][0]};
        questions[n++] = (llmcs_shop_labelled){unanswerable[i % 4], NULL, NULL};
    }
    llmcs_shop_calibrate_params_init(&p);
    p.leave_one_out = 0;
    SHOP_FAILS(llmcs_shop_calibrate(shop, questions, 10, &p, NULL), LLMCS_ARG, "10 questions to learn from");
    SHOP_OK(llmcs_shop_calibrate(shop, questions, n, &p, &c));
    ck_assert_uint_eq(c.n_questions, n);
    ck_assert_uint_eq(c.n_answerable, 2 * N_ENTRIES);
    ck_assert_double_eq(c.accuracy, 1);
    ck_assert_double_ge(c.precision, 0.95);
    ck_assert_double_ge(c.coverage, 0.9);
    llmcs_shop_free(&shop);
    shop = open_shop(path, 0);
    llmcs_shop_answer *a = ask(shop, "How do I delete my account?", NULL);
    ck_assert_double_eq(a->threshold, c.threshold);
    ck_assert_int_eq(a->route, LLMCS_ROUTE_ENTRY);
    const double probability = a->probability;
    llmcs_shop_answer_free(&a);
    /* one that is damaged is not used */
    SHOP_OK(llmcs_shop_set_setting(shop, "llmcs.calibration.words", "[1e999, 2"));
    a = ask(shop, "How do I delete my account?", NULL);
    ck_assert_double_ne(a->probability, probability);
    llmcs_shop_answer_free(&a);
    SHOP_OK(llmcs_shop_calibrate(shop, questions, n, &p, &c));
    a = ask(shop, "How do I delete my account?", NULL);
    ck_assert_double_eq(a->probability, probability);
    llmcs_shop_answer_free(&a);
    p.leave_one_out = 1;
    SHOP_OK(llmcs_shop_calibrate(shop, NULL, 0, &p, &c)); /* one of each entry */
    ck_assert_uint_eq(c.n_questions, 2 * N_ENTRIES);
    const char *const two[] = {"How do I delete my account?", "Can I erase my profile?"};
    llmcs_shop_entry e = {
        .struct_size = sizeof e, .lang = "en", .questions = two, .n_questions = 2, .answer = "In your profile."};
    const llmcs_shop_entry *list[] = {&e};
    for (int i = 0; i < 8; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%d", i);
        e.id = id;
        SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
    }
    SHOP_OK(llmcs_shop_calibrate(shop, NULL, 0, &p, &c));
    ck_assert_uint_eq(c.n_questions, 2 * 10 + 3 * 16);
    ck_assert_uint_eq(c.n_answerable, 10 + 2 * 16);
    llmcs_shop_free(&shop);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, texts_become_words);
    tcase_add_test(t, repeated_and_function_words_are_marked);
    tcase_add_test(t, questions_find_their_entries_in_both_languages);
    tcase_add_test(t, an_answer_cites_the_entry);
    tcase_add_test(t, old_versions_still_resolve);
    tcase_add_test(t, entries_that_are_refused);
    tcase_add_test(t, dates_and_tags_filter);
    tcase_add_test(t, slots_are_filled_or_requested);
    tcase_add_test(t, two_close_entries_are_both_offered);
    tcase_add_test(t, texts_of_entries_are_kept_up_to_a_limit);
    tcase_add_test(t, arguments_that_are_not_valid);
    tcase_add_test(t, vectors_are_found_followed_and_made_anew);
    tcase_add_test(t, calibration_learns_and_is_kept);
}

SUITE_MAIN("shop/knowledge/knowledge", add)
