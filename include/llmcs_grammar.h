/*
 * llmcs_grammar.h - the part of llmcs.h for constrained output: answers that are one of some choices, match a regular
 * expression, or are JSON of a given schema. llmcs.h includes it.
 *
 *     llmcs_grammar *grammar = NULL;
 *     llmcs_generate_params params;
 *     llmcs_result *result = NULL;
 *     llmcs_generate_params_init(&params, model);
 *     if (!llmcs_grammar_regex(llmcs_model_tokenizer(model), "(yes|no), because [a-z ]+\\.", LLMCS_NUL, &grammar)) {
 *         params.grammar = grammar;
 *         if (!llmcs_generate(session, prompt, LLMCS_NUL, &params, NULL, NULL, &result))
 *             puts(result->sequences[0]->text);
 *     }
 *     llmcs_result_free(&result);
 *     llmcs_grammar_free(&grammar);
 *
 * A grammar is a set of texts, made once for a tokenizer and then used by any number of calls and threads at once. It
 * works on the bytes that tokens decode to, so any tokenizer will do. Token masks are cached and shared, up to about
 * 256 MB. The tokenizer must outlive the grammar. Making one takes a few milliseconds per 10,000 tokens of the
 * vocabulary.
 */
#include "llmcs.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_GRAMMAR_H
#define LLMCS_GRAMMAR_H

#ifdef __cplusplus
extern "C" {
#endif

/* One of n_choices texts, NUL-terminated, none empty. Errors: ARG (also if no token begins any of the texts) NOMEM
 * LIMIT. */
LLMCS_API llmcs_status llmcs_grammar_choices(const llmcs_tokenizer *tokenizer, const char *const *choices,
                                             size_t n_choices, llmcs_grammar **grammar);

/* Texts that match a regular expression as a whole: literals, . [sets] \d \w \s (ASCII), groups, |, * + ?
 * {m,n}. Errors: ARG (a syntax error, with its byte offset) UNSUPPORTED (look-around, references, \b) NOMEM LIMIT (too
 * many repetitions). */
LLMCS_API llmcs_status llmcs_grammar_regex(const llmcs_tokenizer *tokenizer, const char *pattern, size_t pattern_bytes,
                                           llmcs_grammar **grammar);

/* JSON texts that satisfy a JSON schema (of at most 256 KB): type, enum, const, properties, required,
 * additionalProperties, items, minItems, maxItems, minLength, maxLength, pattern, format (date, time, date-time, email,
 * uuid), minimum, maximum, exclusiveMinimum and exclusiveMaximum (integers), anyOf and oneOf (the texts of all
 * branches), allOf (of schemas that do not give one keyword twice), $ref and $defs, recursion included: at most 64
 * levels. Members come in the schema's order, and members it does not name never; an object without properties may have
 * any members. Annotations (title, description, ...) are ignored. Errors: UNSUPPORTED (another keyword, named with its
 * JSON pointer) ARG (not a schema, or no text satisfies it) JSON NOMEM LIMIT. */
LLMCS_API llmcs_status llmcs_grammar_json_schema(const llmcs_tokenizer *tokenizer, const char *schema,
                                                 size_t schema_bytes, llmcs_grammar **grammar);

/* Frees the grammar; requests that use it keep it alive until they end. */
LLMCS_API void llmcs_grammar_free(llmcs_grammar **grammar);

#ifdef __cplusplus
}
#endif

#endif
