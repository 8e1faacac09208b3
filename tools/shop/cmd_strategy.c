/* llmcs-shop strategy: makes decisions with logged propensities, and evaluates other policies from the log. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "request.h"
#include "store.h"

typedef struct strategy_job {
    const char *evaluate, *candidate, *writer;
    bool log;
    int32_t policy, n_history;
    double explore, target_explore, strength;
    uint64_t seed, since, max_rows;
    store store;
    llmcs_model *model;
    llmcs_session *session;
} strategy_job;

#define AT(member) offsetof(strategy_job, member)
static const char *const policy_names[] = {"thompson", "gauss", "greedy", NULL};
static const cli_option options[] = {
    CLI_PLAIN("evaluate", CLI_STRING, AT(evaluate), "strategy whose log is evaluated"),
    CLI_PLAIN("candidate", CLI_STRING, AT(candidate), "with --evaluate: always this one [the best in each context]"),
    CLI_PLAIN("target_explore", CLI_DOUBLE, AT(target_explore),
              "with --evaluate: share of uniform choices mixed in [0]"),
    CLI_PLAIN("since", CLI_UINT64, AT(since), "with --evaluate: decisions from this time on, seconds since 1970"),
    CLI_PLAIN("max_rows", CLI_UINT64, AT(max_rows), "with --evaluate: use only the last decisions [100000]"),
    CLI_PLAIN("log", CLI_FLAG, AT(log), "the first argument is a log of JSON Lines with targets, not a store"),
    CLI_CHOICE("policy", AT(policy), "thompson (rewards 0 to 1), gauss (any rewards) or greedy [thompson]",
               policy_names),
    CLI_PLAIN("explore", CLI_DOUBLE, AT(explore), "share of uniform decisions [0.1]"),
    CLI_PLAIN("strength", CLI_DOUBLE, AT(strength), "weight of the other contexts, in rows [4]"),
    CLI_PLAIN("seed", CLI_UINT64, AT(seed), "seed of the choices [0]"),
    CLI_PLAIN("writer", CLI_STRING, AT(writer), "folder of a decoder: log p(candidate | history) is a feature"),
    CLI_BOUNDED("n_history", AT(n_history), "with --writer: decisions in its prompt [16]", 0, 100),
};

/* ---- decide and reward, by JSON Lines */

static llmcs_status read_options(const json_t *list, llmcs_shop_option *out, size_t *n) {
    *n = json_array_size(list);
    if (!json_is_array(list) || !*n || *n > LLMCS_SHOP_MAX_OPTIONS)
        return request_error(LLMCS_ARG, "\"candidates\" must be a list of 1 to %d", LLMCS_SHOP_MAX_OPTIONS);
    for (size_t i = 0; i < *n; i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *id = json_is_object(item) ? json_object_get(item, "id") : item;
        out[i] = (llmcs_shop_option){json_string_value(id), json_string_value(json_object_get(item, "text"))};
        if (!out[i].id)
            return request_error(LLMCS_ARG, "\"candidates\"[%zu] must be a string or {\"id\", \"text\"?}", i);
    }
    return LLMCS_OK;
}

static json_t *by_candidate(const llmcs_shop_option *candidates, const double *values, size_t n) {
    json_t *object = json_object();
    for (size_t i = 0; i < n; i++) json_object_set_new(object, candidates[i].id, json_float(values[i]));
    return object;
}

static llmcs_status decide_request(const strategy_job *j, const json_t *request, const char *strategy, const char *key,
                                   cli_answer *out) {
    llmcs_shop_option candidates[LLMCS_SHOP_MAX_OPTIONS];
    llmcs_shop_decision made = {.struct_size = sizeof made};
    llmcs_shop_decide_params params;
    const char *context;
    size_t n, len;
    llmcs_status status = read_options(json_object_get(request, "candidates"), candidates, &n);
    llmcs_shop_decide_params_init(&params);
    if (!status) status = request_text(request, "context", false, &context, &len);
    if (!status) status = request_text(request, "conversation", false, &params.conversation, &len);
    if (!status) status = request_text(request, "history", false, &params.history, &len);
    if (status) return status;
    if (context) params.context = context;
    params.policy = (llmcs_shop_policy)j->policy;
    params.explore = j->explore;
    params.strength = j->strength;
    params.seed = j->seed;
    params.writer = j->session;
    params.n_history = j->n_history;
    if ((status = llmcs_shop_decide(j->store.shop, strategy, key, candidates, n, &params, &made))) return status;
    answer_set(out, "candidate", json_string(candidates[made.chosen].id));
    answer_set(out, "propensity", json_float(made.propensity));
    answer_set(out, "propensities", by_candidate(candidates, made.propensities, n));
    if (!made.repeated) answer_set(out, "means", by_candidate(candidates, made.means, n));
    if (j->session && !made.repeated) answer_set(out, "features", by_candidate(candidates, made.features, n));
    answer_set(out, "repeated", json_boolean(made.repeated));
    return LLMCS_OK;
}

