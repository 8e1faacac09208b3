/* Builds automata from fragments. */
#include "grammar/nfa.h"

#include <string.h>

#include "base/utf8.h"

void ll_nfa_free(ll_nfa *n) {
    ll_free(n->allocator, n->states);
    ll_free(n->allocator, n->rules);
    n->states = NULL;
    n->rules = NULL;
}

/* ---- states and fragments */

static llmcs_status reserve(ll_nfa *n, size_t more) {
    if (more > LL_NFA_MAX_STATES || n->n_states > LL_NFA_MAX_STATES - more)
        return ll_fail(LLMCS_LIMIT, "the grammar needs more than %zu states: repeat less", LL_NFA_MAX_STATES);
    return ll_grow(n->allocator, &n->states, n->n_states, &n->states_capacity, n->n_states + more, sizeof *n->states,
                   "states of a grammar");
}

static llmcs_status add(ll_nfa *n, ll_nfa_state state, uint32_t *at) {
    LL_TRY(reserve(n, 1));
    *at = (uint32_t)n->n_states;
    n->states[n->n_states++] = state;
    return LLMCS_OK;
}

static const ll_nfa_state nowhere = {.kind = LL_NFA_SPLIT, .next = LL_NFA_NONE, .other = LL_NFA_NONE};

llmcs_status ll_nfa_empty(ll_nfa *n, ll_fragment *out) {
    LL_TRY(add(n, nowhere, &out->start));
    out->first = out->end = out->start;
    return LLMCS_OK;
}

/* One byte of [lo, hi]. */
static llmcs_status add_range(ll_nfa *n, uint8_t lo, uint8_t hi, ll_fragment *out) {
    LL_TRY(reserve(n, 2));
    LL_TRY(add(n, (ll_nfa_state){.kind = LL_NFA_BYTES, .lo = lo, .hi = hi, .other = LL_NFA_NONE}, &out->start));
    LL_TRY(add(n, nowhere, &out->end));
    n->states[out->start].next = out->end;
    out->first = out->start;
    return LLMCS_OK;
}

llmcs_status ll_nfa_bytes(ll_nfa *n, const char *bytes, size_t n_bytes, ll_fragment *out) {
    LL_TRY(ll_nfa_empty(n, out));
    for (size_t i = 0; i < n_bytes; i++) {
        ll_fragment byte;
        LL_TRY(add_range(n, (uint8_t)bytes[i], (uint8_t)bytes[i], &byte));
        ll_nfa_join(n, out, byte);
    }
    return LLMCS_OK;
}

llmcs_status ll_nfa_call(ll_nfa *n, uint32_t rule, ll_fragment *out) {
    LL_TRY(reserve(n, 2));
    LL_TRY(add(n, (ll_nfa_state){.kind = LL_NFA_CALL, .other = rule}, &out->start));
    LL_TRY(add(n, nowhere, &out->end));
    n->states[out->start].next = out->end;
    out->first = out->start;
    return LLMCS_OK;
}

void ll_nfa_join(ll_nfa *n, ll_fragment *a, ll_fragment b) {
    n->states[a->end].next = b.start;
    a->end = b.end;
}

llmcs_status ll_nfa_or(ll_nfa *n, ll_fragment *a, ll_fragment b) {
    uint32_t start, end;
    LL_TRY(reserve(n, 2));
    LL_TRY(add(n, (ll_nfa_state){.kind = LL_NFA_SPLIT, .next = a->start, .other = b.start}, &start));
    LL_TRY(add(n, nowhere, &end));
    n->states[a->end].next = n->states[b.end].next = end;
    a->start = start;
    a->end = end;
    return LLMCS_OK;
}

/* ---- repetition */

static uint32_t moved(uint32_t target, uint32_t by) { return target == LL_NFA_NONE ? target : target + by; }

/* Appends a copy of states [first, first + length). */
static void copy_states(ll_nfa *n, uint32_t first, size_t length) {
    const uint32_t by = (uint32_t)n->n_states - first;
    for (size_t i = 0; i < length; i++) {
        ll_nfa_state s = n->states[first + i];
        s.next = moved(s.next, by);
        if (s.kind != LL_NFA_CALL) s.other = moved(s.other, by);
        n->states[n->n_states++] = s;
    }
}

llmcs_status ll_nfa_repeat(ll_nfa *n, ll_fragment *a, size_t min, size_t max) {
    const size_t length = n->n_states - a->first, n_copies = ll_max(1, max == SIZE_MAX ? min : max);
    uint32_t end, start;
    size_t total;
    if (max == 0) return ll_nfa_empty(n, a);
    if (!ll_mul(length, n_copies, &total) || !ll_add(total, 2, &total)) total = SIZE_MAX;
    LL_TRY(reserve(n, total));
    for (size_t i = 1; i < n_copies; i++) copy_states(n, a->first, length);
    LL_TRY(add(n, nowhere, &end));
    LL_TRY(add(n, (ll_nfa_state){.kind = LL_NFA_SPLIT, .next = a->start, .other = min ? LL_NFA_NONE : end}, &start));
    for (size_t i = 0; i < n_copies; i++) {
        ll_nfa_state *after = &n->states[a->end + i * length];
        const bool last = i + 1 == n_copies, loops = last && max == SIZE_MAX;
        const uint32_t again = (uint32_t)(a->start + (last ? i : i + 1) * length);
        after->next = !last || loops ? again : LL_NFA_NONE;
        after->other = i + 1 >= min ? end : LL_NFA_NONE;
    }
    a->start = start;
    a->end = end;
    return LLMCS_OK;
}

