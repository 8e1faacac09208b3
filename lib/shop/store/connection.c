/* Opens hardened SQLite connections and runs prepared statements on them. Statements on a server connection go to its
 * plug-in. */
#include "shop/store/connection.h"

#include <string.h>

/* Far above what our own statements need. They bound what a hostile file or text can make SQLite do. */
static const struct {
    int id, value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 64 << 20},     {SQLITE_LIMIT_SQL_LENGTH, 64 << 10}, {SQLITE_LIMIT_COLUMN, 100},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},      {SQLITE_LIMIT_COMPOUND_SELECT, 10},  {SQLITE_LIMIT_VDBE_OP, 100000},
    {SQLITE_LIMIT_FUNCTION_ARG, 16},     {SQLITE_LIMIT_ATTACHED, 0},          {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 100}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1},     {SQLITE_LIMIT_WORKER_THREADS, 0},
};

/* Defensive mode, untrusted schema, no extensions, no triggers or views, no string literals in double quotes. */
static const struct {
    int id, on;
} switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0},
    {SQLITE_DBCONFIG_DQS_DDL, 0},
};

static llmcs_status status_of(int code) {
    switch (code & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
            return LLMCS_OK;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
            return LLMCS_BUSY;
        case SQLITE_NOMEM:
            return LLMCS_NOMEM;
        case SQLITE_FULL:
            return LLMCS_NOSPACE;
        case SQLITE_IOERR:
            return code == SQLITE_IOERR_NOMEM ? LLMCS_NOMEM : code == SQLITE_IOERR_CORRUPTFS ? LLMCS_FORMAT : LLMCS_IO;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_NOLFS:
            return LLMCS_IO;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_FORMAT:
        case SQLITE_CONSTRAINT: /* our statements satisfy the constraints, so the file must be wrong */
        case SQLITE_MISMATCH:
        case SQLITE_SCHEMA:
        case SQLITE_ERROR: /* a table or column is missing */
            return LLMCS_FORMAT;
        case SQLITE_TOOBIG:
            return LLMCS_LIMIT;
        case SQLITE_INTERRUPT:
        case SQLITE_ABORT:
            return LLMCS_CANCELLED;
        default:
            return LLMCS_INTERNAL;
    }
}

llmcs_status shop_sqlite_error(const shop_connection *c, int code, const char *doing) {
    const char *detail =
        c->db && (sqlite3_errcode(c->db) & 0xff) == (code & 0xff) ? sqlite3_errmsg(c->db) : sqlite3_errstr(code);
    if ((code & 0xff) == SQLITE_NOTADB)
        return shop_fail(LLMCS_FORMAT, "%s: no SQLite header at byte 0: not a store, or damaged", c->path);
    return shop_fail(status_of(code), "%s: %s: %s", c->path, doing, detail);
}

static llmcs_status harden(shop_connection *c) {
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) sqlite3_limit(c->db, limits[i].id, limits[i].value);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        const int code = sqlite3_db_config(c->db, switches[i].id, switches[i].on, (int *)NULL);
        if (code) return shop_sqlite_error(c, code, "cannot configure SQLite");
    }
    return LLMCS_OK;
}

llmcs_status shop_connection_open(shop_connection *c, const char *path, shop_access access, int32_t busy_ms) {
    *c = (shop_connection){.path = path};
    /* One thread at a time uses a connection, so it needs no mutex (NOMUTEX); SQLite itself must be thread-safe. */
    if (!sqlite3_threadsafe())
        return shop_fail(LLMCS_UNSUPPORTED, "SQLite was built without thread support (SQLITE_THREADSAFE=0)");
    const int flags = access == SHOP_ACCESS_READ    ? SQLITE_OPEN_READONLY
                      : access == SHOP_ACCESS_WRITE ? SQLITE_OPEN_READWRITE
                                                    : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int code = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    llmcs_status status = code ? shop_sqlite_error(c, code, "cannot be opened") : harden(c);
    if (!status) {
        sqlite3_busy_timeout(c->db, busy_ms);
        /* synchronous = FULL: committed rows survive a power cut. secure_delete: deleted rows are overwritten. */
        status = shop_execute(c,
                              "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA synchronous = FULL;"
                              "PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -16000;"
                              "PRAGMA secure_delete = ON",
                              "cannot be opened");
    }
    if (status) shop_connection_close(c);
    return status;
}

