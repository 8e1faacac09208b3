/* Computes figures of the last days: turns by route, intent and sentiment, and response times. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "shop/base/arena.h"
#include "shop/base/options.h"
#include "shop/base/sort.h"
#include "shop/store/rows.h"
#include "shop/store/shared.h"

enum { MAX_DAYS = 366, DAY = 86400, MAX_OFFSET = 14 * 3600, MAX_NAMES = 50, MAX_FIGURES = 7 * MAX_NAMES };

static const llmcs_shop_dashboard_params defaults = {.struct_size = sizeof(llmcs_shop_dashboard_params), .days = 7};

void llmcs_shop_dashboard_params_init_sized(llmcs_shop_dashboard_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &defaults, sizeof defaults);
}

typedef struct dashboard_block {
    llmcs_shop_dashboard shown; /* first member, so that the caller's pointer is that of the block */
    shop_arena arena;
    llmcs_shop_day *days;
    llmcs_shop_figure *figures;
    const llmcs_shop_figure **figure_list;
    int64_t begin, end; /* seconds */
    bool limited;       /* count at most per_customer turns of a customer */
    int64_t per_customer;
    double *ms; /* [n_ms] response times */
    size_t n_ms, ms_capacity;
} dashboard_block;

void llmcs_shop_dashboard_free(llmcs_shop_dashboard **dashboard) {
    if (!dashboard || !*dashboard) return;
    SHOP_PUBLIC_CALL;
    dashboard_block *b = (dashboard_block *)*dashboard;
    *dashboard = NULL;
    const llmcs_allocator a = b->arena.allocator;
    shop_arena arena = b->arena;
    shop_arena_free(&arena);
    shop_free(&a, b->ms);
    shop_free(&a, b);
}

/* ---- turns by day */

#define IN_RANGE "t.time >= ?1 AND t.time < ?2 AND t.route <> 'person'"
/* All turns of customers from ?1 to ?2. ?3 is 1; it makes the parameters those of FIRST_TURNS. */
#define ALL_TURNS " FROM turns t WHERE " IN_RANGE " AND ?3 = 1"
/* The first ?3 turns of each customer in each group. A conversation without a customer counts as a customer. */
#define FIRST_TURNS(group)                                                                                \
    " FROM (SELECT t.*, row_number() OVER (PARTITION BY coalesce(v.customer, -v.row), " group             \
    " ORDER BY t.row) AS nth FROM turns t JOIN conversations v ON v.row = t.conversation WHERE " IN_RANGE \
    ") t WHERE nth <= ?3"

static void count_route(llmcs_shop_day *day, const char *route, int64_t n) {
    static const struct {
        const char *route;
        size_t at;
    } kinds[] = {
        {"flow", offsetof(llmcs_shop_day, n_answered)},        {"entry", offsetof(llmcs_shop_day, n_answered)},
        {"filled", offsetof(llmcs_shop_day, n_answered)},      {"generated", offsetof(llmcs_shop_day, n_answered)},
        {"recommend", offsetof(llmcs_shop_day, n_answered)},   {"smalltalk", offsetof(llmcs_shop_day, n_answered)},
        {"ask_back", offsetof(llmcs_shop_day, n_asked_back)},  {"none", offsetof(llmcs_shop_day, n_asked_back)},
        {"handover", offsetof(llmcs_shop_day, n_handed_over)}, {"blocked", offsetof(llmcs_shop_day, n_refused)},
        {"unavailable", offsetof(llmcs_shop_day, n_refused)}};
    day->n_turns += n;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(route, kinds[i].route)) *(int64_t *)(void *)((char *)day + kinds[i].at) += n;
}

static llmcs_status count_days(shop_connection *c, dashboard_block *b) {
    shop_query q;
    llmcs_status status;
    const char *sql = "SELECT (time - ?1) / 86400 AS day, route, count(*)" ALL_TURNS " GROUP BY 1, 2";
    if (b->limited)
        sql = "SELECT (time - ?1) / 86400 AS day, route, count(*)" FIRST_TURNS(
            "(t.time - ?1) / 86400, t.route") " GROUP BY 1, 2";
    SHOP_TRY(shop_query_begin(c, &q, sql, "iii", b->begin, b->end, b->per_customer));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n;
        count_route(&b->days[shop_query_int(&q, 0)], shop_query_text(&q, 1, &n), shop_query_int(&q, 2));
        b->shown.n_turns += shop_query_int(&q, 2);
    }
    shop_query_end(&q);
    if (status) return status;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT (time - ?1) / 86400 AS day, count(DISTINCT conversation) FROM turns"
                              " WHERE time >= ?1 AND time < ?2 GROUP BY 1",
                              "ii", b->begin, b->end));
    while (!(status = shop_query_next(&q)) && q.has_row)
        b->days[shop_query_int(&q, 0)].n_conversations = shop_query_int(&q, 1);
    shop_query_end(&q);
    if (status) return status;
    SHOP_TRY(shop_lookup_int(c, 0, &b->shown.n_conversations,
                             "SELECT count(DISTINCT conversation) FROM turns WHERE time >= ?1 AND time < ?2", "ii",
                             b->begin, b->end));
    return shop_lookup_int(c, 0, &b->shown.n_waiting, "SELECT count(*) FROM conversations WHERE status = 'waiting'",
                           "");
}

