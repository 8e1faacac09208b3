/*
 * What other parts of the library do for the desk: checks and masks (guard), the vault's names, the audit, the wording.
 *
 * The names of a conversation are in memory during a turn. New ones go to the vault in the transaction that stores the
 * turn.
 */
#include <string.h>

#include "shop/desk/desk.h"
#include "shop/guard/audit.h"
#include "shop/guard/vault.h"
#include "shop/wording/wording.h"

struct desk_private {
    shop_wording *wording; /* or NULL */
};

/* The names of one turn. */
typedef struct turn_names {
    llmcs_shop_names *names;
    size_t n_loaded;
} turn_names;

llmcs_status desk_private_create(llmcs_shop_desk *desk, const char *wording) {
    SHOP_TRY(shop_alloc_zero(&desk->allocator, 1, sizeof *desk->priv, "desk", &desk->priv));
    if (wording && *wording && strcmp(wording, "templates") != 0)
        return shop_wording_create(wording, NULL, &desk->allocator, &desk->priv->wording);
    return LLMCS_OK;
}

void desk_private_free(llmcs_shop_desk *desk) {
    if (!desk->priv) return;
    shop_wording_free(&desk->priv->wording);
    shop_free(&desk->allocator, desk->priv);
    desk->priv = NULL;
}

/* ---- names */

llmcs_status desk_names_open(desk_turn *t) {
    turn_names *n;
    SHOP_TRY(shop_arena_alloc(t->arena, 1, sizeof *n, &n));
    t->names = n;
    return llmcs_shop_names_create(NULL, NULL, NULL, &t->desk->allocator, &n->names);
}

void desk_names_close(desk_turn *t) {
    turn_names *n = t->names;
    if (n) llmcs_shop_names_free(&n->names);
    t->names = NULL;
}

static llmcs_status load_name(void *user, const char *name, const char *value, size_t value_bytes) {
    turn_names *n = user;
    return llmcs_shop_names_set(n->names, name, value, value_bytes);
}

llmcs_status desk_names_load(desk_turn *t, shop_connection *c) {
    turn_names *n = t->names;
    SHOP_TRY(shop_vault_load(t->desk->shop, c, t->message->customer, t->message->conversation, load_name, n));
    n->n_loaded = llmcs_shop_names_count(n->names);
    return LLMCS_OK;
}

llmcs_status desk_names_store(desk_turn *t, shop_connection *c) {
    turn_names *n = t->names;
    const size_t count = llmcs_shop_names_count(n->names);
    for (size_t i = n->n_loaded; i < count; i++) {
        const char *value;
        size_t bytes;
        const char *name = llmcs_shop_names_get(n->names, i, &value, &bytes);
        const llmcs_status status =
            shop_vault_put(t->desk->shop, c, t->message->customer, t->message->conversation, name, value, bytes);
        /* Another process gave this name to another value. Repeat the turn with that value. */
        if (status == LLMCS_BUSY) return shop_fail(LLMCS_CHANGED, "names: another process added one");
        SHOP_TRY(status);
    }
    return LLMCS_OK;
}

/* Returns the placeholder of a personal slot's value, whether or not the guard recognises it. */
static llmcs_status name_value(desk_turn *t, const char *kind, const char *value, const char **masked) {
    turn_names *n = t->names;
    const size_t count = llmcs_shop_names_count(n->names);
    char name[40];
    for (size_t i = 0; i < count; i++) {
        const char *known;
        size_t bytes;
        const char *found = llmcs_shop_names_get(n->names, i, &known, &bytes);
        if (bytes != strlen(value) || memcmp(known, value, bytes) != 0) continue;
        sqlite3_snprintf(sizeof name, name, "<%s>", found);
        return shop_arena_copy(t->arena, name, strlen(name), masked);
    }
    for (size_t i = 1; i <= count + 1; i++) {
        sqlite3_snprintf(sizeof name, name, "%s_%lld", kind, (long long)i);
        const llmcs_status status = llmcs_shop_names_set(n->names, name, value, strlen(value));
        if (status == LLMCS_ARG) continue; /* taken */
        SHOP_TRY(status);
        sqlite3_snprintf(sizeof name, name, "<%s_%lld>", kind, (long long)i);
        return shop_arena_copy(t->arena, name, strlen(name), masked);
    }
    return shop_fail(LLMCS_INTERNAL, "names: no name is free");
}

static const char *kind_of_slot(desk_slot_type type) {
    return type == DESK_SLOT_NAME      ? "NAME"
           : type == DESK_SLOT_ADDRESS ? "ADDRESS"
           : type == DESK_SLOT_PHONE   ? "PHONE"
           : type == DESK_SLOT_EMAIL   ? "EMAIL"
                                       : NULL;
}