void shop_connection_close(shop_connection *c) {
    for (size_t i = 0; i < c->n_statements; i++) sqlite3_finalize(c->statements[i].stmt);
    c->n_statements = 0;
    sqlite3_close(c->db);
    c->db = NULL;
}

llmcs_status shop_execute(shop_connection *c, const char *sql, const char *doing) {
    if (c->driver) {
        shop_remote_error error;
        return c->driver->execute(c->remote, sql, NULL, 0, &error) ? shop_remote_failed(c, &error) : LLMCS_OK;
    }
    const int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return code ? shop_sqlite_error(c, code, doing) : LLMCS_OK;
}

/* ---- queries */

static llmcs_status find_statement(shop_connection *c, const char *sql, sqlite3_stmt **stmt) {
    for (size_t i = 0; i < c->n_statements; i++)
        if (c->statements[i].sql == sql) {
            *stmt = c->statements[i].stmt;
            return LLMCS_OK;
        }
    if (c->n_statements == SHOP_MAX_STATEMENTS)
        return shop_fail(LLMCS_INTERNAL, "%s: more than %d prepared statements on a connection", c->path,
                         SHOP_MAX_STATEMENTS);
    const int code = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    if (code) return shop_sqlite_error(c, code, "cannot be read");
    c->statements[c->n_statements++] = (shop_statement){sql, *stmt};
    return LLMCS_OK;
}

static int bind_bytes(sqlite3_stmt *stmt, int at, char kind, va_list *args) {
    const void *bytes = va_arg(*args, const void *);
    const size_t n = va_arg(*args, size_t);
    if (!bytes) return sqlite3_bind_null(stmt, at);
    return kind == 't' ? sqlite3_bind_text64(stmt, at, bytes, n, SQLITE_STATIC, SQLITE_UTF8)
                       : sqlite3_bind_blob64(stmt, at, bytes, n, SQLITE_STATIC);
}

static int bind_all(sqlite3_stmt *stmt, const char *format, va_list *args) {
    int code = SQLITE_OK;
    for (int i = 0; format[i] && !code; i++) {
        const int at = i + 1;
        switch (format[i]) {
            case 's':
                code = sqlite3_bind_text(stmt, at, va_arg(*args, const char *), -1, SQLITE_STATIC);
                break;
            case 'i':
                code = sqlite3_bind_int64(stmt, at, va_arg(*args, int64_t));
                break;
            case 'd':
                code = sqlite3_bind_double(stmt, at, va_arg(*args, double));
                break;
            case 'n':
                code = sqlite3_bind_null(stmt, at);
                break;
            default:
                code = bind_bytes(stmt, at, format[i], args);
        }
    }
    return code;
}

/* ---- server connections */

shop_connection *shop_local(shop_connection *c) { return c->driver ? c->local : c; }

llmcs_status shop_remote_failed(shop_connection *c, const shop_remote_error *error) {
    c->lost = c->lost || error->lost;
    return shop_fail(error->status, "%s: %s", c->path, error->text);
}

static shop_cell next_cell(char kind, va_list *args) {
    shop_cell v = {.type = kind == 't' ? 's' : kind, .declared = kind == 't' || kind == 'n' ? 's' : kind};
    switch (kind) {
        case 'i':
            v.integer = va_arg(*args, int64_t);
            break;
        case 'd':
            v.real = va_arg(*args, double);
            break;
        case 'n':
            v.type = 0;
            break;
        case 's':
            v.bytes = va_arg(*args, const char *);
            v.n = v.bytes ? strlen(v.bytes) : 0;
            break;
        default:
            v.bytes = va_arg(*args, const void *);
            v.n = va_arg(*args, size_t);
    }
    if (v.type && v.type != 'i' && v.type != 'd' && !v.bytes) v = (shop_cell){.declared = v.declared};
    return v;
}

/* Fetches the whole result, so that other queries may run before this one has ended. */
static llmcs_status begin_remote(shop_connection *c, shop_query *q, const char *sql, const char *format,
                                 va_list *args) {
    shop_cell values[SHOP_MAX_REMOTE_VALUES];
    shop_remote_error error;
    size_t n = 0;
    if (!c->remote || c->lost) return shop_fail(LLMCS_IO, "%s: the connection is lost", c->path);
    for (; format[n]; n++) {
        if (n == SHOP_MAX_REMOTE_VALUES)
            return shop_fail(LLMCS_INTERNAL, "%s: more than %d parameters in a statement", c->path,
                             SHOP_MAX_REMOTE_VALUES);
        values[n] = next_cell(format[n], args);
    }
    if (c->driver->query(c->remote, sql, values, n, &q->rows, &error)) return shop_remote_failed(c, &error);
    c->n_changed = c->driver->changed(q->rows);
    return LLMCS_OK;
}

