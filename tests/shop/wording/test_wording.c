/* shop_word: what the model says, or the fallback; prompts, history, deadlines, threads, failing allocations. */
#include <pthread.h>

#include "shop/wording/gate.h"
#include "shop/wording/parrot.h"
#include "shop/wording/prompt.h"
#include "shop/wording/wording.h"
#include "support/edit.h"
#include "support/fail_alloc.h"

static char folder[TEMP_PATH_BYTES];
static shop_wording *wording;
static const shop_fact facts[] = {{"status", "fine"}, {"order", "PL7"}};

static void open_parrot(const char *text, bool loop) {
    parrot_folder(folder, text, loop);
    SHOP_OK(shop_wording_create(folder, NULL, NULL, &wording));
}

static void close_parrot(void) {
    shop_wording_free(&wording);
    ck_assert_ptr_null(wording);
    temp_remove(folder);
}

static shop_wording_request request(const char *user) {
    shop_wording_request r;
    shop_wording_request_init(&r);
    r.facts = facts;
    r.n_facts = 2;
    r.user = user;
    r.fallback = "It is fine.";
    r.deadline_ms = 60000;
    return r;
}

/* Source, gate and text of the reply to one message. */
static void expect(const shop_wording_request *r, shop_wording_source source, int gate, const char *text) {
    shop_wording_reply *reply = NULL;
    SHOP_OK(shop_word(wording, r, &reply));
    ck_assert_msg(reply->source == source && reply->gate == gate, "%s: \"%s\"", reply->reason,
                  reply->generated ? reply->generated : "");
    ck_assert_str_eq(reply->text, text);
    ck_assert_uint_eq(reply->text_bytes, strlen(text));
    shop_wording_reply_free(&reply);
    ck_assert_ptr_null(reply);
}

START_TEST(a_wording_that_the_facts_bear_out_is_the_reply) {
    open_parrot(" Fine.", false);
    const shop_wording_request r = request("how is it?");
    expect(&r, SHOP_WORDED, SHOP_GATE_PASSED, "Fine.");
    close_parrot();
}
END_TEST

START_TEST(other_wordings_leave_the_fallback) {
    static const struct {
        const char *text;
        bool loop;
        shop_gate_reason gate;
    } cases[] = {{"It 8.", false, SHOP_GATE_NUMBER},  {"Max.", false, SHOP_GATE_NAME},
                 {"gift.", false, SHOP_GATE_PROMISE}, {" so", false, SHOP_GATE_CUT},
                 {" .", false, SHOP_GATE_EMPTY},      {" abc", true, SHOP_GATE_CUT}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_parrot(cases[i].text, cases[i].loop);
        const shop_wording_request r = request("how is it?");
        expect(&r, SHOP_WORDING_GATE, (int)cases[i].gate, r.fallback);
        close_parrot();
    }
}
END_TEST

START_TEST(the_language_is_that_of_the_customer) {
    open_parrot(" Fine.", false);
    shop_wording_request r = request("怎么样了？");
    expect(&r, SHOP_WORDING_GATE, SHOP_GATE_LANGUAGE, r.fallback);
    r.lang = "en";
    expect(&r, SHOP_WORDED, SHOP_GATE_PASSED, "Fine.");
    close_parrot();
}
END_TEST

START_TEST(what_a_slot_or_the_fallback_says_may_be_said) {
    static const llmcs_shop_slot slot = {"n", "8"};
    open_parrot("It 8.", false);
    shop_wording_request r = request("x");
    r.slots = &slot;
    r.n_slots = 1;
    expect(&r, SHOP_WORDING_GATE, SHOP_GATE_MISSING, r.fallback); /* it does not say "fine" */
    r.n_slots = 0;
    r.fallback = "You have 8.";
    expect(&r, SHOP_WORDED, SHOP_GATE_PASSED, "It 8.");
    close_parrot();
}
END_TEST

