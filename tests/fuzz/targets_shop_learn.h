/* Target of learning: any text is rewritten without losing a number, any feedback is stored or refused, and rows of
 * decisions and models that somebody else wrote are refused or used, never a crash. The first byte picks one. */
#ifndef TESTS_FUZZ_TARGETS_SHOP_LEARN_H
#define TESTS_FUZZ_TARGETS_SHOP_LEARN_H

#include <math.h>
#include <sqlite3.h>

#include "fuzz/fuzz.h"
#include "llmcs_shop.h"
#include "shop/assist/protect.h"

static bool learn_fuzz_refused(llmcs_status status) {
    return status == LLMCS_FORMAT || status == LLMCS_ARG || status == LLMCS_LIMIT || status == LLMCS_STATE ||
           status == LLMCS_UNSUPPORTED || status == LLMCS_NOMEM || status == LLMCS_JSON || status == LLMCS_UTF8;
}

/* One store for the process. */
static llmcs_shop *learn_fuzz_shop(void) {
    static llmcs_shop *shop;
    if (shop) return shop;
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.flags = LLMCS_SHOP_CREATE;
    make_fuzz_folder();
    MUST(!llmcs_shop_open(fuzz_path("learn.db"), &o, &shop));
    return shop;
}

/* Runs a statement as another program would, by a connection that stays open. */
static void learn_fuzz_sql(const char *sql, const void *a, size_t n_a, const void *b, size_t n_b) {
    static sqlite3 *db;
    sqlite3_stmt *stmt;
    if (!db) MUST(sqlite3_open(fuzz_path("learn.db"), &db) == SQLITE_OK);
    MUST(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK);
    sqlite3_bind_text64(stmt, 1, a, n_a, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_bind_text64(stmt, 2, b, n_b, SQLITE_STATIC, SQLITE_UTF8);
    sqlite3_step(stmt);
    sqlite3_finalize(stmt);
}

static void learn_fuzz_rewrite(const char *text, size_t n) {
    for (int style = 0; style < 2; style++)
        for (int chinese = 0; chinese < 2; chinese++) {
            llmcs_shop_rewritten *r = NULL;
            const llmcs_status status =
                llmcs_shop_rewrite(NULL, text, n, (llmcs_shop_style)style, chinese ? "zh" : "en", &r);
            MUST(!status || (status == LLMCS_LIMIT && n > 65536));
            if (status) continue;
            MUST(shop_keeps_protected(text, n, r->text, r->text_bytes));
            MUST(style == LLMCS_STYLE_POLITER || r->text_bytes <= n);
            llmcs_shop_rewritten_free(&r);
        }
}

/* The rest of the input as a text that ends with NUL; the caller frees. */
static char *learn_fuzz_string(reader *in, size_t most) {
    size_t n;
    const uint8_t *bytes = read_bytes(in, most, &n);
    char *text = exact_alloc(n + 1);
    if (n) memcpy(text, bytes, n);
    text[n] = 0;
    return text;
}

static void learn_fuzz_feedback(reader *in) {
    llmcs_shop *shop = learn_fuzz_shop();
    llmcs_shop_assistant *assistant = NULL;
    llmcs_shop_suggestions *found = NULL;
    llmcs_shop_assist_params p;
    const uint8_t flags = read_u8(in);
    char *id = learn_fuzz_string(in, 8), *label = learn_fuzz_string(in, 12), *reply = learn_fuzz_string(in, 200);
    char *text = learn_fuzz_string(in, 4000);
    const llmcs_shop_feedback f = {.struct_size = sizeof f,
                                   .id = id,
                                   .text = text,
                                   .model = flags & 1 ? "intents" : NULL,
                                   .label = flags & 2 ? label : NULL,
                                   .reply = flags & 4 ? reply : NULL,
                                   .outcome = (llmcs_shop_outcome)(flags >> 4),
                                   .rating = flags & 8 ? 0.5 : -1,
                                   .consent = flags & 1};
    const llmcs_shop_feedback *rows[] = {&f};
    MUST(!llmcs_shop_put_feedback(shop, NULL, rows, 1, NULL, NULL, NULL));
    MUST(!llmcs_shop_assistant_create(shop, NULL, &assistant));
    llmcs_shop_assist_params_init(&p);
    p.text = text;
    const llmcs_status status = llmcs_shop_assist(assistant, "web-1", &p, &found);
    MUST(!status || learn_fuzz_refused(status));
    MUST(status || found->n_items == 3);
    llmcs_shop_suggestions_free(&found);
    llmcs_shop_assistant_free(&assistant);
    learn_fuzz_sql("DELETE FROM suggestions WHERE ?1 = ?1 AND ?2 = ?2", "", 0, "", 0);
    free(id), free(label), free(reply), free(text);
}

/* Decisions as another program left them. */
static void learn_fuzz_decisions(reader *in) {
    static const llmcs_shop_option options[] = {{"a", NULL}, {"b", NULL}};
    llmcs_shop *shop = learn_fuzz_shop();
    llmcs_shop_decision made = {.struct_size = sizeof made};
    llmcs_shop_off_policy e = {.struct_size = sizeof e};
    llmcs_shop_target_params p;
    size_t n_a, n_b;
    const uint8_t *a = read_bytes(in, 1 + read_u8(in), &n_a), *b = read_bytes(in, 4000, &n_b);
    learn_fuzz_sql("DELETE FROM decisions WHERE ?1 = ?1 AND ?2 = ?2", "", 0, "", 0);
    learn_fuzz_sql(
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 21) INSERT INTO decisions"
        "(strategy, id, context, candidates, propensities, chosen, propensity, reward, time)"
        " SELECT 's', i, '', ?1, ?2, 'a', 0.5, 1, 0 FROM n",
        a, n_a, b, n_b);
    const llmcs_status status = llmcs_shop_decide(shop, "s", "3", options, 2, NULL, &made);
    MUST(!status || learn_fuzz_refused(status));
    MUST(status || (made.chosen < 2 && isfinite(made.propensity)));
    llmcs_shop_target_params_init(&p);
    p.candidate = n_b % 2 ? "a" : NULL;
    const llmcs_status evaluated = llmcs_shop_evaluate_strategy(shop, "s", &p, &e);
    MUST(!evaluated || learn_fuzz_refused(evaluated));
}

/* A version of a model as another program left it. */
static void learn_fuzz_model(reader *in) {
    llmcs_shop *shop = learn_fuzz_shop();
    llmcs_shop_classifier *c = NULL;
    size_t n;
    const uint8_t *bytes = read_bytes(in, 1 << 16, &n);
    learn_fuzz_sql(
        "INSERT OR REPLACE INTO models(name, version, kind, bytes, created) VALUES('m', 1, 'classifier',"
        " CAST(?1 AS BLOB), ?2 = '')",
        bytes, n, "", 0);
    const llmcs_status status = llmcs_shop_open_model(shop, "m", 1, &c);
    MUST(!status || learn_fuzz_refused(status));
    llmcs_shop_classifier_free(&c);
}

static UNUSED int fuzz_shop_learn(const uint8_t *data, size_t size) {
    reader in = {data, size};
    switch (read_u8(&in) & 3) {
        case 0: {
            char *text = exact_copy(in.at, in.left);
            learn_fuzz_rewrite(text, in.left);
            free(text);
            break;
        }
        case 1:
            learn_fuzz_feedback(&in);
            break;
        case 2:
            learn_fuzz_decisions(&in);
            break;
        default:
            learn_fuzz_model(&in);
    }
    return 0;
}

#endif