/* ---- response times */

/* Nearest rank: the smallest value such that at least a share p of the values does not exceed it. */
static double percentile(const double *sorted, size_t n, double p) {
    if (!n) return NAN;
    const size_t rank = (size_t)ceil(p * (double)n);
    return sorted[rank ? rank - 1 : 0];
}

static void close_day(dashboard_block *b, int64_t day, size_t first) {
    if (day < 0) return;
    b->days[day].p50_ms = percentile(b->ms + first, b->n_ms - first, 0.5);
    b->days[day].p95_ms = percentile(b->ms + first, b->n_ms - first, 0.95);
}

#define TIMES_ON_SERVER                                                                                              \
    "SELECT (time - ?1) / 86400 AS day, CAST(CAST(detail AS jsonb) ->> 'ms' AS DOUBLE PRECISION) AS ms FROM turns"   \
    " WHERE time >= ?1 AND time < ?2 AND route <> 'person' AND CAST(detail AS jsonb) ->> 'ms' IS NOT NULL ORDER BY " \
    "1, 2"

/* Reads response times. The statement sorts them by day, then by value. */
static llmcs_status read_times(shop_connection *c, dashboard_block *b) {
    shop_query q;
    llmcs_status status;
    int64_t day = -1;
    size_t first = 0;
    SHOP_TRY(shop_query_begin(
        c, &q,
        c->driver ? TIMES_ON_SERVER
                  : "SELECT (time - ?1) / 86400 AS day, ms FROM (SELECT time, CASE WHEN json_valid(detail)"
                    " THEN json_extract(detail, '$.ms') END AS ms FROM turns WHERE time >= ?1 AND time < ?2"
                    " AND route <> 'person') WHERE typeof(ms) = 'real' ORDER BY 1, 2",
        "ii", b->begin, b->end));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        if (shop_query_int(&q, 0) != day) {
            close_day(b, day, first);
            day = shop_query_int(&q, 0);
            first = b->n_ms;
        }
        status = shop_grow(&b->arena.allocator, &b->ms, b->n_ms, &b->ms_capacity, b->n_ms + 1, sizeof *b->ms, "times");
        if (status) break;
        b->ms[b->n_ms++] = shop_query_double(&q, 1);
    }
    shop_query_end(&q);
    if (status) return status;
    close_day(b, day, first);
    shop_sort_doubles(b->ms, b->n_ms);
    b->shown.p50_ms = percentile(b->ms, b->n_ms, 0.5);
    b->shown.p95_ms = percentile(b->ms, b->n_ms, 0.95);
    return LLMCS_OK;
}

/* ---- counts by name */

/* Statements that count all turns by name, or only the first turns of each customer. */
typedef struct name_sql {
    const char *all, *first;
} name_sql;

static llmcs_status count_names(shop_connection *c, dashboard_block *b, const char *group, const name_sql *sql) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(c, &q, b->limited ? sql->first : sql->all, "iii", b->begin, b->end, b->per_customer));
    for (int i = 0; !(status = shop_query_next(&q)) && q.has_row && i < MAX_NAMES; i++) {
        size_t n;
        const char *name = shop_query_text(&q, 0, &n);
        llmcs_shop_figure *f = &b->figures[b->shown.n_figures];
        if ((status = shop_arena_copy(&b->arena, name, n, &f->name))) break;
        f->group = group;
        f->n = shop_query_int(&q, 1);
        b->figure_list[b->shown.n_figures++] = f;
    }
    shop_query_end(&q);
    return status;
}

#define BY_NAME(name, turns) \
    "SELECT " name " AS name, count(*)" turns " AND coalesce(" name ", '') <> '' GROUP BY 1 ORDER BY 2 DESC, 1"
#define NAMES(name) \
    { BY_NAME(name, ALL_TURNS), BY_NAME(name, FIRST_TURNS(name)) }
/* A member of a turn's detail, in SQLite and in PostgreSQL. */
#define DETAIL(path) "CASE WHEN json_valid(detail) THEN json_extract(detail, '" path "') END"
#define ON_SERVER(path) "CAST(detail AS jsonb) #>> '" path "'"

