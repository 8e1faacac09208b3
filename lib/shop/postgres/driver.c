/*
 * libllmcs_shop_postgres.so: the store's connections to PostgreSQL, over libpq. See shop/store/remote.h.
 *
 * Parameters are sent separately from the statement, typed and in binary, so neither locale nor quoting matters. Every
 * wait has a time-out: if the server does not answer within wait_ms, the connection is dropped and the call fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shop/store/remote.h"

enum {
    MAX_PARAMETERS = 16,
    MAX_KEYWORDS = 64,
    HOSTS_BYTES = 512,
    OID_BOOL = 16,
    OID_BYTES = 17,
    OID_INT8 = 20,
    OID_INT2 = 21
};
enum { OID_INT4 = 23, OID_TEXT = 25, OID_FLOAT4 = 700, OID_FLOAT8 = 701 };

struct shop_remote {
    llmcs_allocator allocator;
    PGconn *db;
    double wait_ms;
};

/* ---- errors */

static void put_text(char *out, size_t capacity, const char *text) {
    size_t n = strnlen(text, capacity - 1);
    while (n && (text[n - 1] == '\n' || text[n - 1] == ' ')) n--;
    memcpy(out, text, n);
    out[n] = 0;
    for (size_t i = 0; i < n; i++)
        if (out[i] == '\n') out[i] = ' ';
}

static llmcs_status set_error(shop_remote_error *error, llmcs_status status, bool lost, const char *text) {
    error->status = status;
    error->lost = lost;
    put_text(error->text, sizeof error->text, text);
    return status;
}

/* Status by SQLSTATE or its prefix; the first match counts. */
static const struct {
    const char *prefix;
    llmcs_status status;
    bool lost;
} states[] = {
    {"08", LLMCS_IO, true},          /* connection */
    {"57P", LLMCS_IO, true},         /* the server shuts down, or starts */
    {"25006", LLMCS_IO, true},       /* read-only: the server has become a standby */
    {"25P03", LLMCS_IO, true},       /* idle in a transaction for too long */
    {"57014", LLMCS_BUSY, false},    /* statement_timeout */
    {"55P03", LLMCS_BUSY, false},    /* lock_timeout */
    {"40", LLMCS_CHANGED, false},    /* deadlock, serialisation */
    {"23505", LLMCS_CHANGED, false}, /* unique violation: another writer came first */
    {"53100", LLMCS_NOSPACE, false}, /* disk full */
    {"53", LLMCS_BUSY, false},       /* connections, memory */
    {"28", LLMCS_IO, true},          /* password, role */
    {"3D000", LLMCS_IO, true},       /* no such database */
    {"42501", LLMCS_IO, false},      /* grants */
};

/* Uses only the primary message: the detail quotes values of rows. */
static llmcs_status result_error(shop_remote *r, const PGresult *result, shop_remote_error *error) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (PQstatus(r->db) == CONNECTION_BAD || !state)
        return set_error(error, LLMCS_IO, true, text ? text : PQerrorMessage(r->db));
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strncmp(state, states[i].prefix, strlen(states[i].prefix)))
            return set_error(error, states[i].status, states[i].lost, text ? text : state);
    return set_error(error, LLMCS_FORMAT, false, text ? text : state);
}

/* ---- waiting */

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Waits for `events` until `end`. False after a time-out or an error. */
static bool wait_on(int fd, short events, double end) {
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        const double left = end - now_ms();
        if (p.fd < 0 || left <= 0) return false;
        const int n = poll(&p, 1, left > 1000 ? 1000 : (int)left + 1);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return false;
    }
}

static bool wait_for(shop_remote *r, short events, double end) { return wait_on(PQsocket(r->db), events, end); }

static llmcs_status no_answer(shop_remote *r, shop_remote_error *error, double end) {
    if (now_ms() >= end) return set_error(error, LLMCS_IO, true, "no answer in time: the connection was dropped");
    return set_error(error, LLMCS_IO, true, PQerrorMessage(r->db));
}

