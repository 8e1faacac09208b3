/* Erases a customer. */
#include <string.h>

#include "shop/base/options.h"
#include "shop/guard/audit.h"
#include "shop/guard/random.h"
#include "shop/guard/report.h"
#include "shop/recommend/recommender.h"
#include "shop/store/rows.h"
#include "shop/store/shared.h"

/* ---- reports */

llmcs_status shop_report_create(const llmcs_allocator *a, shop_report **report) {
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof **report, "report", report));
    (*report)->allocator = *a;
    (*report)->shown.items = (*report)->pointers;
    return LLMCS_OK;
}

void shop_report_add(shop_report *report, const char *table, const char *action, const char *why, uint64_t n) {
    const size_t i = report->shown.n_items;
    for (size_t k = 0; k < i; k++)
        if (!strcmp(report->items[k].table, table) && !strcmp(report->items[k].action, action)) {
            report->items[k].n_rows += n;
            return;
        }
    if (!n || i == SHOP_REPORT_ITEMS) return;
    report->items[i] = (llmcs_shop_forgotten_item){table, action, n, why};
    report->pointers[i] = &report->items[i];
    report->shown.n_items++;
}

char *shop_report_json(const shop_report *report) {
    sqlite3_str *s = sqlite3_str_new(NULL);
    sqlite3_str_appendchar(s, 1, '{');
    for (size_t i = 0; i < report->shown.n_items; i++)
        sqlite3_str_appendf(s, "%s\"%s %s\":%llu", i ? "," : "", report->items[i].table, report->items[i].action,
                            (unsigned long long)report->items[i].n_rows);
    sqlite3_str_appendchar(s, 1, '}');
    return sqlite3_str_finish(s);
}

llmcs_status shop_report_finish(llmcs_shop *shop, llmcs_status status, shop_report *r, llmcs_shop_forgotten **report) {
    bool truncated = false;
    if (!status) shop_recommender_reset(shop);
    if (!status) status = shop_truncate_log(shop, &truncated);
    r->shown.wal_truncated = truncated;
    if (status)
        shop_free(&shop->allocator, r);
    else
        *report = &r->shown;
    return status;
}

void llmcs_shop_forgotten_free(llmcs_shop_forgotten **report) {
    SHOP_PUBLIC_CALL;
    if (!report || !*report) return;
    shop_report *r = (shop_report *)(void *)*report;
    const llmcs_allocator a = r->allocator;
    *report = NULL;
    shop_free(&a, r);
}

static const llmcs_shop_forget_params default_params = {
    .struct_size = sizeof(llmcs_shop_forget_params), .role = LLMCS_SHOP_SUPERVISOR, .actor = "llmcs"};

void llmcs_shop_forget_params_init_sized(llmcs_shop_forget_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

llmcs_status shop_forget_params(const llmcs_shop_forget_params *given, llmcs_shop_forget_params *params) {
    *params = default_params;
    if (given)
        SHOP_TRY(shop_options_in(params, sizeof *params, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_forget_params, actor),
                                 given, "llmcs_shop_forget_params"));
    SHOP_TRY(shop_check_id("actor", params->actor));
    return llmcs_shop_may(params->role, LLMCS_SHOP_FOR_ERASURE, LLMCS_SHOP_FORGETTING);
}

/* ---- forgetting */

typedef struct forgetting {
    const char *customer; /* id */
    int64_t row;          /* in customers; -1: none */
    bool borrowed;        /* the row in customers was added only to hold conversations copied from the server */
    char pseudonym[64];
} forgetting;