static const struct {
    const char *group;
    name_sql file, server;
} groups[] = {
    {"route", NAMES("t.route"), NAMES("t.route")},
    {"intent", NAMES("t.intent"), NAMES("t.intent")},
    {"sentiment", NAMES(DETAIL("$.sentiment")), NAMES(ON_SERVER("{sentiment}"))},
    {"language", NAMES("t.lang"), NAMES("t.lang")},
    {"handover", NAMES(DETAIL("$.handover.reason")), NAMES(ON_SERVER("{handover,reason}"))},
    {"action", NAMES(DETAIL("$.action.state")), NAMES(ON_SERVER("{action,state}"))},
};
static const name_sql suggestions = {
    "SELECT outcome, count(*) FROM suggestions WHERE time >= ?1 AND time < ?2 AND ?3 = 1 GROUP BY 1 ORDER BY 2 DESC, 1",
    "SELECT outcome, count(*) FROM (SELECT outcome, row_number() OVER (PARTITION BY"
    " coalesce(customer, conversation), outcome ORDER BY row) AS nth FROM suggestions"
    " WHERE time >= ?1 AND time < ?2) WHERE nth <= ?3 GROUP BY 1 ORDER BY 2 DESC, 1"};

/* local: the connection to the store's file, which holds the suggestions. */
static llmcs_status count_all(shop_connection *c, shop_connection *local, dashboard_block *b) {
    SHOP_TRY(count_days(c, b));
    SHOP_TRY(read_times(c, b));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        SHOP_TRY(count_names(c, b, groups[i].group, c->driver ? &groups[i].server : &groups[i].file));
    return count_names(local, b, "suggestion", &suggestions);
}

/* ---- the call */

static llmcs_status make_days(dashboard_block *b, const llmcs_shop_dashboard_params *p) {
    const size_t n = (size_t)p->days;
    const llmcs_shop_day **list;
    const int64_t now = p->now ? p->now : (int64_t)time(NULL);
    const int64_t local = now + p->utc_offset_s, into_day = ((local % DAY) + DAY) % DAY;
    b->end = now - into_day + DAY;
    b->begin = b->end - DAY * (int64_t)n;
    b->limited = p->per_customer > 0;
    b->per_customer = b->limited ? p->per_customer : 1;
    SHOP_TRY(shop_arena_alloc(&b->arena, n, sizeof *b->days, &b->days));
    SHOP_TRY(shop_arena_alloc(&b->arena, n, sizeof(void *), &list));
    SHOP_TRY(shop_arena_alloc(&b->arena, MAX_FIGURES, sizeof *b->figures, &b->figures));
    SHOP_TRY(shop_arena_alloc(&b->arena, MAX_FIGURES, sizeof(void *), &b->figure_list));
    for (size_t i = 0; i < n; i++) {
        b->days[i].begin = b->begin + DAY * (int64_t)i;
        b->days[i].p50_ms = b->days[i].p95_ms = NAN;
        list[i] = &b->days[i];
    }
    b->shown.days = list;
    b->shown.n_days = n;
    b->shown.figures = b->figure_list;
    return LLMCS_OK;
}

static llmcs_status check_params(const llmcs_shop_dashboard_params *p) {
    if (p->days < 1 || p->days > MAX_DAYS)
        return shop_fail(LLMCS_ARG, "days: %d is not valid (1 to %d)", p->days, MAX_DAYS);
    if (p->utc_offset_s < -MAX_OFFSET || p->utc_offset_s > MAX_OFFSET)
        return shop_fail(LLMCS_ARG, "utc_offset_s: %d is not valid (%d to %d)", p->utc_offset_s, -MAX_OFFSET,
                         MAX_OFFSET);
    if (p->now < 0 || p->now > INT64_MAX / 2) return shop_fail(LLMCS_ARG, "now: %lld is not valid", (long long)p->now);
    if (p->per_customer < 0) return shop_fail(LLMCS_ARG, "per_customer: %d is not valid (0 or more)", p->per_customer);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_get_dashboard(llmcs_shop *shop, const llmcs_shop_dashboard_params *params,
                                      llmcs_shop_dashboard **dashboard) {
    SHOP_PUBLIC_CALL;
    shop_connection *c = NULL, *local;
    dashboard_block *b;
    llmcs_shop_dashboard_params p = defaults;
    if (!dashboard) return shop_fail(LLMCS_ARG, "dashboard is NULL");
    *dashboard = NULL;
    SHOP_TRY(shop_check(shop));
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_dashboard_params, per_customer), params,
                                 "llmcs_shop_dashboard_params"));
    SHOP_TRY(check_params(&p));
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *b, "dashboard", &b));
    b->arena.allocator = shop->allocator;
    llmcs_shop_dashboard *shown = &b->shown;
    llmcs_status status = make_days(b, &p);
    if (!status) status = shop_read_begin(shop, &local);
    if (!status) {
        status = shop->shared ? shop_shared_read_begin(shop, NULL, &c) : LLMCS_OK;
        if (!status) status = count_all(shop->shared ? c : local, local, b);
        if (shop->shared && c) shop_shared_read_end(shop, c);
        shop_read_end(shop, local);
    }
    if (status)
        llmcs_shop_dashboard_free(&shown);
    else
        *dashboard = shown;
    return status;
}
