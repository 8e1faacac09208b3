/* Decisions in a store: logged before they are acted on, the same again for the same id, learnt from, evaluated. */
#include <math.h>

#include "shop/store/shop_case.h"
#include "shop/strategy/history.h"

static const llmcs_shop_option options[] = {{"apologise", "say sorry first"}, {"explain", NULL}, {"coupon", NULL}};
enum { N = 3 };

static llmcs_shop_decision decide(llmcs_shop *shop, const char *id, const llmcs_shop_decide_params *params) {
    llmcs_shop_decision made = {.struct_size = sizeof made};
    SHOP_OK(llmcs_shop_decide(shop, "opening", id, options, N, params, &made));
    return made;
}

static llmcs_shop_decide_params defaults(void) {
    llmcs_shop_decide_params p;
    llmcs_shop_decide_params_init(&p);
    p.now = 1700000000;
    return p;
}

typedef struct store_case {
    char folder[TEMP_PATH_BYTES];
    llmcs_shop *shop;
} store_case;

static store_case open_case(void) {
    store_case s;
    temp_folder(s.folder);
    s.shop = open_shop(temp_path(s.folder, "s.db"), LLMCS_SHOP_CREATE);
    return s;
}

static void close_case(store_case *s) {
    llmcs_shop_free(&s->shop);
    temp_remove(s->folder);
}

START_TEST(a_decision_is_logged_and_repeats) {
    store_case s = open_case();
    llmcs_shop_decide_params p = defaults();
    p.context = "zh/angry";
    p.conversation = "web-1";
    const llmcs_shop_decision first = decide(s.shop, "t1", &p), again = decide(s.shop, "t1", NULL);
    ck_assert(!first.repeated && again.repeated);
    ck_assert_uint_eq(first.chosen, again.chosen);
    ck_assert_double_eq_tol(first.propensity, again.propensity, 1e-15);
    for (size_t i = 0; i < N; i++) {
        ck_assert_double_eq_tol(first.propensities[i], 1.0 / 3, 1e-9); /* nothing is known */
        ck_assert_double_eq_tol(again.propensities[i], first.propensities[i], 1e-15);
        ck_assert(isnan(again.means[i]));
    }
    const char *path = temp_path(s.folder, "s.db");
    ck_assert_str_eq(shop_value(path,
                                "SELECT strategy || ' ' || id || ' ' || conversation || ' ' || context || ' ' ||"
                                " candidates || ' ' || time FROM decisions"),
                     "opening t1 web-1 zh/angry [\"apologise\",\"explain\",\"coupon\"] 1700000000");
    ck_assert_str_eq(shop_value(path,
                                "SELECT chosen"
                                " = json_extract(candidates, '$[' || (SELECT key FROM json_each(candidates) WHERE"
                                " value = chosen) || ']') FROM decisions"),
                     "1");
    SHOP_FAILS(llmcs_shop_decide(s.shop, "opening", "t1", options, 2, NULL,
                                 &(llmcs_shop_decision){.struct_size = sizeof(llmcs_shop_decision)}),
               LLMCS_ARG, "with other candidates");
    close_case(&s);
}
END_TEST

START_TEST(rewards_are_counted_once) {
    store_case s = open_case();
    const char *path = temp_path(s.folder, "s.db");
    decide(s.shop, "t1", NULL);
    SHOP_FAILS(llmcs_shop_reward(s.shop, "opening", "t2", 1), LLMCS_ARG, "no decision \"t2\"");
    SHOP_FAILS(llmcs_shop_reward(s.shop, "opening", "t1", NAN), LLMCS_ARG, "reward");
    SHOP_OK(llmcs_shop_reward(s.shop, "opening", "t1", 0.5));
    SHOP_OK(llmcs_shop_reward(s.shop, "opening", "t1", 0.5));
    SHOP_FAILS(llmcs_shop_reward(s.shop, "opening", "t1", 1), LLMCS_ARG, "already has the reward 0.5");
    ck_assert_str_eq(shop_value(path, "SELECT n || ' ' || r || ' ' || rr FROM arms"), "1 0.5 0.25");
    close_case(&s);
}
END_TEST

