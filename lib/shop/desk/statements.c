/* Prepares, binds and runs the statements of flows.json under an authorizer. */
#include "shop/desk/statements.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "shop/base/clock.h"
#include "shop/desk/borrow.h"

enum { N_TABLES = 8, MAX_OPCODES = 2000000, MAX_CELL = 4096 };

/* Tables that a statement may use, and their properties. */
static const struct {
    const char *name;
    bool personal, writable;
} tables[N_TABLES] = {{"products", false, false}, {"product_texts", false, false}, {"customers", true, true},
                      {"events", true, true},     {"orders", true, true},          {"order_items", true, true},
                      {"entries", false, false},  {"texts", false, false}};

static const char *const functions[] = {"abs",          "avg",          "ceil",     "char",     "coalesce",
                                        "count",        "date",         "datetime", "floor",    "format",
                                        "group_concat", "hex",          "ifnull",   "iif",      "instr",
                                        "julianday",    "json_extract", "->",       "->>",      "json_group_array",
                                        "json_object",  "length",       "like",     "lower",    "ltrim",
                                        "max",          "min",          "nullif",   "printf",   "replace",
                                        "round",        "rtrim",        "sign",     "strftime", "substr",
                                        "substring",    "sum",          "time",     "total",    "trim",
                                        "typeof",       "unixepoch",    "upper",    "unicode",  NULL};

/* ---- the authorizer */

typedef struct authority {
    const desk_query *query; /* NULL: deny everything */
    bool borrows;            /* tables on the server are temporary tables here; reading the file's own is denied */
    char denied[160];        /* reason */
} authority;

static int table_bit(const char *name) {
    for (int i = 0; i < N_TABLES; i++)
        if (!sqlite3_stricmp(tables[i].name, name)) return i;
    return -1;
}

static int deny(authority *a, const char *what, const char *name) {
    if (!*a->denied)
        sqlite3_snprintf(sizeof a->denied, a->denied, "%s %.80s is not allowed here", what, name ? name : "");
    return SQLITE_DENY;
}

static bool may_use(const desk_query *q, const char *table) {
    const int bit = table_bit(table);
    return bit >= 0 && (q->tables >> bit & 1);
}

static bool may_write(const desk_query *q, const char *table) {
    return q->is_action && may_use(q, table) && tables[table_bit(table)].writable;
}

/* Owner and public id of a row are never changed by a flow. */
static bool is_identity(const char *column) {
    return !sqlite3_stricmp(column, "row") || !sqlite3_stricmp(column, "rowid") || !sqlite3_stricmp(column, "id") ||
           !sqlite3_stricmp(column, "customer") || !sqlite3_stricmp(column, "order_row");
}

static bool is_function(const char *name) {
    for (size_t i = 0; functions[i]; i++)
        if (!sqlite3_stricmp(functions[i], name)) return true;
    return false;
}

static bool is_shared(const char *table) {
    return !sqlite3_stricmp(table, "customers") || !sqlite3_stricmp(table, "orders") ||
           !sqlite3_stricmp(table, "order_items");
}

bool desk_names_events(const desk_query *query) { return may_use(query, "events"); }

/* DESK_BORROW_* bits of the statement's tables that live on a server. */
static unsigned tables_to_borrow(const desk_query *query) {
    return (may_use(query, "customers") ? DESK_BORROW_CUSTOMERS : 0u) |
           (may_use(query, "orders") ? DESK_BORROW_ORDERS : 0u) |
           (may_use(query, "order_items") ? DESK_BORROW_ITEMS : 0u);
}