/* ---- characters */

/* Appends an alternative to *all; *any is false before the first. */
static llmcs_status add_alternative(ll_nfa *n, ll_fragment *all, bool *any, ll_fragment more) {
    if (*any) return ll_nfa_or(n, all, more);
    *all = more;
    *any = true;
    return LLMCS_OK;
}

/* Code points whose encodings differ by independent ranges of bytes. */
static llmcs_status add_product(ll_nfa *n, ll_code_range r, ll_fragment *all, bool *any) {
    char lo[4], hi[4];
    const size_t length = ll_utf8_encode(r.lo, lo);
    ll_fragment f, byte;
    ll_utf8_encode(r.hi, hi);
    LL_TRY(add_range(n, (uint8_t)lo[0], (uint8_t)hi[0], &f));
    for (size_t i = 1; i < length; i++) {
        LL_TRY(add_range(n, (uint8_t)lo[i], (uint8_t)hi[i], &byte));
        ll_nfa_join(n, &f, byte);
    }
    return add_alternative(n, all, any, f);
}

/* The first part of [r->lo, r->hi] that is such a product; the rest stays in *r. */
static ll_code_range cut_product(ll_code_range *r) {
    static const uint32_t last_of_length[] = {0x7f, 0x7ff, 0xd7ff, 0xffff, 0x10ffff};
    ll_code_range part = *r;
    for (size_t i = 0; i < 5; i++) {
        if (part.lo > last_of_length[i]) continue;
        if (part.hi > last_of_length[i]) part.hi = last_of_length[i];
        break;
    }
    for (uint32_t bits = 6; bits <= 18 && part.lo > 0x7f; bits += 6) { /* continuation bytes: all or one prefix */
        const uint32_t mask = (1u << bits) - 1;
        if ((part.lo & ~mask) == (part.hi & ~mask)) break;
        if (part.lo & mask)
            part.hi = part.lo | mask;
        else if ((part.hi & mask) != mask)
            part.hi = (part.hi & ~mask) - 1;
    }
    r->lo = part.hi + 1;
    return part;
}

static llmcs_status add_encoded(ll_nfa *n, ll_code_range r, ll_fragment *all, bool *any) {
    while (r.lo <= r.hi) {
        if (r.lo >= 0xd800 && r.lo <= 0xdfff) r.lo = 0xe000; /* surrogates are no characters */
        if (r.lo > r.hi) break;
        LL_TRY(add_product(n, cut_product(&r), all, any));
    }
    return LLMCS_OK;
}

/* Writes JSON's escape of a character that a string must escape; returns its length in bytes. */
static size_t escape(uint32_t cp, char out[6]) {
    static const char digits[] = "0123456789abcdef", named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = cp ? strchr(named, (int)cp) : NULL;
    out[0] = '\\';
    if (at) {
        out[1] = letters[at - named];
        return 2;
    }
    out[1] = 'u';
    out[2] = out[3] = '0';
    out[4] = digits[cp >> 4];
    out[5] = digits[cp & 15];
    return 6;
}

static bool is_escaped(uint32_t cp) { return cp < 0x20 || cp == '"' || cp == '\\'; }

static llmcs_status add_in_string(ll_nfa *n, ll_code_range r, ll_fragment *all, bool *any) {
    for (uint32_t cp = r.lo; cp <= r.hi && cp <= '\\'; cp++) {
        char bytes[6];
        ll_fragment f;
        if (!is_escaped(cp)) continue;
        LL_TRY(ll_nfa_bytes(n, bytes, escape(cp, bytes), &f));
        LL_TRY(add_alternative(n, all, any, f));
    }
    static const ll_code_range plain[] = {{0x20, '"' - 1}, {'"' + 1, '\\' - 1}, {'\\' + 1, 0x10ffff}};
    for (size_t i = 0; i < 3; i++) {
        const ll_code_range part = {r.lo > plain[i].lo ? r.lo : plain[i].lo, r.hi < plain[i].hi ? r.hi : plain[i].hi};
        if (part.lo <= part.hi) LL_TRY(add_encoded(n, part, all, any));
    }
    return LLMCS_OK;
}

llmcs_status ll_nfa_chars(ll_nfa *n, const ll_code_range *ranges, size_t n_ranges, bool in_string, ll_fragment *out) {
    const uint32_t first = (uint32_t)n->n_states;
    bool any = false;
    for (size_t i = 0; i < n_ranges; i++)
        LL_TRY(in_string ? add_in_string(n, ranges[i], out, &any) : add_encoded(n, ranges[i], out, &any));
    if (!any) { /* no character: a start without a successor */
        uint32_t end;
        LL_TRY(ll_nfa_empty(n, out));
        LL_TRY(add(n, nowhere, &end));
        out->end = end;
    }
    out->first = first;
    return LLMCS_OK;
}

