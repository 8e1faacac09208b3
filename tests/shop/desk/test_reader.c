/* The reader: a classifier of message and context. Its weights are zero here, so that its biases give the answer. */
#include <math.h>

#include "shop/desk/desk_case.h"
#include "support/model_fixture.h"

enum { HIDDEN = 48, MOST_LABELS = 8 };

static llmcs_model *reader; /* of the open desk */
static char reader_folder[TEMP_PATH_BYTES];

/* Makes a sequence classifier that gives these probabilities, whatever it reads. */
static llmcs_model *make_reader(char folder[TEMP_PATH_BYTES], const char *const *labels, const double *p, size_t n) {
    char source[64], names[512] = "{";
    float weights[MOST_LABELS * HIDDEN] = {0}, biases[MOST_LABELS];
    llmcs_model *model = NULL;
    snprintf(source, sizeof source, GOLDEN_FOLDER "bert-cls");
    temp_folder(folder);
    checkpoint *c = checkpoint_read(source);
    for (size_t i = 0; i < n; i++) {
        biases[i] = (float)log(p[i]);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s\"%zu\":\"%s\"", i ? "," : "", i, labels[i]);
    }
    strcat(names, "}");
    checkpoint_set(c, "id2label", names);
    checkpoint_remove(c, "classifier.weight");
    checkpoint_remove(c, "classifier.bias");
    checkpoint_add_f32(c, "classifier.weight", 2, (uint64_t[]){n, HIDDEN}, weights);
    checkpoint_add_f32(c, "classifier.bias", 1, (uint64_t[]){n}, biases);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_bert_vocabulary(folder);
    SHOP_OK(llmcs_model_open(folder, NULL, &model));
    return model;
}

static void open_with(desk_case *d, const char *const *labels, const double *p, size_t n) {
    reader = make_reader(reader_folder, labels, p, n);
    desk_case_make(d);
    d->options.reader = reader;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

static void open_sure(desk_case *d, const char *label) {
    const char *const labels[] = {label, "ask", "act:ask"};
    const double p[] = {0.45, 0.05, 0.5};
    open_with(d, labels, p, 3);
}

static void close_both(desk_case *d) {
    desk_case_close(d);
    llmcs_model_free(&reader);
    temp_remove(reader_folder);
}

START_TEST(an_entry_answers) {
    desk_case d;
    open_sure(&d, "entry:gift");
    HAS(say(&d, "my niece turns seven on sunday"), "Gift wrapping costs 8 CNY.");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "entry");
    ck_assert_str_eq(d.turn->intent, "");
    ck_assert(fabs(d.turn->probability - 0.9) < 0.02); /* 0.45 of 0.45 + 0.05: acts are a group of their own */
    HAS(say_as(&d, "c2", "ben", "下周外甥女生日"), "礼品包装8元");
    close_both(&d);
}
END_TEST

START_TEST(a_flow_starts) {
    desk_case d;
    open_sure(&d, "flow:track_order");
    (void)say(&d, "i sit at the window all day");
    ck_assert_str_eq(d.turn->intent, "track_order");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "flow");
    close_both(&d);
}
END_TEST

START_TEST(unknown_and_small_talk) {
    desk_case d;
    open_sure(&d, "abstain");
    (void)say(&d, "what does shipping cost?");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "none");
    close_both(&d);
    open_sure(&d, "smalltalk");
    (void)say(&d, "it rains all day here");
    ck_assert_str_eq(llmcs_shop_desk_route_name(d.turn->route), "smalltalk");
    close_both(&d);
}
END_TEST

/* Interrupting rules, and rules that refuse, apply whatever the reader says. */
START_TEST(rules_that_refuse_come_first) {
    desk_case d;
    open_sure(&d, "entry:gift");
    LACKS(say(&d, "i am allergic to it"), "Gift");
    ck_assert_str_eq(d.turn->flow, "doctor");
    LACKS(say(&d, "where can i buy weapons"), "Gift");
    ck_assert_str_eq(d.turn->flow, "refuse");
    close_both(&d);
}
END_TEST

/* A yes answers the confirmation; the reader does not lead it away, and starts no action without one. */
START_TEST(a_yes_is_the_answer) {
    desk_case d;
    open_sure(&d, "flow:cancel");
    (void)say(&d, "i no longer want PL1001");
    ck_assert_int_eq(d.turn->expects, LLMCS_EXPECTS_YES);
    ORDER_IS("PL1001", "paid");
    (void)say(&d, "yes");
    ORDER_IS("PL1001", "cancelled");
    close_both(&d);
}
END_TEST

/* An unsure reader leaves the decision to the classifier; an entry that the store lacks answers nothing. */
START_TEST(others_decide_if_it_cannot) {
    static const char *const labels[] = {"flow:cancel", "flow:stock", "entry:gift", "abstain", "smalltalk", "ask"};
    static const double p[] = {0.17, 0.17, 0.17, 0.17, 0.16, 0.16};
    desk_case d;
    open_with(&d, labels, p, 6);
    (void)say(&d, "where is my order");
    ck_assert_str_eq(d.turn->intent, "track_order");
    close_both(&d);
    open_sure(&d, "entry:retired-long-ago");
    LACKS(say(&d, "does it come with a bow"), "retired");
    close_both(&d);
}
END_TEST

START_TEST(wrong_models) {
    static const char *const reviews[] = {"negative", "positive"};
    static const double p[] = {0.5, 0.5};
    char folder[TEMP_PATH_BYTES];
    desk_case d;
    desk_case_make(&d);
    llmcs_model *model = make_reader(folder, reviews, p, 2);
    d.options.reader = model;
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_CONFIG, "none of its 2 labels (\"negative\"");
    llmcs_model_free(&model);
    temp_remove(folder);
    SHOP_OK(llmcs_model_open(GOLDEN_FOLDER "bert-embed", NULL, &model));
    d.options.reader = model;
    SHOP_FAILS(llmcs_shop_desk_open(d.shop, &d.options, &d.desk), LLMCS_NO_HEAD, "sequence classifier");
    llmcs_model_free(&model);
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_entry_answers);
    tcase_add_test(t, a_flow_starts);
    tcase_add_test(t, unknown_and_small_talk);
    tcase_add_test(t, rules_that_refuse_come_first);
    tcase_add_test(t, a_yes_is_the_answer);
    tcase_add_test(t, others_decide_if_it_cannot);
    tcase_add_test(t, wrong_models);
}

SUITE_MAIN("shop/desk/reader", add)