static int authorize(void *user, int code, const char *first, const char *second, const char *schema,
                     const char *inner) {
    authority *a = user;
    (void)inner;
    if (!a->query) return SQLITE_OK; /* the library's own statements */
    const bool borrowed = a->borrows && first && is_shared(first);
    if (schema && strcmp(schema, borrowed ? "temp" : "main") != 0) return deny(a, "schema", schema);
    switch (code) {
        case SQLITE_SELECT:
            return SQLITE_OK;
        case SQLITE_READ:
            /* A table function or subquery has no name of its own. */
            return !first || !*first || may_use(a->query, first) ? SQLITE_OK : deny(a, "reading table", first);
        case SQLITE_FUNCTION:
            return second && is_function(second) ? SQLITE_OK : deny(a, "function", second);
        case SQLITE_UPDATE:
            if (!first || !may_write(a->query, first)) return deny(a, "writing table", first);
            return second && is_identity(second) ? deny(a, "changing column", second) : SQLITE_OK;
        case SQLITE_INSERT:
            return first && may_write(a->query, first) ? SQLITE_OK : deny(a, "writing table", first);
        default:
            return deny(a, "this kind of statement, on", first);
    }
}

static bool only_spaces(const char *text) { return !text[strspn(text, " \t\r\n;")]; }

static llmcs_status prepare(shop_connection *c, authority *a, const desk_query *query, sqlite3_stmt **stmt) {
    const char *tail = "";
    a->query = query;
    a->denied[0] = 0;
    const int code = sqlite3_prepare_v3(c->db, query->sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, &tail);
    a->query = NULL;
    if (code == SQLITE_AUTH) return shop_fail(LLMCS_FORMAT, "%s", *a->denied ? a->denied : "not authorized");
    if ((code & 0xff) == SQLITE_ERROR) return shop_fail(LLMCS_FORMAT, "%s", sqlite3_errmsg(c->db));
    if (code) return shop_sqlite_error(c, code, query->name);
    const char *why = !*stmt                                               ? "no statement"
                      : !only_spaces(tail)                                 ? "more than one statement"
                      : !query->is_action && !sqlite3_stmt_readonly(*stmt) ? "a find must be a SELECT"
                      : query->is_action && sqlite3_stmt_readonly(*stmt)   ? "an action must be an UPDATE or INSERT"
                      : query->is_action && sqlite3_column_count(*stmt)    ? "an action returns no rows"
                      : sqlite3_stmt_isexplain(*stmt)                      ? "EXPLAIN is not allowed here"
                                                                           : NULL;
    if (!why) return LLMCS_OK;
    sqlite3_finalize(*stmt);
    *stmt = NULL;
    return shop_fail(LLMCS_FORMAT, "%s", why);
}

static llmcs_status prepare_once(shop_connection *c, bool borrows, const desk_query *query, sqlite3_stmt **stmt) {
    authority a = {.borrows = borrows};
    *stmt = NULL;
    sqlite3_set_authorizer(c->db, authorize, &a);
    const llmcs_status status = prepare(c, &a, query, stmt);
    sqlite3_set_authorizer(c->db, NULL, NULL);
    return status;
}

llmcs_status desk_statement_prepare(shop_connection *c, const desk_query *query, sqlite3_stmt **stmt) {
    return prepare_once(c, false, query, stmt);
}

/* ---- checking */