llmcs_status desk_mask_slot(desk_turn *t, int slot, const char *value, const char **masked) {
    const char *kind = kind_of_slot(t->flows->slots[slot].type);
    if (t->desk->guard && kind && *value) return name_value(t, kind, value, masked);
    return desk_mask(t, value, masked);
}

llmcs_status desk_mask(desk_turn *t, const char *text, const char **masked) {
    *masked = text;
    turn_names *n = t->names;
    llmcs_shop_masked *found = NULL;
    llmcs_shop_mask_params params;
    if (!t->desk->guard || !*text) return LLMCS_OK;
    llmcs_shop_mask_params_init(&params);
    params.flags = LLMCS_SHOP_MASK_KEEP_PLACES;
    SHOP_TRY(llmcs_shop_mask(t->desk->guard, n->names, text, strlen(text), &params, &found));
    const llmcs_status status = shop_arena_copy(t->arena, found->text, found->text_bytes, masked);
    llmcs_shop_masked_free(&found);
    return status;
}

/* Masks values of personal slots that the guard did not recognise in the text. */
llmcs_status desk_mask_values(desk_turn *t, const char *text, const char **masked) {
    *masked = text;
    turn_names *n = t->names;
    if (!t->desk->guard) return LLMCS_OK;
    const size_t count = llmcs_shop_names_count(n->names);
    for (size_t i = 0; i < count; i++) {
        const char *value;
        size_t bytes;
        const char *name = llmcs_shop_names_get(n->names, i, &value, &bytes);
        if (bytes < 4 || !strstr(*masked, value)) continue;
        desk_buffer b = {.allocator = &t->desk->allocator};
        const char *from = *masked;
        for (const char *at; (at = strstr(from, value)) != NULL; from = at + bytes) {
            desk_put(&b, from, (size_t)(at - from));
            desk_putf(&b, "<%s>", name);
        }
        desk_puts(&b, from);
        llmcs_status status = b.status;
        if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, masked);
        desk_buffer_free(&b);
        SHOP_TRY(status);
    }
    return LLMCS_OK;
}

llmcs_status desk_unmask(desk_turn *t, const char *masked, const char **text) {
    *text = masked;
    turn_names *n = t->names;
    size_t bytes = 0;
    char *out;
    if (!strchr(masked, '<')) return LLMCS_OK;
    const llmcs_status measured = llmcs_shop_unmask(n->names, masked, strlen(masked), NULL, 0, &bytes);
    if (measured && measured != LLMCS_BUFFER) return measured;
    SHOP_TRY(shop_arena_alloc(t->arena, bytes + 1, 1, &out));
    SHOP_TRY(llmcs_shop_unmask(n->names, masked, strlen(masked), out, bytes + 1, &bytes));
    *text = out;
    return LLMCS_OK;
}

/* ---- guard */

static llmcs_status check_text(desk_turn *t, const char *text, llmcs_shop_direction direction, uint32_t flags,
                               llmcs_shop_check_action *action) {
    llmcs_shop_check_params params;
    llmcs_shop_verdict *verdict = NULL;
    *action = LLMCS_SHOP_ALLOW;
    llmcs_shop_check_params_init(&params);
    params.direction = direction;
    params.flags = flags;
    params.vector = direction == LLMCS_SHOP_IN ? t->vector : NULL;
    llmcs_status status = llmcs_shop_check(t->desk->guard, text, strlen(text), &params, &verdict);
    /* Without its classifier the guard still checks words and rules. */
    if (status && status != LLMCS_NOMEM && !(flags & LLMCS_SHOP_CHECK_NO_CLASSIFIER)) {
        params.flags |= LLMCS_SHOP_CHECK_NO_CLASSIFIER;
        status = llmcs_shop_check(t->desk->guard, text, strlen(text), &params, &verdict);
    }
    SHOP_TRY(status);
    *action = verdict->action;
    if (direction == LLMCS_SHOP_IN) {
        t->out.verdict = llmcs_shop_check_action_name(verdict->action);
        t->verdict_label = verdict->label; /* valid as long as the guard */
    }
    llmcs_shop_verdict_free(&verdict);
    return LLMCS_OK;
}

llmcs_status desk_guard_in(desk_turn *t, bool *stop) {
    llmcs_shop_check_action action = LLMCS_SHOP_ALLOW;
    double begin = shop_now_ms();
    *stop = false;
    if (t->desk->guard) SHOP_TRY(check_text(t, t->text, LLMCS_SHOP_IN, 0, &action));
    *stop = action >= LLMCS_SHOP_BLOCK;
    t->danger = action == LLMCS_SHOP_HANDOVER;
    t->out.ms.check_in = shop_now_ms() - begin;
    begin = shop_now_ms();
    const llmcs_status status = desk_mask(t, t->text, &t->masked);
    t->out.ms.mask = shop_now_ms() - begin;
    return status;
}