static shop_cell remote_cell(const shop_query *q, int column) {
    shop_cell found = {0};
    if (q->rows) q->c->driver->cell(q->rows, q->next - 1, column, &found);
    return found;
}

/* ---- both */

static llmcs_status begin(shop_connection *c, shop_query *q, const char *sql, const char *format, va_list *args) {
    *q = (shop_query){.c = c};
    if (c->driver) return begin_remote(c, q, sql, format, args);
    SHOP_TRY(find_statement(c, sql, &q->stmt));
    const int code = bind_all(q->stmt, format, args);
    if (!code) return LLMCS_OK;
    const llmcs_status status = shop_sqlite_error(c, code, "a value cannot be bound");
    shop_query_end(q);
    return status;
}

llmcs_status shop_query_begin(shop_connection *c, shop_query *q, const char *sql, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const llmcs_status status = begin(c, q, sql, format, &args);
    va_end(args);
    return status;
}

llmcs_status shop_query_next(shop_query *q) {
    if (q->rows) {
        q->has_row = q->next < q->c->driver->count(q->rows);
        q->next += q->has_row;
        return LLMCS_OK;
    }
    const int code = sqlite3_step(q->stmt);
    q->has_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE) return LLMCS_OK;
    const llmcs_status status =
        shop_sqlite_error(q->c, code, sqlite3_stmt_readonly(q->stmt) ? "cannot be read" : "cannot be written");
    shop_query_end(q);
    return status;
}

void shop_query_end(shop_query *q) {
    if (q->rows) {
        q->c->driver->free_rows(q->rows);
        q->rows = NULL;
        q->has_row = false;
    }
    if (!q->stmt) return;
    sqlite3_reset(q->stmt);
    sqlite3_clear_bindings(q->stmt);
    q->stmt = NULL;
    q->has_row = false;
}

int64_t shop_query_int(const shop_query *q, int column) {
    if (!q->c->driver) return sqlite3_column_int64(q->stmt, column);
    const shop_cell found = remote_cell(q, column);
    return found.type == 'd' ? (int64_t)found.real : found.integer;
}

double shop_query_double(const shop_query *q, int column) {
    if (!q->c->driver) return sqlite3_column_double(q->stmt, column);
    const shop_cell found = remote_cell(q, column);
    return found.type == 'i' ? (double)found.integer : found.real;
}

bool shop_query_is_null(const shop_query *q, int column) {
    return q->c->driver ? !remote_cell(q, column).type : sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

const char *shop_query_text(const shop_query *q, int column, size_t *len) {
    if (q->c->driver) {
        const shop_cell found = remote_cell(q, column);
        *len = found.type == 's' ? found.n : 0;
        return *len ? found.bytes : "";
    }
    const char *text = (const char *)sqlite3_column_text(q->stmt, column);
    *len = text ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0;
    return text ? text : "";
}

const void *shop_query_blob(const shop_query *q, int column, size_t *len) {
    if (q->c->driver) {
        const shop_cell found = remote_cell(q, column);
        *len = found.n;
        return found.n ? found.bytes : NULL;
    }
    const void *blob = sqlite3_column_blob(q->stmt, column);
    *len = blob ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0;
    return blob;
}

int64_t shop_changes(const shop_connection *c) { return c->driver ? c->n_changed : sqlite3_changes64(c->db); }

llmcs_status shop_change(shop_connection *c, const char *sql, const char *format, ...) {
    shop_query q;
    va_list args;
    va_start(args, format);
    llmcs_status status = begin(c, &q, sql, format, &args);
    va_end(args);
    if (status) return status;
    do SHOP_TRY(shop_query_next(&q));
    while (q.has_row);
    shop_query_end(&q);
    return LLMCS_OK;
}

llmcs_status shop_lookup_int(shop_connection *c, int64_t fallback, int64_t *value, const char *sql, const char *format,
                             ...) {
    shop_query q;
    va_list args;
    va_start(args, format);
    llmcs_status status = begin(c, &q, sql, format, &args);
    va_end(args);
    *value = fallback;
    if (status) return status;
    SHOP_TRY(shop_query_next(&q));
    if (q.has_row && !shop_query_is_null(&q, 0)) *value = shop_query_int(&q, 0);
    shop_query_end(&q);
    return LLMCS_OK;
}