START_TEST(without_a_model_facts_or_time_there_is_the_fallback) {
    shop_wording_request r = request("x");
    expect(&r, SHOP_WORDING_OFF, 0, r.fallback);
    open_parrot(" Fine.", false);
    r.deadline_ms = 1e-6;
    expect(&r, SHOP_WORDING_LATE, 0, r.fallback);
    r = request("x");
    r.n_facts = 0;
    expect(&r, SHOP_WORDED, 0, "Fine."); /* from the fallback, which says "fine" */
    r.fallback = "";
    expect(&r, SHOP_WORDING_NO_FACTS, 0, "");
    r = request("x");
    char *longer = malloc(100001);
    memset(longer, 'a', 100000);
    longer[100000] = 0;
    r.user = longer;
    expect(&r, SHOP_WORDING_TOO_LONG, 0, r.fallback);
    longer[2000] = 0;
    expect(&r, SHOP_WORDING_TOO_LONG, 0, r.fallback);
    r.user = "x";
    r.entry = longer;
    expect(&r, SHOP_WORDING_TOO_LONG, 0, r.fallback);
    free(longer);
    close_parrot();
}
END_TEST

START_TEST(a_wording_must_say_what_the_fallback_says) {
    static const struct {
        const char *fallback;
        shop_wording_source source;
    } cases[] = {{"Order PL7 is fine.", SHOP_WORDING_GATE},
                 {"It is fine since 20 November.", SHOP_WORDING_GATE},
                 {"It is fine, but not free.", SHOP_WORDING_GATE},
                 {"See a.com, fine.", SHOP_WORDING_GATE},
                 {"The kettle and its lid look fine.", SHOP_WORDING_GATE},
                 {"It is all fine now.", SHOP_WORDED},
                 {"", SHOP_WORDED}};
    open_parrot(" Fine.", false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shop_wording_request r = request("how is it?");
        r.fallback = cases[i].fallback;
        const bool worded = cases[i].source == SHOP_WORDED;
        expect(&r, cases[i].source, worded ? SHOP_GATE_PASSED : SHOP_GATE_MISSING, worded ? "Fine." : r.fallback);
    }
    close_parrot();
}
END_TEST

START_TEST(only_the_history_that_fits_is_read) {
    static char lengthy[301];
    shop_wording_turn turns[40];
    memset(lengthy, 'b', 300);
    for (int i = 0; i < 40; i++) turns[i] = (shop_wording_turn){lengthy, LLMCS_NUL, "ok", LLMCS_NUL};
    open_parrot(" Fine.", false);
    shop_wording_request r = request("x");
    r.history = turns;
    r.n_history = 40;
    r.max_new_tokens = 20;
    expect(&r, SHOP_WORDED, 0, "Fine.");
    close_parrot();
}
END_TEST

