/* llmcs-shop promote, rollback: selects the version of a classifier to use. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "store.h"

typedef struct promote_job {
    const char *model, *actor, *file;
    int32_t version, mode;
    double share;
    bool unproven;
} promote_job;

#define AT(member) offsetof(promote_job, member)
static const char *const mode_names[] = {"live", "shadow", "canary", NULL};
static const cli_option options[] = {
    CLI_PLAIN("model", CLI_STRING, AT(model), "name of the classifier [intents]"),
    CLI_BOUNDED("version", AT(version), "version to deploy [none: print what is deployed]", 0, INT32_MAX),
    CLI_PLAIN("file", CLI_STRING, AT(file), "store this file of train-classifier as the next version and deploy it"),
    CLI_CHOICE("mode", AT(mode),
               "live: for all conversations; shadow: next to the live one; canary: for a share [live]", mode_names),
    CLI_PLAIN("share", CLI_DOUBLE, AT(share), "share of the conversations that a canary answers, 0 to 1 [0.1]"),
    CLI_PLAIN("unproven", CLI_FLAG, AT(unproven), "also deploy a version that was not compared, or is worse"),
    CLI_PLAIN("actor", CLI_STRING, AT(actor), "person who decides, for the audit"),
};

static int print_deployment(const promote_job *j, llmcs_shop *shop) {
    llmcs_shop_deployment d = {.struct_size = sizeof d};
    if (llmcs_shop_get_deployment(shop, j->model, &d)) return cli_failed("promote");
    printf("%s: %d versions, live %d", j->model, d.n_versions, d.live);
    if (d.challenger) printf(", %s %d", mode_names[d.mode], d.challenger);
    if (d.mode == LLMCS_MODE_CANARY) printf(" for a share of %g of the conversations", d.share);
    if (d.mode == LLMCS_MODE_SHADOW)
        printf(": differs for %llu of %llu texts", (unsigned long long)d.n_differ, (unsigned long long)d.n_compared);
    putchar('\n');
    return EXIT_DONE;
}

/* Reads the file without an encoder: nothing is predicted here. */
static llmcs_status keep_file(promote_job *j, llmcs_shop *shop) {
    llmcs_shop_classifier *c = NULL;
    llmcs_status status = llmcs_shop_classifier_open(j->file, NULL, &c);
    if (!status) status = llmcs_shop_put_model(shop, j->model, c, &j->version);
    llmcs_shop_classifier_free(&c);
    return status;
}

static int promote_command(int argc, char **argv) {
    cli_common common;
    promote_job j = {.model = "intents", .share = 0.1};
    llmcs_shop_promote_params params;
    store s;
    int code = cli_parse(&cmd_promote, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (j.file && j.version) return cli_usage_error(&cmd_promote, "--file and --version cannot be combined");
    if (!store_open(&s, &common, STORE_NO_ENCODER, NULL, 0)) return EXIT_FAILED;
    llmcs_shop_promote_params_init(&params);
    params.mode = (llmcs_shop_mode)j.mode;
    params.share = j.share;
    params.unproven = j.unproven;
    params.actor = j.actor;
    llmcs_status status = j.file ? keep_file(&j, s.shop) : LLMCS_OK;
    if (!status && j.version) status = llmcs_shop_promote(s.shop, j.model, j.version, &params);
    code = status ? cli_failed("promote") : print_deployment(&j, s.shop);
    store_close(&s);
    return code;
}

const cli_command cmd_promote = {
    .name = "promote",
    .target = "STORE",
    .arguments = "--model NAME --version N",
    .summary =
        "Deploys a version of a classifier: live, as a shadow of the live one, or for a share of the conversations. "
        "Without --version prints what is deployed.",
    .notes =
        "A version goes live if it was compared with the live one and is not worse with 95 % certainty, or with "
        "--unproven. Running services switch at their next refresh, without failed requests.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .execute = promote_command};

static const cli_option rollback_options[] = {
    CLI_PLAIN("model", CLI_STRING, AT(model), "name of the classifier [intents]"),
    CLI_PLAIN("actor", CLI_STRING, AT(actor), "person who decides, for the audit"),
};

static int rollback_command(int argc, char **argv) {
    cli_common common;
    promote_job j = {.model = "intents"};
    store s;
    int code = cli_parse(&cmd_rollback, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!store_open(&s, &common, STORE_NO_ENCODER, NULL, 0)) return EXIT_FAILED;
    code = llmcs_shop_rollback(s.shop, j.model, j.actor, NULL) ? cli_failed("rollback") : print_deployment(&j, s.shop);
    store_close(&s);
    return code;
}

const cli_command cmd_rollback = {
    .name = "rollback",
    .target = "STORE",
    .arguments = "--model NAME",
    .summary = "Undoes the last promotion: ends a shadow or canary, else restores the version that was live before.",
    .options = rollback_options,
    .n_options = sizeof rollback_options / sizeof *rollback_options,
    .execute = rollback_command};