static llmcs_status erase_table(shop_connection *c, const forgetting *f, const shop_personal_table *t, uint64_t *n) {
    const bool counts = !strcmp(t->action, "kept");
    int64_t found = 0;
    *n = 0;
    if (t->by != SHOP_ERASE_BY_ID && f->row < 0) return LLMCS_OK;
    if (counts) {
        SHOP_TRY(t->by == SHOP_ERASE_BY_ID ? shop_lookup_int(c, 0, &found, t->erase, "s", f->customer)
                                           : shop_lookup_int(c, 0, &found, t->erase, "i", f->row));
        *n = (uint64_t)found;
        return LLMCS_OK;
    }
    if (t->by == SHOP_ERASE_BY_ID)
        SHOP_TRY(shop_change(c, t->erase, "s", f->customer));
    else if (t->by == SHOP_ERASE_BY_ROW)
        SHOP_TRY(shop_change(c, t->erase, "i", f->row));
    else
        SHOP_TRY(shop_change(c, t->erase, "is", f->row, f->pseudonym));
    *n = (uint64_t)shop_changes(c);
    return LLMCS_OK;
}

/* Sets `alias` to "forgotten:" and the customer's alias in the audit, or the pseudonym if there is none. */
static llmcs_status find_alias(shop_connection *c, const forgetting *f, char *alias, size_t capacity) {
    shop_query q;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT alias FROM keys WHERE owner = 'customer/' || ?1", "s", f->customer));
    SHOP_TRY(shop_query_next(&q));
    sqlite3_snprintf((int)capacity, alias, "forgotten:%.40s", q.has_row ? shop_query_text(&q, 0, &n) : f->pseudonym);
    shop_query_end(&q);
    return LLMCS_OK;
}

/* Erases the customer's rows in `c`. Rows copied from a server are not counted. */
static llmcs_status erase_all(shop_connection *c, const forgetting *f, bool borrows, shop_report *report) {
    for (size_t i = 0; i < shop_n_personal_tables; i++) {
        const shop_personal_table *t = &shop_personal_tables[i];
        uint64_t n;
        if (!t->action || (c->driver && !shop_personal_is_shared(t->table))) continue;
        SHOP_TRY(erase_table(c, f, t, &n));
        const bool borrowed =
            (borrows && !strcmp(t->table, "conversations")) || (f->borrowed && !strcmp(t->table, "customers"));
        if (!borrowed) shop_report_add(report, t->table, t->action, t->why, n);
    }
    return LLMCS_OK;
}

static llmcs_status begin_forgetting(shop_connection *c, forgetting *f, char *object, size_t capacity) {
    SHOP_TRY(shop_personal_check(c));
    SHOP_TRY(shop_lookup_int(c, -1, &f->row, "SELECT row FROM customers WHERE id = ?1", "s", f->customer));
    return find_alias(c, f, object, capacity);
}

static llmcs_status forget_in(shop_connection *c, const llmcs_shop_forget_params *params, forgetting *f,
                              shop_report *report) {
    char object[64];
    SHOP_TRY(begin_forgetting(c, f, object, sizeof object));
    SHOP_TRY(erase_all(c, f, false, report));
    report->shown.known = report->shown.n_items > 0;
    if (!report->shown.known) return LLMCS_OK;
    SHOP_TRY(shop_personal_tidy(c));
    char *detail = shop_report_json(report);
    if (!detail) return shop_fail(LLMCS_NOMEM, "report: no memory");
    /* If the customer is the actor, the alias takes the place of the id, which must not reappear. */
    const char *actor = params->role == LLMCS_SHOP_CUSTOMER ? object : params->actor;
    const llmcs_status status =
        shop_audit_append(c, llmcs_shop_role_name(params->role), actor, "forget", object, detail);
    sqlite3_free(detail);
    return status;
}

/* ---- a store with a server */

/* Copies the customer's conversations from the server into this file until its rows are erased: the statements in
 * personal.c need them to find suggestions and decisions. */
