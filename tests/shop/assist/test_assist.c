/* Suggestions in conversations: three that differ, from entries, past replies and a model; their outcomes. */
#include <stdlib.h>

#include "llmcs_shop_guard.h"
#include "shop/store/shop_case.h"

typedef struct store_case {
    char folder[TEMP_PATH_BYTES];
    char path[TEMP_PATH_BYTES + 16];
    llmcs_shop *shop;
    llmcs_shop_guard *guard;
    llmcs_shop_assistant *assistant;
} store_case;

static void put_entry(llmcs_shop *shop, const char *id, const char *lang, const char *question, const char *answer) {
    const llmcs_shop_entry e = {
        .struct_size = sizeof e, .id = id, .lang = lang, .questions = &question, .n_questions = 1, .answer = answer};
    const llmcs_shop_entry *list[] = {&e};
    SHOP_OK(llmcs_shop_put_entries(shop, list, 1, NULL, NULL, NULL));
}

/* A conversation as the desk leaves it. */
static const char conversation_sql[] =
    "INSERT INTO customers(id) VALUES('c1');"
    "INSERT INTO conversations(id, customer, status, lang, priority, reason, summary, state, turns, started, time)"
    " VALUES('web-1', 1, 'waiting', 'en', 1, 'wanted', '', '', 3, 1, 3);"
    "INSERT INTO turns(conversation, number, time, lang, text, reply, route, intent, detail) VALUES"
    " (1, 1, 1, 'en', 'hello', 'Hello, how can I help?', 'smalltalk', '', '{}'),"
    " (1, 2, 2, 'en', 'my parcel <ORDER_1> never arrived, what now?', 'Let me hand you over.', 'handover',"
    " 'delivery_problem', '{\"flow\":\"report_problem\",\"slots\":{\"order\":\"<ORDER_1>\"},\"expects\":2}'),"
    " (1, 3, 3, 'en', '', 'This is Eva.', 'person', '', '{}');"
    "INSERT INTO conversations(id, status, lang, priority, reason, summary, state, turns, started, time)"
    " VALUES('web-2', 'open', 'zh', 0, '', '', '', 0, 1, 1);";

static void open_case(store_case *s) {
    llmcs_shop_assistant_options o;
    *s = (store_case){.shop = NULL};
    temp_folder(s->folder);
    snprintf(s->path, sizeof s->path, "%s/s.db", s->folder);
    s->shop = open_shop(s->path, LLMCS_SHOP_CREATE);
    put_entry(s->shop, "lost", "en", "My parcel never arrived",
              "We search for lost parcels for 5 days and then send a new one.");
    put_entry(s->shop, "late", "en", "My parcel is late", "A parcel that is late by 2 days is usually on its way.");
    put_entry(s->shop, "lost", "zh", "包裹没收到怎么办", "我们会查找丢失的包裹，5天后补发。");
    put_entry(s->shop, "pay", "en", "How can I pay?", "By card, PayPal or bank transfer.");
    shop_sql(s->path, conversation_sql);
    SHOP_OK(llmcs_shop_guard_create(NULL, &s->guard));
    llmcs_shop_assistant_options_init(&o);
    o.guard = s->guard;
    SHOP_OK(llmcs_shop_assistant_create(s->shop, &o, &s->assistant));
}

static void close_case(store_case *s) {
    llmcs_shop_assistant_free(&s->assistant);
    llmcs_shop_guard_free(&s->guard);
    llmcs_shop_free(&s->shop);
    temp_remove(s->folder);
}

static llmcs_shop_suggestions *assist(const store_case *s, const char *conversation,
                                      const llmcs_shop_assist_params *params) {
    llmcs_shop_suggestions *found = NULL;
    SHOP_OK(llmcs_shop_assist(s->assistant, conversation, params, &found));
    for (size_t i = 0; i < found->n_items; i++) {
        const llmcs_shop_suggestion *x = found->items[i];
        ck_assert(x->id[0] && x->text_bytes == strlen(x->text) && x->text_bytes);
        ck_assert(x->ms >= 0 && x->ms <= found->ms);
        for (size_t j = 0; j < i; j++) ck_assert_str_ne(x->text, found->items[j]->text);
        ck_assert_int_eq(x->n_citations > 0, x->kind == LLMCS_SUGGESTION_ENTRY || x->kind == LLMCS_SUGGESTION_DRAFT);
    }
    return found;
}