static llmcs_status strategy_request(void *user, const json_t *request, cli_answer *out) {
    static const char *const keys[] = {"strategy",     "decision", "candidates", "context",
                                       "conversation", "history",  "reward",     NULL};
    const strategy_job *j = user;
    const json_t *reward = json_object_get(request, "reward");
    const char *strategy, *key;
    size_t len;
    llmcs_status status = request_check_keys(request, keys);
    if (!status) status = request_text(request, "strategy", true, &strategy, &len);
    if (!status) status = request_text(request, "decision", true, &key, &len);
    if (status) return status;
    if (!reward) return decide_request(j, request, strategy, key, out);
    if (!json_is_number(reward)) return request_error(LLMCS_ARG, "\"reward\" must be a number");
    if ((status = llmcs_shop_reward(j->store.shop, strategy, key, json_number_value(reward)))) return status;
    answer_set(out, "reward", json_float(json_number_value(reward)));
    return LLMCS_OK;
}

/* ---- evaluate */

static json_t *estimate_json(llmcs_shop_estimate e) {
    return json_pack("{sososo}", "value", json_float(e.value), "low", json_float(e.low), "high", json_float(e.high));
}

static int print_result(const llmcs_shop_off_policy *r) {
    cli_answer answer;
    int code = EXIT_DONE;
    answer_init(&answer);
    answer_set(&answer, "n", json_integer((json_int_t)r->n));
    answer_set(&answer, "effective_n", json_float(r->effective_n));
    answer_set(&answer, "max_weight", json_float(r->max_weight));
    answer_set(&answer, "log", estimate_json(r->log));
    answer_set(&answer, "ips", estimate_json(r->ips));
    answer_set(&answer, "snips", estimate_json(r->snips));
    answer_set(&answer, "dr", estimate_json(r->dr));
    if (answer.failed || !answer_print(&answer, NULL)) code = cli_error("no memory for the answer");
    answer_free(&answer);
    return code;
}

/* The rows of a log file. Strings and numbers belong to `json` and `targets`. */
typedef struct log_file {
    llmcs_shop_logged *rows;
    double *targets; /* [n, n_actions] */
    size_t n, capacity, n_actions;
    json_t *json;
} log_file;

static bool grow_log(log_file *l) {
    if (l->n < l->capacity) return true;
    const size_t capacity = l->capacity ? 2 * l->capacity : 1024;
    llmcs_shop_logged *rows = realloc(l->rows, capacity * sizeof *rows);
    if (rows) l->rows = rows;
    double *targets = realloc(l->targets, capacity * l->n_actions * sizeof *targets);
    if (targets) l->targets = targets;
    if (!rows || !targets) return false;
    l->capacity = capacity;
    return true;
}

static const char *add_logged(log_file *l, json_t *row) {
    const json_t *target = json_object_get(row, "target"), *context = json_object_get(row, "context");
    const json_t *action = json_object_get(row, "action"), *propensity = json_object_get(row, "propensity"),
                 *reward = json_object_get(row, "reward");
    if (!json_is_array(target) || !json_array_size(target)) return "\"target\" must be a list of probabilities";
    if (!json_is_integer(action) || json_integer_value(action) < 0 || json_integer_value(action) > INT32_MAX)
        return "\"action\" must be an index of \"target\"";
    if (!json_is_number(propensity) || !json_is_number(reward)) return "\"propensity\" and \"reward\" must be numbers";
    if (context && !json_is_string(context)) return "\"context\" must be a string";
    if (!l->n_actions) l->n_actions = json_array_size(target);
    if (json_array_size(target) != l->n_actions) return "\"target\" must have as many numbers as in the first row";
    if (!grow_log(l) || json_array_append(l->json, row)) return "no memory for the row";
    for (size_t k = 0; k < l->n_actions; k++) {
        if (!json_is_number(json_array_get(target, k))) return "\"target\" must be a list of numbers";
        l->targets[l->n * l->n_actions + k] = json_number_value(json_array_get(target, k));
    }
    l->rows[l->n++] =
        (llmcs_shop_logged){context ? json_string_value(context) : "", (int32_t)json_integer_value(action),
                            json_number_value(propensity), json_number_value(reward), NULL};
    return NULL;
}

