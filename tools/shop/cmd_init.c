/* llmcs-shop init: creates a store, and stores the paths of the files that its desk uses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "import.h"
#include "store.h"

typedef struct init_job {
    const char *encoder, *intents, *moderation, *sentiment, *reader, *tagger, *flows, *wording, *now, *order_pattern,
        *postgres;
} init_job;

static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, offsetof(init_job, encoder),
              "folder of the encoder for vectors of questions, answers and products [none: search by words only]"),
    CLI_PLAIN("intents", CLI_STRING, offsetof(init_job, intents), "classifier of intents"),
    CLI_PLAIN("moderation", CLI_STRING, offsetof(init_job, moderation), "classifier of unsafe texts"),
    CLI_PLAIN("sentiment", CLI_STRING, offsetof(init_job, sentiment), "classifier of customers' sentiment"),
    CLI_PLAIN("reader", CLI_STRING, offsetof(init_job, reader),
              "folder of a model that reads a message together with the turn before it"),
    CLI_PLAIN("tagger", CLI_STRING, offsetof(init_job, tagger), "file that finds names and addresses (train-tagger)"),
    CLI_PLAIN("order_pattern", CLI_STRING, offsetof(init_job, order_pattern),
              "pattern of the shop's order numbers, in PCRE2 syntax, such as PL[0-9]{8}"),
    CLI_PLAIN("flows", CLI_STRING, offsetof(init_job, flows), "the dialogues: flows.json"),
    CLI_PLAIN("wording", CLI_STRING, offsetof(init_job, wording),
              "folder of a model that words replies, or templates [templates]"),
    CLI_PLAIN("now", CLI_STRING, offsetof(init_job, now),
              "fixed time for the clock of `chat`, such as 2026-11-16T12:00:00Z, for data with fixed dates"),
    CLI_PLAIN("postgres", CLI_STRING, offsetof(init_job, postgres),
              "connection string, or file:PATH with it, of the database that keeps conversations and orders for "
              "several nodes; '' removes the setting"),
};

/* Stores the absolute path, since later commands may run in other folders. */
static bool remember_path(const store *s, const char *key, const char *path) {
    if (!path) return true;
    char *absolute = realpath(path, NULL);
    if (!absolute) return cli_error("%s: %s", path, strerror(errno)), false;
    const llmcs_status status = llmcs_shop_set_setting(s->shop, key, absolute);
    free(absolute);
    return !status || (cli_failed("init"), false);
}

static bool remember_wording(const store *s, const char *wording) {
    if (wording && strcmp(wording, "templates") != 0) return remember_path(s, "llmcs.wording", wording);
    return !wording || !llmcs_shop_set_setting(s->shop, "llmcs.wording", wording) || (cli_failed("init"), false);
}

static bool remember_now(const store *s, const char *now) {
    int64_t seconds;
    char number[32];
    if (!now) return true;
    if (!parse_time(now, &seconds))
        return cli_error("--now: '%s' is not a time such as 2026-11-16T12:00:00Z", now), false;
    snprintf(number, sizeof number, "%lld", (long long)seconds);
    return !llmcs_shop_set_setting(s->shop, "llmcs.now", number) || (cli_failed("init"), false);
}

/* Checks the pattern now: an invalid one would make every later command fail. */
static bool remember_order_pattern(const store *s, const char *pattern) {
    llmcs_shop_guard_options o;
    llmcs_shop_guard *guard = NULL;
    if (!pattern) return true;
    llmcs_shop_guard_options_init(&o);
    o.order_pattern = pattern;
    const llmcs_status status = llmcs_shop_guard_create(&o, &guard);
    llmcs_shop_guard_free(&guard);
    return !(status || llmcs_shop_set_setting(s->shop, "llmcs.order_pattern", pattern)) || (cli_failed("init"), false);
}

/* Opens the database now, which creates its tables: a wrong one would make every later command fail. */
static bool remember_postgres(const char *path, const store *s, const char *postgres) {
    llmcs_shop_options o;
    llmcs_shop *shop = NULL;
    if (!postgres) return true;
    llmcs_shop_options_init(&o);
    o.postgres = postgres;
    const llmcs_status status = llmcs_shop_open(path, &o, &shop);
    llmcs_shop_free(&shop);
    return !(status || llmcs_shop_set_setting(s->shop, "llmcs.postgres", *postgres ? postgres : NULL)) ||
           (cli_failed("init"), false);
}

static bool remember_all(const store *s, const init_job *j) {
    return remember_path(s, "llmcs.encoder", j->encoder) && remember_path(s, "llmcs.intents", j->intents) &&
           remember_path(s, "llmcs.moderation", j->moderation) && remember_path(s, "llmcs.sentiment", j->sentiment) &&
           remember_path(s, "llmcs.reader", j->reader) && remember_path(s, "llmcs.tagger", j->tagger) &&
           remember_path(s, "llmcs.flows", j->flows) && remember_order_pattern(s, j->order_pattern) &&
           remember_wording(s, j->wording) && remember_now(s, j->now);
}

static int init_command(int argc, char **argv) {
    cli_common common;
    init_job j = {0};
    store s;
    int code = cli_parse(&cmd_init, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!store_open(&s, &common, j.encoder ? STORE_ENCODER : STORE_NO_ENCODER, j.encoder, LLMCS_SHOP_CREATE))
        return EXIT_FAILED;
    code = remember_all(&s, &j) && remember_postgres(common.folder, &s, j.postgres) ? EXIT_DONE : EXIT_FAILED;
    llmcs_shop_info info = {.struct_size = sizeof info};
    if (code == EXIT_DONE && llmcs_shop_get_info(s.shop, &info)) code = cli_failed("init");
    if (code == EXIT_DONE)
        printf("%s: a store of version %d%s%s\n", common.folder, info.schema_version, j.encoder ? ", encoder " : "",
               j.encoder ? j.encoder : "");
    store_close(&s);
    return code;
}

const cli_command cmd_init = {
    .name = "init",
    .target = "STORE",
    .arguments = "",
    .summary = "Creates a store, one SQLite file, or sets the models and files of an existing one.",
    .notes =
        "Without --encoder, questions are answered by words only. The store keeps the paths, and other commands use "
        "them unless you give others. Settings that you do not give stay unchanged.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL,
    .max_texts = 0,
    .execute = init_command};
