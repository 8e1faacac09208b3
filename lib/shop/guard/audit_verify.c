/* Lists and verifies the audit, and appends the host's own rows. */
#include <sodium.h>
#include <string.h>

#include "shop/base/options.h"
#include "shop/guard/audit_hash.h"
#include "shop/guard/random.h"
#include "shop/store/rows.h"
#include "shop/store/shared.h"

llmcs_status llmcs_shop_audit_append(llmcs_shop *shop, llmcs_shop_role role, const char *actor, const char *action,
                                     const char *object, const char *detail) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    const char *name = llmcs_shop_role_name(role);
    SHOP_TRY(shop_check(shop));
    if (!name) return shop_fail(LLMCS_ARG, "role: %d is not valid (0 to 4)", (int)role);
    SHOP_TRY(shop_shared_write_begin(shop, NULL, &c));
    return shop_shared_write_end(shop, c, shop_audit_append(c, name, actor, action, object, detail));
}

/* ---- list */

/* Column 8 is the customer whose alias is in the actor or object. */
static llmcs_status list_rows(shop_connection *c, int64_t first, uint64_t limit, llmcs_shop_audit_fn each, void *user) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(
        c, &q,
        "SELECT seq, time, role, actor, action, object, detail, hash, (SELECT substr(owner, 10) FROM keys"
        " WHERE alias IN (substr(actor, 10), substr(object, 10)) AND owner LIKE 'customer/%' LIMIT 1)"
        " FROM audit WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
        "ii", first, limit && limit < INT64_MAX ? (int64_t)limit : INT64_MAX));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n, hash_bytes;
        const llmcs_shop_audit_row row = {
            .seq = shop_query_int(&q, 0),
            .time = shop_query_int(&q, 1),
            .role = shop_query_text(&q, 2, &n),
            .actor = shop_query_text(&q, 3, &n),
            .action = shop_query_text(&q, 4, &n),
            .object = shop_query_text(&q, 5, &n),
            .detail = shop_query_is_null(&q, 6) ? NULL : shop_query_text(&q, 6, &n),
            .hash = shop_query_blob(&q, 7, &hash_bytes),
            .customer = shop_query_is_null(&q, 8) ? NULL : shop_query_text(&q, 8, &n),
        };
        if (hash_bytes != SHOP_AUDIT_HASH_BYTES) {
            status = shop_fail(LLMCS_FORMAT, "%s: audit row %lld: its hash has %lld bytes, expected %d", c->path,
                               (long long)row.seq, (long long)hash_bytes, SHOP_AUDIT_HASH_BYTES);
            break;
        }
        shop_call *call = shop_callback_begin();
        const int32_t stop = each(user, &row);
        shop_callback_end(call);
        if (!stop) continue;
        status = shop_fail(LLMCS_CANCELLED, "stopped at audit row %lld", (long long)row.seq);
        break;
    }
    shop_query_end(&q);
    return status;
}

llmcs_status llmcs_shop_audit_list(llmcs_shop *shop, int64_t first, uint64_t limit, llmcs_shop_audit_fn each,
                                   void *user) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    SHOP_TRY(shop_check(shop));
    if (!each) return shop_fail(LLMCS_ARG, "each is NULL");
    SHOP_TRY(shop_shared_read_begin(shop, NULL, &c));
    const llmcs_status status = list_rows(c, first, limit, each, user);
    shop_shared_read_end(shop, c);
    return status;
}

/* ---- verify */

typedef struct verification {
    shop_connection *c;
    llmcs_shop_audit_report *report;
    const llmcs_shop_audit_params *params;
    uint8_t public_key[SHOP_PUBLIC_KEY_BYTES];
    bool has_key;
    uint8_t hash[SHOP_AUDIT_HASH_BYTES]; /* of row `seq` */
    int64_t seq;                         /* the row before the next one */
    uint8_t head[SHOP_AUDIT_HASH_BYTES]; /* params->head */
    bool head_seen;
} verification;

