/* Exports the feedback that may train models. */
#include <string.h>

#include "llmcs_shop_guard.h"
#include "llmcs_shop_privacy.h"
#include "shop/base/options.h"
#include "shop/guard/audit.h"
#include "shop/store/rows.h"

static const llmcs_shop_export_params default_params = {
    .struct_size = sizeof(llmcs_shop_export_params), .role = LLMCS_SHOP_TRAINER, .purpose = LLMCS_SHOP_FOR_TRAINING};

void llmcs_shop_export_params_init_sized(llmcs_shop_export_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

typedef struct exporting {
    llmcs_shop *shop;
    const llmcs_shop_export_params *p;
    llmcs_shop_export_fn row;
    void *user;
    uint64_t n;
} exporting;

/* ---- one row */

/* *masked: NULL if the guard finds nothing. The text is then exported unchanged: masking it again would treat its
 * placeholders as text of the customer. */
static llmcs_status mask_again(const exporting *e, const char *text, llmcs_shop_masked **masked) {
    SHOP_TRY(llmcs_shop_mask(e->p->guard, NULL, text, LLMCS_NUL, NULL, masked));
    if (!(*masked)->n_spans) llmcs_shop_masked_free(masked);
    return LLMCS_OK;
}

/* Makes the row's JSON object; json_patch leaves out members that are NULL. */
static llmcs_status make_json(shop_connection *c, int64_t row, const char *text, const char *reply, shop_query *json) {
    SHOP_TRY(shop_query_begin(
        c, json,
        "SELECT json_patch(json_patch('{}', json_object('id', id, 'text', ?2, 'lang', lang, 'model', model, 'label', "
        "label,"
        " 'predicted', predicted, 'reply', ?3)), json_object('outcome', outcome, 'rating', rating, 'time', time))"
        " FROM feedback WHERE row = ?1",
        "iss", row, text, reply));
    return shop_query_next(json);
}

static llmcs_status export_row(exporting *e, shop_connection *c, const shop_query *row) {
    llmcs_shop_masked *text = NULL, *reply = NULL;
    shop_query json = {0};
    size_t n;
    const char *plain = shop_query_text(row, 1, &n),
               *sent = shop_query_is_null(row, 2) ? NULL : shop_query_text(row, 2, &n);
    llmcs_status status = LLMCS_OK;
    if (e->p->guard) status = mask_again(e, plain, &text);
    if (!status && e->p->guard && sent) status = mask_again(e, sent, &reply);
    if (!status)
        status = make_json(c, shop_query_int(row, 0), text ? text->text : plain, reply ? reply->text : sent, &json);
    if (!status) {
        const char *line = shop_query_text(&json, 0, &n);
        shop_call *call = shop_callback_begin();
        const int stop = e->row(e->user, line, n);
        shop_callback_end(call);
        e->n++;
        if (stop) status = shop_fail(LLMCS_CANCELLED, "export: stopped after %llu rows", (unsigned long long)e->n);
    }
    shop_query_end(&json);
    llmcs_shop_masked_free(&text);
    llmcs_shop_masked_free(&reply);
    return status;
}

#define EXPORTED_ROWS \
    " FROM feedback WHERE consent AND time >= ?1 AND (?2 IS NULL OR model = ?2) AND (?3 IS NULL OR lang = ?3)"

static llmcs_status export_rows(exporting *e, shop_connection *c) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT row, text, reply" EXPORTED_ROWS " ORDER BY row", "iss", e->p->since,
                              e->p->model, e->p->lang));
    while (!(status = shop_query_next(&q)) && q.has_row)
        if ((status = export_row(e, c, &q))) break;
    shop_query_end(&q);
    return status;
}

/* ---- the call */

/* Committed before the first row is passed on, so that an interrupted export is recorded too. */
static llmcs_status append_audit(llmcs_shop *shop, const llmcs_shop_export_params *p, int64_t n_rows) {
    shop_connection *c;
    char detail[160];
    const char *role = llmcs_shop_role_name(p->role);
    sqlite3_snprintf(sizeof detail, detail, "{\"purpose\":%d,\"since\":%lld,\"rows\":%lld}", (int)p->purpose,
                     (long long)p->since, (long long)n_rows);
    SHOP_TRY(shop_write_begin(shop, &c));
    return shop_write_end(shop, c,
                          shop_audit_append(c, role, p->actor ? p->actor : "llmcs", "export", "feedback", detail));
}

llmcs_status llmcs_shop_export(llmcs_shop *shop, const llmcs_shop_export_params *params, llmcs_shop_export_fn row,
                               void *user, size_t *n_rows) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_export_params p = default_params;
    shop_connection *c;
    int64_t n = 0;
    if (n_rows) *n_rows = 0;
    SHOP_TRY(shop_check(shop));
    if (!row) return shop_fail(LLMCS_ARG, "row is NULL");
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_export_params, guard), params,
                                 "llmcs_shop_export_params"));
    SHOP_TRY(shop_check_name("actor", p.actor, 0));
    SHOP_TRY(shop_check_name("model", p.model, 0));
    if (p.lang) SHOP_TRY(shop_check_lang(p.lang));
    SHOP_TRY(llmcs_shop_may(p.role, p.purpose, LLMCS_SHOP_MASKED_TEXTS));
    exporting e = {shop, &p, row, user, 0};
    SHOP_TRY(shop_read_begin(shop, &c)); /* the rows are counted and exported in one snapshot */
    llmcs_status status = shop_lookup_int(c, 0, &n, "SELECT count(*)" EXPORTED_ROWS, "iss", p.since, p.model, p.lang);
    if (!status) status = append_audit(shop, &p, n);
    if (!status) status = export_rows(&e, c);
    shop_read_end(shop, c);
    if (n_rows) *n_rows = e.n;
    return status;
}
