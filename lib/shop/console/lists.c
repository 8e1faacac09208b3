/* Lists conversations, actions, entries and products. */
#include <string.h>

#include "shop/base/arena.h"
#include "shop/base/options.h"
#include "shop/store/rows.h"
#include "shop/store/shared.h"

enum { MAX_ROWS = 1000, MAX_TEXTS = 65 };

static llmcs_status check_list(const llmcs_shop *shop, size_t k, bool has_callback) {
    SHOP_TRY(shop_check(shop));
    if (!has_callback) return shop_fail(LLMCS_ARG, "each is NULL");
    if (!k || k > MAX_ROWS) return shop_fail(LLMCS_ARG, "k: %lld is not valid (1 to %d)", (long long)k, MAX_ROWS);
    return LLMCS_OK;
}

/* Ends a callback. stop: its result; nonzero gives CANCELLED. */
static llmcs_status end_row(shop_call *call, int32_t stop) {
    shop_callback_end(call);
    return stop ? shop_fail(LLMCS_CANCELLED, "stopped by the callback") : LLMCS_OK;
}

/* The text of a column, NUL-terminated. */
static const char *text_of(const shop_query *q, int column) {
    size_t n;
    return shop_query_text(q, column, &n);
}

/* ---- conversations */

static const llmcs_shop_conversations_params conversations_defaults = {
    .struct_size = sizeof(llmcs_shop_conversations_params), .k = 100};

void llmcs_shop_conversations_params_init_sized(llmcs_shop_conversations_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &conversations_defaults, sizeof conversations_defaults);
}

static llmcs_status list_conversations(shop_connection *c, const llmcs_shop_conversations_params *p,
                                       llmcs_shop_conversation_fn each, void *user) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(
        c, &q,
        "SELECT v.id, v.status, u.id, v.agent, v.lang, v.priority, v.reason, v.summary, v.time, v.turns,"
        " (SELECT max(time) FROM turns t WHERE t.conversation = v.row AND t.route = 'handover') AS since"
        " FROM conversations v LEFT JOIN customers u ON u.row = v.customer WHERE v.status IN (?1, ?2)"
        " ORDER BY v.status <> 'waiting', v.priority DESC, since NULLS FIRST, v.row LIMIT ?3",
        "ssi", p->status ? p->status : "waiting", p->status ? p->status : "person", (int64_t)p->k));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        const llmcs_shop_conversation row = {.id = text_of(&q, 0),
                                             .status = text_of(&q, 1),
                                             .customer = text_of(&q, 2),
                                             .agent = text_of(&q, 3),
                                             .lang = text_of(&q, 4),
                                             .priority = (int32_t)shop_query_int(&q, 5),
                                             .reason = text_of(&q, 6),
                                             .summary = text_of(&q, 7),
                                             .time = shop_query_int(&q, 8),
                                             .n_turns = shop_query_int(&q, 9),
                                             .since = shop_query_int(&q, 10)};
        shop_call *call = shop_callback_begin();
        if ((status = end_row(call, each(user, &row)))) break;
    }
    shop_query_end(&q);
    return status;
}

llmcs_status llmcs_shop_list_conversations(llmcs_shop *shop, const llmcs_shop_conversations_params *params,
                                           llmcs_shop_conversation_fn each, void *user) {
    SHOP_PUBLIC_CALL;
    static const char *const known[] = {"open", "waiting", "person", "closed"};
    shop_connection *c;
    llmcs_shop_conversations_params p = conversations_defaults;
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_conversations_params, k), params,
                                 "llmcs_shop_conversations_params"));
    SHOP_TRY(check_list(shop, p.k, each));
    bool is_known = !p.status;
    for (size_t i = 0; i < 4 && !is_known; i++) is_known = !strcmp(p.status, known[i]);
    if (!is_known)
        return shop_fail(LLMCS_ARG, "status: \"%.20s\" is not valid (open, waiting, person, closed)", p.status);
    SHOP_TRY(shop_shared_read_begin(shop, NULL, &c));
    const llmcs_status status = list_conversations(c, &p, each, user);
    shop_shared_read_end(shop, c);
    return status;
}

/* ---- actions */

