/* Opens everything that a store's settings name. */
#include <time.h>

#include "shop/desk/desk_case.h"

static void set(desk_case *d, const char *key, const char *value) {
    SHOP_OK(llmcs_shop_set_setting(d->shop, key, value));
}

/* Makes a store whose settings name flows and a classifier, and closes it. */
static void make_store(desk_case *d, char head[TEMP_PATH_BYTES + 16]) {
    desk_case_make(d);
    llmcs_shop_classifier *classifier = llmcs_shop_classifier_slot_get(d->intents);
    snprintf(head, TEMP_PATH_BYTES + 16, "%s/intents.head", d->folder);
    SHOP_OK(llmcs_shop_classifier_save(classifier, head));
    llmcs_shop_classifier_free(&classifier);
    set(d, "llmcs.flows", "tests/data/desk/flows.json");
    set(d, "llmcs.intents", head);
    set(d, "llmcs.order_pattern", "PL[0-9]{4}");
    set(d, "llmcs.wording", "templates");
    set(d, "llmcs.now", "1794830400");
    llmcs_shop_free(&d->shop);
}

static void say_to(desk_case *d, llmcs_shop_service *service, const char *conversation, const char *text) {
    d->desk = llmcs_shop_service_desk(service);
    (void)say_as(d, conversation, "anna", text);
    d->desk = NULL;
}

START_TEST(three_lines) {
    desk_case d;
    char head[TEMP_PATH_BYTES + 16];
    llmcs_shop_service *service = NULL;
    make_store(&d, head);
    SHOP_OK(llmcs_shop_service_open(d.path, NULL, &service));
    ck_assert(llmcs_shop_service_shop(service) && llmcs_shop_service_guard(service) &&
              llmcs_shop_service_intents(service));
    say_to(&d, service, "c1", "where is my order PL1002");
    HAS(d.turn->reply, "on its way");
    ck_assert_str_eq(d.turn->verdict, "ALLOW");
    ck_assert_str_eq(shop_value(d.path, "SELECT time FROM turns"), "1794830400");
    ck_assert_str_eq(shop_value(d.path, "SELECT text FROM turns"), "where is my order <ORDER_1>");
    llmcs_shop_service_free(&service);
    desk_case_close(&d);
}
END_TEST

START_TEST(options_replace_settings) {
    desk_case d;
    char head[TEMP_PATH_BYTES + 16];
    llmcs_shop_service *service = NULL;
    llmcs_shop_service_options o;
    llmcs_shop_desk_options desk;
    make_store(&d, head);
    llmcs_shop_service_options_init(&o);
    llmcs_shop_desk_options_init(&desk);
    desk.flows_json = "{\"format\":1,\"languages\":[\"en\"],\"texts\":{\"ask_back\":{\"en\":\"Pardon?\"}}}";
    o.desk = &desk;
    SHOP_OK(llmcs_shop_service_open(d.path, &o, &service));
    say_to(&d, service, "c1", "zxcv bnm lkjh");
    ck_assert_str_eq(d.turn->reply, "Pardon?");
    llmcs_shop_service_free(&service);
    desk_case_close(&d);
}
END_TEST

static int warnings;
static void count_warning(void *user, llmcs_log_level level, const char *message) {
    (void)user;
    (void)message;
    warnings += level >= LLMCS_LOG_WARN;
}

START_TEST(missing_parts_are_named_or_left_out) {
    static const char *const keys[] = {"llmcs.encoder", "llmcs.intents", "llmcs.sentiment", "llmcs.moderation",
                                       "llmcs.tagger",  "llmcs.flows",   "llmcs.wording",   "llmcs.reader"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        desk_case d;
        char head[TEMP_PATH_BYTES + 16];
        llmcs_shop_service *service = NULL;
        llmcs_shop_service_options o;
        make_store(&d, head);
        d.shop = open_shop(d.path, 0);
        set(&d, keys[i], "/nowhere/at/all");
        llmcs_shop_free(&d.shop);
        SHOP_FAILS(llmcs_shop_service_open(d.path, NULL, &service), LLMCS_IO, "/nowhere/at/all");
        ck_assert(!service);
        llmcs_shop_service_options_init(&o);
        o.lenient = 1;
        o.log = count_warning;
        warnings = 0;
        SHOP_OK(llmcs_shop_service_open(d.path, &o, &service));
        ck_assert_int_ge(warnings, 1);
        say_to(&d, service, "c1", "What does shipping cost?");
        HAS(d.turn->reply, "10 CNY");
        llmcs_shop_service_free(&service);
        desk_case_close(&d);
    }
}
END_TEST

/* A reader with the labels of something else: named, or left out by a lenient service. */
START_TEST(a_reader_of_other_labels) {
    desk_case d;
    char head[TEMP_PATH_BYTES + 16];
    llmcs_shop_service *service = NULL;
    llmcs_shop_service_options o;
    make_store(&d, head);
    d.shop = open_shop(d.path, 0);
    set(&d, "llmcs.reader", "examples/models/review-bert");
    llmcs_shop_free(&d.shop);
    SHOP_FAILS(llmcs_shop_service_open(d.path, NULL, &service), LLMCS_CONFIG, "none of its 2 labels (\"negative\"");
    llmcs_shop_service_options_init(&o);
    o.lenient = 1;
    o.log = count_warning;
    warnings = 0;
    SHOP_OK(llmcs_shop_service_open(d.path, &o, &service));
    ck_assert_int_eq(warnings, 1);
    say_to(&d, service, "c1", "where is my order PL1002");
    HAS(d.turn->reply, "on its way");
    llmcs_shop_service_free(&service);
    desk_case_close(&d);
}
END_TEST

START_TEST(promoted_versions_are_followed) {
    desk_case d;
    char head[TEMP_PATH_BYTES + 16];
    llmcs_shop_service *service = NULL;
    llmcs_shop_example rows[16];
    llmcs_shop_classifier *other = NULL;
    llmcs_shop_promote_params promote;
    int32_t version = 0;
    make_store(&d, head);
    SHOP_OK(llmcs_shop_service_open(d.path, NULL, &service));
    say_to(&d, service, "c1", "when do you open");
    ck_assert_str_eq(d.turn->flow, "hours");
    /* Another version of the intents has two classes and sends this message elsewhere. */
    for (size_t i = 0; i < 16; i++)
        rows[i] = (llmcs_shop_example){i % 2 ? "when do you open" : "where is my parcel", LLMCS_NUL,
                                       i % 2 ? "thanks" : "track_order"};
    SHOP_OK(llmcs_shop_classifier_train(rows, 16, NULL, &other));
    llmcs_shop_promote_params_init(&promote);
    promote.unproven = 1;
    SHOP_OK(llmcs_shop_put_model(llmcs_shop_service_shop(service), "intents", other, &version));
    SHOP_OK(llmcs_shop_promote(llmcs_shop_service_shop(service), "intents", version, &promote));
    llmcs_shop_classifier_free(&other);
    for (int i = 0; i < 40 && strcmp(d.turn->flow, "thanks") != 0; i++) {
        const struct timespec pause = {0, 100000000};
        nanosleep(&pause, NULL);
        say_to(&d, service, "c2", "when do you open");
    }
    ck_assert_str_eq(d.turn->flow, "thanks");
    llmcs_shop_service_free(&service);
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 60);
    tcase_add_test(t, three_lines);
    tcase_add_test(t, options_replace_settings);
    tcase_add_test(t, missing_parts_are_named_or_left_out);
    tcase_add_test(t, a_reader_of_other_labels);
    tcase_add_test(t, promoted_versions_are_followed);
}

SUITE_MAIN("shop/desk/service", add)
