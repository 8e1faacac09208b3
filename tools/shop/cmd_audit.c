/* llmcs-shop audit: lists and verifies the record of what was done with the store's data. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "store.h"

typedef struct audit_job {
    const char *public_key, *head;
    int32_t first, limit;
} audit_job;

static const cli_option options[] = {
    CLI_BOUNDED("first", offsetof(audit_job, first), "list: from this row on [1]", 1, INT32_MAX),
    CLI_BOUNDED("limit", offsetof(audit_job, limit), "list: at most this many rows [all]", 0, INT32_MAX),
    CLI_PLAIN("public_key", CLI_STRING, offsetof(audit_job, public_key),
              "verify: 64 hex digits, saved elsewhere [that of the store's key]"),
    CLI_PLAIN("head", CLI_STRING, offsetof(audit_job, head),
              "verify: ROW:HASH that an earlier verify printed, saved elsewhere"),
};

static int32_t print_row(void *user, const llmcs_shop_audit_row *row) {
    char when[32];
    struct tm parts;
    const time_t t = (time_t)row->time;
    (void)user;
    if (!gmtime_r(&t, &parts) || !strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts)) when[0] = 0;
    printf("%lld\t%s\t%s\t", (long long)row->seq, when, row->role);
    const char *const texts[] = {row->actor, row->action, row->object, row->detail ? row->detail : ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cli_print_escaped(stdout, texts[i], strlen(texts[i]), true);
        putchar(i < 3 ? '\t' : '\n');
    }
    return ferror(stdout);
}

/* "17:ab12..." */
static int read_head(const char *text, llmcs_shop_audit_params *params) {
    char *end;
    if (!text) return EXIT_DONE;
    params->head_seq = strtoll(text, &end, 10);
    if (*end != ':' || end == text) return cli_error("--head: expected ROW:HASH, found %s", text);
    params->head = end + 1;
    return EXIT_DONE;
}

static int verify(const store *s, const audit_job *j) {
    llmcs_shop_audit_params params;
    llmcs_shop_audit_report r = {.struct_size = sizeof r};
    llmcs_shop_audit_params_init(&params);
    params.public_key = j->public_key;
    if (read_head(j->head, &params)) return EXIT_FAILED;
    if (llmcs_shop_audit_verify(s->shop, &params, &r)) return cli_failed("audit");
    printf("%llu rows, %lld to %lld, signed up to %lld; head %lld:%s\n", (unsigned long long)r.n_rows,
           (long long)r.first_seq, (long long)r.last_seq, (long long)r.signed_seq, (long long)r.last_seq, r.head);
    if (r.public_key[0])
        printf("public key %s%s\n", r.public_key,
               r.key_checked ? "" : " as the file itself says: the store's key is not here, so this proves less");
    if (!r.n_rows) puts("no rows: whether there were any, only a --head that was kept elsewhere tells");
    printf(r.intact ? "intact\n" : "NOT INTACT: %s\n", r.problem);
    return r.intact ? EXIT_DONE : EXIT_FAILED;
}

static int audit_command(int argc, char **argv) {
    cli_common common;
    audit_job j = {.first = 1};
    store s;
    int code = cli_parse(&cmd_audit, argc, argv, &common, &j);
    if (code >= 0) return code;
    const char *what = common.n_texts ? common.texts[0] : "verify";
    const bool list = !strcmp(what, "list");
    if (!list && strcmp(what, "verify") != 0) return cli_usage_error(&cmd_audit, "%s: expected list or verify", what);
    if (!store_open(&s, &common, STORE_NO_ENCODER, NULL, LLMCS_SHOP_READ_ONLY)) return EXIT_FAILED;
    if (!list)
        code = verify(&s, &j);
    else
        code = llmcs_shop_audit_list(s.shop, j.first, (uint64_t)j.limit, print_row, NULL) ? cli_failed("audit")
                                                                                          : EXIT_DONE;
    store_close(&s);
    return code;
}

const cli_command cmd_audit = {
    .name = "audit",
    .target = "STORE",
    .arguments = "[list|verify]",
    .summary = "Verifies the audit, or lists it: row, time, role, actor, action, object, detail.",
    .notes =
        "verify detects rows that were changed, removed, inserted or reordered, and missing last rows: each hash "
        "covers the row and the hash before it, and the last hash is signed with the key in STORE.key. Someone who has "
        "that key, or who also removes the signed heads, could remove the last rows unnoticed: save the head that "
        "verify prints elsewhere and pass it with --head. Exit code 1: not intact.",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_texts = 1,
    .execute = audit_command};