/* ---- rules */

llmcs_status ll_nfa_add_rule(ll_nfa *n, uint32_t *rule) {
    if (n->n_rules >= LL_NFA_MAX_STATES) return ll_fail(LLMCS_LIMIT, "the grammar has %zu rules", n->n_rules);
    LL_TRY(ll_grow(n->allocator, &n->rules, n->n_rules, &n->rules_capacity, n->n_rules + 1, sizeof *n->rules,
                   "rules of a grammar"));
    *rule = (uint32_t)n->n_rules;
    n->rules[n->n_rules++] = LL_NFA_NONE;
    return LLMCS_OK;
}

void ll_nfa_set_rule(ll_nfa *n, uint32_t rule, ll_fragment body) {
    n->rules[rule] = body.start;
    n->states[body.end].kind = LL_NFA_RETURN;
}

static uint8_t need_of(const ll_nfa *n, uint32_t state) {
    return state == LL_NFA_NONE ? LL_NFA_NEVER : n->states[state].need;
}

static uint8_t least_need(const ll_nfa *n, const ll_nfa_state *s) {
    const uint8_t next = s->kind == LL_NFA_RETURN ? 0 : need_of(n, s->next);
    if (s->kind == LL_NFA_SPLIT) {
        const uint8_t other = need_of(n, s->other);
        return next < other ? next : other;
    }
    if (s->kind != LL_NFA_CALL) return next;
    const uint8_t inside = need_of(n, n->rules[s->other]);
    if (inside >= LL_NFA_MAX_DEPTH || next == LL_NFA_NEVER) return LL_NFA_NEVER;
    return inside + 1 > next ? (uint8_t)(inside + 1) : next;
}

/* State k of a sweep. Sequences lead to later states, alternatives to earlier ones: sweeps in both directions in turn
 * follow long ones of either kind at once. */
static size_t swept(const ll_nfa *n, int round, size_t k) { return round % 2 ? k : n->n_states - 1 - k; }

/* Lowers every state's need until nothing changes. */
static llmcs_status find_needs(ll_nfa *n) {
    enum { MOST_ROUNDS = 1000 };
    for (size_t i = 0; i < n->n_states; i++) n->states[i].need = LL_NFA_NEVER;
    for (int round = 0; round < MOST_ROUNDS; round++) {
        bool changed = false;
        for (size_t k = 0; k < n->n_states; k++) {
            const size_t i = swept(n, round, k);
            const uint8_t need = least_need(n, &n->states[i]);
            changed |= need < n->states[i].need;
            if (need < n->states[i].need) n->states[i].need = need;
        }
        if (!changed) return LLMCS_OK;
    }
    return ll_fail(LLMCS_LIMIT, "the grammar's rules refer to each other too often");
}

/* Marks the rules that can begin with a call of a rule that is not `done`; none is left if no rule begins with itself.
 * No rule is empty, so that what follows a call does not begin the rule. */
static llmcs_status check_beginnings(ll_nfa *n) {
    uint8_t *done;    /* [n_rules] */
    uint8_t *blocked; /* [n_states] leads to a call of a rule that is not done, without a byte */
    LL_TRY(ll_alloc_zero(n->allocator, n->n_rules, 1, "rules of a grammar", &done));
    llmcs_status status = ll_alloc(n->allocator, n->n_states, 1, "states of a grammar", &blocked);
    size_t n_done = 0;
    bool progress = !status;
    for (int round = 0; progress && round < 2 * LL_NFA_MAX_DEPTH; round++) {
        progress = false;
        memset(blocked, 0, n->n_states);
        bool changed = true;
        for (int sweep = 0; changed; sweep++) {
            changed = false;
            for (size_t k = 0; k < n->n_states; k++) {
                const size_t i = swept(n, sweep, k);
                const ll_nfa_state *s = &n->states[i];
                bool now = s->kind == LL_NFA_CALL && !done[s->other];
                if (s->kind == LL_NFA_SPLIT)
                    now =
                        (s->next != LL_NFA_NONE && blocked[s->next]) || (s->other != LL_NFA_NONE && blocked[s->other]);
                changed |= now && !blocked[i];
                blocked[i] |= now;
            }
        }
        for (size_t r = 0; r < n->n_rules; r++) {
            if (done[r] || blocked[n->rules[r]]) continue;
            done[r] = 1;
            n_done++;
            progress = true;
        }
    }
    ll_free(n->allocator, done);
    ll_free(n->allocator, blocked);
    if (status || n_done == n->n_rules) return status;
    return ll_fail(LLMCS_ARG, "the grammar has a value that begins with itself: a $ref to what contains it");
}

llmcs_status ll_nfa_finish(ll_nfa *n) {
    LL_TRY(check_beginnings(n));
    LL_TRY(find_needs(n));
    if (need_of(n, n->rules[0]) < LL_NFA_MAX_DEPTH) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "no text satisfies the grammar, or none with %d levels or fewer", LL_NFA_MAX_DEPTH);
}