/* Candidate k of context c is good with the probability below: after a while the best one is chosen nearly always. */
static void learn_best(llmcs_shop_policy policy, double scale) {
    static const double good[2][N] = {{0.9, 0.3, 0.2}, {0.2, 0.3, 0.9}};
    static const char *const contexts[] = {"en", "zh"};
    store_case s = open_case();
    uint64_t seed = 5;
    int best = 0;
    for (int i = 0; i < 240; i++) {
        char id[32];
        llmcs_shop_decide_params p = defaults();
        const int c = i % 2;
        snprintf(id, sizeof id, "t%d", i);
        p.context = contexts[c];
        p.policy = policy;
        p.explore = 0.05;
        const llmcs_shop_decision made = decide(s.shop, id, &p);
        double sum = 0;
        for (size_t k = 0; k < N; k++) {
            sum += made.propensities[k];
            ck_assert_double_ge(made.propensities[k], 0.05 / N - 1e-12);
        }
        ck_assert_double_eq_tol(sum, 1, 1e-9);
        ck_assert_double_eq_tol(made.propensity, made.propensities[made.chosen], 1e-15);
        const bool reward = (double)(random_next(&seed) >> 11) * 0x1p-53 < good[c][made.chosen];
        SHOP_OK(llmcs_shop_reward(s.shop, "opening", id, reward * scale));
        if (i >= 120) best += made.chosen == (c ? 2 : 0);
    }
    ck_assert_msg(best >= 90, "policy %d: the best one in %d of 120", (int)policy, best);
    close_case(&s);
}

START_TEST(thompson_finds_the_best_of_each_context) { learn_best(LLMCS_POLICY_THOMPSON_BETA, 1); }
END_TEST
START_TEST(gauss_finds_the_best_of_each_context) { learn_best(LLMCS_POLICY_THOMPSON_GAUSS, 250); }
END_TEST
START_TEST(greedy_finds_the_best_of_each_context) { learn_best(LLMCS_POLICY_GREEDY, 1); }
END_TEST

START_TEST(choices_follow_the_seed_and_the_propensities) {
    store_case s = open_case(), t = open_case();
    int counts[N] = {0}, same = 0;
    for (int i = 0; i < 300; i++) {
        char id[32];
        llmcs_shop_decide_params p = defaults();
        snprintf(id, sizeof id, "d%d", i);
        const size_t first = decide(s.shop, id, &p).chosen;
        ck_assert_uint_eq(decide(t.shop, id, &p).chosen, first); /* another store, the same seed */
        snprintf(id, sizeof id, "e%d", i);
        p.seed = 9;
        const size_t other = decide(s.shop, id, &p).chosen;
        counts[first]++;
        same += first == other;
    }
    for (size_t k = 0; k < N; k++) ck_assert_msg(counts[k] > 70 && counts[k] < 130, "candidate %zu: %d", k, counts[k]);
    ck_assert_int_lt(same, 150);
    close_case(&s);
    close_case(&t);
}
END_TEST

/* ---- evaluation of the store's log */

START_TEST(the_log_says_what_other_policies_earn) {
    store_case s = open_case();
    uint64_t seed = 11;
    for (int i = 0; i < 400; i++) {
        static const double good[2][N] = {{0.9, 0.3, 0.2}, {0.2, 0.3, 0.9}};
        char id[32];
        llmcs_shop_decide_params p = defaults();
        snprintf(id, sizeof id, "t%d", i);
        p.context = i % 2 ? "zh" : "en";
        p.explore = 1;
        p.now = 1700000000 + i;
        const size_t k = decide(s.shop, id, &p).chosen;
        SHOP_OK(
            llmcs_shop_reward(s.shop, "opening", id, (double)(random_next(&seed) >> 11) * 0x1p-53 < good[i % 2][k]));
    }
    llmcs_shop_off_policy e = {.struct_size = sizeof e};
    llmcs_shop_target_params p;
    llmcs_shop_target_params_init(&p);
    SHOP_OK(llmcs_shop_evaluate_strategy(s.shop, "opening", NULL, &e)); /* the best of each context: 0.9 */
    ck_assert_uint_eq(e.n, 400);
    ck_assert_double_eq_tol(e.max_weight, 3, 1e-6);
    ck_assert(e.dr.low < 0.9 && e.dr.high > 0.85 && e.dr.value > e.log.high);
    p.candidate = "explain"; /* 0.3 everywhere */
    SHOP_OK(llmcs_shop_evaluate_strategy(s.shop, "opening", &p, &e));
    ck_assert_double_eq_tol(e.dr.value, 0.3, 0.12); /* three standard errors of a third of 400 rows */
    ck_assert_double_eq_tol(e.ips.value, 0.3, 0.12);
    ck_assert(e.dr.low < e.dr.value && e.dr.value < e.dr.high);
    p.explore = 1; /* uniform, as it was logged */
    SHOP_OK(llmcs_shop_evaluate_strategy(s.shop, "opening", &p, &e));
    ck_assert_double_eq_tol(e.ips.value, e.log.value, 1e-9);
    p.max_rows = 100;
    SHOP_OK(llmcs_shop_evaluate_strategy(s.shop, "opening", &p, &e));
    ck_assert_uint_eq(e.n, 100);
    p.since = 1700000000 + 380;
    SHOP_OK(llmcs_shop_evaluate_strategy(s.shop, "opening", &p, &e));
    ck_assert_uint_eq(e.n, 20);
    p.candidate = "sing";
    SHOP_FAILS(llmcs_shop_evaluate_strategy(s.shop, "opening", &p, &e), LLMCS_ARG, "no candidate \"sing\"");
    SHOP_FAILS(llmcs_shop_evaluate_strategy(s.shop, "other", NULL, &e), LLMCS_STATE, "no decision");
    close_case(&s);
}
END_TEST