/* Stores the first problem; ignores later ones. */
static void report_problem(verification *v, int64_t seq, const char *fmt, ...) {
    va_list args;
    if (!v->report->intact) return;
    v->report->intact = 0;
    v->report->problem_seq = seq;
    va_start(args, fmt);
    sqlite3_vsnprintf(sizeof v->report->problem, v->report->problem, fmt, args);
    va_end(args);
}

/* Uses the given key, else the store's, else the one named in the file. */
static llmcs_status find_public_key(verification *v) {
    const shop_keys *keys;
    SHOP_TRY(shop_crypto_ready());
    if (v->params->public_key) {
        if (!shop_unhex(v->params->public_key, v->public_key, sizeof v->public_key))
            return shop_fail(LLMCS_ARG, "public_key: expected %d hex digits", 2 * SHOP_PUBLIC_KEY_BYTES);
        v->has_key = true;
        v->report->key_checked = 1;
        return LLMCS_OK;
    }
    if (!shop_keys_read(v->c, &keys)) {
        memcpy(v->public_key, keys->public_key, sizeof v->public_key);
        v->has_key = true;
        v->report->key_checked = 1;
        return LLMCS_OK;
    }
    return shop_keys_public(v->c, v->public_key, &v->has_key);
}

/* Checks a head's signature. q is at a row (seq, time, hash, anchor, signature). */
static bool is_signed(const verification *v, const shop_query *q) {
    uint8_t message[SHOP_AUDIT_HEAD_BYTES];
    size_t hash_bytes, signature_bytes;
    const uint8_t *hash = shop_query_blob(q, 2, &hash_bytes), *signature = shop_query_blob(q, 4, &signature_bytes);
    if (!v->has_key || hash_bytes != SHOP_AUDIT_HASH_BYTES || signature_bytes != SHOP_AUDIT_SIGNATURE_BYTES)
        return false;
    shop_audit_head_message(shop_query_int(q, 0), shop_query_int(q, 1), shop_query_int(q, 3), hash, message);
    return !crypto_sign_verify_detached(signature, message, sizeof message, v->public_key);
}

/* Starts after the anchor that retention left, or before row 1. */
static llmcs_status find_start(verification *v) {
    shop_query q;
    size_t n;
    v->seq = 0;
    SHOP_TRY(shop_audit_first_hash(v->c, v->hash));
    SHOP_TRY(shop_query_begin(v->c, &q,
                              "SELECT seq, time, hash, anchor, signature FROM audit_heads WHERE anchor <> 0"
                              " ORDER BY seq DESC LIMIT 1",
                              ""));
    SHOP_TRY(shop_query_next(&q));
    if (q.has_row) {
        v->seq = shop_query_int(&q, 0);
        if (is_signed(v, &q))
            memcpy(v->hash, shop_query_blob(&q, 2, &n), sizeof v->hash);
        else
            report_problem(v, v->seq, "the anchor at row %lld is not signed by the store's key", (long long)v->seq);
    }
    shop_query_end(&q);
    v->report->first_seq = v->seq + 1;
    return LLMCS_OK;
}

/* Checks number and hash of the row that q is at. */
static void check_row(verification *v, const shop_query *q) {
    shop_audit_entry e = {.seq = shop_query_int(q, 0), .time = shop_query_int(q, 1)};
    size_t n;
    for (int i = 0; i < SHOP_AUDIT_FIELDS; i++) {
        if (shop_query_is_null(q, 2 + i)) continue;
        e.fields[i].text = shop_query_text(q, 2 + i, &e.fields[i].n);
    }
    if (e.seq != v->seq + 1)
        report_problem(v, v->seq + 1, "row %lld is missing: row %lld follows row %lld", (long long)v->seq + 1,
                       (long long)e.seq, (long long)v->seq);
    shop_audit_hash(&e, v->hash);
    const void *stored = shop_query_blob(q, 7, &n);
    if (n != SHOP_AUDIT_HASH_BYTES || memcmp(stored, v->hash, n) != 0)
        report_problem(v, e.seq, "row %lld or one before it was changed: its hash does not match", (long long)e.seq);
    v->seq = e.seq;
    v->report->n_rows++;
    if (v->params->head && v->params->head_seq == v->seq) {
        v->head_seen = true;
        if (memcmp(v->hash, v->head, sizeof v->head) != 0)
            report_problem(v, v->seq, "row %lld does not have the hash given in params.head", (long long)v->seq);
    }
}

