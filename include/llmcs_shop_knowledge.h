/*
 * llmcs_shop_knowledge.h - answers customers' questions from a shop's own entries. Included by llmcs_shop.h, whose
 * rules apply here too.
 *
 *     llmcs_shop_answer *answer = NULL;
 *     if (!llmcs_shop_ask(shop, "Can I send it back?", LLMCS_NUL, NULL, &answer) && answer->route == LLMCS_ROUTE_ENTRY)
 *         printf("%s (%s, %.2f)\n", answer->text, answer->candidates[0]->id, answer->probability);
 *     llmcs_shop_answer_free(&answer);
 *
 * How a question finds its entry
 *   1. Full-text search (SQLite FTS5, BM25) over the words of questions and answers: stemmed English words, single Han
 *      characters and pairs of them. With an encoder, also the nearest vectors of questions and answers.
 *   2. The two rankings are fused by reciprocal rank: score(e) = sum of 1 / (60 + rank) (Cormack, Clarke and Buettcher
 *      2009). The best 20 entries are candidates.
 *   3. Each candidate is compared with the question: cosines, share of BM25, common words weighted by rarity in both
 *      directions, numbers, language and, if given, a cross-encoder's score. A conditional logit over these features
 *      gives the probabilities: p(e) = exp(w f(e)) / (1 + sum over e' of exp(w f(e'))). The 1 stands for "none of
 *      them". Two entries that fit equally well share the probability.
 *   4. Above the threshold the first candidate is the answer. Below it, the reply asks back or there is none.
 */
#include "llmcs_shop.h" /* includes this file at its end; either order works */

#ifndef LLMCS_SHOP_KNOWLEDGE_H
#define LLMCS_SHOP_KNOWLEDGE_H

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------- entries */
typedef struct llmcs_shop_entry {
    size_t struct_size;
    const char *id;
    const char *lang;             /* "en", "zh"; "": any. One entry per id and language */
    const char *const *questions; /* [n_questions] ways to ask, each 1 to 1,000 bytes */
    size_t n_questions;           /* 1 to 64 */
    const char *answer;           /* may contain slots {name}, filled from llmcs_shop_ask_params.slots */
    const char *const *tags;      /* [n_tags], or NULL */
    size_t n_tags;
    int64_t valid_from;  /* seconds since 1970; 0: always */
    int64_t valid_until; /* first second at which it is no longer valid; 0: never */
} llmcs_shop_entry;

/* Adds entries, or new versions of entries with the same id and language. An entry equal to its current version is left
 * unchanged. llmcs_shop_ask sees text, words and vectors at the same time. Otherwise like llmcs_shop_put_products. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_entries(llmcs_shop *shop, const llmcs_shop_entry *const *entries, size_t n,
                                                   llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* Retires an entry: it no longer answers, but citations of its versions still resolve. lang: NULL for all languages of
 * the id. *n_retired: number of entries retired by this call; may be NULL. Errors: as the store's. */
LLMCS_SHOP_API llmcs_status llmcs_shop_retire_entry(llmcs_shop *shop, const char *id, const char *lang,
                                                    size_t *n_retired);

/* Copies the text that a citation refers to, with its NUL, into text, [capacity] bytes. text_index: 0 for the answer, 1
 * and up for the questions. version: 0 for the current one. *text_bytes: length without the NUL. Errors: as the
 * store's, ARG (no such text), BUFFER (capacity <= *text_bytes; text may then be NULL). */
LLMCS_SHOP_API llmcs_status llmcs_shop_entry_text(llmcs_shop *shop, const char *id, const char *lang, int32_t version,
                                                  size_t text_index, char *text, size_t capacity, size_t *text_bytes);

/* ----------------------------------------------------------------------------------------------- ask */
/* A value for {name} in answers. Frozen. */
typedef struct llmcs_shop_slot {
    const char *name;
    const char *value;
} llmcs_shop_slot;

/* Flags of llmcs_shop_ask_params. */
#define LLMCS_ASK_WORDS_ONLY 0x1u   /* full-text search only */
#define LLMCS_ASK_VECTORS_ONLY 0x2u /* vectors only */
#define LLMCS_ASK_CHOOSE \
    0x4u /* with `writer`: the candidate with the highest log p(a|q) - log p(a) per token answers */
#define LLMCS_ASK_GENERATE 0x8u /* with `writer`: it rewords the entry's answer */

typedef struct llmcs_shop_ask_params {
    size_t struct_size;
    const char *lang;        /* [NULL] of the question; NULL: "zh" if it has Han characters, else unknown */
    size_t k;                /* [5] number of candidates returned, 1 to 20 */
    const char *const *tags; /* [NULL] [n_tags] only entries with one of these tags */
    size_t n_tags;
    const llmcs_shop_slot *slots; /* [NULL] [n_slots] */
    size_t n_slots;
    double threshold;      /* [-1] lowest probability of an answer, 0 to 1; negative: the calibrated threshold */
    int64_t now;           /* [0: the clock] time for valid_from and valid_until */
    uint32_t flags;        /* [0] LLMCS_ASK_* */
    llmcs_model *reranker; /* [NULL] a cross-encoder; its llmcs_rerank score is an additional feature */
    llmcs_session *writer; /* [NULL] a decoder's session, for CHOOSE and GENERATE; used by one call at a time */
} llmcs_shop_ask_params;

LLMCS_SHOP_API void llmcs_shop_ask_params_init_sized(llmcs_shop_ask_params *params, size_t struct_size);
#define llmcs_shop_ask_params_init(params) llmcs_shop_ask_params_init_sized((params), sizeof *(params))

