/* Shared by the parts of the schema compiler, schema*.c. */
#ifndef LL_GRAMMAR_SCHEMA_PARTS_H
#define LL_GRAMMAR_SCHEMA_PARTS_H

#include "formats/json.h"
#include "grammar/nfa.h"

#define LL_SCHEMA_MAX_SOURCES 32 /* schemas that one value must satisfy: allOf and $ref */

enum { /* types, as bits */
       LL_TYPE_OBJECT = 1,
       LL_TYPE_ARRAY = 2,
       LL_TYPE_STRING = 4,
       LL_TYPE_NUMBER = 8,
       LL_TYPE_INTEGER = 16,
       LL_TYPE_BOOLEAN = 32,
       LL_TYPE_NULL = 64,
       LL_TYPE_ALL = 127
};

/* Rules that are created on first use; LL_NFA_NONE before. */
typedef struct ll_schema_shared {
    uint32_t any, string, character;
} ll_schema_shared;

typedef struct ll_schema_rule {
    uint32_t key; /* the document's node + 1; 0: none */
    uint32_t rule;
} ll_schema_rule;

typedef struct ll_schema {
    ll_nfa *nfa;
    const llmcs_allocator *allocator;
    const ll_json_doc *doc;
    ll_json root;
    ll_schema_shared shared;
    ll_schema_rule *rules; /* [rule_slots] hash table by node */
    size_t rule_slots, n_rules;
    ll_json *todo; /* subschemas whose rules have no body yet */
    size_t n_todo, todo_capacity;
} ll_schema;

/* The schemas that one value must satisfy. */
typedef struct ll_schema_view {
    ll_json sources[LL_SCHEMA_MAX_SOURCES];
    size_t n;
} ll_schema_view;

/* schema.c: fails with `status`: "JSON schema: #/properties/a/minimum: <what>". */
llmcs_status ll_schema_bad(const ll_schema *s, llmcs_status status, ll_json at, const char *what);
/* The keyword; MISSING: in none of the sources. ARG: two of them differ. */
llmcs_status ll_schema_get(const ll_schema *s, const ll_schema_view *v, const char *key, ll_json *out);
/* A count in [0, most]; if absent *out is unchanged. */
llmcs_status ll_schema_count(const ll_schema *s, const ll_schema_view *v, const char *key, size_t *out);
/* A call of the rule of a subschema. */
llmcs_status ll_schema_call(ll_schema *s, ll_json subschema, ll_fragment *out);
/* Adds an alternative to *all, which may have none yet. */
llmcs_status ll_schema_add(ll_nfa *n, ll_fragment *all, bool *any, ll_fragment more);

/* schema_values.c: one type each. */
llmcs_status ll_schema_string(ll_schema *s, const ll_schema_view *v, ll_fragment *out);
llmcs_status ll_schema_number(ll_schema *s, const ll_schema_view *v, bool integer, ll_fragment *out);
/* Any value, any string, one character of a string. */
llmcs_status ll_schema_any(ll_schema *s, ll_fragment *out);
llmcs_status ll_schema_any_string(ll_schema *s, ll_fragment *out);
/* A value of the schema `values` (MISSING or a bool: any), and a member of any name with one. */
typedef llmcs_status (*ll_schema_part_fn)(ll_schema *s, ll_json values, ll_fragment *out);
llmcs_status ll_schema_item(ll_schema *s, ll_json values, ll_fragment *out);
llmcs_status ll_schema_member(ll_schema *s, ll_json values, ll_fragment *out);
/* min to max parts, separated by commas, between two brackets. */
llmcs_status ll_schema_list(ll_schema *s, const char *brackets, ll_schema_part_fn part, ll_json values, size_t min,
                            size_t max, ll_fragment *out);
/* "key": of a member. */
llmcs_status ll_schema_key(ll_schema *s, ll_json member, ll_fragment *out);
/* The shortest text of a JSON value. */
llmcs_status ll_schema_literal(ll_schema *s, ll_json value, ll_fragment *out);
/* A string between its quotes. */
llmcs_status ll_schema_quoted(ll_schema *s, const char *text, size_t n_bytes, ll_fragment *out);
/* Appends bytes to *f. */
llmcs_status ll_schema_then(ll_nfa *n, ll_fragment *f, const char *bytes);

#endif
