/*
 * llmcs_shop_assist.h - suggestions for the person who answers a customer. Included by llmcs_shop.h, whose rules hold
 * here.
 *
 *     llmcs_shop_assistant_options options;
 *     llmcs_shop_assistant *assistant = NULL;
 *     llmcs_shop_suggestions *offered = NULL;
 *     llmcs_shop_assistant_options_init(&options);
 *     options.guard = guard;
 *     if (llmcs_shop_assistant_create(shop, &options, &assistant)) return 1;
 *     if (!llmcs_shop_assist(assistant, "web-17", NULL, &offered))
 *         for (size_t i = 0; i < offered->n_items; i++) printf("%zu: %s\n", i + 1, offered->items[i]->text);
 *     llmcs_shop_suggestion_decide(assistant, offered->items[0]->id, LLMCS_OUTCOME_ACCEPTED, NULL, NULL);
 *     llmcs_shop_suggestions_free(&offered);
 *
 * Where suggestions come from
 * - ENTRY: the knowledge base's answer to the customer's last message (llmcs_shop_ask), cited.
 * - PAST: a reply that an agent sent to a similar question: feedback with outcome accepted or edited, found by words
 *   and vectors. Its placeholders belong to another conversation, so <NAME_1> becomes [NAME].
 * - DRAFT: written by a model from the entry that was found; every number, price, date, name and link in it occurs in
 *   that entry. Only if the assistant has a model.
 * - TEMPLATE: a clarifying question, or a promise that a person will look into it.
 *
 * The suggestions of a call differ from one another and carry the guard's verdict; blocked ones are left out. They have
 * no side effects: a proposed action waits for the agent. The store records which suggestions were shown, accepted,
 * edited and rejected; replies that were sent become feedback.
 *
 * Texts are masked, as the desk stores them: unmask an accepted one before you send it.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_ASSIST_H
#define LLMCS_SHOP_ASSIST_H

#include "llmcs_shop_knowledge.h"
#include "llmcs_shop_learn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --------------------------------------------------------------------------------------------- assistant */

/* Any number of threads may use it. */
typedef struct llmcs_shop_assistant llmcs_shop_assistant;

typedef struct llmcs_shop_assistant_options {
    size_t struct_size;
    const llmcs_shop_guard *guard; /* [NULL] checks suggestions and masks edited ones; NULL: nothing is checked */
    const char *wording; /* [NULL] folder of a decoder that writes drafts and rewrites; NULL or "templates": none */
    llmcs_model *wording_model;       /* [NULL] that decoder, already opened by the host, which keeps it open */
    const llmcs_allocator *allocator; /* [NULL: the shop's] copied */
} llmcs_shop_assistant_options;

LLMCS_SHOP_API void llmcs_shop_assistant_options_init_sized(llmcs_shop_assistant_options *options, size_t struct_size);
#define llmcs_shop_assistant_options_init(options) llmcs_shop_assistant_options_init_sized((options), sizeof *(options))

/* shop may be NULL: then only llmcs_shop_rewrite works. Shop and guard must outlive the assistant. options: NULL for
 * the defaults. Errors: ARG NOMEM, those of llmcs_model_open for `wording`. */
LLMCS_SHOP_API llmcs_status llmcs_shop_assistant_create(llmcs_shop *shop, const llmcs_shop_assistant_options *options,
                                                        llmcs_shop_assistant **assistant);

/* Frees the assistant and sets *assistant to NULL. No other call may be using it. */
LLMCS_SHOP_API void llmcs_shop_assistant_free(llmcs_shop_assistant **assistant);

/* ----------------------------------------------------------------------------------------------- suggest */

typedef enum llmcs_shop_suggestion_kind {
    LLMCS_SUGGESTION_ENTRY = 0,
    LLMCS_SUGGESTION_PAST = 1,
    LLMCS_SUGGESTION_DRAFT = 2,
    LLMCS_SUGGESTION_TEMPLATE = 3
} llmcs_shop_suggestion_kind;

/* "entry", "past", "draft", "template"; NULL for other values. */
LLMCS_SHOP_API const char *llmcs_shop_suggestion_kind_name(llmcs_shop_suggestion_kind kind);