static llmcs_shop_assist_params with_text(const char *text) {
    llmcs_shop_assist_params p;
    llmcs_shop_assist_params_init(&p);
    p.text = text;
    return p;
}

START_TEST(three_that_differ_with_citation_and_action) {
    store_case s;
    open_case(&s);
    llmcs_shop_suggestions *found = assist(&s, "web-1", NULL);
    ck_assert_uint_eq(found->n_items, 3);
    ck_assert_str_eq(found->question, "my parcel <ORDER_1> never arrived, what now?");
    ck_assert_str_eq(found->lang, "en");
    const llmcs_shop_suggestion *first = found->items[0];
    ck_assert_int_eq(first->kind, LLMCS_SUGGESTION_ENTRY);
    ck_assert_str_eq(first->text, "We search for lost parcels for 5 days and then send a new one.");
    ck_assert_str_eq(first->citations[0]->id, "lost");
    ck_assert_uint_eq(first->citations[0]->reply_end, first->text_bytes);
    ck_assert_str_eq(first->action,
                     "{\"name\":\"report_problem\",\"slots\":{\"order\":\"<ORDER_1>\"},\"state\":\"proposed\"}");
    ck_assert_double_lt(first->ms, suite_sanitized() || suite_emulated(NULL) ? 3000 : 300);
    ck_assert_str_eq(shop_value(s.path,
                                "SELECT count(*) || ' ' || sum(outcome = 'shown') || ' ' || max(turn) || ' ' ||"
                                " max(customer) FROM suggestions"),
                     "3 3 2 1");
    ck_assert_str_eq(shop_value(s.path, "SELECT citations FROM suggestions WHERE position = 0"),
                     "[{\"id\":\"lost\",\"lang\":\"en\",\"version\":1}]");
    llmcs_shop_suggestions_free(&found);
    close_case(&s);
}
END_TEST

START_TEST(both_languages_and_no_entry) {
    store_case s;
    open_case(&s);
    llmcs_shop_assist_params p = with_text("我的包裹没收到，打13800138000找我");
    p.k = 5;
    llmcs_shop_suggestions *found = assist(&s, "new", &p);
    ck_assert_uint_eq(found->n_items, 5);
    ck_assert_str_eq(found->lang, "zh");
    ck_assert_str_eq(found->question, "我的包裹没收到，打<PHONE_1>找我");
    ck_assert_str_eq(found->items[0]->text, "我们会查找丢失的包裹，5天后补发。");
    for (size_t i = 1; i < 5; i++) ck_assert_str_eq(llmcs_shop_suggestion_kind_name(found->items[i]->kind), "template");
    llmcs_shop_suggestions_free(&found);
    p = with_text("do you sell aeroplanes to penguins");
    found = assist(&s, "new", &p);
    ck_assert_uint_eq(found->n_items, 3); /* templates, in English */
    ck_assert_int_eq(found->items[2]->kind, LLMCS_SUGGESTION_TEMPLATE);
    ck_assert_str_eq(found->items[0]->action, "");
    llmcs_shop_suggestions_free(&found);
    ck_assert_str_eq(shop_value(s.path, "SELECT count(*) FROM suggestions WHERE question LIKE '%138%'"), "0");
    close_case(&s);
}
END_TEST