/* ---- the language model's prompt */

START_TEST(history_is_rendered_with_this_context_last) {
    store_case s = open_case();
    shop_connection *c;
    char *prompt;
    static const char *const contexts[] = {"zh", "en", "zh"};
    for (int i = 0; i < 3; i++) {
        char id[16];
        llmcs_shop_decide_params p = defaults();
        snprintf(id, sizeof id, "%d", i);
        p.context = contexts[i];
        const llmcs_shop_option only = {i == 1 ? "explain" : "apologise", NULL};
        llmcs_shop_decision made = {.struct_size = sizeof made};
        SHOP_OK(llmcs_shop_decide(s.shop, "opening", id, &only, 1, &p, &made));
        SHOP_OK(llmcs_shop_reward(s.shop, "opening", id, i == 2));
    }
    llmcs_shop_decide_params p = defaults();
    p.context = "zh";
    p.history = "User: where is it?";
    SHOP_OK(shop_read_begin(s.shop, &c));
    SHOP_OK(shop_render_history(c, "opening", &p, 10, &prompt));
    ck_assert_str_eq(prompt,
                     "Situation: en\nResult: bad\nStrategy: explain\n\n"
                     "Situation: zh\nResult: bad\nStrategy: apologise\n\n"
                     "Situation: zh\nResult: good\nStrategy: apologise\n\n"
                     "User: where is it?\nSituation: zh\nResult: good\nStrategy:");
    sqlite3_free(prompt);
    SHOP_OK(shop_render_history(c, "opening", &p, 1, &prompt));
    ck_assert_str_eq(prompt,
                     "Situation: zh\nResult: good\nStrategy: apologise\n\nUser: where is it?\nSituation: zh\n"
                     "Result: good\nStrategy:");
    sqlite3_free(prompt);
    shop_read_end(s.shop, c);
    close_case(&s);
}
END_TEST

START_TEST(a_decoder_scores_the_candidates) {
    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    store_case s = open_case();
    SHOP_OK(llmcs_model_open("examples/models/shop-gpt2", NULL, &model));
    SHOP_OK(llmcs_session_create(model, NULL, &session));
    llmcs_shop_decide_params p = defaults();
    p.writer = session;
    p.n_history = 100;
    for (int i = 0; i < 60; i++) { /* the prompt outgrows the model's context and is shortened */
        char id[32];
        snprintf(id, sizeof id, "t%d", i);
        p.context =
            "a customer who has waited for a week, writes in capital letters and wants to speak to a person now";
        const llmcs_shop_decision made = decide(s.shop, id, &p);
        double sum = 0;
        for (size_t k = 0; k < N; k++) sum += made.features[k];
        ck_assert_double_eq_tol(sum, 0, 1e-9);
        ck_assert_double_gt(fabs(made.features[0]) + fabs(made.features[1]), 0);
        SHOP_OK(llmcs_shop_reward(s.shop, "opening", id, made.chosen == 1));
        if (i == 3) i = 56; /* a few are enough, and the last ones count the prompt's length */
    }
    ck_assert_str_ne(shop_value(temp_path(s.folder, "s.db"), "SELECT features FROM decisions"), "NULL");
    ck_assert_str_ne(shop_value(temp_path(s.folder, "s.db"), "SELECT sum(zz) FROM arms"), "0.0");
    close_case(&s);
    llmcs_session_free(&session);
    llmcs_model_free(&model);
}
END_TEST

/* ---- refusals and faults */