/* Made by the library only, so it may grow at its end. Strings are NUL-terminated and never NULL. */
typedef struct llmcs_shop_suggestion {
    const char *id; /* for llmcs_shop_suggestion_decide */
    llmcs_shop_suggestion_kind kind;
    const char *text; /* masked */
    size_t text_bytes;
    double score; /* 0 to 1. ENTRY: probability that it answers the question; PAST: similarity of the questions; DRAFT:
                     score of its entry */
    const llmcs_shop_citation *const *citations; /* [n_citations] ENTRY, DRAFT: sources of the text */
    size_t n_citations;
    const char *source;  /* PAST: id of the feedback; else "" */
    const char *verdict; /* "ALLOW", "MASK", "WARN", "HANDOVER"; "" without a guard */
    const char *verdict_label;
    const char *action; /* {"name","object"?,"slots"?,"state":"proposed"}: the action that waits for approval; or "" */
    double ms;          /* from the start of the call until this suggestion was made */
} llmcs_shop_suggestion;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_suggestions {
    const llmcs_shop_suggestion *const *items; /* [n_items] in the order in which they were made */
    size_t n_items;
    const char *question; /* the customer's message, masked */
    const char *lang;
    double ms;
} llmcs_shop_suggestions;

typedef struct llmcs_shop_assist_params {
    size_t struct_size;
    size_t k;           /* [3] suggestions, 1 to 5. Fewer are returned only if the guard blocks the templates too */
    const char *text;   /* [NULL] the customer's message; NULL: the last one of the conversation */
    const char *lang;   /* [NULL] of the reply; NULL: that of the conversation, or of the text */
    const char *actor;  /* [NULL] the agent who sees the suggestions */
    double deadline_ms; /* [3000] for the whole call; a late draft is left out */
    /* [NULL] called for each suggestion as soon as it is made: entries and past replies arrive before the model starts.
     * Nonzero ends the call with the suggestions made so far. */
    int (*on_suggestion)(void *user, const llmcs_shop_suggestion *suggestion);
    void *on_suggestion_user;
} llmcs_shop_assist_params;

LLMCS_SHOP_API void llmcs_shop_assist_params_init_sized(llmcs_shop_assist_params *params, size_t struct_size);
#define llmcs_shop_assist_params_init(params) llmcs_shop_assist_params_init_sized((params), sizeof *(params))

/* Suggests replies in a conversation of the desk and records them as shown. A conversation that is not in the store
 * needs params->text. params: NULL for the defaults. Errors: those of the store and of llmcs_shop_ask, ARG (no message
 * to reply to). */
LLMCS_SHOP_API llmcs_status llmcs_shop_assist(llmcs_shop_assistant *assistant, const char *conversation,
                                              const llmcs_shop_assist_params *params,
                                              llmcs_shop_suggestions **suggestions);
LLMCS_SHOP_API void llmcs_shop_suggestions_free(llmcs_shop_suggestions **suggestions);

/* Records the outcome of a suggestion: ACCEPTED, EDITED (sent: the text that was sent instead) or REJECTED. The reply
 * that was sent becomes feedback without consent to training, and is suggested again for similar questions. Repeating a
 * decision changes nothing. actor: may be NULL. Errors: those of the store, ARG (no such suggestion; EDITED without a
 * text) STATE (already decided differently). */
LLMCS_SHOP_API llmcs_status llmcs_shop_suggestion_decide(llmcs_shop_assistant *assistant, const char *id,
                                                         llmcs_shop_outcome outcome, const char *sent,
                                                         const char *actor);

/* ----------------------------------------------------------------------------------------------- rewrite */

typedef enum llmcs_shop_style { LLMCS_STYLE_POLITER = 0, LLMCS_STYLE_SHORTER = 1 } llmcs_shop_style;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_rewritten {
    const char *text; /* NUL-terminated; the original if nothing was changed */
    size_t text_bytes;
    int32_t changed;
    int32_t by_model; /* 1: worded by the assistant's model; 0: by rules */
} llmcs_shop_rewritten;

/* Rewrites an English or Chinese text: POLITER (please, 您, apologies for a refusal, a greeting and an offer of help)
 * or SHORTER (drops set phrases, fillers and repetitions). Numbers, links, addresses, codes, quoted text and
 * placeholders are kept, in order; a rewrite that would change one is discarded. Rewriting twice gives the same text as
 * rewriting once. lang: NULL for that of the text. Errors: ARG NOMEM, LIMIT (more than 65,536 bytes). */
LLMCS_SHOP_API llmcs_status llmcs_shop_rewrite(llmcs_shop_assistant *assistant, const char *text, size_t text_bytes,
                                               llmcs_shop_style style, const char *lang,
                                               llmcs_shop_rewritten **rewritten);
LLMCS_SHOP_API void llmcs_shop_rewritten_free(llmcs_shop_rewritten **rewritten);

#ifdef __cplusplus
}
#endif
#endif
