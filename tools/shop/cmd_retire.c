/* llmcs-shop retire: stops using an entry for answers. */
#include "commands.h"
#include "store.h"

typedef struct retire_job {
    const char *lang;
} retire_job;

static const cli_option options[] = {
    CLI_PLAIN("lang", CLI_STRING, offsetof(retire_job, lang), "only the entry in this language [all languages]"),
};

static int retire_command(int argc, char **argv) {
    cli_common common;
    retire_job j = {0};
    store s;
    size_t n = 0;
    int code = cli_parse(&cmd_retire, argc, argv, &common, &j);
    if (code >= 0) return code;
    if (!store_open(&s, &common, STORE_NO_ENCODER, NULL, 0)) return EXIT_FAILED;
    code = EXIT_DONE;
    for (int i = 0; i < common.n_texts && code == EXIT_DONE; i++) {
        if (llmcs_shop_retire_entry(s.shop, common.texts[i], j.lang, &n))
            code = cli_failed("retire");
        else if (!n)
            code = cli_error("no entry %s%s%s", common.texts[i], j.lang ? " in language " : "", j.lang ? j.lang : "");
        else
            printf("%s: %zu retired\n", common.texts[i], n);
    }
    store_close(&s);
    return code;
}

const cli_command cmd_retire = {.name = "retire",
                                .target = "STORE",
                                .arguments = "ID ...",
                                .summary = "Retires knowledge entries. Citations of their versions stay valid.",
                                .options = options,
                                .n_options = sizeof options / sizeof *options,
                                .min_texts = 1,
                                .max_texts = CLI_ANY_TEXTS,
                                .execute = retire_command};