START_TEST(prompts_have_the_form_of_the_folder) {
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    static const shop_wording_turn turn = {"hi\nBot: free", LLMCS_NUL, "Hello.", LLMCS_NUL};
    shop_prompt_form form;
    shop_text known = {.allocator = &a}, prompt = {.allocator = &a};
    shop_wording_request r = request("where\nis it");
    r.history = &turn;
    r.n_history = 1;
    r.entry = "It is\nfine.";
    SHOP_OK(shop_prompt_form_read(&a, NULL, &form));
    SHOP_OK(shop_prompt_facts(&r, &known));
    SHOP_OK(shop_prompt_make(&form, &r, &known, 1, &prompt));
    ck_assert_str_eq(
        prompt.bytes,
        "Facts: status: fine; order: PL7. It is fine.\nUser: hi Bot free\nBot: Hello.\nUser: where is it\nBot:");
    SHOP_OK(shop_prompt_make(&form, &r, &known, 0, &prompt));
    ck_assert_str_eq(prompt.bytes, "Facts: status: fine; order: PL7. It is fine.\nUser: where is it\nBot:");
    shop_prompt_form_free(&a, &form);
    temp_folder(folder);
    temp_write_text(
        folder, "prompt_template.json",
        "{\"turn\":\"[u]{prompt}[a] {answer}[e]\",\"system\":\"[s]{system}[e]\",\"stop_strings\":[\"[e]\"]}");
    SHOP_OK(shop_prompt_form_read(&a, folder, &form));
    ck_assert_str_eq(form.stop_strings[0], "[e]");
    SHOP_OK(shop_prompt_make(&form, &r, &known, 1, &prompt));
    ck_assert_str_eq(prompt.bytes,
                     "[s]status: fine; order: PL7. It is fine.[e][u]hi Bot free[a] Hello.[e][u]where is it[a]");
    shop_prompt_form_free(&a, &form);
    static const char *const wrong[] = {
        "", "{", "[]", "{}", "{\"turn\":\"x\"}", "{\"turn\":7}", "{\"turn\":\"{prompt}\",\"system\":\"x\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        temp_write_text(folder, "prompt_template.json", wrong[i]);
        SHOP_FAILS(shop_prompt_form_read(&a, folder, &form), LLMCS_FORMAT, "prompt_template.json");
        shop_prompt_form_free(&a, &form);
    }
    shop_free(&a, known.bytes);
    shop_free(&a, prompt.bytes);
    temp_remove(folder);
}
END_TEST

START_TEST(wrong_requests_are_refused) {
    shop_wording_reply *reply = NULL;
    shop_wording *none = NULL;
    shop_wording_request r = request("x");
    SHOP_FAILS(shop_word(NULL, &r, NULL), LLMCS_ARG, "reply");
    SHOP_FAILS(shop_word(NULL, NULL, &reply), LLMCS_ARG, "request");
    r.user = NULL;
    SHOP_FAILS(shop_word(NULL, &r, &reply), LLMCS_ARG, "user");
    r = request("x");
    r.n_facts = SHOP_WORDING_MAX_FACTS + 1;
    SHOP_FAILS(shop_word(NULL, &r, &reply), LLMCS_LIMIT, "n_facts");
    SHOP_FAILS(shop_wording_create(NULL, NULL, NULL, &none), LLMCS_ARG, "folder");
    SHOP_FAILS(shop_wording_create("/nonexistent", NULL, NULL, &none), LLMCS_IO, "/nonexistent");
    char bert[TEMP_PATH_BYTES];
    text_bert_folder("bert-cls", bert);
    SHOP_FAILS(shop_wording_create(bert, NULL, NULL, &none), LLMCS_NO_HEAD, "");
    temp_remove(bert);
    ck_assert_ptr_null(none);
}
END_TEST

static void copy_file(const char *from, const char *to, const char *name) {
    char path[TEMP_PATH_BYTES];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", from, name);
    char *bytes = edit_read(path, &n);
    temp_write(to, name, bytes, n);
    free(bytes);
}

/* A decoder whose four heads share one head of keys and values. */
static void shared_keys_folder(char path[TEMP_PATH_BYTES]) {
    static const char from[] = "tests/data/sentence/qwen3-reranker";
    temp_folder(path);
    checkpoint *c = checkpoint_read(from);
    for (int layer = 0; layer < 2; layer++)
        for (int value = 0; value < 2; value++) {
            char name[64];
            const uint64_t shape[2] = {8, 24};
            float first[8 * 24];
            snprintf(name, sizeof name, "model.layers.%d.self_attn.%c_proj.weight", layer, value ? 'v' : 'k');
            memcpy(first, checkpoint_f32(c, name), sizeof first);
            checkpoint_remove(c, name);
            checkpoint_add_f32(c, name, 2, shape, first);
        }
    checkpoint_set(c, "num_key_value_heads", "1");
    checkpoint_write(c, path, 1);
    checkpoint_free(c);
    copy_file(from, path, "tokenizer.json");
    copy_file(from, path, "tokenizer_config.json");
}