/* True if the reply shows free-text slots. Those are the customer's own words, checked when they arrived. */
static bool repeats_customer(const desk_turn *t) {
    for (size_t i = 0; i < t->out.n_slots; i++) {
        const int slot = desk_find_slot(t->flows, t->out.slots[i].name);
        if (slot >= 0 && t->flows->slots[slot].type >= DESK_SLOT_ADDRESS) return true;
    }
    return false;
}

llmcs_status desk_guard_out(desk_turn *t, bool *stop) {
    llmcs_shop_check_action action;
    const double begin = shop_now_ms();
    *stop = false;
    if (!t->desk->guard || !t->reply.n || repeats_customer(t)) return LLMCS_OK;
    const uint32_t flags = t->worded ? 0 : LLMCS_SHOP_CHECK_NO_CLASSIFIER;
    SHOP_TRY(check_text(t, desk_buffer_text(&t->reply), LLMCS_SHOP_OUT, flags, &action));
    *stop = action >= LLMCS_SHOP_BLOCK;
    t->out.ms.check_out = shop_now_ms() - begin;
    return LLMCS_OK;
}

/* ---- audit */

llmcs_status desk_audit(shop_connection *c, const char *role, const char *actor, const char *action, const char *object,
                        const char *detail_json) {
    return shop_audit_append(c, role, actor, action, object, detail_json);
}

/* ---- wording */

enum { WORDING_RESERVE_MS = 20 };

static llmcs_status take_wording(desk_turn *t, const shop_wording_reply *reply) {
    const char *text;
    if (reply->source != SHOP_WORDED || !reply->text_bytes) return LLMCS_OK;
    SHOP_TRY(shop_arena_copy(t->arena, reply->text, reply->text_bytes, &text));
    SHOP_TRY(desk_unmask(t, text, &text));
    desk_buffer_cut(&t->reply, 0);
    desk_puts(&t->reply, text);
    t->worded = true;
    for (size_t i = 0; i < t->out.n_citations; i++) {
        llmcs_shop_citation *c = (llmcs_shop_citation *)t->citations[i];
        c->reply_begin = 0;
        c->reply_end = t->reply.n;
    }
    if (t->out.route == LLMCS_DESK_ENTRY || t->out.route == LLMCS_DESK_FILLED) t->out.route = LLMCS_DESK_GENERATED;
    return t->reply.status;
}

/* Collects facts, with their names, from the columns that the flow's finds have read. */
static size_t collect_facts(const desk_turn *t, shop_fact facts[SHOP_WORDING_MAX_FACTS]) {
    size_t n = 0;
    for (size_t i = 0; i < t->out.n_slots && n < SHOP_WORDING_MAX_FACTS; i++)
        facts[n++] = (shop_fact){t->out.slots[i].name, t->out.slots[i].value};
    return n;
}

llmcs_status desk_word(desk_turn *t) {
    shop_wording_request r;
    shop_wording_reply *reply = NULL;
    shop_fact facts[SHOP_WORDING_MAX_FACTS];
    const char *masked;
    const double begin = shop_now_ms();
    if (!t->desk->priv->wording || !t->wordable || !t->reply.n) return LLMCS_OK;
    if (t->deadline > 0 && t->deadline - begin < WORDING_RESERVE_MS) return LLMCS_OK;
    SHOP_TRY(desk_mask(t, desk_buffer_text(&t->reply), &masked));
    shop_wording_request_init(&r);
    r.facts = facts;
    r.n_facts = collect_facts(t, facts);
    for (size_t i = 0; i < r.n_facts; i++) SHOP_TRY(desk_mask(t, facts[i].value, &facts[i].value));
    r.entry = masked;
    r.user = t->masked;
    const shop_wording_turn last = {t->c->last_user, LLMCS_NUL, t->c->last_reply, LLMCS_NUL};
    r.history = &last;
    r.n_history = *t->c->last_user && *t->c->last_reply ? 1 : 0;
    r.lang = t->flows->langs[t->lang];
    r.fallback = masked;
    if (t->deadline > 0) r.deadline_ms = t->deadline - begin;
    const llmcs_status status = shop_word(t->desk->priv->wording, &r, &reply);
    t->out.ms.wording = shop_now_ms() - begin;
    if (status == LLMCS_NOMEM) return status;
    if (status) return LLMCS_OK; /* the template is a valid answer */
    const llmcs_status taken = take_wording(t, reply);
    shop_wording_reply_free(&reply);
    return taken;
}
