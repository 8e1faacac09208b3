/* llmcs-shop update-vectors: embeds all rows again after a change of the encoder. */
#include <unistd.h>

#include "commands.h"
#include "store.h"

typedef struct update_job {
    const char *encoder;
} update_job;

static const cli_option options[] = {
    CLI_PLAIN("encoder", CLI_STRING, offsetof(update_job, encoder),
              "folder of the encoder [the one of `llmcs-shop init`]"),
};

static int update_command(int argc, char **argv) {
    cli_common common;
    update_job j = {0};
    store s;
    int code = cli_parse(&cmd_update_vectors, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!store_open(&s, &common, STORE_ENCODER, j.encoder, 0)) return EXIT_FAILED;
    llmcs_shop_info info = {.struct_size = sizeof info};
    if (llmcs_shop_update_vectors(s.shop, isatty(STDERR_FILENO) ? cli_show_progress : NULL, "vectors") ||
        llmcs_shop_get_info(s.shop, &info))
        code = cli_failed("update-vectors");
    else
        printf("%llu vectors\n", (unsigned long long)info.n_vectors), code = EXIT_DONE;
    store_close(&s);
    return code;
}

const cli_command cmd_update_vectors = {
    .name = "update-vectors",
    .target = "STORE",
    .arguments = "",
    .summary = "Computes missing vectors, such as after `init --encoder` with another encoder.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .takes = CLI_TAKES_MODEL,
    .execute = update_command};