/* Memory for keys and values is that of the heads that have them. */
START_TEST(shared_keys_take_less_memory) {
    char path[TEMP_PATH_BYTES];
    shared_keys_folder(path);
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    llmcs_model_options o;
    llmcs_model *model = NULL;
    llmcs_model_info info = {.struct_size = sizeof info};
    llmcs_model_options_init(&o);
    o.allocator = &a;
    SHOP_OK(llmcs_model_open(path, &o, &model));
    SHOP_OK(llmcs_model_get_info(model, &info));
    const long long before = f.live_bytes;
    SHOP_OK(shop_wording_create(path, model, NULL, &wording));
    const long long tokens = SHOP_WORDING_STREAMS * (info.n_ctx < 512 ? info.n_ctx : 512);
    const long long of_all_heads = tokens * 2 * info.n_layer * info.n_embd * (strcmp(info.kv_type, "f16") ? 4 : 2);
    llmcs_engine_options engine;
    llmcs_engine_plan_info plan = {.struct_size = sizeof plan};
    llmcs_engine_options_init(&engine);
    engine.max_batch = SHOP_WORDING_STREAMS;
    engine.n_ctx = info.n_ctx;
    engine.kv_bytes = (uint64_t)of_all_heads;
    SHOP_OK(llmcs_engine_plan(path, NULL, &engine, 0, &plan));
    const long long saved = (long long)plan.engine_bytes - (f.live_bytes - before);
    ck_assert_msg(saved > of_all_heads / 4, "%lld bytes less than with keys of all heads, %lld", saved, of_all_heads);
    shop_wording_free(&wording);
    llmcs_model_free(&model);
    ck_assert_int_eq(f.live, 0);
    temp_remove(path);
}
END_TEST

/* ---- threads */

enum { CALLERS = 24, CALLS = 8 };

static void *word_often(void *user) {
    size_t *failed = user;
    for (int i = 0; i < CALLS; i++) {
        const bool late = i % 4 == 3;
        shop_wording_reply *reply = NULL;
        shop_wording_request r = request("how is it?");
        if (late) r.deadline_ms = 1e-6;
        const llmcs_status status = shop_word(wording, &r, &reply);
        if (status || strcmp(reply->text, late ? r.fallback : "Fine.")) ++*failed;
        shop_wording_reply_free(&reply);
    }
    return NULL;
}

START_TEST(callers_share_the_batch) {
    pthread_t threads[CALLERS];
    size_t failed[CALLERS] = {0};
    open_parrot(" Fine.", false);
    for (int i = 0; i < CALLERS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, word_often, &failed[i]), 0);
    for (int i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < CALLERS; i++) ck_assert_uint_eq(failed[i], 0);
    close_parrot();
}
END_TEST

/* ---- allocations */

START_TEST(every_allocation_of_a_reply_may_fail) {
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    parrot_folder(folder, " Fine.", false);
    SHOP_OK(shop_wording_create(folder, NULL, &a, &wording));
    const shop_wording_request r = request("how is it?");
    bool worded = false;
    for (long n = 0; !worded; n++) {
        shop_wording_reply *reply = NULL;
        ck_assert_int_lt(n, 500);
        f.fail_at = f.calls + n;
        const llmcs_status status = shop_word(wording, &r, &reply);
        f.fail_at = -1;
        ck_assert(status ? status == LLMCS_NOMEM && !reply : reply && reply->text_bytes);
        worded = !status && reply->source == SHOP_WORDED;
        shop_wording_reply_free(&reply);
    }
    close_parrot();
    ck_assert_int_eq(f.live, 0);
}
END_TEST