/* Receives the last result of the statements that were sent. */
static llmcs_status receive(shop_remote *r, PGresult **out, shop_remote_error *error) {
    const double end = now_ms() + r->wait_ms;
    *out = NULL;
    for (int more; (more = PQflush(r->db)) != 0;) {
        if (more < 0 || !wait_for(r, POLLIN | POLLOUT, end) || !PQconsumeInput(r->db)) return no_answer(r, error, end);
    }
    for (;;) {
        while (PQisBusy(r->db))
            if (!wait_for(r, POLLIN, end) || !PQconsumeInput(r->db)) {
                PQclear(*out);
                *out = NULL;
                return no_answer(r, error, end);
            }
        PGresult *next = PQgetResult(r->db);
        if (!next) break;
        /* Keeps the first failure: later results only say that the rest did not run. */
        const bool failed = *out && PQresultStatus(*out) == PGRES_FATAL_ERROR;
        if (failed) {
            PQclear(next);
        } else {
            PQclear(*out);
            *out = next;
        }
    }
    const ExecStatusType got = *out ? PQresultStatus(*out) : PGRES_FATAL_ERROR;
    if (got == PGRES_COMMAND_OK || got == PGRES_TUPLES_OK || got == PGRES_EMPTY_QUERY) return LLMCS_OK;
    const llmcs_status status =
        *out ? result_error(r, *out, error) : set_error(error, LLMCS_IO, true, PQerrorMessage(r->db));
    PQclear(*out);
    *out = NULL;
    return status;
}

/* ---- connecting */

static bool append(char *out, size_t capacity, size_t *n, const char *text) {
    const size_t len = strlen(text);
    if (*n + len >= capacity) return false;
    memcpy(out + *n, text, len + 1);
    *n += len;
    return true;
}

static llmcs_status describe(const char *conninfo, char *where, size_t capacity, shop_remote_error *error) {
    char *why = NULL;
    size_t n = 0;
    PQconninfoOption *options = PQconninfoParse(conninfo, &why);
    PQfreemem(why); /* not shown: it quotes parts of conninfo, perhaps the password */
    if (!options)
        return set_error(
            error, LLMCS_ARG, false,
            "conninfo is not valid: expected \"host=... dbname=... user=...\" or postgresql://user@host/db");
    static const char *const shown[] = {"host", "port", "dbname"};
    bool fits = append(where, capacity, &n, "postgres");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        for (const PQconninfoOption *o = options; o->keyword; o++)
            if (o->val && *o->val && !strcmp(o->keyword, shown[i]))
                fits = fits && append(where, capacity, &n, i ? "/" : " ") && append(where, capacity, &n, o->val);
    PQconninfoFree(options);
    return LLMCS_OK;
}

static void ignore_notice(void *user, const PGresult *result) {
    (void)user;
    (void)result;
}

/* Keywords and values of a connection, in libpq's format. */
typedef struct settings {
    const char *keys[MAX_KEYWORDS], *values[MAX_KEYWORDS];
    size_t n;
} settings;

static void set(settings *s, const char *key, const char *value) {
    size_t at = 0;
    while (at < s->n && strcmp(s->keys[at], key) != 0) at++;
    if (at >= MAX_KEYWORDS - 1) return;
    s->keys[at] = key;
    s->values[at] = value;
    if (at == s->n) s->n++;
}

static const char *value_of(const settings *s, const char *key) {
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->keys[i], key) && s->values[i]) return s->values[i];
    return "";
}

