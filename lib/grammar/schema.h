/*
 * JSON schema (draft 2020-12 and 7, the part that describes texts) as an automaton of the JSON texts that satisfy it:
 * no white space but at most one space after ':' and ','; members in the schema's order; no member that the schema does
 * not name, unless it names none; strings in their shortest escapes; numbers of at most 17 digits before and behind
 * the point. Each subschema is a rule, so that $ref may recurse.
 */
#ifndef LL_GRAMMAR_SCHEMA_H
#define LL_GRAMMAR_SCHEMA_H

#include "grammar/nfa.h"

/* Rule 0 is the schema. UNSUPPORTED and ARG name the keyword with its JSON pointer; JSON, LIMIT NOMEM. */
llmcs_status ll_schema_compile(ll_nfa *n, const char *schema, size_t n_bytes);

#endif
