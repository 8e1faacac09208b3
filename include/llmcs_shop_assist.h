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
 * and vectors. Its placeholders belong to another conversation: <NAME_1> becomes [NAME].
 * - DRAFT: worded by a model from the entry that was found; every number, price, date, name and link in it stands in
 *   that entry. Only if the assistant has a model.
 * - TEMPLATE: a question back, or that a person looks into it.
 *
 * All suggestions of a call differ from one another, carry the guard's verdict (one that it blocks is not offered), and
 * do nothing by themselves: a proposed action waits for the agent. What was shown, accepted, edited and rejected is
 * kept in the store, and what was sent becomes feedback.
 *
 * Texts are masked as the desk stores them: unmask what was accepted when it is sent.
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
    const llmcs_shop_guard *guard; /* [NULL] checks suggestions and masks edited ones; without it nothing is checked */
    const char *wording; /* [NULL] folder of a decoder that words drafts and rewrites; NULL or "templates": none */
    llmcs_model *wording_model;       /* [NULL] that folder, opened by the host, who keeps it open */
    const llmcs_allocator *allocator; /* [NULL: the shop's] copied */
} llmcs_shop_assistant_options;

LLMCS_SHOP_API void llmcs_shop_assistant_options_init_sized(llmcs_shop_assistant_options *options, size_t struct_size);
#define llmcs_shop_assistant_options_init(options) llmcs_shop_assistant_options_init_sized((options), sizeof *(options))

/* shop may be NULL: then only llmcs_shop_rewrite works. Shop and guard must outlive the assistant. options: NULL for
 * the defaults. Errors: ARG NOMEM, those of llmcs_model_open for `wording`. */
LLMCS_SHOP_API llmcs_status llmcs_shop_assistant_create(llmcs_shop *shop, const llmcs_shop_assistant_options *options,
                                                        llmcs_shop_assistant **assistant);

/* Sets *assistant to NULL. No call may be running or begin. */
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
    double score; /* ENTRY: that it answers the question; PAST: likeness of the questions; DRAFT: that of its entry; 0
                     to 1 */
    const llmcs_shop_citation *const *citations; /* [n_citations] ENTRY, DRAFT: what the text stands on */
    size_t n_citations;
    const char *source;  /* PAST: id of the feedback; else "" */
    const char *verdict; /* "ALLOW", "MASK", "WARN", "HANDOVER"; "" without a guard */
    const char *verdict_label;
    const char *action; /* {"name","object"?,"slots"?,"state":"proposed"}: what the conversation is about to do and
                           waits for an approval of; or "" */
    double ms;          /* from the call's begin until it was made */
} llmcs_shop_suggestion;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_suggestions {
    const llmcs_shop_suggestion *const *items; /* [n_items] in the order in which they were made */
    size_t n_items;
    const char *question; /* the customer's message that they reply to, masked */
    const char *lang;
    double ms;
} llmcs_shop_suggestions;

typedef struct llmcs_shop_assist_params {
    size_t struct_size;
    size_t k;           /* [3] suggestions, 1 to 5. Fewer come back only if the guard blocks the templates, too */
    const char *text;   /* [NULL] the customer's message; NULL: the conversation's last one */
    const char *lang;   /* [NULL] of the reply; NULL: the conversation's, or that of the text */
    const char *actor;  /* [NULL] the agent who sees them */
    double deadline_ms; /* [3000] for the whole call; a draft that is late is left out */
    /* [NULL] called for each suggestion as soon as it is made: entries and past replies come before a model has begun.
     * Nonzero stops the call after the suggestions made so far. */
    int (*on_suggestion)(void *user, const llmcs_shop_suggestion *suggestion);
    void *on_suggestion_user;
} llmcs_shop_assist_params;

LLMCS_SHOP_API void llmcs_shop_assist_params_init_sized(llmcs_shop_assist_params *params, size_t struct_size);
#define llmcs_shop_assist_params_init(params) llmcs_shop_assist_params_init_sized((params), sizeof *(params))

/* Suggests replies in a conversation of the desk, and keeps them as shown. A conversation that the store does not know
 * needs params->text. params: NULL for the defaults. Errors: as the store's and llmcs_shop_ask, ARG (no message to
 * reply to). */
LLMCS_SHOP_API llmcs_status llmcs_shop_assist(llmcs_shop_assistant *assistant, const char *conversation,
                                              const llmcs_shop_assist_params *params,
                                              llmcs_shop_suggestions **suggestions);
LLMCS_SHOP_API void llmcs_shop_suggestions_free(llmcs_shop_suggestions **suggestions);

/* Keeps what became of a suggestion: ACCEPTED, EDITED (sent: the text that was sent instead) or REJECTED. What was sent
 * becomes feedback without consent to training; it is suggested again for similar questions. The same decision again
 * changes nothing. actor: or NULL. Errors: as the store's, ARG (no such suggestion; EDITED without a text) STATE
 * (decided otherwise before). */
LLMCS_SHOP_API llmcs_status llmcs_shop_suggestion_decide(llmcs_shop_assistant *assistant, const char *id,
                                                         llmcs_shop_outcome outcome, const char *sent,
                                                         const char *actor);

/* ----------------------------------------------------------------------------------------------- rewrite */

typedef enum llmcs_shop_style { LLMCS_STYLE_POLITER = 0, LLMCS_STYLE_SHORTER = 1 } llmcs_shop_style;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_rewritten {
    const char *text; /* NUL-terminated; the text itself if there was nothing to change */
    size_t text_bytes;
    int32_t changed;
    int32_t by_model; /* 1: worded by the assistant's model; 0: by rules */
} llmcs_shop_rewritten;

/* Rewrites an English or Chinese text: POLITER (please, 您, apologies for a refusal, a greeting and an offer of help)
 * or SHORTER (without formulas, fillers, repetitions). Numbers, links, addresses, codes, quoted text and placeholders
 * stay as they are, all of them and in their order; a rewriting that would change one is not used. Rewriting twice
 * changes no more than once. lang: NULL for that of the text. Errors: ARG NOMEM, LIMIT (more than 65,536 bytes). */
LLMCS_SHOP_API llmcs_status llmcs_shop_rewrite(llmcs_shop_assistant *assistant, const char *text, size_t text_bytes,
                                               llmcs_shop_style style, const char *lang,
                                               llmcs_shop_rewritten **rewritten);
LLMCS_SHOP_API void llmcs_shop_rewritten_free(llmcs_shop_rewritten **rewritten);

#ifdef __cplusplus
}
#endif
#endif