/* Sets our defaults first, so that those in conninfo replace them. */
static void collect(settings *s, const shop_remote_options *o, const PQconninfoOption *given) {
    *s = (settings){.n = 0};
    set(s, "connect_timeout", "5");
    set(s, "keepalives_idle", "15");
    set(s, "keepalives_interval", "5");
    set(s, "keepalives_count", "3");
    set(s, "tcp_user_timeout", "15000");
    set(s, "fallback_application_name", "llmcs");
    set(s, "target_session_attrs", o->any_server ? "any" : "read-write");
    for (const PQconninfoOption *g = given; g->keyword; g++)
        if (g->val) set(s, g->keyword, g->val);
    set(s, "client_encoding", "UTF8");
}

/* Reads connect_timeout as libpq does: seconds per host, 0 or less: no limit, 1 means 2. False: not an integer. */
static bool read_connect_timeout(const settings *s, double *ms) {
    enum { MOST_DIGITS = 9 };
    const char *text = value_of(s, "connect_timeout");
    text += strspn(text, " ");
    const bool negative = *text == '-';
    text += *text == '-' || *text == '+';
    const size_t n = strspn(text, "0123456789");
    if (!n || n > MOST_DIGITS || text[n + strspn(text + n, " ")]) return false;
    double seconds = 0;
    for (size_t i = 0; i < n; i++) seconds = 10 * seconds + (text[i] - '0');
    *ms = negative || seconds < 1 ? 1e9 : seconds < 2 ? 2000 : seconds * 1e3;
    return true;
}

/* Copies element `index` of a comma-separated list; a list of one element applies to all hosts. */
static void copy_part(const char *list, size_t index, char out[HOSTS_BYTES]) {
    for (; index && strchr(list, ','); index--) list = strchr(list, ',') + 1;
    const size_t n = strcspn(list, ",");
    memcpy(out, list, n);
    out[n] = 0;
}

/* Connects with a time-out, which libpq's own functions lack. The caller checks PQstatus and frees the connection. */
static PGconn *connect_until(const settings *s, double end, bool *late) {
    PGconn *db = PQconnectStartParams(s->keys, s->values, 0);
    *late = false;
    if (!db || PQstatus(db) == CONNECTION_BAD) return db;
    for (PostgresPollingStatusType next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;) {
        if (next == PGRES_POLLING_FAILED) break;
        if (!wait_on(PQsocket(db), next == PGRES_POLLING_READING ? POLLIN : POLLOUT, end)) {
            *late = now_ms() >= end;
            break;
        }
        next = PQconnectPoll(db);
    }
    return db;
}

/* Tries each host in turn like libpq, for at most `each` ms, and leaves the remaining hosts their share of the time. */
static PGconn *open_connection(const shop_remote_options *o, settings *s, double each, bool *late) {
    static const char *const lists[] = {"host", "hostaddr", "port"};
    const char *given[3];
    char part[3][HOSTS_BYTES];
    const double end = o->connect_ms > 0 ? now_ms() + o->connect_ms : 1e300;
    size_t n_hosts = 1;
    bool apart = strcmp(value_of(s, "target_session_attrs"), "prefer-standby") !=
                 0; /* prefer-standby: libpq must see all hosts */
    for (size_t i = 0; i < 3; i++) {
        given[i] = value_of(s, lists[i]);
        size_t n = 1;
        for (const char *p = given[i]; *p; p++) n += *p == ',';
        if (n > n_hosts && i < 2) n_hosts = n;
        apart = apart && strlen(given[i]) < HOSTS_BYTES;
    }
    if (!apart || n_hosts == 1) {
        const double most = now_ms() + each * (double)n_hosts;
        return connect_until(s, end < most ? end : most, late);
    }
    PGconn *db = NULL;
    for (size_t h = 0; h < n_hosts; h++) {
        for (size_t i = 0; i < 3; i++) {
            copy_part(given[i], h, part[i]);
            if (*given[i]) set(s, lists[i], part[i]);
        }
        const double now = now_ms(), share = (end - now) / (double)(n_hosts - h);
        PQfinish(db);
        db = connect_until(s, now + (share < each ? share : each), late);
        if (!db || PQstatus(db) == CONNECTION_OK) break;
    }
    return db;
}