static llmcs_status list_actions(shop_connection *c, llmcs_shop_action_state state, size_t k, llmcs_shop_action_fn each,
                                 void *user) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT a.key, a.name, a.object, v.id, u.id, a.late, a.time FROM actions a"
                              " LEFT JOIN conversations v ON v.row = a.conversation"
                              " LEFT JOIN customers u ON u.row = a.customer WHERE a.state = ?1 AND a.state <> 'DONE'"
                              " ORDER BY a.row DESC LIMIT ?2",
                              "si", llmcs_shop_action_state_name(state), (int64_t)k));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        const llmcs_shop_action row = {.key = text_of(&q, 0),
                                       .name = text_of(&q, 1),
                                       .object = text_of(&q, 2),
                                       .state = state,
                                       .conversation = text_of(&q, 3),
                                       .customer = text_of(&q, 4),
                                       .late = text_of(&q, 5),
                                       .time = shop_query_int(&q, 6)};
        shop_call *call = shop_callback_begin();
        if ((status = end_row(call, each(user, &row)))) break;
    }
    shop_query_end(&q);
    return status;
}

llmcs_status llmcs_shop_list_actions(llmcs_shop *shop, llmcs_shop_action_state state, size_t k,
                                     llmcs_shop_action_fn each, void *user) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    SHOP_TRY(check_list(shop, k, each));
    if ((int)state < LLMCS_ACTION_FAILED || (int)state > LLMCS_ACTION_PENDING)
        return shop_fail(LLMCS_ARG, "state: %d is not valid (FAILED, UNKNOWN or PENDING)", (int)state);
    SHOP_TRY(shop_shared_read_begin(shop, NULL, &c));
    const llmcs_status status = list_actions(c, state, k, each, user);
    shop_shared_read_end(shop, c);
    return status;
}

/* ---- entries */

static const llmcs_shop_entries_params entries_defaults = {.struct_size = sizeof(llmcs_shop_entries_params), .k = 100};

void llmcs_shop_entries_params_init_sized(llmcs_shop_entries_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &entries_defaults, sizeof entries_defaults);
}

/* ?1 id, ?2 language, ?3 substring, ?4 include retired entries */
#define ENTRIES                                                                                                     \
    " FROM entries e WHERE (?1 IS NULL OR e.id = ?1) AND (?2 IS NULL OR e.lang = ?2) AND (?4 OR NOT e.retired) AND" \
    " (?3 IS NULL OR instr(lower(e.id), lower(?3)) OR EXISTS(SELECT 1 FROM texts t WHERE t.entry = e.row"           \
    " AND t.version = e.version AND instr(lower(t.text), lower(?3))))"

/* Copies answer and questions of an entry's newest version into the arena. */
static llmcs_status read_texts(shop_connection *c, shop_arena *arena, int64_t entry, llmcs_shop_listed_entry *row) {
    shop_query q;
    const char **texts;
    size_t n_texts = 0;
    llmcs_status status;
    SHOP_TRY(shop_arena_alloc(arena, MAX_TEXTS, sizeof *texts, &texts));
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT t.text FROM texts t JOIN entries e ON e.row = t.entry WHERE e.row = ?1"
                              " AND t.version = e.version ORDER BY t.position LIMIT ?2",
                              "ii", entry, (int64_t)MAX_TEXTS));
    while (!(status = shop_query_next(&q)) && q.has_row && n_texts < MAX_TEXTS) {
        size_t n;
        const char *text = shop_query_text(&q, 0, &n);
        if ((status = shop_arena_copy(arena, text, n, &texts[n_texts]))) break;
        n_texts++;
    }
    shop_query_end(&q);
    row->answer = n_texts ? texts[0] : "";
    row->questions = texts + 1;
    row->n_questions = n_texts ? n_texts - 1 : 0;
    return status;
}