typedef enum llmcs_shop_route {
    LLMCS_ROUTE_NONE = 0,      /* no entry answers; text is "" */
    LLMCS_ROUTE_ENTRY = 1,     /* text is the entry's answer */
    LLMCS_ROUTE_FILLED = 2,    /* the entry's answer with its slots filled */
    LLMCS_ROUTE_GENERATED = 3, /* worded by `writer`, accepted by llmcs_shop_gate */
    LLMCS_ROUTE_ASK_BACK = 4 /* two entries are about equally likely and text offers both; or a slot is missing and text
                                asks the customer for it */
} llmcs_shop_route;

/* "NONE", "ENTRY", "FILLED", "GENERATED", "ASK_BACK". */
LLMCS_SHOP_API const char *llmcs_shop_route_name(llmcs_shop_route route);

/* Bytes [reply_begin, reply_end) of the reply are taken from bytes [entry_begin, entry_end) of an entry's text; for
 * GENERATED they are based on them. Only the library creates it, so it may grow at its end. */
typedef struct llmcs_shop_citation {
    const char *id;
    const char *lang;
    int32_t version;
    size_t text_index; /* as for llmcs_shop_entry_text */
    size_t entry_begin, entry_end;
    size_t reply_begin, reply_end;
} llmcs_shop_citation;

/* Only the library creates it, so it may grow at its end. */
typedef struct llmcs_shop_candidate {
    const char *id;
    const char *lang;
    int32_t version;
    const char *question; /* the entry's nearest question */
    const char *answer;
    double score;        /* w f(e); higher is better */
    double probability;  /* that this entry is the answer; with "none of them" all sum to 1 */
    float cosine;        /* of the nearest question; 0 without vectors */
    float answer_cosine; /* of the answer */
    float bm25;          /* share of the highest BM25 that the question's words can reach, 0 to 1 */
    float fused;         /* sum of reciprocal ranks */
    float rerank;        /* the cross-encoder's score; 0 without one */
    double logprob;      /* log p(a|q) per token of the answer; NaN without `writer` */
    double information;  /* log p(a|q) - log p(a) per token; NaN without `writer` */
} llmcs_shop_candidate;

/* Only the library creates it, so it may grow at its end. */
typedef struct llmcs_shop_answer {
    llmcs_shop_route route;
    const char *text; /* NUL-terminated */
    size_t text_bytes;
    double probability; /* that the first candidate is right; ASK_BACK: that one of the two offered is */
    const llmcs_shop_citation *const *citations; /* [n_citations] */
    size_t n_citations;
    const llmcs_shop_candidate *const *candidates; /* [n_candidates] best first; also set for NONE */
    size_t n_candidates;
    const char *missing_slot; /* ASK_BACK for a slot: its name; otherwise NULL */
    double threshold;         /* the threshold used */
    double embed_ms, words_ms, vectors_ms, rank_ms, write_ms, total_ms; /* write_ms: `writer` and `reranker` */
} llmcs_shop_answer;

/* Answers a question from the store; free *answer with llmcs_shop_answer_free. params: NULL for the defaults.
 * Thread-safe; sees entries that other processes add. Errors: as the store's, ARG (params), LIMIT (more than 65,536
 * bytes), those of llmcs_embed, llmcs_rerank and llmcs_choose. */
LLMCS_SHOP_API llmcs_status llmcs_shop_ask(llmcs_shop *shop, const char *text, size_t text_bytes,
                                           const llmcs_shop_ask_params *params, llmcs_shop_answer **answer);
LLMCS_SHOP_API void llmcs_shop_answer_free(llmcs_shop_answer **answer);

/* ----------------------------------------------------------------------------------------- calibrate */
/* A question and the entry that answers it. Frozen. */
typedef struct llmcs_shop_labelled {
    const char *text;
    const char *lang; /* as in llmcs_shop_ask_params; may be NULL */
    const char *id;   /* NULL: no entry answers the question */
} llmcs_shop_labelled;

typedef struct llmcs_shop_calibrate_params {
    size_t struct_size;
    int32_t leave_one_out; /* [1] also learn from the entries' own questions, each asked without itself in the store,
                              and without its entry */
    double precision; /* [0.95] share of answers that must be right. The threshold is the lowest that achieves it on the
                         labelled questions; with fewer than 20 of them it is 0.5 */
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
} llmcs_shop_calibrate_params;

LLMCS_SHOP_API void llmcs_shop_calibrate_params_init_sized(llmcs_shop_calibrate_params *params, size_t struct_size);
#define llmcs_shop_calibrate_params_init(params) llmcs_shop_calibrate_params_init_sized((params), sizeof *(params))

typedef struct llmcs_shop_calibration {
    size_t struct_size;
    size_t n_questions;  /* used for the fit */
    size_t n_answerable; /* of these, with an entry in the store */
    double threshold;
    double accuracy; /* share of answerable questions whose first candidate is right: of the labelled questions, or of
                        all if there are fewer than 20 labelled */
    double coverage; /* share of answerable questions answered at the threshold */
    double precision;
} llmcs_shop_calibration;

/* Fits the weights w and the threshold to the labelled questions, [n], and to the entries themselves, and stores them
 * for the current encoder. A store without its own calibration uses one fitted on the demo shop. params: NULL for the
 * defaults. calibration: may be NULL; otherwise set its struct_size first. Errors: as llmcs_shop_ask, ARG (fewer than
 * 20 questions, or none with an entry), CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_calibrate(llmcs_shop *shop, const llmcs_shop_labelled *questions, size_t n,
                                                 const llmcs_shop_calibrate_params *params,
                                                 llmcs_shop_calibration *calibration);

#ifdef __cplusplus
}
#endif
#endif