static llmcs_status connect_to(const shop_remote_options *o, shop_remote **remote, shop_remote_error *error) {
    *remote = NULL;
    char *why = NULL;
    PQconninfoOption *given = PQconninfoParse(o->conninfo, &why);
    PQfreemem(why);
    if (!given) return set_error(error, LLMCS_ARG, false, "conninfo is not valid");
    settings s;
    bool late = false;
    collect(&s, o, given);
    double each;
    if (!read_connect_timeout(&s, &each)) {
        PQconninfoFree(given);
        return set_error(error, LLMCS_ARG, false, "conninfo: connect_timeout is not an integer, in seconds");
    }
    PGconn *db = open_connection(o, &s, each, &late);
    PQconninfoFree(given);
    shop_remote *r = o->allocator->alloc(o->allocator->user, sizeof *r, sizeof(void *));
    if (!db || !r) {
        PQfinish(db);
        if (r) o->allocator->free(o->allocator->user, r);
        return set_error(error, LLMCS_NOMEM, false, "no memory for a connection");
    }
    *r = (shop_remote){*o->allocator, db, o->wait_ms};
    if (PQstatus(db) != CONNECTION_OK || PQsetnonblocking(db, 1)) {
        (void)set_error(error, LLMCS_IO, true,
                        late ? "the server did not answer before the time-out to connect" : PQerrorMessage(db));
        PQfinish(db);
        o->allocator->free(o->allocator->user, r);
        return LLMCS_IO;
    }
    PQsetNoticeReceiver(db, ignore_notice, NULL);
    *remote = r;
    return LLMCS_OK;
}

static void set_wait(shop_remote *r, double wait_ms) { r->wait_ms = wait_ms; }

static void close_it(shop_remote *r, bool own) {
    const llmcs_allocator a = r->allocator;
    const int fd = PQsocket(r->db);
    /* In a child, closes only the descriptor: libpq would send a Terminate message and end the parent's session. */
    if (!own && fd >= 0) {
        const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (nowhere >= 0) {
            (void)dup2(nowhere, fd);
            (void)close(nowhere);
        }
    }
    PQfinish(r->db);
    a.free(a.user, r);
}

/* ---- statements */

static llmcs_status execute(shop_remote *r, const char *sql, char *text, size_t capacity, shop_remote_error *error) {
    PGresult *result;
    if (text) *text = 0;
    if (!PQsendQuery(r->db, sql)) return set_error(error, LLMCS_IO, true, PQerrorMessage(r->db));
    const llmcs_status status = receive(r, &result, error);
    if (status) return status;
    if (text) put_text(text, capacity, PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : PQcmdStatus(result));
    PQclear(result);
    return LLMCS_OK;
}

static void put_number(unsigned char out[8], uint64_t x) {
    for (int i = 0; i < 8; i++) out[i] = (unsigned char)(x >> (56 - 8 * i));
}

static uint64_t get_number(const unsigned char *in, int n) {
    uint64_t x = 0;
    for (int i = 0; i < n; i++) x = x << 8 | in[i];
    return x;
}

/* Replaces ?1 by $1. Statements of lib/shop have no other question marks. */
static char *dollars(const llmcs_allocator *a, const char *sql) {
    const size_t n = strlen(sql) + 1;
    char *out = a->alloc(a->user, n, sizeof(void *));
    for (size_t i = 0; out && i < n; i++) out[i] = sql[i] == '?' ? '$' : sql[i];
    return out;
}

static Oid oid_of(char type) {
    return type == 'i' ? OID_INT8 : type == 'd' ? OID_FLOAT8 : type == 'b' ? OID_BYTES : OID_TEXT;
}