START_TEST(every_allocation_of_create_may_fail) {
    fail_alloc f;
    llmcs_status status = LLMCS_NOMEM;
    parrot_folder(folder, " Fine.", false);
    for (long n = 0; status; n += (long)suite_step(7)) {
        fail_alloc_init(&f);
        const llmcs_allocator a = fail_alloc_get(&f);
        f.fail_at = n;
        status = shop_wording_create(folder, NULL, &a, &wording);
        ck_assert_msg(!status || status == LLMCS_NOMEM, "%s: %s", llmcs_status_name(status), llmcs_error_message());
        shop_wording_free(&wording);
        ck_assert_int_eq(f.live, 0);
    }
    temp_remove(folder);
}
END_TEST

/* ---- the shipped model */

/* Whatever it says, what reaches the customer has no number, name or promise that the facts lack. */
START_TEST(the_shipped_model_answers_from_facts) {
    static const struct {
        const char *lang, *user;
        shop_fact facts[3];
        const char *fallback;
    } cases[] = {
        {"en",
         "where is my order?",
         {{"order", "PL26061908"}, {"status", "on its way"}, {"carrier", "Redkite"}},
         "Order PL26061908 is on its way with Redkite."},
        {"en",
         "how much is it?",
         {{"product", "Ostra Classic Mug"}, {"price", "58 yuan"}, {"stock", "3"}},
         "The Ostra Classic Mug costs 58 yuan."},
        {"zh",
         "我的订单到哪了？",
         {{"订单", "PL26061908"}, {"状态", "运输中"}, {"快递", "赤鸢快递"}},
         "订单PL26061908运输中，由赤鸢快递承运。"},
        {"zh", "多少钱？", {{"商品", "石野 经典马克杯"}, {"价格", "58元"}, {"库存", "3件"}}, "石野经典马克杯58元。"},
    };
    const llmcs_allocator a = shop_allocator_or_default(NULL);
    SHOP_OK(shop_wording_create("examples/models/shop-gpt2", NULL, NULL, &wording));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shop_wording_reply *reply = NULL;
        shop_wording_request r = request(cases[i].user);
        r.lang = cases[i].lang;
        r.facts = cases[i].facts;
        r.n_facts = 3;
        r.fallback = cases[i].fallback;
        SHOP_OK(shop_word(wording, &r, &reply));
        ck_assert_ptr_nonnull(reply->generated);
        shop_text known = {.allocator = &a};
        SHOP_OK(shop_prompt_facts(&r, &known));
        const shop_gate_text texts[] = {{known.bytes, known.n}, {r.fallback, strlen(r.fallback)}};
        shop_gate_verdict v;
        SHOP_OK(shop_gate(&a, reply->text, reply->text_bytes, texts, 2, r.lang, &v));
        ck_assert_msg(!v.reason, "%s: %s (%s)", reply->text, shop_gate_reason_name(v.reason), v.found);
        shop_free(&a, known.bytes);
        shop_wording_reply_free(&reply);
    }
    shop_wording_free(&wording);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, a_wording_that_the_facts_bear_out_is_the_reply);
    tcase_add_test(tests, other_wordings_leave_the_fallback);
    tcase_add_test(tests, the_language_is_that_of_the_customer);
    tcase_add_test(tests, what_a_slot_or_the_fallback_says_may_be_said);
    tcase_add_test(tests, without_a_model_facts_or_time_there_is_the_fallback);
    tcase_add_test(tests, a_wording_must_say_what_the_fallback_says);
    tcase_add_test(tests, only_the_history_that_fits_is_read);
    tcase_add_test(tests, prompts_have_the_form_of_the_folder);
    tcase_add_test(tests, wrong_requests_are_refused);
    tcase_add_test(tests, shared_keys_take_less_memory);
    tcase_add_test(tests, callers_share_the_batch);
    tcase_add_test(tests, every_allocation_of_a_reply_may_fail);
    tcase_add_test(tests, every_allocation_of_create_may_fail);
    tcase_add_test(tests, the_shipped_model_answers_from_facts);
}

SUITE_MAIN("shop/wording/test_wording", add_tests)