static bool is_parameter(const char *name) {
    static const char *const names[] = {"customer_id", "customer", "now", "lang", "conversation", "key", NULL};
    for (size_t i = 0; names[i]; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

static llmcs_status check_parameters(const desk_flows *f, const desk_json *node, sqlite3_stmt *stmt, bool personal) {
    const int n = sqlite3_bind_parameter_count(stmt);
    bool customer = false;
    if (n > DESK_MAX_PARAMETERS) return desk_bad(f, node, "more than %d parameters", DESK_MAX_PARAMETERS);
    for (int i = 1; i <= n; i++) {
        const char *name = sqlite3_bind_parameter_name(stmt, i);
        if (!name || name[0] != ':') return desk_bad(f, node, "parameter %d has no name: write :slot", i);
        if (!is_parameter(name + 1) && desk_find_slot(f, name + 1) < 0)
            return desk_bad(
                f, node, "%.60s: expected a slot or one of :customer_id :customer :now :lang :conversation :key", name);
        customer = customer || !strcmp(name, ":customer") || !strcmp(name, ":customer_id");
    }
    if (personal && !customer)
        return desk_bad(f, node,
                        "the statement uses a table of customers' data, expected :customer or :customer_id in it");
    return LLMCS_OK;
}

static llmcs_status read_columns(desk_flows *f, const desk_json *node, sqlite3_stmt *stmt, desk_query *query) {
    const int n = sqlite3_column_count(stmt);
    if (n > DESK_MAX_COLUMNS) return desk_bad(f, node, "more than %d columns", DESK_MAX_COLUMNS);
    for (int i = 0; i < n; i++) {
        const char *name = sqlite3_column_name(stmt, i);
        if (!name) return shop_fail(LLMCS_NOMEM, "%s: no memory", f->path);
        for (size_t k = 0; k < query->n_columns; k++)
            if (!strcmp(query->columns[k], name)) return desk_bad(f, node, "column %.60s occurs twice: use AS", name);
        SHOP_TRY(shop_arena_copy(&f->arena, name, strlen(name), &query->columns[query->n_columns++]));
    }
    return LLMCS_OK;
}

static llmcs_status read_tables(const desk_flows *f, const desk_json *node, desk_query *query) {
    const desk_json *list;
    SHOP_TRY(desk_need(f, node, "tables", DESK_JSON_ARRAY, &list));
    for (const desk_json *name = list->first; name; name = name->next) {
        const int bit = table_bit(name->text);
        if (bit < 0)
            return desk_bad(
                f, name,
                "\"%.60s\": expected products, product_texts, customers, events, orders, order_items, entries "
                "or texts",
                name->text);
        query->tables |= 1u << bit;
        query->personal = query->personal || tables[bit].personal;
    }
    return LLMCS_OK;
}

llmcs_status desk_query_check(shop_connection *c, const desk_flows *flows, const desk_json *node, desk_query *query) {
    sqlite3_stmt *stmt;
    desk_flows *f = (desk_flows *)flows; /* still being read, so its arena may grow */
    SHOP_TRY(read_tables(f, node, query));
    llmcs_status status = desk_statement_prepare(c, query, &stmt);
    if (status == LLMCS_FORMAT) {
        char why[300];
        sqlite3_snprintf(sizeof why, why, "%s", llmcs_error_message());
        return desk_bad(f, desk_json_get(node, "sql"), "%s", why);
    }
    SHOP_TRY(status);
    status = check_parameters(f, desk_json_get(node, "sql"), stmt, query->personal);
    if (!status && !query->is_action) status = read_columns(f, desk_json_get(node, "sql"), stmt, query);
    sqlite3_finalize(stmt);
    return status;
}

/* ---- binding and stepping */

static int bind_one(sqlite3_stmt *stmt, int at, const char *name, const desk_binding *b) {
    if (!strcmp(name, "customer"))
        return b->customer < 0 ? sqlite3_bind_null(stmt, at) : sqlite3_bind_int64(stmt, at, b->customer);
    if (!strcmp(name, "now")) return sqlite3_bind_int64(stmt, at, b->now);
    const char *text = NULL;
    if (!strcmp(name, "customer_id"))
        text = b->customer_id;
    else if (!strcmp(name, "lang"))
        text = b->lang;
    else if (!strcmp(name, "conversation"))
        text = b->conversation;
    else if (!strcmp(name, "key"))
        text = b->key;
    else {
        const int slot = desk_find_slot(b->flows, name);
        text = slot >= 0 ? b->slots[slot] : NULL;
        const desk_slot_type type = slot >= 0 ? b->flows->slots[slot].type : DESK_SLOT_TEXT;
        sqlite3_int64 number = 0;
        if (text && (type == DESK_SLOT_NUMBER || type == DESK_SLOT_QUANTITY)) {
            for (const char *p = text + (*text == '-'); *p >= '0' && *p <= '9'; p++) number = number * 10 + (*p - '0');
            return sqlite3_bind_int64(stmt, at, *text == '-' ? -number : number);
        }
    }
    return sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static int bind_statement(sqlite3_stmt *stmt, const desk_binding *b) {
    const int n = sqlite3_bind_parameter_count(stmt);
    for (int i = 1; i <= n; i++) {
        const int code = bind_one(stmt, i, sqlite3_bind_parameter_name(stmt, i) + 1, b);
        if (code) return code;
    }
    return SQLITE_OK;
}

static llmcs_status read_row(sqlite3_stmt *stmt, shop_arena *arena, size_t n_columns, desk_cell *row) {
    for (size_t i = 0; i < n_columns; i++) {
        const int column = (int)i;
        if (sqlite3_column_type(stmt, column) == SQLITE_NULL) continue;
        row[i].number = sqlite3_column_double(stmt, column);
        const char *text = (const char *)sqlite3_column_text(stmt, column);
        if (!text) return shop_fail(LLMCS_NOMEM, "find: no memory");
        SHOP_TRY(shop_arena_copy(arena, text, strnlen(text, MAX_CELL), &row[i].text));
    }
    return LLMCS_OK;
}

static int stop(void *user) {
    (void)user;
    return 1;
}

static llmcs_status step_rows(shop_connection *c, sqlite3_stmt *stmt, const desk_query *query, const desk_binding *b,
                              shop_arena *arena, desk_rows *rows) {
    desk_cell *cells;
    rows->n_columns = query->n_columns;
    SHOP_TRY(shop_arena_alloc(arena, DESK_MAX_ROWS * query->n_columns, sizeof *cells, &cells));
    rows->cells = cells;
    int code = bind_statement(stmt, b);
    if (code) return shop_sqlite_error(c, code, query->name);
    /* SQLite counts the opcodes of a statement over all its runs; the limit is for one. */
    (void)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    sqlite3_progress_handler(c->db, MAX_OPCODES, stop, NULL);
    llmcs_status status = LLMCS_OK;
    while (!status && rows->n < DESK_MAX_ROWS && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        status = read_row(stmt, arena, rows->n_columns, cells + rows->n_columns * rows->n++);
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    if (!status && code == SQLITE_INTERRUPT) status = shop_fail(LLMCS_LIMIT, "find %s takes too long", query->name);
    if (!status && code != SQLITE_ROW && code != SQLITE_DONE) status = shop_sqlite_error(c, code, query->name);
    return status;
}

/* ---- readers */

typedef struct reader {
    shop_connection connection; /* db NULL: not open */
    authority authority;
    sqlite3_stmt *stmts[DESK_MAX_FINDS];
    bool used;
} reader;

struct desk_readers {
    llmcs_shop *shop;
    const desk_flows *flows;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    reader *readers; /* [n] */
    size_t n;
};

llmcs_status desk_readers_create(llmcs_shop *shop, const desk_flows *flows, desk_readers **readers) {
    desk_readers *r;
    *readers = NULL;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *r, "readers", &r));
    r->shop = shop;
    r->flows = flows;
    r->n = shop->n_readers;
    llmcs_status status = shop_alloc_zero(&shop->allocator, r->n, sizeof *r->readers, "readers", &r->readers);
    if (!status && pthread_mutex_init(&r->lock, NULL)) status = shop_fail(LLMCS_THREAD, "a lock could not be created");
    if (!status && pthread_cond_init(&r->freed, NULL)) {
        pthread_mutex_destroy(&r->lock);
        status = shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    if (status) {
        shop_free(&shop->allocator, r->readers);
        shop_free(&shop->allocator, r);
        return status;
    }
    *readers = r;
    return LLMCS_OK;
}

static void close_reader(reader *r) {
    for (size_t i = 0; i < DESK_MAX_FINDS; i++) sqlite3_finalize(r->stmts[i]);
    memset(r->stmts, 0, sizeof r->stmts);
    shop_connection_close(&r->connection);
}

void desk_readers_free(desk_readers **readers) {
    desk_readers *r = *readers;
    if (!r) return;
    *readers = NULL;
    const bool own = r->shop->owner == getpid();
    for (size_t i = 0; own && i < r->n; i++)
        if (r->readers[i].connection.db) close_reader(&r->readers[i]);
    if (own) {
        pthread_cond_destroy(&r->freed);
        pthread_mutex_destroy(&r->lock);
    }
    shop_free(&r->shop->allocator, r->readers);
    shop_free(&r->shop->allocator, r);
}

static reader *acquire(desk_readers *r) {
    const struct timespec deadline = shop_after_ms(CLOCK_REALTIME, r->shop->busy_ms + 1000.0);
    reader *found = NULL;
    pthread_mutex_lock(&r->lock);
    for (bool late = false; !found;) {
        for (size_t i = 0; i < r->n && !found; i++)
            if (!r->readers[i].used) found = &r->readers[i];
        if (found || late) break;
        late = pthread_cond_timedwait(&r->freed, &r->lock, &deadline) != 0;
    }
    if (found) found->used = true;
    pthread_mutex_unlock(&r->lock);
    return found;
}

static void release(desk_readers *r, reader *one) {
    pthread_mutex_lock(&r->lock);
    one->used = false;
    pthread_cond_signal(&r->freed);
    pthread_mutex_unlock(&r->lock);
}

/* The authorizer stays set, since SQLite may prepare a statement again later. */
static llmcs_status open_reader(const desk_readers *r, reader *one) {
    shop_connection *c = &one->connection;
    if (c->db) return LLMCS_OK;
    one->authority.borrows = r->shop->shared != NULL;
    SHOP_TRY(shop_connection_open(c, r->shop->path, SHOP_ACCESS_READ, r->shop->busy_ms));
    const llmcs_status status = one->authority.borrows ? desk_borrow_init(c) : LLMCS_OK;
    if (status)
        shop_connection_close(c);
    else
        sqlite3_set_authorizer(c->db, authorize, &one->authority);
    return status;
}

static llmcs_status reader_statement(desk_readers *r, reader *one, int find, sqlite3_stmt **stmt) {
    shop_connection *c = &one->connection;
    SHOP_TRY(open_reader(r, one));
    if (!one->stmts[find]) SHOP_TRY(prepare(c, &one->authority, &r->flows->finds[find], &one->stmts[find]));
    *stmt = one->stmts[find];
    return LLMCS_OK;
}

/* Copies the customer's rows, in transaction `c` or in one of its own. */
static llmcs_status borrow(desk_readers *r, reader *one, shop_connection *link, shop_connection *c,
                           const desk_query *query, const desk_binding *b) {
    shop_connection *server = c;
    const unsigned wanted = tables_to_borrow(query);
    if (!one->authority.borrows || !wanted) return LLMCS_OK;
    if (!c) SHOP_TRY(shop_shared_read_begin(r->shop, link, &server));
    const llmcs_status status = desk_borrow(&one->connection, server, wanted, b->customer, false);
    if (!c) shop_shared_read_end(r->shop, server);
    return status;
}

static llmcs_status find_on_reader(desk_readers *r, shop_connection *link, shop_connection *c, int find,
                                   const desk_binding *b, shop_arena *arena, desk_rows *rows) {
    sqlite3_stmt *stmt;
    reader *one = acquire(r);
    if (!one) return shop_fail(LLMCS_BUSY, "%s: all readers are in use", r->shop->path);
    llmcs_status status = reader_statement(r, one, find, &stmt);
    if (!status) status = borrow(r, one, link, c, &r->flows->finds[find], b);
    if (!status) {
        one->authority.query = &r->flows->finds[find];
        status = step_rows(&one->connection, stmt, &r->flows->finds[find], b, arena, rows);
        one->authority.query = NULL;
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
    }
    if (one->authority.borrows && one->connection.db) (void)desk_borrow_end(&one->connection);
    release(r, one);
    return status;
}

llmcs_status desk_find_rows(desk_readers *readers, shop_connection *link, shop_connection *c, int find,
                            const desk_binding *b, shop_arena *arena, const desk_rows **rows) {
    desk_rows *found;
    sqlite3_stmt *stmt;
    SHOP_TRY(shop_arena_alloc(arena, 1, sizeof *found, &found));
    *rows = found;
    if (!c || c->driver) return find_on_reader(readers, link, c, find, b, arena, found);
    const desk_query *query = &b->flows->finds[find];
    SHOP_TRY(desk_statement_prepare(c, query, &stmt));
    const llmcs_status status = step_rows(c, stmt, query, b, arena, found);
    sqlite3_finalize(stmt);
    return status;
}

/* ---- actions */

static int step_action(shop_connection *c, bool borrows, const desk_query *action, const desk_binding *b,
                       int64_t *changed) {
    sqlite3_stmt *stmt;
    if (prepare_once(c, borrows, action, &stmt)) return SQLITE_AUTH;
    int code = bind_statement(stmt, b);
    if (!code) {
        sqlite3_progress_handler(c->db, MAX_OPCODES, stop, NULL);
        code = sqlite3_step(stmt);
        sqlite3_progress_handler(c->db, 0, NULL, NULL);
    }
    if (code == SQLITE_DONE) *changed = sqlite3_changes64(c->db);
    sqlite3_finalize(stmt);
    return code;
}

/* Runs on rows locked on the server. Writes all changes back, or none. */
static llmcs_status act_on_borrowed(reader *one, shop_connection *server, const desk_query *action,
                                    const desk_binding *b, int64_t *changed) {
    shop_connection *c = &one->connection;
    desk_changes changes;
    int64_t n = 0;
    SHOP_TRY(desk_borrow(c, server, tables_to_borrow(action), b->customer, true));
    desk_borrow_watch(c, &changes);
    const int code = step_action(c, true, action, b, &n);
    desk_borrow_watch(c, NULL);
    sqlite3_set_authorizer(c->db, authorize, &one->authority);
    if ((code & 0xff) == SQLITE_NOMEM) return shop_sqlite_error(c, code, action->name);
    if (code != SQLITE_DONE || n < 1 || n > action->max_rows) return LLMCS_OK;
    SHOP_TRY(shop_execute(server, "SAVEPOINT desk_act", "cannot be written"));
    bool done;
    SHOP_TRY(desk_borrow_return(c, server, b->customer, &changes, &done));
    if (!done) SHOP_TRY(shop_execute(server, "ROLLBACK TO desk_act", "cannot be written"));
    SHOP_TRY(shop_execute(server, "RELEASE desk_act", "cannot be written"));
    if (done) *changed = n;
    return LLMCS_OK;
}

static llmcs_status act_on_server(desk_readers *r, shop_connection *server, const desk_query *action,
                                  const desk_binding *b, int64_t *changed) {
    reader *one = acquire(r);
    if (!one) return shop_fail(LLMCS_BUSY, "%s: all readers are in use", r->shop->path);
    llmcs_status status = open_reader(r, one);
    if (!status) {
        status = act_on_borrowed(one, server, action, b, changed);
        (void)desk_borrow_end(&one->connection);
    }
    release(r, one);
    return status;
}

llmcs_status desk_act(desk_readers *readers, shop_connection *c, const desk_query *action, const desk_binding *b,
                      int64_t *changed) {
    *changed = 0;
    if (c->driver) return act_on_server(readers, c, action, b, changed);
    SHOP_TRY(shop_execute(c, "SAVEPOINT desk_act", "cannot be written"));
    int64_t n = 0;
    const int code = step_action(c, false, action, b, &n);
    /* SQLite rolls back by itself when the disk is full or a lock is lost. */
    if (sqlite3_get_autocommit(c->db)) return shop_sqlite_error(c, code, "cannot be written");
    const int kind = code & 0xff;
    if (kind == SQLITE_FULL || kind == SQLITE_IOERR || kind == SQLITE_NOMEM || kind == SQLITE_BUSY ||
        kind == SQLITE_CORRUPT)
        return shop_sqlite_error(c, code, action->name);
    const bool done = code == SQLITE_DONE && n >= 1 && n <= action->max_rows;
    if (!done) SHOP_TRY(shop_execute(c, "ROLLBACK TO desk_act", "cannot be written"));
    SHOP_TRY(shop_execute(c, "RELEASE desk_act", "cannot be written"));
    if (done) *changed = n;
    return LLMCS_OK;
}