static llmcs_status send_query(shop_remote *r, const char *sql, const shop_cell *values, size_t n,
                               shop_remote_error *error) {
    Oid types[MAX_PARAMETERS];
    const char *bytes[MAX_PARAMETERS];
    int lengths[MAX_PARAMETERS], formats[MAX_PARAMETERS];
    unsigned char numbers[MAX_PARAMETERS][8];
    if (n > MAX_PARAMETERS) return set_error(error, LLMCS_INTERNAL, false, "too many parameters");
    for (size_t i = 0; i < n; i++) {
        const shop_cell *v = &values[i];
        uint64_t x = (uint64_t)v->integer;
        if (v->type == 'd') memcpy(&x, &v->real, sizeof x);
        put_number(numbers[i], x);
        const bool number = v->type == 'i' || v->type == 'd';
        types[i] = oid_of(v->type ? v->type : v->declared);
        formats[i] = 1;
        bytes[i] = !v->type ? NULL : number ? (const char *)numbers[i] : v->n ? v->bytes : "";
        if (v->n > INT32_MAX) return set_error(error, LLMCS_LIMIT, false, "a value has more than 2 GiB");
        lengths[i] = number ? 8 : (int)v->n;
    }
    char *text = dollars(&r->allocator, sql);
    if (!text) return set_error(error, LLMCS_NOMEM, false, "no memory for a statement");
    const int sent = PQsendQueryParams(r->db, text, (int)n, types, bytes, lengths, formats, 1);
    r->allocator.free(r->allocator.user, text);
    return sent ? LLMCS_OK : set_error(error, LLMCS_IO, true, PQerrorMessage(r->db));
}

static llmcs_status query(shop_remote *r, const char *sql, const shop_cell *values, size_t n, shop_remote_rows **rows,
                          shop_remote_error *error) {
    PGresult *result = NULL;
    llmcs_status status = send_query(r, sql, values, n, error);
    if (!status) status = receive(r, &result, error);
    *rows = (shop_remote_rows *)result;
    return status;
}

static const PGresult *result_of(const shop_remote_rows *rows) { return (const PGresult *)rows; }

static size_t count(const shop_remote_rows *rows) { return (size_t)PQntuples(result_of(rows)); }

static int64_t changed(const shop_remote_rows *rows) {
    int64_t n = 0;
    for (const char *p = PQcmdTuples((PGresult *)rows); *p >= '0' && *p <= '9'; p++) n = n * 10 + (*p - '0');
    return n;
}

static void cell(const shop_remote_rows *rows, size_t row, int column, shop_cell *out) {
    const PGresult *result = result_of(rows);
    const unsigned char *bytes = (const unsigned char *)PQgetvalue(result, (int)row, column);
    const int n = PQgetlength(result, (int)row, column);
    const Oid type = PQftype(result, column);
    *out = (shop_cell){0};
    if (PQgetisnull(result, (int)row, column)) return;
    if (type == OID_FLOAT8 && n == 8) {
        const uint64_t x = get_number(bytes, 8);
        out->type = 'd';
        memcpy(&out->real, &x, sizeof x);
    } else if (type == OID_INT8 || type == OID_INT4 || type == OID_INT2 || type == OID_BOOL) {
        out->type = 'i';
        out->integer = n == 8   ? (int64_t)get_number(bytes, 8)
                       : n == 4 ? (int32_t)get_number(bytes, 4)
                       : n == 2 ? (int16_t)get_number(bytes, 2)
                                : bytes[0] != 0;
    } else {
        out->type = type == OID_BYTES ? 'b' : 's';
        out->bytes = bytes;
        out->n = (size_t)n;
    }
}

static void free_rows(shop_remote_rows *rows) { PQclear((PGresult *)rows); }

const shop_remote_driver *llmcs_shop_postgres_2(void);
__attribute__((visibility("default"))) const shop_remote_driver *llmcs_shop_postgres_2(void) {
    static const shop_remote_driver driver = {describe, connect_to, set_wait, close_it, execute,
                                              query,    count,      changed,  cell,     free_rows};
    return &driver;
}