START_TEST(what_was_sent_is_suggested_again) {
    store_case s;
    open_case(&s);
    llmcs_shop_assist_params p = with_text("the zip of my tent broke on the first day");
    p.actor = "eva";
    llmcs_shop_suggestions *found = assist(&s, "web-1", &p);
    char id[32];
    snprintf(id, sizeof id, "%s", found->items[1]->id);
    SHOP_FAILS(llmcs_shop_suggestion_decide(s.assistant, id, LLMCS_OUTCOME_EDITED, NULL, "eva"), LLMCS_ARG, "sent");
    SHOP_FAILS(llmcs_shop_suggestion_decide(s.assistant, id, LLMCS_OUTCOME_SHOWN, NULL, "eva"), LLMCS_ARG,
               "outcome: 1");
    SHOP_FAILS(llmcs_shop_suggestion_decide(s.assistant, "none", LLMCS_OUTCOME_ACCEPTED, NULL, NULL), LLMCS_ARG,
               "suggestion none does not exist");
    const char *sent = "Dear <NAME_1>, I am sorry about the zip. Call me at 13800138000 and a new tent is sent.";
    SHOP_OK(llmcs_shop_suggestion_decide(s.assistant, id, LLMCS_OUTCOME_EDITED, sent, "eva"));
    SHOP_OK(llmcs_shop_suggestion_decide(s.assistant, id, LLMCS_OUTCOME_EDITED, sent, "eva"));
    SHOP_FAILS(llmcs_shop_suggestion_decide(s.assistant, id, LLMCS_OUTCOME_REJECTED, NULL, "eva"), LLMCS_STATE,
               "already edited");
    SHOP_OK(llmcs_shop_suggestion_decide(s.assistant, found->items[0]->id, LLMCS_OUTCOME_REJECTED, NULL, "eva"));
    llmcs_shop_suggestions_free(&found);
    ck_assert_str_eq(shop_value(s.path,
                                "SELECT count(*) || ' ' || sum(reply LIKE '%138%') || ' ' || sum(consent) || ' ' ||"
                                " max(customer) || ' ' || max(actor) FROM feedback"),
                     "1 0 0 1 eva");
    ck_assert_str_eq(
        shop_value(s.path, "SELECT group_concat(action || ' ' || detail, ';') FROM audit"),
        "suggestion {\"outcome\":\"edited\",\"position\":1};suggestion {\"outcome\":\"rejected\",\"position\":0}");
    p = with_text("zip of the tent broke, first day!");
    found = assist(&s, "web-2", &p);
    bool again = false;
    for (size_t i = 0; i < found->n_items; i++) {
        const llmcs_shop_suggestion *x = found->items[i];
        if (x->kind != LLMCS_SUGGESTION_PAST) continue;
        again = true;
        ck_assert_msg(!strchr(x->text, '<') && strstr(x->text, "I am sorry about the zip") != NULL, "%s", x->text);
        ck_assert_double_gt(x->score, 0.4);
        ck_assert(!strncmp(x->source, "suggestion:", 11));
    }
    ck_assert(again);
    llmcs_shop_suggestions_free(&found);
    p = with_text("how do i pay"); /* another matter */
    found = assist(&s, "web-2", &p);
    for (size_t i = 0; i < found->n_items; i++) ck_assert_int_ne(found->items[i]->kind, LLMCS_SUGGESTION_PAST);
    llmcs_shop_suggestions_free(&found);
    close_case(&s);
}
END_TEST

typedef struct seen {
    int n, stop_after;
} seen;

static int see(void *user, const llmcs_shop_suggestion *suggestion) {
    seen *s = user;
    ck_assert(suggestion->text_bytes > 0);
    return ++s->n == s->stop_after;
}

START_TEST(suggestions_come_one_by_one) {
    store_case s;
    seen n = {0, 0};
    open_case(&s);
    llmcs_shop_assist_params p = with_text("my parcel never arrived");
    p.on_suggestion = see;
    p.on_suggestion_user = &n;
    llmcs_shop_suggestions *found = assist(&s, "web-1", &p);
    ck_assert(n.n == 3 && found->n_items == 3);
    llmcs_shop_suggestions_free(&found);
    n = (seen){0, 1};
    found = assist(&s, "web-1", &p);
    ck_assert(n.n == 1 && found->n_items == 1);
    llmcs_shop_suggestions_free(&found);
    close_case(&s);
}
END_TEST

START_TEST(a_model_words_a_draft) {
    store_case s;
    llmcs_shop_assistant_options o;
    llmcs_shop_assistant *with_model = NULL;
    llmcs_shop_suggestions *found = NULL;
    llmcs_shop_rewritten *r = NULL;
    open_case(&s);
    llmcs_shop_assistant_options_init(&o);
    o.wording = "examples/models/shop-gpt2";
    SHOP_OK(llmcs_shop_assistant_create(s.shop, &o, &with_model));
    llmcs_shop_assist_params p;
    llmcs_shop_assist_params_init(&p);
    p.deadline_ms = suite_sanitized() ? 60000 : 10000;
    SHOP_OK(llmcs_shop_assist(with_model, "web-1", &p, &found));
    ck_assert_uint_eq(found->n_items, 3); /* with a draft if the gate let one pass */
    for (size_t i = 0; i < found->n_items; i++)
        if (found->items[i]->kind == LLMCS_SUGGESTION_DRAFT) {
            ck_assert_str_eq(found->items[i]->citations[0]->id, "lost");
            ck_assert_msg(!strpbrk(found->items[i]->text, "012346789"), "%s", found->items[i]->text);
        }
    llmcs_shop_suggestions_free(&found);
    SHOP_OK(llmcs_shop_rewrite(with_model, "You must send it back within 14 days.", LLMCS_NUL, LLMCS_STYLE_POLITER,
                               NULL, &r));
    ck_assert_msg(strstr(r->text, "14 days") != NULL, "%s", r->text);
    llmcs_shop_rewritten_free(&r);
    llmcs_shop_assistant_free(&with_model);
    o.wording = "nowhere";
    SHOP_FAILS(llmcs_shop_assistant_create(s.shop, &o, &with_model), LLMCS_IO, "nowhere");
    close_case(&s);
}
END_TEST

