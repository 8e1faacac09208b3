/* Grammars of JSON schemas: making one for a large vocabulary takes tens of milliseconds, and clients repeat them. */
#include <stdlib.h>
#include <string.h>

#include "generate.h"

enum { N_KEPT = 4 }; /* each may keep masks of some 256 MB */

typedef struct entry {
    struct entry *next;
    char *schema;
    llmcs_grammar *grammar;
    size_t n_users;
    uint64_t used; /* time of last use, as a counter */
} entry;

struct grammars {
    pthread_mutex_t lock;
    entry *entries;
    size_t n;
    uint64_t clock;
};

static void free_entry(entry *e) {
    llmcs_grammar_free(&e->grammar);
    free(e->schema);
    free(e);
}

grammars *grammars_create(void) {
    grammars *g = calloc(1, sizeof *g);
    if (g) pthread_mutex_init(&g->lock, NULL);
    return g;
}

void grammars_free(grammars *g) {
    if (!g) return;
    for (entry *e = g->entries, *next; e; e = next) {
        next = e->next;
        free_entry(e);
    }
    pthread_mutex_destroy(&g->lock);
    free(g);
}

/* With the lock held: frees the least recently used grammars that no request uses. */
static void displace(grammars *g) {
    while (g->n > N_KEPT) {
        entry **oldest = NULL;
        for (entry **at = &g->entries; *at; at = &(*at)->next)
            if (!(*at)->n_users && (!oldest || (*at)->used < (*oldest)->used)) oldest = at;
        if (!oldest) return;
        entry *e = *oldest;
        *oldest = e->next;
        g->n--;
        free_entry(e);
    }
}

llmcs_status grammars_get(grammars *g, const llmcs_tokenizer *tokenizer, const char *schema, llmcs_grammar **grammar) {
    pthread_mutex_lock(&g->lock);
    entry *e = g->entries;
    while (e && strcmp(e->schema, schema) != 0) e = e->next;
    if (e) {
        e->n_users++;
        e->used = ++g->clock;
        *grammar = e->grammar;
    }
    pthread_mutex_unlock(&g->lock);
    if (e) return LLMCS_OK;
    if (!(e = calloc(1, sizeof *e)) || !(e->schema = strdup(schema))) {
        free(e);
        return llmcs_set_error(LLMCS_NOMEM, "no memory for a grammar");
    }
    const llmcs_status status = llmcs_grammar_json_schema(tokenizer, schema, LLMCS_NUL, &e->grammar);
    if (status) {
        free_entry(e);
        return status;
    }
    *grammar = e->grammar;
    e->n_users = 1;
    pthread_mutex_lock(&g->lock);
    e->used = ++g->clock;
    e->next = g->entries;
    g->entries = e;
    g->n++;
    displace(g);
    pthread_mutex_unlock(&g->lock);
    return LLMCS_OK;
}

void grammars_release(grammars *g, llmcs_grammar *grammar) {
    pthread_mutex_lock(&g->lock);
    entry *e = g->entries;
    while (e && e->grammar != grammar) e = e->next;
    if (e) e->n_users--;
    displace(g);
    pthread_mutex_unlock(&g->lock);
}
