/* Reads flows.json. Every name must resolve and every key must be known; messages give the place in the file. */
#include <math.h>
#include <string.h>

#include "shop/base/hash.h"
#include "shop/desk/flows.h"
#include "shop/desk/statements.h"
#include "shop/desk/words.h"
#include "shop/store/rows.h"

enum {
    MAX_BYTES = 4 << 20,
    MAX_VALUES = 200000,
    MAX_INTENTS = 1024,
    MAX_RULES = 512,
    MAX_WORDS = 256,
    MAX_OPTIONS = 32
};

/* ---- helpers */

void desk_set_bad(const desk_flows *f, const desk_json *node, const char *format, ...) {
    char why[500];
    va_list args;
    const desk_json_path path = desk_json_where(node);
    va_start(args, format);
    sqlite3_vsnprintf(sizeof why, why, format, args);
    va_end(args);
    shop_set_message(LLMCS_FORMAT, "%s: %s: %s", f->path, path.text, why);
}

llmcs_status desk_check_keys(const desk_flows *f, const desk_json *object, const char *const *keys) {
    for (const desk_json *child = object->first; child; child = child->next) {
        bool known = !strcmp(child->key, "note");
        for (size_t i = 0; keys[i] && !known; i++) known = !strcmp(child->key, keys[i]);
        if (!known) return desk_bad(f, child, "unknown key; check its spelling");
    }
    return LLMCS_OK;
}

llmcs_status desk_need(const desk_flows *f, const desk_json *object, const char *key, desk_json_type type,
                       const desk_json **out) {
    *out = desk_json_get(object, key);
    if (!*out) return desk_bad(f, object, "\"%s\" is missing", key);
    if ((*out)->type == type) return LLMCS_OK;
    return desk_bad(f, *out, "found %s, expected %s", desk_json_type_name((*out)->type), desk_json_type_name(type));
}

/* Finds an optional member of this type; NULL if it is missing. */
static llmcs_status may_have(const desk_flows *f, const desk_json *object, const char *key, desk_json_type type,
                             const desk_json **out) {
    *out = desk_json_get(object, key);
    return *out ? desk_need(f, object, key, type, out) : LLMCS_OK;
}

llmcs_status desk_read_bool(const desk_flows *f, const desk_json *object, const char *key, bool *out) {
    const desk_json *found;
    SHOP_TRY(may_have(f, object, key, DESK_JSON_BOOL, &found));
    if (found) *out = found->number != 0;
    return LLMCS_OK;
}

llmcs_status desk_read_number(const desk_flows *f, const desk_json *object, const char *key, double least, double most,
                              double *out) {
    const desk_json *found;
    SHOP_TRY(may_have(f, object, key, DESK_JSON_NUMBER, &found));
    if (!found) return LLMCS_OK;
    if (!(found->number >= least && found->number <= most))
        return desk_bad(f, found, "%.40s is not valid (%g to %g)", found->text, least, most);
    *out = found->number;
    return LLMCS_OK;
}

int desk_find_lang(const desk_flows *f, const char *lang) {
    for (size_t i = 0; lang && i < f->n_langs; i++)
        if (!sqlite3_stricmp(f->langs[i], lang)) return (int)i;
    const size_t n = lang ? strcspn(lang, "-_") : 0;
    for (size_t i = 0; n && i < f->n_langs; i++)
        if (!sqlite3_strnicmp(f->langs[i], lang, (int)n) && (!f->langs[i][n] || f->langs[i][n] == '-')) return (int)i;
    return -1;
}

int desk_find_flow(const desk_flows *f, const char *name) {
    for (size_t i = 0; i < f->n_flows; i++)
        if (!strcmp(f->flows[i].name, name)) return (int)i;
    return -1;
}

int desk_find_slot(const desk_flows *f, const char *name) {
    for (size_t i = 0; i < f->n_slots; i++)
        if (!strcmp(f->slots[i].name, name)) return (int)i;
    return -1;
}

const desk_intent *desk_find_intent(const desk_flows *f, const char *label) {
    for (size_t i = 0; i < f->n_intents; i++)
        if (!strcmp(f->intents[i].label, label)) return &f->intents[i];
    return NULL;
}

/* Allocates an array of n structs in the arena. */
#define MAKE(f, array, n) shop_arena_alloc(&(f)->arena, (n), sizeof *(array), &(array))

/* Counts the members of an object, without notes. */
static size_t count_members(const desk_json *object) {
    size_t n = 0;
    for (const desk_json *child = object ? object->first : NULL; child; child = child->next)
        n += !child->key || strcmp(child->key, "note") != 0;
    return n;
}

static const desk_json *skip_notes(const desk_json *child) {
    while (child && child->key && !strcmp(child->key, "note")) child = child->next;
    return child;
}
#define EACH_MEMBER(child, object) \
    for (const desk_json *child = (object) ? skip_notes((object)->first) : NULL; child; child = skip_notes(child->next))

