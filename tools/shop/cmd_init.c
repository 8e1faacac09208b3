/* llmcs-shop init: a new store. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "store.h"

typedef struct init_job {
    const char *encoder;
} init_job;

static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, offsetof(init_job, encoder),
              "folder of the encoder that makes vectors of questions, answers and products [none: words alone]"),
};

/* The absolute path, since commands run in other folders later. */
static int remember_encoder(const store *s, const char *folder) {
    char *absolute = realpath(folder, NULL);
    if (!absolute) return cli_error("%s: %s", folder, strerror(errno));
    const llmcs_status status = llmcs_shop_set_setting(s->shop, "llmcs.encoder", absolute);
    free(absolute);
    return status ? cli_failed("init") : EXIT_DONE;
}

static int init_command(int argc, char **argv) {
    cli_common common;
    init_job j = {0};
    store s;
    int code = cli_parse(&cmd_init, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!store_open(&s, &common, j.encoder ? STORE_ENCODER : STORE_NO_ENCODER, j.encoder, LLMCS_SHOP_CREATE))
        return EXIT_FAILED;
    code = j.encoder ? remember_encoder(&s, j.encoder) : EXIT_DONE;
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
    .summary = "Creates a store, one SQLite file, or names the encoder of one that exists.",
    .notes =
        "Nothing is assumed about the encoder: without --encoder questions are answered by "
        "words alone. The store remembers its folder; other commands open it from there unless "
        "they are given --encoder themselves.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL,
    .max_texts = 0,
    .execute = init_command};