START_TEST(bad_calls_are_named) {
    store_case s = open_case();
    llmcs_shop_decision made = {.struct_size = sizeof made};
    static const llmcs_shop_option twice[] = {{"a", NULL}, {"a", NULL}}, no_id[] = {{NULL, NULL}};
    llmcs_shop_decide_params p = defaults();
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", twice, 2, NULL, &made), LLMCS_ARG, "\"a\" occurs twice");
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", no_id, 1, NULL, &made), LLMCS_ARG, "candidate is missing");
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", options, 0, NULL, &made), LLMCS_ARG, "0 candidates");
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", options, 33, NULL, &made), LLMCS_ARG, "33 candidates");
    SHOP_FAILS(llmcs_shop_decide(s.shop, "", "1", options, N, NULL, &made), LLMCS_ARG, "strategy is empty");
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", NULL, options, N, NULL, &made), LLMCS_ARG, "id is missing");
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", options, N, NULL, NULL), LLMCS_ARG, "decision is NULL");
    p.explore = 1.5;
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", options, N, &p, &made), LLMCS_ARG, "explore: 1.5");
    p = defaults(), p.strength = 0;
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", options, N, &p, &made), LLMCS_ARG, "strength: 0");
    p = defaults(), p.policy = (llmcs_shop_policy)9;
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "1", options, N, &p, &made), LLMCS_ARG, "policy: 9");
    SHOP_OK(llmcs_shop_decide(s.shop, "x", "1", options, N, NULL, &made));
    SHOP_OK(llmcs_shop_reward(s.shop, "x", "1", 7));
    SHOP_FAILS(llmcs_shop_decide(s.shop, "x", "2", options, N, NULL, &made), LLMCS_ARG, "outside 0 to 1");
    p = defaults(), p.policy = LLMCS_POLICY_THOMPSON_GAUSS;
    SHOP_OK(llmcs_shop_decide(s.shop, "x", "2", options, N, &p, &made));
    close_case(&s);
}
END_TEST

/* Each allocation of a decision and an evaluation fails once; what was acknowledged stays, nothing leaks. */
START_TEST(each_allocation_can_fail) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    llmcs_status status = LLMCS_NOMEM;
    for (long n = 0; status; n++) {
        fail_alloc counter;
        llmcs_shop_options o;
        llmcs_shop *shop = NULL;
        char id[32];
        fail_alloc_init(&counter);
        const llmcs_allocator a = fail_alloc_get(&counter);
        llmcs_shop_options_init(&o);
        o.flags = LLMCS_SHOP_CREATE;
        o.allocator = &a;
        SHOP_OK(llmcs_shop_open(temp_path(folder, "s.db"), &o, &shop));
        for (int i = 0; n == 0 && i < 25; i++) {
            snprintf(id, sizeof id, "first%d", i);
            decide(shop, id, NULL);
            SHOP_OK(llmcs_shop_reward(shop, "opening", id, i % 2));
        }
        llmcs_shop_decision made = {.struct_size = sizeof made};
        llmcs_shop_off_policy e = {.struct_size = sizeof e};
        snprintf(id, sizeof id, "t%ld", n);
        counter.fail_at = counter.calls + n;
        status = llmcs_shop_decide(shop, "opening", id, options, N, NULL, &made);
        if (!status) status = llmcs_shop_evaluate_strategy(shop, "opening", NULL, &e);
        ck_assert_msg(!status || status == LLMCS_NOMEM, "%s", llmcs_error_message());
        counter.fail_at = -1;
        llmcs_shop_free(&shop);
        ck_assert_int_eq(counter.live, 0);
        ck_assert_int_lt(n, 400);
    }
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    printf("shop/strategy/decide: seeds 5, 11\n");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_decision_is_logged_and_repeats);
    tcase_add_test(t, rewards_are_counted_once);
    tcase_add_test(t, thompson_finds_the_best_of_each_context);
    tcase_add_test(t, gauss_finds_the_best_of_each_context);
    tcase_add_test(t, greedy_finds_the_best_of_each_context);
    tcase_add_test(t, choices_follow_the_seed_and_the_propensities);
    tcase_add_test(t, the_log_says_what_other_policies_earn);
    tcase_add_test(t, history_is_rendered_with_this_context_last);
    tcase_add_test(t, a_decoder_scores_the_candidates);
    tcase_add_test(t, bad_calls_are_named);
    tcase_add_test(t, each_allocation_can_fail);
}

SUITE_MAIN("shop/strategy/decide", add)