static llmcs_status list_entries(llmcs_shop *shop, shop_connection *c, const llmcs_shop_entries_params *p,
                                 llmcs_shop_entry_fn each, void *user) {
    shop_query q;
    llmcs_status status;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT e.row, e.id, e.lang, e.version, e.retired, e.tags, e.valid_from,"
                              " e.valid_until" ENTRIES " ORDER BY e.id, e.lang LIMIT ?5 OFFSET ?6",
                              "sssiii", p->id, p->lang, p->search, (int64_t)(p->retired != 0), (int64_t)p->k,
                              (int64_t)p->skip));
    while (!(status = shop_query_next(&q)) && q.has_row) {
        shop_arena arena = {.allocator = shop->allocator};
        llmcs_shop_listed_entry row = {.id = text_of(&q, 1),
                                       .lang = text_of(&q, 2),
                                       .version = (int32_t)shop_query_int(&q, 3),
                                       .retired = (int32_t)shop_query_int(&q, 4),
                                       .tags = text_of(&q, 5),
                                       .valid_from = shop_query_int(&q, 6),
                                       .valid_until = shop_query_int(&q, 7)};
        status = read_texts(c, &arena, shop_query_int(&q, 0), &row);
        if (!status) {
            shop_call *call = shop_callback_begin();
            status = end_row(call, each(user, &row));
        }
        shop_arena_free(&arena);
        if (status) break;
    }
    shop_query_end(&q);
    return status;
}

llmcs_status llmcs_shop_list_entries(llmcs_shop *shop, const llmcs_shop_entries_params *params,
                                     llmcs_shop_entry_fn each, void *user, size_t *n_found) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    int64_t n = 0;
    llmcs_shop_entries_params p = entries_defaults;
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO(llmcs_shop_entries_params, k), params,
                                 "llmcs_shop_entries_params"));
    SHOP_TRY(check_list(shop, p.k, each));
    if (p.skip > INT64_MAX) return shop_fail(LLMCS_ARG, "skip: %lld is not valid", (long long)p.skip);
    if (p.search && !*p.search) p.search = NULL;
    SHOP_TRY(shop_check_text("search", p.search, 0, SHOP_WORD_BYTES));
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = LLMCS_OK;
    if (n_found)
        status = shop_lookup_int(c, 0, &n, "SELECT count(*)" ENTRIES, "sssi", p.id, p.lang, p.search,
                                 (int64_t)(p.retired != 0));
    if (!status) status = list_entries(shop, c, &p, each, user);
    shop_read_end(shop, c);
    if (n_found) *n_found = (size_t)n;
    return status;
}

/* ---- products */

static llmcs_status list_product(shop_connection *c, const char *id, const char *lang, llmcs_shop_product_fn each,
                                 void *user) {
    shop_query q;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT p.id, t.title, t.description, t.lang, p.category, p.brand, p.currency, p.price,"
                              " p.stock, p.tags FROM products p JOIN product_texts t ON t.product = p.row"
                              " WHERE p.id = ?1 ORDER BY t.lang <> ?2, t.lang <> 'en', t.row LIMIT 1",
                              "ss", id, lang));
    SHOP_TRY(shop_query_next(&q));
    if (q.has_row) {
        const llmcs_shop_listed_product row = {.id = text_of(&q, 0),
                                               .title = text_of(&q, 1),
                                               .description = text_of(&q, 2),
                                               .lang = text_of(&q, 3),
                                               .category = text_of(&q, 4),
                                               .brand = text_of(&q, 5),
                                               .currency = text_of(&q, 6),
                                               .price = shop_query_double(&q, 7),
                                               .stock = shop_query_is_null(&q, 8) ? -1 : shop_query_int(&q, 8),
                                               .tags = text_of(&q, 9)};
        shop_call *call = shop_callback_begin();
        status = end_row(call, each(user, &row));
    }
    shop_query_end(&q);
    return status;
}

llmcs_status llmcs_shop_list_products(llmcs_shop *shop, const char *const *ids, size_t n, const char *lang,
                                      llmcs_shop_product_fn each, void *user) {
    SHOP_PUBLIC_CALL;
    shop_connection *c;
    if (n && !ids) return shop_fail(LLMCS_ARG, "ids: the array is NULL");
    SHOP_TRY(check_list(shop, n ? n : 1, each));
    for (size_t i = 0; i < n; i++) SHOP_TRY(shop_check_id("id", ids[i]));
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < n && !status; i++) status = list_product(c, ids[i], lang ? lang : "en", each, user);
    shop_read_end(shop, c);
    return status;
}