static bool read_log(log_file *l, const char *file) {
    FILE *from = strcmp(file, "-") ? fopen(file, "re") : stdin;
    if (!from) return cli_error("%s: cannot be read", file), false;
    cli_lines lines = {.from = from, .max_bytes = (size_t)1 << 20};
    const char *why = NULL;
    l->json = json_array();
    while (!why && cli_next_line(&lines)) {
        if (cli_is_blank(lines.line, lines.len)) continue;
        json_t *row = lines.too_long ? NULL : json_loadb(lines.line, lines.len, JSON_REJECT_DUPLICATES, NULL);
        why = json_is_object(row) ? add_logged(l, row) : "expected a JSON object";
        json_decref(row);
        if (why) cli_error("%s: line %zu: %s", file, lines.number, why);
    }
    const bool good = !why && !lines.failed;
    cli_lines_free(&lines);
    if (from != stdin) fclose(from);
    for (size_t i = 0; i < l->n; i++) l->rows[i].target = l->targets + i * l->n_actions;
    return good;
}

static int evaluate_file(const char *file) {
    llmcs_shop_off_policy found = {.struct_size = sizeof found};
    log_file l = {0};
    int code = EXIT_FAILED;
    if (read_log(&l, file))
        code = llmcs_shop_evaluate_policy(l.rows, l.n, l.n_actions, NULL, &found) ? cli_failed("strategy")
                                                                                  : print_result(&found);
    free(l.rows);
    free(l.targets);
    json_decref(l.json);
    return code;
}

static int evaluate_store(const strategy_job *j) {
    llmcs_shop_off_policy found = {.struct_size = sizeof found};
    llmcs_shop_target_params params;
    llmcs_shop_target_params_init(&params);
    params.candidate = j->candidate;
    params.explore = j->target_explore;
    params.strength = j->strength;
    params.since = (int64_t)j->since;
    params.max_rows = j->max_rows;
    if (llmcs_shop_evaluate_strategy(j->store.shop, j->evaluate, &params, &found)) return cli_failed("strategy");
    return print_result(&found);
}

static bool open_writer(strategy_job *j, const cli_common *common) {
    cli_common of_folder = *common;
    of_folder.folder = j->writer;
    if (!j->writer) return true;
    if (!cli_open(&of_folder, NULL, &j->model) && !llmcs_session_create(j->model, NULL, &j->session)) return true;
    cli_failed("open");
    return false;
}

static int strategy_command(int argc, char **argv) {
    cli_common common;
    strategy_job j = {.explore = 0.1, .strength = 4, .n_history = 16, .max_rows = 100000};
    int code = cli_parse(&cmd_strategy, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (j.log + (j.evaluate != NULL) + common.jsonl != 1)
        return cli_usage_error(&cmd_strategy, "expected one of: --jsonl, --evaluate STRATEGY, --log");
    if (j.log) return evaluate_file(common.folder);
    code = EXIT_FAILED;
    if (open_writer(&j, &common) && store_open(&j.store, &common, STORE_NO_ENCODER, NULL, 0))
        code = j.evaluate ? evaluate_store(&j) : cli_jsonl(&common, strategy_request, &j);
    store_close(&j.store);
    llmcs_session_free(&j.session);
    llmcs_model_free(&j.model);
    return code;
}

const cli_command cmd_strategy = {
    .name = "strategy",
    .target = "STORE",
    .arguments = "(--jsonl | --evaluate STRATEGY | --log)",
    .summary =
        "Chooses among candidates with logged propensities, takes rewards, and estimates what another policy would "
        "earn before it goes live.",
    .notes =
        "--evaluate and --log print {\"n\", \"effective_n\", \"max_weight\", \"log\":{\"value\",\"low\",\"high\"}, "
        "\"ips\":{...}, \"snips\":{...}, \"dr\":{...}}: mean rewards with 95 % intervals; log is that of the log "
        "itself. A line of --log: {\"context\"?, \"action\":0, \"propensity\":p, \"reward\":r, \"target\":[p0, p1, "
        "...]}: the target policy's probabilities.",
    .jsonl_help =
        "{\"strategy\":\"...\", \"decision\":\"id\", \"candidates\":[\"a\", {\"id\":\"b\", \"text\":\"...\"}], "
        "\"context\"?, \"conversation\"?, \"history\"?} -> {\"candidate\":\"a\", \"propensity\":p, "
        "\"propensities\":{...}, \"means\":{...}, \"repeated\":false}; {\"strategy\", \"decision\", "
        "\"reward\":r} -> {\"reward\":r}",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_JSONL | CLI_TAKES_TEXT | CLI_TAKES_MODEL,
    .execute = strategy_command};
