/* Configurations: found, numbered, remembered. */
#include "grammar/automaton.h"

#include <string.h>

#define UNKNOWN UINT32_MAX
#define MAX_THREADS 65536 /* of one configuration */

static uint64_t mix(uint64_t x) { /* SplitMix64's finalizer (Steele, Lea, Flood 2014) */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Counts memory, so that a grammar with too many configurations fails with LIMIT. */
static llmcs_status grow(ll_automaton *a, void *array, size_t used, size_t *capacity, size_t need, size_t size) {
    const size_t before = *capacity;
    if (need <= before) return LLMCS_OK;
    if (a->bytes > LL_AUTOMATON_MAX_BYTES)
        return ll_fail(LLMCS_LIMIT, "the grammar's automaton needs more than %zu MB", LL_AUTOMATON_MAX_BYTES >> 20);
    LL_TRY(ll_grow(a->allocator, array, used, capacity, need, size, "configurations of a grammar"));
    a->bytes += (*capacity - before) * size;
    return LLMCS_OK;
}

/* ---- stacks, shared by all configurations */

static llmcs_status rehash_stacks(ll_automaton *a, size_t n_slots) {
    uint32_t *fresh;
    LL_TRY(ll_alloc_zero(a->allocator, n_slots, sizeof *fresh, "stacks of a grammar", &fresh));
    for (size_t i = 1; i < a->n_stacks; i++) {
        size_t at = mix((uint64_t)a->stacks[i].state << 32 | a->stacks[i].below) & (n_slots - 1);
        while (fresh[at]) at = (at + 1) & (n_slots - 1);
        fresh[at] = (uint32_t)i;
    }
    a->bytes += (n_slots - a->stack_slots) * sizeof *fresh;
    ll_free(a->allocator, a->stack_table);
    a->stack_table = fresh;
    a->stack_slots = n_slots;
    return LLMCS_OK;
}

static llmcs_status push(ll_automaton *a, uint32_t state, uint32_t below, uint32_t *out) {
    if (2 * a->n_stacks >= a->stack_slots) LL_TRY(rehash_stacks(a, 2 * a->stack_slots));
    size_t at = mix((uint64_t)state << 32 | below) & (a->stack_slots - 1);
    for (; a->stack_table[at]; at = (at + 1) & (a->stack_slots - 1)) {
        const ll_stack_node *s = &a->stacks[a->stack_table[at]];
        *out = a->stack_table[at];
        if (s->state == state && s->below == below) return LLMCS_OK;
    }
    LL_TRY(grow(a, &a->stacks, a->n_stacks, &a->stacks_capacity, a->n_stacks + 1, sizeof *a->stacks));
    *out = (uint32_t)a->n_stacks;
    a->stacks[a->n_stacks++] = (ll_stack_node){state, below, a->stacks[below].depth + 1};
    a->stack_table[at] = *out;
    return LLMCS_OK;
}

/* ---- closure: states that are reachable without a byte */

static llmcs_status grow_seen(ll_automaton *a) {
    const size_t n = a->seen_slots ? 2 * a->seen_slots : 64;
    uint64_t *fresh;
    LL_TRY(ll_alloc_zero(a->allocator, n, sizeof *fresh, "configurations of a grammar", &fresh));
    for (size_t i = 0; i < a->seen_slots; i++) {
        if (!a->seen[i]) continue;
        size_t at = mix(a->seen[i]) & (n - 1);
        while (fresh[at]) at = (at + 1) & (n - 1);
        fresh[at] = a->seen[i];
    }
    a->bytes += (n - a->seen_slots) * sizeof *fresh;
    ll_free(a->allocator, a->seen);
    a->seen = fresh;
    a->seen_slots = n;
    return LLMCS_OK;
}

/* Queues (state, stack) unless it was queued before or cannot be completed. */
static llmcs_status visit(ll_automaton *a, uint32_t state, uint32_t stack) {
    if (state == LL_NFA_NONE || a->nfa->states[state].need + a->stacks[stack].depth > LL_NFA_MAX_DEPTH) return LLMCS_OK;
    if (2 * a->n_seen >= a->seen_slots) LL_TRY(grow_seen(a));
    const uint64_t key = ((uint64_t)state << 32 | stack) + 1;
    size_t at = mix(key) & (a->seen_slots - 1);
    for (; a->seen[at]; at = (at + 1) & (a->seen_slots - 1))
        if (a->seen[at] == key) return LLMCS_OK;
    if (a->n_seen == MAX_THREADS)
        return ll_fail(LLMCS_LIMIT, "the grammar can be in more than %d states at once", MAX_THREADS);
    a->seen[at] = key;
    a->n_seen++;
    LL_TRY(grow(a, &a->todo, a->n_todo, &a->todo_capacity, a->n_todo + 1, sizeof *a->todo));
    a->todo[a->n_todo++] = (ll_thread){state, stack};
    return LLMCS_OK;
}

static llmcs_status follow(ll_automaton *a, ll_thread t) {
    const ll_nfa_state *s = &a->nfa->states[t.state];
    uint32_t stack;
    switch ((ll_nfa_kind)s->kind) {
        case LL_NFA_BYTES:
            LL_TRY(grow(a, &a->found, a->n_found, &a->found_capacity, a->n_found + 1, sizeof *a->found));
            a->found[a->n_found++] = t;
            return LLMCS_OK;
        case LL_NFA_SPLIT:
            LL_TRY(visit(a, s->next, t.stack));
            return visit(a, s->other, t.stack);
        case LL_NFA_CALL:
            if (s->need + a->stacks[t.stack].depth > LL_NFA_MAX_DEPTH) return LLMCS_OK;
            LL_TRY(push(a, s->next, t.stack, &stack));
            return visit(a, a->nfa->rules[s->other], stack);
        case LL_NFA_RETURN:
            break;
    }
    a->accepts |= t.stack == 0;
    return t.stack ? visit(a, a->stacks[t.stack].state, a->stacks[t.stack].below) : LLMCS_OK;
}

static void begin_closure(ll_automaton *a) {
    a->n_found = a->n_todo = a->n_seen = 0;
    a->accepts = false;
    if (a->seen) memset(a->seen, 0, a->seen_slots * sizeof *a->seen);
}

static llmcs_status close_all(ll_automaton *a) {
    while (a->n_todo) LL_TRY(follow(a, a->todo[--a->n_todo]));
    return LLMCS_OK;
}

/* ---- numbers for configurations */

static bool before(ll_thread x, ll_thread y) { return x.state != y.state ? x.state < y.state : x.stack < y.stack; }

static void sift(ll_thread *heap, size_t n, size_t i) {
    const ll_thread x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(heap[child], heap[child + 1])) child++;
        if (!before(x, heap[child])) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static void sort_found(ll_automaton *a) {
    for (size_t i = a->n_found / 2; i-- > 0;) sift(a->found, a->n_found, i);
    for (size_t left = a->n_found; left > 1;) {
        const ll_thread last = a->found[--left];
        a->found[left] = a->found[0];
        a->found[0] = last;
        sift(a->found, left, 0);
    }
}

static uint64_t hash_threads(const ll_thread *t, size_t n, bool accepts) {
    uint64_t h = accepts;
    for (size_t i = 0; i < n; i++) h = mix(h ^ ((uint64_t)t[i].state << 32 | t[i].stack));
    return mix(h + n);
}

static llmcs_status rehash_configs(ll_automaton *a, size_t n_slots) {
    uint32_t *fresh;
    LL_TRY(ll_alloc_zero(a->allocator, n_slots, sizeof *fresh, "configurations of a grammar", &fresh));
    for (size_t i = 0; i < a->n_configs; i++) {
        const ll_configuration *c = &a->configs[i];
        size_t at = hash_threads(a->threads + c->first, c->n, c->accepts) & (n_slots - 1);
        while (fresh[at]) at = (at + 1) & (n_slots - 1);
        fresh[at] = (uint32_t)i + 1;
    }
    a->bytes += (n_slots - a->config_slots) * sizeof *fresh;
    ll_free(a->allocator, a->config_table);
    a->config_table = fresh;
    a->config_slots = n_slots;
    return LLMCS_OK;
}

/* The number of the configuration that was found. */
static llmcs_status number_found(ll_automaton *a, uint32_t *out) {
    sort_found(a);
    if (2 * a->n_configs >= a->config_slots) LL_TRY(rehash_configs(a, 2 * a->config_slots));
    size_t at = hash_threads(a->found, a->n_found, a->accepts) & (a->config_slots - 1);
    for (; a->config_table[at]; at = (at + 1) & (a->config_slots - 1)) {
        const ll_configuration *c = &a->configs[a->config_table[at] - 1];
        *out = a->config_table[at] - 1;
        if (c->n == a->n_found && c->accepts == a->accepts &&
            (!c->n || !memcmp(a->threads + c->first, a->found, c->n * sizeof *a->found)))
            return LLMCS_OK;
    }
    LL_TRY(grow(a, &a->threads, a->n_threads, &a->threads_capacity, a->n_threads + a->n_found, sizeof *a->threads));
    LL_TRY(grow(a, &a->configs, a->n_configs, &a->configs_capacity, a->n_configs + 1, sizeof *a->configs));
    if (a->n_found) memcpy(a->threads + a->n_threads, a->found, a->n_found * sizeof *a->found);
    *out = (uint32_t)a->n_configs;
    a->configs[a->n_configs++] = (ll_configuration){a->n_threads, (uint32_t)a->n_found, a->accepts, NULL};
    a->n_threads += a->n_found;
    a->config_table[at] = *out + 1;
    return LLMCS_OK;
}

/* ---- steps */

static llmcs_status new_row(ll_automaton *a, uint32_t config) {
    uint32_t *row;
    if (a->bytes > LL_AUTOMATON_MAX_BYTES / 2) ll_automaton_forget_rows(a);
    LL_TRY(ll_alloc(a->allocator, 256, sizeof *row, "steps of a grammar", &row));
    for (size_t i = 0; i < 256; i++) row[i] = UNKNOWN;
    a->configs[config].row = row;
    a->bytes += 256 * sizeof *row;
    return LLMCS_OK;
}

void ll_automaton_forget_rows(ll_automaton *a) {
    for (size_t i = 0; i < a->n_configs; i++) {
        if (!a->configs[i].row) continue;
        ll_free(a->allocator, a->configs[i].row);
        a->configs[i].row = NULL;
        a->bytes -= 256 * sizeof(uint32_t);
    }
}

static llmcs_status find_step(ll_automaton *a, uint32_t config, uint8_t byte, uint32_t *next) {
    begin_closure(a);
    for (uint32_t i = 0; i < a->configs[config].n; i++) {
        const ll_thread t = a->threads[a->configs[config].first + i];
        const ll_nfa_state *s = &a->nfa->states[t.state];
        if (byte >= s->lo && byte <= s->hi) LL_TRY(visit(a, s->next, t.stack));
    }
    LL_TRY(close_all(a));
    return number_found(a, next);
}

llmcs_status ll_automaton_step(ll_automaton *a, uint32_t config, uint8_t byte, uint32_t *next) {
    if (config == LL_CONFIG_DEAD) {
        *next = LL_CONFIG_DEAD;
        return LLMCS_OK;
    }
    if (!a->configs[config].row) LL_TRY(new_row(a, config));
    *next = a->configs[config].row[byte];
    if (*next != UNKNOWN) return LLMCS_OK;
    LL_TRY(find_step(a, config, byte, next));
    a->configs[config].row[byte] = *next;
    return LLMCS_OK;
}

static llmcs_status init(ll_automaton *a) {
    uint32_t dead;
    LL_TRY(rehash_stacks(a, 64));
    LL_TRY(rehash_configs(a, 64));
    LL_TRY(grow(a, &a->stacks, 0, &a->stacks_capacity, 1, sizeof *a->stacks));
    a->stacks[a->n_stacks++] = (ll_stack_node){LL_NFA_NONE, 0, 0};
    LL_TRY(grow(a, &a->found, 0, &a->found_capacity, 16, sizeof *a->found));
    begin_closure(a);
    LL_TRY(number_found(a, &dead)); /* nothing found: number 0 */
    begin_closure(a);
    LL_TRY(visit(a, a->nfa->rules[0], 0));
    LL_TRY(close_all(a));
    return number_found(a, &a->start);
}

llmcs_status ll_automaton_init(ll_automaton *a, const ll_nfa *nfa) {
    *a = (ll_automaton){.nfa = nfa, .allocator = nfa->allocator};
    const llmcs_status status = init(a);
    if (status) ll_automaton_free(a);
    return status;
}

void ll_automaton_free(ll_automaton *a) {
    if (a->configs) ll_automaton_forget_rows(a);
    void *const arrays[] = {a->configs,     a->config_table, a->threads, a->stacks,
                            a->stack_table, a->found,        a->todo,    a->seen};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) ll_free(a->allocator, arrays[i]);
    *a = (ll_automaton){.nfa = a->nfa, .allocator = a->allocator};
}