/* Checks the heads up to the row that was just read. */
static llmcs_status check_heads(verification *v, shop_query *heads) {
    while (heads->has_row && shop_query_int(heads, 0) <= v->seq) {
        size_t n;
        const int64_t seq = shop_query_int(heads, 0);
        if (!is_signed(v, heads))
            report_problem(v, seq, "the head at row %lld is not signed by the store's key", (long long)seq);
        else if (seq == v->seq && memcmp(shop_query_blob(heads, 2, &n), v->hash, sizeof v->hash) != 0)
            report_problem(v, seq, "row %lld or one before it was changed and rehashed: its signed head differs",
                           (long long)seq);
        if (v->report->intact) v->report->signed_seq = seq;
        SHOP_TRY(shop_query_next(heads));
    }
    return LLMCS_OK;
}

static llmcs_status check_rows(verification *v) {
    shop_query rows = {0}, heads = {0};
    llmcs_status status = shop_query_begin(
        v->c, &heads, "SELECT seq, time, hash, anchor, signature FROM audit_heads WHERE anchor = 0 ORDER BY seq", "");
    if (!status) status = shop_query_next(&heads);
    if (!status)
        status = shop_query_begin(
            v->c, &rows, "SELECT seq, time, role, actor, action, object, detail, hash FROM audit ORDER BY seq", "");
    while (!status && !(status = shop_query_next(&rows)) && rows.has_row) {
        check_row(v, &rows);
        status = check_heads(v, &heads);
    }
    if (!status && heads.has_row)
        report_problem(v, v->seq + 1, "rows %lld to %lld were cut off: a signed head covers them",
                       (long long)v->seq + 1, (long long)shop_query_int(&heads, 0));
    shop_query_end(&rows);
    shop_query_end(&heads);
    return status;
}

static llmcs_status verify(verification *v) {
    SHOP_TRY(find_public_key(v));
    SHOP_TRY(find_start(v));
    SHOP_TRY(check_rows(v));
    v->report->last_seq = v->report->n_rows || v->report->first_seq > 1 ? v->seq : 0;
    shop_hex(v->hash, sizeof v->hash, v->report->head);
    if (v->has_key) shop_hex(v->public_key, sizeof v->public_key, v->report->public_key);
    if (v->report->n_rows && v->report->signed_seq < v->seq)
        report_problem(v, v->report->signed_seq + 1, "rows %lld to %lld are not covered by a signed head",
                       (long long)v->report->signed_seq + 1, (long long)v->seq);
    if (v->params->head && !v->head_seen)
        report_problem(v, v->params->head_seq, "row %lld, which params.head_seq names, is missing",
                       (long long)v->params->head_seq);
    return LLMCS_OK;
}

static const llmcs_shop_audit_params default_params = {.struct_size = sizeof(llmcs_shop_audit_params)};

void llmcs_shop_audit_params_init_sized(llmcs_shop_audit_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

llmcs_status llmcs_shop_audit_verify(llmcs_shop *shop, const llmcs_shop_audit_params *params,
                                     llmcs_shop_audit_report *report) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_audit_params p = default_params;
    llmcs_shop_audit_report found = {.struct_size = sizeof found, .intact = 1};
    verification v = {.report = &found, .params = &p};
    SHOP_TRY(shop_check(shop));
    if (!report) return shop_fail(LLMCS_ARG, "report is NULL");
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_audit_params, head_seq), params,
                                 "llmcs_shop_audit_params"));
    if (p.head && !shop_unhex(p.head, v.head, sizeof v.head))
        return shop_fail(LLMCS_ARG, "head: expected %d hex digits", 2 * SHOP_AUDIT_HASH_BYTES);
    SHOP_TRY(shop_shared_read_begin(shop, NULL, &v.c));
    const llmcs_status status = verify(&v);
    shop_shared_read_end(shop, v.c);
    if (status) return status;
    return shop_options_out(report, SHOP_SIZE_UP_TO(llmcs_shop_audit_report, problem), &found, sizeof found,
                            "llmcs_shop_audit_report");
}