START_TEST(bad_calls_are_named) {
    store_case s;
    llmcs_shop_suggestions *found = NULL;
    llmcs_shop_assistant *alone = NULL;
    open_case(&s);
    SHOP_FAILS(llmcs_shop_assist(s.assistant, "nobody", NULL, &found), LLMCS_ARG, "nobody has no message");
    SHOP_FAILS(llmcs_shop_assist(s.assistant, "web-2", NULL, &found), LLMCS_ARG, "web-2 has no message");
    SHOP_FAILS(llmcs_shop_assist(s.assistant, "", NULL, &found), LLMCS_ARG, "conversation is empty");
    llmcs_shop_assist_params p = with_text("");
    SHOP_FAILS(llmcs_shop_assist(s.assistant, "web-1", &p, &found), LLMCS_ARG, "text is empty");
    p = with_text("a"), p.k = 6;
    SHOP_FAILS(llmcs_shop_assist(s.assistant, "web-1", &p, &found), LLMCS_ARG, "k: 6");
    p = with_text("a"), p.deadline_ms = 0;
    SHOP_FAILS(llmcs_shop_assist(s.assistant, "web-1", &p, &found), LLMCS_ARG, "deadline_ms: 0");
    SHOP_OK(llmcs_shop_assistant_create(NULL, NULL, &alone));
    SHOP_FAILS(llmcs_shop_assist(alone, "web-1", NULL, &found), LLMCS_STATE, "without a shop");
    llmcs_shop_assistant_free(&alone);
    close_case(&s);
}
END_TEST

/* Each allocation of a call and a decision fails once. */
START_TEST(each_allocation_can_fail) {
    store_case s;
    llmcs_status status = LLMCS_NOMEM;
    open_case(&s);
    llmcs_shop_free(&s.shop);
    for (long n = 0; status; n += (long)suite_step(3)) {
        fail_alloc counter;
        llmcs_shop_options o;
        llmcs_shop_assistant *assistant = NULL;
        llmcs_shop_suggestions *found = NULL;
        fail_alloc_init(&counter);
        const llmcs_allocator a = fail_alloc_get(&counter);
        llmcs_shop_options_init(&o);
        o.allocator = &a;
        SHOP_OK(llmcs_shop_open(s.path, &o, &s.shop));
        counter.fail_at = counter.calls + n;
        status = llmcs_shop_assistant_create(s.shop, NULL, &assistant);
        if (!status) status = llmcs_shop_assist(assistant, "web-1", NULL, &found);
        if (!status)
            status =
                llmcs_shop_suggestion_decide(assistant, found->items[0]->id, LLMCS_OUTCOME_EDITED, "A new text.", NULL);
        ck_assert_msg(!status || status == LLMCS_NOMEM, "%s", llmcs_error_message());
        counter.fail_at = -1;
        llmcs_shop_suggestions_free(&found);
        llmcs_shop_assistant_free(&assistant);
        llmcs_shop_free(&s.shop);
        ck_assert_int_eq(counter.live, 0);
        ck_assert_int_lt(n, 3000);
    }
    close_case(&s);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 120);
    tcase_add_test(t, three_that_differ_with_citation_and_action);
    tcase_add_test(t, both_languages_and_no_entry);
    tcase_add_test(t, what_was_sent_is_suggested_again);
    tcase_add_test(t, suggestions_come_one_by_one);
    tcase_add_test(t, a_model_words_a_draft);
    tcase_add_test(t, bad_calls_are_named);
    tcase_add_test(t, each_allocation_can_fail);
}

SUITE_MAIN("shop/assist/assist", add)