static llmcs_status borrow_conversations(shop_connection *c, shop_connection *server, forgetting *f) {
    shop_query q;
    int64_t row;
    llmcs_status status;
    SHOP_TRY(shop_lookup_int(c, -1, &row, "SELECT row FROM customers WHERE id = ?1", "s", f->customer));
    f->borrowed = row < 0;
    SHOP_TRY(shop_query_begin(server, &q,
                              "SELECT v.id FROM conversations v JOIN customers u ON u.row = v.customer WHERE u.id = ?1"
                              " UNION SELECT conversation FROM names WHERE owner = 'customer/' || ?1",
                              "s", f->customer));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n;
        const char *id = shop_query_text(&q, 0, &n);
        if (row < 0 && (status = shop_customer_row(c, f->customer, &row))) break;
        status = shop_change(c,
                             "INSERT INTO conversations(id, customer, status, lang, priority, reason, summary, state,"
                             " turns, started, time) VALUES(?1, ?2, 'closed', '', 0, '', '', '', 0, 0, 0)"
                             " ON CONFLICT(id) DO UPDATE SET customer = ?2",
                             "si", id, row);
        if (status) break;
    }
    shop_query_end(&q);
    return status;
}

static llmcs_status forget_in_file(shop_connection *c, shop_connection *server, forgetting *f, shop_report *report) {
    char object[64];
    SHOP_TRY(borrow_conversations(c, server, f));
    SHOP_TRY(begin_forgetting(c, f, object, sizeof object));
    SHOP_TRY(erase_all(c, f, true, report));
    return shop_personal_tidy(c);
}

/* Erases in the file first: until the server has forgotten the customer, a failed call can be repeated. The server's
 * audit records both. */
static llmcs_status forget_everywhere(llmcs_shop *shop, const llmcs_shop_forget_params *params, forgetting *f,
                                      shop_report *report) {
    shop_connection *server, *c;
    SHOP_TRY(shop_shared_write_alone(shop, &server));
    llmcs_status status = shop_write_begin(shop, &c);
    if (!status) status = shop_write_end(shop, c, forget_in_file(c, server, f, report));
    f->row = -1;
    f->borrowed = false;
    if (!status) status = forget_in(server, params, f, report);
    return shop_shared_write_end(shop, server, status);
}

/* A customer may erase only their own data. */
static llmcs_status check_own(const llmcs_shop_forget_params *params, const char *customer) {
    const char *actor = params->actor;
    if (params->role != LLMCS_SHOP_CUSTOMER) return LLMCS_OK;
    if (!strncmp(actor, "customer:", 9)) actor += 9;
    return !strcmp(actor, customer)
               ? LLMCS_OK
               : shop_fail(LLMCS_STATE,
                           "role customer: a customer may erase only their own data: set actor to the customer's id");
}

llmcs_status llmcs_shop_forget(llmcs_shop *shop, const char *customer, const llmcs_shop_forget_params *params,
                               llmcs_shop_forgotten **report) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_forget_params p;
    forgetting f = {.customer = customer, .row = -1};
    shop_connection *c;
    shop_report *r;
    if (!report) return shop_fail(LLMCS_ARG, "report is NULL");
    *report = NULL;
    SHOP_TRY(shop_check(shop));
    /* Not as a name: earlier versions took ids with line ends, and their customers can be erased, too. */
    SHOP_TRY(shop_check_text("customer", customer, 1, SHOP_ID_BYTES));
    SHOP_TRY(shop_forget_params(params, &p));
    SHOP_TRY(check_own(&p, customer));
    SHOP_TRY(shop_report_create(&shop->allocator, &r));
    char random[17];
    llmcs_status status = shop_random_hex(random, 8);
    if (!status) sqlite3_snprintf(sizeof f.pseudonym, f.pseudonym, "forgotten-%s", random);
    if (!status && shop->shared)
        status = forget_everywhere(shop, &p, &f, r);
    else if (!status && !(status = shop_write_begin(shop, &c)))
        status = shop_write_end(shop, c, forget_in(c, &p, &f, r));
    return shop_report_finish(shop, status, r, report);
}