/* Checks the name of a slot, find, action or flow: it must be usable as :name and {name}. */
static llmcs_status check_name(const desk_flows *f, const desk_json *node) {
    const size_t n = strlen(node->key);
    if (n && n <= 60 && strspn(node->key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n &&
        (node->key[0] < '0' || node->key[0] > '9'))
        return LLMCS_OK;
    return desk_bad(f, node, "not a name: expected 1 to 60 letters, digits and _");
}

static llmcs_status check_object(const desk_flows *f, const desk_json *node) {
    if (node->type == DESK_JSON_OBJECT) return LLMCS_OK;
    return desk_bad(f, node, "found %s, expected an object", desk_json_type_name(node->type));
}

/* ---- phrases and patterns */

static llmcs_status read_phrase(desk_flows *f, const desk_json *node, const char **word) {
    desk_words w;
    if (node->type != DESK_JSON_STRING || !*node->text || strlen(node->text) > 200)
        return desk_bad(f, node, "found %s, expected a string of 1 to 200 bytes", desk_json_type_name(node->type));
    SHOP_TRY(desk_words_make(&f->arena, node->text, strlen(node->text), &w));
    if (!w.folded_bytes) return desk_bad(f, node, "found only invisible characters, expected a word");
    *word = w.folded;
    return LLMCS_OK;
}

static llmcs_status add_phrases(desk_flows *f, const desk_json *list, const char **words, size_t *n) {
    if (list->type != DESK_JSON_ARRAY)
        return desk_bad(f, list, "found %s, expected an array of strings", desk_json_type_name(list->type));
    for (const desk_json *one = list->first; one; one = one->next) {
        if (*n == MAX_WORDS) return desk_bad(f, list, "more than %d words", MAX_WORDS);
        SHOP_TRY(read_phrase(f, one, &words[(*n)++]));
    }
    return LLMCS_OK;
}

llmcs_status desk_phrases_read(desk_flows *f, const desk_json *node, const char *const **words, size_t *n) {
    const char **list;
    *n = 0;
    SHOP_TRY(MAKE(f, list, MAX_WORDS));
    *words = list;
    if (node->type == DESK_JSON_ARRAY) return add_phrases(f, node, list, n);
    SHOP_TRY(check_object(f, node));
    EACH_MEMBER(child, node) {
        if (desk_find_lang(f, child->key) < 0) return desk_bad(f, child, "not one of \"languages\"");
        SHOP_TRY(add_phrases(f, child, list, n));
    }
    return LLMCS_OK;
}

llmcs_status desk_pattern_read(desk_flows *f, const desk_json *node, pcre2_code **pattern) {
    int code;
    PCRE2_SIZE at;
    char *whole;
    if (node->type != DESK_JSON_STRING || !*node->text || strlen(node->text) > DESK_MAX_PATTERN)
        return desk_bad(f, node, "found %s, expected a string of 1 to %d bytes", desk_json_type_name(node->type),
                        DESK_MAX_PATTERN);
    const size_t size = strlen(node->text) + 64;
    SHOP_TRY(shop_arena_alloc(&f->arena, size, 1, &whole));
    /* No letter or digit may follow or precede. \b would not do: it takes Han characters for letters, and finds no
     * number between them. */
    sqlite3_snprintf((int)size, whole, "(?<![A-Za-z0-9])(?:%s)(?![A-Za-z0-9])", node->text);
    *pattern = pcre2_compile((PCRE2_SPTR)whole, PCRE2_ZERO_TERMINATED,
                             PCRE2_UTF | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (*pattern) {
        /* A turn tries about a hundred patterns. Without a JIT, PCRE2's interpreter matches them. */
        (void)pcre2_jit_compile(*pattern, PCRE2_JIT_COMPLETE);
        return LLMCS_OK;
    }
    PCRE2_UCHAR why[128] = {0};
    pcre2_get_error_message(code, why, sizeof why);
    return desk_bad(f, node, "not a pattern: %s at byte %d", (const char *)why, (int)shop_max(at, 19) - 19);
}

/* ---- slots */

static const char *const slot_types[DESK_N_SLOT_TYPES] = {"order",   "code",     "choice", "product", "yes_no",
                                                          "number",  "quantity", "date",   "phone",   "email",
                                                          "address", "name",     "text"};

static llmcs_status read_option(desk_flows *f, const desk_json *node, desk_option *option) {
    static const char *const keys[] = {"value", "words", "label", NULL};
    const desk_json *value, *words;
    const desk_scope scope = {.own_find = -1};
    SHOP_TRY(check_object(f, node));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(desk_need(f, node, "value", DESK_JSON_STRING, &value));
    option->value = value->text;
    words = desk_json_get(node, "words");
    if (!words) return desk_bad(f, node, "\"words\" is missing");
    SHOP_TRY(desk_phrases_read(f, words, &option->words, &option->n_words));
    const desk_json *label = desk_json_get(node, "label");
    return label ? desk_text_read(f, label, &scope, &option->label) : LLMCS_OK;
}

static llmcs_status read_options(desk_flows *f, const desk_json *node, desk_slot *slot) {
    const desk_json *list;
    desk_option *options;
    SHOP_TRY(desk_need(f, node, "options", DESK_JSON_ARRAY, &list));
    if (!list->n || list->n > MAX_OPTIONS)
        return desk_bad(f, list, "%d options, expected 1 to %d", (int)list->n, MAX_OPTIONS);
    SHOP_TRY(MAKE(f, options, list->n));
    slot->options = options;
    slot->n_options = list->n;
    for (const desk_json *one = list->first; one; one = one->next) SHOP_TRY(read_option(f, one, options++));
    return LLMCS_OK;
}

static llmcs_status read_slot_type(desk_flows *f, const desk_json *node, desk_slot *slot) {
    const desk_json *type;
    SHOP_TRY(desk_need(f, node, "type", DESK_JSON_STRING, &type));
    for (size_t i = 0; i < DESK_N_SLOT_TYPES; i++)
        if (!strcmp(type->text, slot_types[i])) {
            slot->type = (desk_slot_type)i;
            return LLMCS_OK;
        }
    return desk_bad(
        f, type,
        "\"%.40s\" is not a type (order code choice product yes_no number quantity date phone email address name "
        "text)",
        type->text);
}

/* Names are known at this point; finds are not. */
static llmcs_status read_slot(desk_flows *f, const desk_json *node, desk_slot *slot) {
    static const char *const keys[] = {"type",  "ask",  "again", "none",   "pattern", "from",      "only",
                                       "first", "min",  "max",   "tries",  "options", "first_min", "described",
                                       "like",  "lead", "parts", "remark", NULL};
    double tries = 3;
    SHOP_TRY(check_object(f, node));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(read_slot_type(f, node, slot));
    const bool free_text = slot->type >= DESK_SLOT_ADDRESS;
    slot->from = -1;
    slot->only = true;
    slot->min = free_text ? 3 : slot->type == DESK_SLOT_QUANTITY ? 1 : -1e9;
    slot->max = free_text ? 500 : 1e9;
    SHOP_TRY(desk_read_bool(f, node, "only", &slot->only));
    SHOP_TRY(desk_read_bool(f, node, "first", &slot->first));
    SHOP_TRY(desk_read_bool(f, node, "parts", &slot->parts));
    SHOP_TRY(desk_read_bool(f, node, "remark", &slot->remark));
    if ((slot->parts || slot->remark) && slot->type != DESK_SLOT_TEXT)
        return desk_bad(f, node, "\"parts\" and \"remark\" are only for slots of type text");
    SHOP_TRY(desk_read_number(f, node, "min", -1e9, 1e9, &slot->min));
    SHOP_TRY(desk_read_number(f, node, "max", -1e9, 1e9, &slot->max));
    SHOP_TRY(desk_read_number(f, node, "tries", 1, 10, &tries));
    SHOP_TRY(desk_read_number(f, node, "first_min", 0, 65536, &slot->first_min));
    slot->tries = (int)tries;
    const desk_json *pattern = desk_json_get(node, "pattern");
    if (pattern) SHOP_TRY(desk_pattern_read(f, pattern, &slot->pattern));
    if (slot->type == DESK_SLOT_CODE && !pattern)
        return desk_bad(f, node, "\"pattern\" is missing; a slot of type code needs it");
    if (slot->type == DESK_SLOT_CHOICE) return read_options(f, node, slot);
    if (desk_json_get(node, "options")) return desk_bad(f, node, "\"options\" is only for slots of type choice");
    return LLMCS_OK;
}

static int find_query(const desk_query *list, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (!strcmp(list[i].name, name)) return (int)i;
    return -1;
}

llmcs_status desk_check_from(const desk_flows *f, const desk_json *from, const desk_query *find) {
    const desk_json *sql = desk_json_get(desk_json_get(desk_json_get(f->root, "finds"), find->name), "sql");
    for (size_t i = 0; sql && i < f->n_slots; i++) {
        char name[80];
        sqlite3_snprintf(sizeof name, name, ":%s", f->slots[i].name);
        const char *at = strstr(sql->text, name);
        const char next = at ? at[strlen(name)] : 0;
        const bool whole = at && !((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '_' ||
                                   (next >= '0' && next <= '9'));
        if (whole)
            return desk_bad(f, from, "find %s uses slot :%s, expected :customer alone", find->name, f->slots[i].name);
    }
    return LLMCS_OK;
}

/* Reads the members of a slot that use finds and texts. */
static llmcs_status read_slot_texts(desk_flows *f, const desk_json *node, desk_slot *slot) {
    static const char *const locals[] = {"choices", NULL};
    const desk_scope scope = {.own_find = -1, .in_flow = true, .locals = locals};
    const desk_json *ask = desk_json_get(node, "ask"), *again = desk_json_get(node, "again");
    const desk_json *none = desk_json_get(node, "none"), *from;
    SHOP_TRY(may_have(f, node, "from", DESK_JSON_STRING, &from));
    if (from) {
        slot->from = find_query(f->finds, f->n_finds, from->text);
        if (slot->from < 0) return desk_bad(f, from, "no find named \"%.60s\"; add it to \"finds\"", from->text);
        SHOP_TRY(desk_check_from(f, from, &f->finds[slot->from]));
    }
    if (slot->type == DESK_SLOT_ORDER && !slot->pattern && !from)
        return desk_bad(f, node, "an order needs \"pattern\" or \"from\"");
    if (!ask) return desk_bad(f, node, "\"ask\" is missing");
    SHOP_TRY(desk_slot_words_read(f, node, slot));
    SHOP_TRY(desk_text_read(f, ask, &scope, &slot->ask));
    if (again) SHOP_TRY(desk_text_read(f, again, &scope, &slot->again));
    return none ? desk_text_read(f, none, &scope, &slot->none) : LLMCS_OK;
}

/* ---- finds and actions */

static llmcs_status read_host_columns(desk_flows *f, const desk_json *node, desk_query *q) {
    const desk_json *list;
    q->personal = true;
    SHOP_TRY(desk_read_bool(f, node, "personal", &q->personal));
    SHOP_TRY(may_have(f, node, "columns", DESK_JSON_ARRAY, &list));
    if (!list || !list->n) return q->is_action ? LLMCS_OK : desk_bad(f, node, "\"columns\" is missing");
    if (list->n > DESK_MAX_COLUMNS) return desk_bad(f, list, "more than %d columns", DESK_MAX_COLUMNS);
    for (const desk_json *one = list->first; one; one = one->next) {
        if (one->type != DESK_JSON_STRING || !*one->text) return desk_bad(f, one, "expected a name");
        q->columns[q->n_columns++] = one->text;
    }
    return LLMCS_OK;
}

static llmcs_status read_detail(desk_flows *f, const desk_json *node, desk_query *q) {
    const desk_json *list;
    SHOP_TRY(may_have(f, node, "detail", DESK_JSON_ARRAY, &list));
    if (list && list->n > DESK_MAX_SLOTS) return desk_bad(f, list, "more than %d slots", DESK_MAX_SLOTS);
    for (const desk_json *one = list ? list->first : NULL; one; one = one->next) {
        const int slot = desk_find_slot(f, one->text);
        if (slot < 0) return desk_bad(f, one, "no slot named \"%.60s\"; add it to \"slots\"", one->text);
        q->detail[q->n_detail++] = slot;
    }
    return LLMCS_OK;
}

static llmcs_status read_action(desk_flows *f, const desk_json *node, desk_query *q) {
    const desk_json *object;
    double rows = 1;
    SHOP_TRY(desk_need(f, node, "object", DESK_JSON_STRING, &object));
    q->object = desk_find_slot(f, object->text);
    if (q->object < 0) return desk_bad(f, object, "no slot named \"%.60s\"; add it to \"slots\"", object->text);
    SHOP_TRY(desk_read_bool(f, node, "destructive", &q->destructive));
    SHOP_TRY(desk_read_number(f, node, "rows", 1, 1000, &rows));
    q->max_rows = (int64_t)rows;
    return read_detail(f, node, q);
}

static llmcs_status read_query(shop_connection *c, desk_flows *f, const desk_json *node, bool is_action,
                               desk_query *q) {
    static const char *const find_keys[] = {"sql", "tables", "host", "columns", "personal", "line", NULL};
    static const char *const action_keys[] = {"sql",    "tables",      "host", "columns", "personal",
                                              "object", "destructive", "rows", "detail",  NULL};
    const desk_json *sql;
    SHOP_TRY(check_name(f, node));
    SHOP_TRY(check_object(f, node));
    SHOP_TRY(desk_check_keys(f, node, is_action ? action_keys : find_keys));
    *q = (desk_query){.name = node->key, .is_action = is_action, .object = -1};
    if (!strcmp(q->name, "facts"))
        return desk_bad(f, node, "\"facts\" is reserved for the file's facts; choose another name");
    if (is_action) SHOP_TRY(read_action(f, node, q));
    SHOP_TRY(desk_read_bool(f, node, "host", &q->host));
    SHOP_TRY(may_have(f, node, "sql", DESK_JSON_STRING, &sql));
    if (sql && q->host) return desk_bad(f, node, "found both \"sql\" and \"host\", expected one of them");
    if (sql) {
        q->sql = sql->text;
        return desk_query_check(c, f, node, q);
    }
    if (q->host) return read_host_columns(f, node, q);
    if (!is_action) return desk_bad(f, node, "expected \"sql\", or \"host\": true");
    q->personal = true; /* a ticket */
    SHOP_TRY(desk_read_bool(f, node, "personal", &q->personal));
    return LLMCS_OK;
}

static llmcs_status read_queries(shop_connection *c, desk_flows *f, const char *key, bool is_action) {
    const desk_json *list;
    desk_query *queries;
    SHOP_TRY(may_have(f, f->root, key, DESK_JSON_OBJECT, &list));
    const size_t n = count_members(list);
    if (n > DESK_MAX_FINDS) return desk_bad(f, list, "%d members, expected at most %d", (int)n, DESK_MAX_FINDS);
    SHOP_TRY(MAKE(f, queries, n));
    size_t *count = is_action ? &f->n_actions : &f->n_finds;
    *(is_action ? &f->actions : &f->finds) = queries;
    EACH_MEMBER(child, list) {
        SHOP_TRY(read_query(c, f, child, is_action, &queries[*count]));
        if (is_action && find_query(f->finds, f->n_finds, child->key) >= 0)
            return desk_bad(f, child, "a find already has this name; choose another");
        ++*count;
    }
    return LLMCS_OK;
}

static llmcs_status read_lines(desk_flows *f) {
    EACH_MEMBER(child, desk_json_get(f->root, "finds")) {
        const int i = find_query(f->finds, f->n_finds, child->key);
        const desk_scope scope = {.finds = f->finds, .n_finds = f->n_finds, .own_find = i};
        const desk_json *line = desk_json_get(child, "line");
        if (line) SHOP_TRY(desk_text_read(f, line, &scope, &f->finds[i].line));
    }
    return LLMCS_OK;
}

/* ---- flows, intents, rules */

static llmcs_status read_flow(desk_flows *f, const desk_json *node, desk_flow *flow) {
    static const char *const keys[] = {"steps",       "intents", "title", "small_talk", "worded",   "always",
                                       "entry_first", "accept",  "route", "alone",      "inherits", "listed",
                                       "follow",      "closes",  "cues",  "objects",    NULL};
    const desk_scope scope = {.own_find = -1};
    const desk_json *route, *steps, *follow, *title = desk_json_get(node, "title");
    SHOP_TRY(desk_check_keys(f, node, keys));
    flow->entry_first = 2;
    flow->follow = -1;
    flow->accept = -1;
    flow->worded = true;
    SHOP_TRY(desk_read_bool(f, node, "small_talk", &flow->small_talk));
    SHOP_TRY(desk_read_bool(f, node, "worded", &flow->worded));
    SHOP_TRY(desk_read_bool(f, node, "always", &flow->always));
    SHOP_TRY(desk_read_bool(f, node, "alone", &flow->alone));
    SHOP_TRY(desk_read_bool(f, node, "inherits", &flow->inherits));
    SHOP_TRY(desk_read_bool(f, node, "listed", &flow->listed));
    SHOP_TRY(desk_read_bool(f, node, "closes", &flow->closes));
    SHOP_TRY(desk_read_bool(f, node, "objects", &flow->objects));
    SHOP_TRY(desk_cues_read(f, node, flow));
    SHOP_TRY(may_have(f, node, "follow", DESK_JSON_STRING, &follow));
    if (follow) flow->follow = desk_find_flow(f, follow->text);
    if (follow && flow->follow < 0)
        return desk_bad(f, follow, "no flow named \"%.60s\"; add it to \"flows\"", follow->text);
    SHOP_TRY(desk_read_number(f, node, "entry_first", 0, 1, &flow->entry_first));
    SHOP_TRY(desk_read_number(f, node, "accept", 0, 1, &flow->accept));
    if (title) SHOP_TRY(desk_text_read(f, title, &scope, &flow->title));
    flow->route = flow->small_talk ? LLMCS_DESK_SMALLTALK : LLMCS_DESK_FLOW;
    SHOP_TRY(may_have(f, node, "route", DESK_JSON_STRING, &route));
    if (route) {
        if (strcmp(route->text, "none") != 0 && strcmp(route->text, "blocked") != 0 && strcmp(route->text, "flow") != 0)
            return desk_bad(f, route, "expected flow, none or blocked");
        flow->route = !strcmp(route->text, "none")   ? LLMCS_DESK_NONE
                      : !strcmp(route->text, "flow") ? LLMCS_DESK_FLOW
                                                     : LLMCS_DESK_BLOCKED;
    }
    SHOP_TRY(desk_need(f, node, "steps", DESK_JSON_ARRAY, &steps));
    return desk_steps_read(f, steps, flow);
}

static llmcs_status add_intent(desk_flows *f, const desk_json *where, const desk_intent *intent) {
    if (!intent->label || !*intent->label) return desk_bad(f, where, "expected a label that is not empty");
    if (desk_find_intent(f, intent->label))
        return desk_bad(f, where, "label \"%.60s\" occurs twice; a label has one meaning", intent->label);
    if (f->n_intents == MAX_INTENTS) return desk_bad(f, where, "more than %d labels", MAX_INTENTS);
    f->intents[f->n_intents++] = *intent;
    return LLMCS_OK;
}

static llmcs_status add_flow_intents(desk_flows *f, const desk_json *node, int i) {
    const desk_json *list;
    SHOP_TRY(may_have(f, node, "intents", DESK_JSON_ARRAY, &list));
    for (const desk_json *label = list ? list->first : NULL; label; label = label->next)
        SHOP_TRY(add_intent(f, label,
                            &(desk_intent){.label = label->text,
                                           .kind = DESK_INTENT_FLOW,
                                           .flow = i,
                                           .accept = f->flows[i].accept,
                                           .entry_first = f->flows[i].entry_first}));
    return LLMCS_OK;
}

/* True if the flow neither sets a slot nor acts, so each run takes the same path. */
static bool changes_nothing(const desk_flow *flow) {
    for (size_t i = 0; i < flow->n_ops; i++)
        if (flow->ops[i].kind == DESK_OP_SET || flow->ops[i].kind == DESK_OP_DO) return false;
    return true;
}

/* Returns the target of the flow's first "go" to a flow still in question; -1: none. */
static int next_in_circle(const desk_flow *flow, const bool *left) {
    for (size_t i = 0; i < flow->n_ops; i++)
        if (flow->ops[i].kind == DESK_OP_GO && left[flow->ops[i].index]) return flow->ops[i].index;
    return -1;
}

/* Rejects flows that go to each other in a circle and change nothing on the way: they never end. */
static llmcs_status check_circles(const desk_flows *f) {
    bool left[DESK_MAX_FLOWS], again = true;
    char path[600] = "";
    size_t first = 0;
    for (size_t i = 0; i < f->n_flows; i++) left[i] = changes_nothing(&f->flows[i]);
    /* Drop flows that go nowhere, and flows that go only to dropped ones: they are in no circle. */
    while (again) {
        again = false;
        for (size_t i = 0; i < f->n_flows; i++)
            if (left[i] && next_in_circle(&f->flows[i], left) < 0) left[i] = false, again = true;
    }
    while (first < f->n_flows && !left[first]) first++;
    if (first == f->n_flows) return LLMCS_OK;
    /* After n_flows steps the walk is inside a circle. */
    for (size_t i = 0; i < f->n_flows; i++) first = (size_t)next_in_circle(&f->flows[first], left);
    size_t at = first;
    do {
        const size_t n = strlen(path);
        sqlite3_snprintf((int)(sizeof path - n), path + n, "%.60s -> ", f->flows[at].name);
        at = (size_t)next_in_circle(&f->flows[at], left);
    } while (at != first);
    const desk_json *list = desk_json_get(f->root, "flows");
    return desk_bad(f, desk_json_get(list, f->flows[first].name),
                    "\"go\" leads in a circle that never ends: %s%.60s; let one of them end, set a slot or act", path,
                    f->flows[first].name);
}

/* Marks the flows that have an action or go to a flow that has one. */
static void mark_acting(desk_flows *f) {
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < f->n_flows; i++)
            for (size_t k = 0; k < f->flows[i].n_ops && !f->flows[i].acts; k++) {
                const desk_op *op = &f->flows[i].ops[k];
                f->flows[i].acts = op->kind == DESK_OP_DO || (op->kind == DESK_OP_GO && f->flows[op->index].acts);
                again = again || f->flows[i].acts;
            }
    }
}

static llmcs_status read_flows(desk_flows *f) {
    const desk_json *list;
    size_t i = 0;
    SHOP_TRY(may_have(f, f->root, "flows", DESK_JSON_OBJECT, &list));
    const size_t n = count_members(list);
    if (n > DESK_MAX_FLOWS) return desk_bad(f, list, "%d flows, expected at most %d", (int)n, DESK_MAX_FLOWS);
    SHOP_TRY(MAKE(f, f->flows, n));
    f->n_flows = n;
    EACH_MEMBER(child, list) {
        SHOP_TRY(check_name(f, child));
        SHOP_TRY(check_object(f, child));
        f->flows[i++].name = child->key;
    }
    i = 0;
    EACH_MEMBER(child, list) {
        SHOP_TRY(read_flow(f, child, &f->flows[i]));
        SHOP_TRY(add_flow_intents(f, child, (int)i++));
    }
    mark_acting(f);
    return check_circles(f);
}

static llmcs_status read_flow_name(const desk_flows *f, const desk_json *node, int *flow) {
    const desk_json *name;
    *flow = -1;
    SHOP_TRY(may_have(f, node, "flow", DESK_JSON_STRING, &name));
    if (!name) return LLMCS_OK;
    *flow = desk_find_flow(f, name->text);
    return *flow >= 0 ? LLMCS_OK : desk_bad(f, name, "no flow named \"%.60s\"; add it to \"flows\"", name->text);
}

static llmcs_status read_intent(desk_flows *f, const desk_json *node) {
    static const char *const keys[] = {"entry",   "knowledge", "flow",        "recommend",
                                       "unknown", "accept",    "entry_first", NULL};
    desk_intent intent = {
        .label = node->key, .kind = DESK_INTENT_KNOWLEDGE, .flow = -1, .accept = -1, .entry_first = 2};
    const desk_json *entry;
    bool recommend = false, unknown = false, knowledge = false;
    SHOP_TRY(check_object(f, node));
    SHOP_TRY(desk_check_keys(f, node, keys));
    SHOP_TRY(read_flow_name(f, node, &intent.flow));
    SHOP_TRY(may_have(f, node, "entry", DESK_JSON_STRING, &entry));
    SHOP_TRY(desk_read_bool(f, node, "recommend", &recommend));
    SHOP_TRY(desk_read_bool(f, node, "unknown", &unknown));
    SHOP_TRY(desk_read_bool(f, node, "knowledge", &knowledge));
    SHOP_TRY(desk_read_number(f, node, "accept", 0, 1, &intent.accept));
    SHOP_TRY(desk_read_number(f, node, "entry_first", 0, 1, &intent.entry_first));
    if ((intent.flow >= 0) + !!entry + recommend + unknown + knowledge > 1)
        return desk_bad(f, node, "expected only one of entry, knowledge, flow, recommend, unknown");
    if (entry) intent.entry = entry->text;
    intent.kind = entry              ? DESK_INTENT_ENTRY
                  : intent.flow >= 0 ? DESK_INTENT_FLOW
                  : recommend        ? DESK_INTENT_RECOMMEND
                  : unknown          ? DESK_INTENT_UNKNOWN
                                     : DESK_INTENT_KNOWLEDGE;
    return add_intent(f, node, &intent);
}

static llmcs_status read_intents(desk_flows *f) {
    const desk_json *list;
    SHOP_TRY(may_have(f, f->root, "intents", DESK_JSON_OBJECT, &list));
    EACH_MEMBER(child, list) SHOP_TRY(read_intent(f, child));
    return LLMCS_OK;
}

static llmcs_status read_rule(desk_flows *f, const desk_json *node, desk_rule *rule) {
    static const char *const keys[] = {"words",  "pattern", "flow",    "entry", "entry_first",
                                       "always", "whole",   "foreign", NULL};
    const desk_json *words = desk_json_get(node, "words"), *pattern = desk_json_get(node, "pattern"), *entry;
    SHOP_TRY(check_object(f, node));
    SHOP_TRY(desk_check_keys(f, node, keys));
    if (words) SHOP_TRY(desk_phrases_read(f, words, &rule->words, &rule->n_words));
    if (pattern) SHOP_TRY(desk_pattern_read(f, pattern, &rule->pattern));
    SHOP_TRY(desk_read_bool(f, node, "foreign", &rule->foreign));
    if (!rule->n_words && !pattern && !rule->foreign)
        return desk_bad(f, node, "\"words\", \"pattern\" or \"foreign\" is missing");
    SHOP_TRY(desk_read_bool(f, node, "always", &rule->always));
    SHOP_TRY(desk_read_bool(f, node, "whole", &rule->whole));
    rule->entry_first = 2;
    SHOP_TRY(desk_read_number(f, node, "entry_first", 0, 1, &rule->entry_first));
    SHOP_TRY(read_flow_name(f, node, &rule->flow));
    SHOP_TRY(may_have(f, node, "entry", DESK_JSON_STRING, &entry));
    if (entry) rule->entry = entry->text;
    if ((rule->flow >= 0) + !!entry != 1) return desk_bad(f, node, "expected one of \"flow\" and \"entry\"");
    return LLMCS_OK;
}

static llmcs_status read_rules(desk_flows *f) {
    const desk_json *list;
    SHOP_TRY(may_have(f, f->root, "rules", DESK_JSON_ARRAY, &list));
    if (list && list->n > MAX_RULES) return desk_bad(f, list, "%d rules, expected at most %d", (int)list->n, MAX_RULES);
    SHOP_TRY(MAKE(f, f->rules, list ? list->n : 0));
    for (const desk_json *one = list ? list->first : NULL; one; one = one->next)
        SHOP_TRY(read_rule(f, one, &f->rules[f->n_rules++]));
    return LLMCS_OK;
}

/* ---- the file */

static llmcs_status read_languages(desk_flows *f) {
    const desk_json *list;
    SHOP_TRY(desk_need(f, f->root, "languages", DESK_JSON_ARRAY, &list));
    if (!list->n || list->n > DESK_MAX_LANGS)
        return desk_bad(f, list, "%d languages, expected 1 to %d", (int)list->n, DESK_MAX_LANGS);
    for (const desk_json *one = list->first; one; one = one->next) {
        if (one->type != DESK_JSON_STRING || !*one->text || shop_check_lang(one->text))
            return desk_bad(f, one, "\"%.36s\" is not a language tag (\"en\", \"zh\", \"pt-BR\")", one->text);
        f->langs[f->n_langs++] = one->text;
    }
    return LLMCS_OK;
}

static llmcs_status read_values(desk_flows *f) {
    const desk_json *list;
    SHOP_TRY(may_have(f, f->root, "values", DESK_JSON_OBJECT, &list));
    SHOP_TRY(MAKE(f, f->values, count_members(list)));
    EACH_MEMBER(child, list) {
        SHOP_TRY(check_object(f, child));
        f->values[f->n_values++] = (desk_values){child->key, child};
        EACH_MEMBER(value, child) {
            SHOP_TRY(check_object(f, value));
            for (size_t i = 0; i < f->n_langs; i++) {
                const desk_json *word;
                SHOP_TRY(desk_need(f, value, f->langs[i], DESK_JSON_STRING, &word));
            }
        }
    }
    return LLMCS_OK;
}

static llmcs_status read_slots(desk_flows *f) {
    const desk_json *list;
    SHOP_TRY(may_have(f, f->root, "slots", DESK_JSON_OBJECT, &list));
    const size_t n = count_members(list);
    if (n > DESK_MAX_SLOTS) return desk_bad(f, list, "%d slots, expected at most %d", (int)n, DESK_MAX_SLOTS);
    SHOP_TRY(MAKE(f, f->slots, n));
    EACH_MEMBER(child, list) {
        SHOP_TRY(check_name(f, child));
        f->slots[f->n_slots++].name = child->key;
    }
    size_t i = 0;
    EACH_MEMBER(child, list) SHOP_TRY(read_slot(f, child, &f->slots[i++]));
    return LLMCS_OK;
}

static llmcs_status read_slot_questions(desk_flows *f) {
    size_t i = 0;
    EACH_MEMBER(child, desk_json_get(f->root, "slots")) SHOP_TRY(read_slot_texts(f, child, &f->slots[i++]));
    return LLMCS_OK;
}

static llmcs_status read_file(shop_connection *c, desk_flows *f) {
    static const char *const keys[] = {"format", "accept",  "languages", "facts", "values",  "texts",
                                       "slots",  "finds",   "actions",   "flows", "intents", "rules",
                                       "kinds",  "entries", "totals",    NULL};
    double format = 0;
    SHOP_TRY(check_object(f, f->root));
    SHOP_TRY(desk_check_keys(f, f->root, keys));
    const desk_json *number;
    SHOP_TRY(desk_need(f, f->root, "format", DESK_JSON_NUMBER, &number));
    SHOP_TRY(desk_read_number(f, f->root, "accept", 0, 1, &f->accept));
    SHOP_TRY(desk_read_number(f, f->root, "format", 1, 1, &format));
    SHOP_TRY(read_languages(f));
    SHOP_TRY(may_have(f, f->root, "facts", DESK_JSON_OBJECT, &f->facts));
    SHOP_TRY(may_have(f, f->root, "texts", DESK_JSON_OBJECT, &f->texts));
    SHOP_TRY(read_values(f));
    SHOP_TRY(read_slots(f));
    SHOP_TRY(read_queries(c, f, "finds", false));
    SHOP_TRY(read_queries(c, f, "actions", true));
    SHOP_TRY(read_lines(f));
    SHOP_TRY(desk_kinds_read(f));
    SHOP_TRY(read_slot_questions(f));
    SHOP_TRY(desk_sentences_read(f));
    SHOP_TRY(MAKE(f, f->intents, MAX_INTENTS));
    SHOP_TRY(read_flows(f));
    SHOP_TRY(read_intents(f));
    SHOP_TRY(desk_entries_read(f));
    SHOP_TRY(desk_totals_read(f));
    return read_rules(f);
}

static llmcs_status read_nothing(desk_flows *f) {
    f->langs[0] = "en";
    f->langs[1] = "zh";
    f->n_langs = 2;
    return desk_sentences_read(f);
}

llmcs_status desk_flows_read(shop_connection *c, const llmcs_allocator *allocator, const char *path, const char *text,
                             size_t n, desk_flows **flows) {
    desk_flows *f;
    *flows = NULL;
    if (text && n > MAX_BYTES)
        return shop_fail(LLMCS_LIMIT, "%s has %lld bytes, at most %d", path, (long long)n, MAX_BYTES);
    SHOP_TRY(shop_alloc_zero(allocator, 1, sizeof *f, "flows", &f));
    f->arena.allocator = *allocator;
    f->accept = -1;
    f->fingerprint = shop_xxh64(text, text ? n : 0);
    llmcs_status status = shop_arena_copy(&f->arena, path, strlen(path), &f->path);
    if (!status && !text) status = read_nothing(f);
    if (!status && text) {
        status = desk_json_parse(c, &f->arena, f->path, text, n, MAX_VALUES, &f->root);
        if (!status) status = read_file(c, f);
    }
    if (status)
        desk_flows_free(&f);
    else
        *flows = f;
    return status;
}

void desk_flows_free(desk_flows **flows) {
    desk_flows *f = *flows;
    if (!f) return;
    *flows = NULL;
    for (size_t i = 0; i < f->n_slots; i++) pcre2_code_free(f->slots[i].pattern), pcre2_code_free(f->slots[i].like);
    for (size_t i = 0; i < f->n_rules; i++) pcre2_code_free(f->rules[i].pattern);
    const llmcs_allocator a = f->arena.allocator;
    shop_arena_free(&f->arena);
    shop_free(&a, f);
}
