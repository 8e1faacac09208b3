/*
 * llmcs_shop_knowledge.h - answers customers' questions from a shop's own entries. Included by llmcs_shop.h, whose
 * rules hold here.
 *
 *     llmcs_shop_answer *answer = NULL;
 *     if (!llmcs_shop_ask(shop, "Can I send it back?", LLMCS_NUL, NULL, &answer) && answer->route == LLMCS_ROUTE_ENTRY)
 *         printf("%s (%s, %.2f)\n", answer->text, answer->candidates[0]->id, answer->probability);
 *     llmcs_shop_answer_free(&answer);
 *
 * How a question finds its entry:
 *   1. Full-text search (SQLite FTS5, BM25) over the words of questions and answers: stemmed English words, single Han
 *      characters and pairs of them. With an encoder, the nearest vectors of questions and answers, too.
 *   2. The two rankings are fused by reciprocal ranks: score(e) = sum of 1 / (60 + rank) (Cormack, Clarke and Buettcher
 *      2009), and the best 20 entries go on.
 *   3. Each of them is compared with the question: cosines, share of BM25, words in common weighted by rarity both
 * ways, numbers, language, and where given a cross-encoder's score. A conditional logit over these features, p(e) =
 * exp(w f(e)) / (1 + sum over e' of exp(w f(e'))), orders them; the 1 stands for "none of them". Two entries that come
 * close share the probability.
 *   4. Above the threshold the first entry is the answer; else the reply asks back, or there is none.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_KNOWLEDGE_H
#define LLMCS_SHOP_KNOWLEDGE_H

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------- entries */
typedef struct llmcs_shop_entry {
    size_t struct_size;
    const char *id;
    const char *lang;             /* "en", "zh"; "": any. An id may have one entry in each language */
    const char *const *questions; /* [n_questions] ways to put the question, each 1 to 1000 bytes */
    size_t n_questions;           /* 1 to 64 */
    const char *answer;           /* {name} is a slot that llmcs_shop_ask_params.slots fill */
    const char *const *tags;      /* [n_tags], or NULL */
    size_t n_tags;
    int64_t valid_from;  /* seconds since 1970; 0: always */
    int64_t valid_until; /* the first second it is no longer valid; 0: never */
} llmcs_shop_entry;

/* Adds entries, or new versions of those with the same id and language; one that is equal to the current version stays
 * as it is. Text, words and vectors become visible to llmcs_shop_ask together. The rest as llmcs_shop_put_products. */
LLMCS_SHOP_API llmcs_status llmcs_shop_put_entries(llmcs_shop *shop, const llmcs_shop_entry *const *entries, size_t n,
                                                   llmcs_shop_refused_fn refused, void *user, size_t *n_stored);

/* Retires an entry: it no longer answers, but its versions still resolve citations. lang: NULL for all languages of the
 * id. *n_retired (may be NULL): how many were not retired before. */
LLMCS_SHOP_API llmcs_status llmcs_shop_retire_entry(llmcs_shop *shop, const char *id, const char *lang,
                                                    size_t *n_retired);

/* Text of an entry that an answer cited: its answer (text_index 0) or one of its questions (1, ...), of a version, or 0
 * for the current one. Copied with its NUL into text, [capacity] bytes. Errors: as the store's, ARG (there is no such
 * text) BUFFER (capacity <= *text_bytes; text may then be NULL). */
LLMCS_SHOP_API llmcs_status llmcs_shop_entry_text(llmcs_shop *shop, const char *id, const char *lang, int32_t version,
                                                  size_t text_index, char *text, size_t capacity, size_t *text_bytes);

/* ----------------------------------------------------------------------------------------------- ask */
/* A value for {name} in answers. Frozen. */
typedef struct llmcs_shop_slot {
    const char *name;
    const char *value;
} llmcs_shop_slot;

/* Flags of llmcs_shop_ask_params. */
#define LLMCS_ASK_WORDS_ONLY 0x1u   /* full-text search alone */
#define LLMCS_ASK_VECTORS_ONLY 0x2u /* vectors alone */
#define LLMCS_ASK_CHOOSE \
    0x4u /* with `writer`: the candidate with the highest log p(a|q) - log p(a) per token answers */
#define LLMCS_ASK_GENERATE 0x8u /* with `writer`: it words the reply from the entry's answer */

typedef struct llmcs_shop_ask_params {
    size_t struct_size;
    const char *lang;        /* [NULL] of the question; NULL: "zh" if it has Han characters, else not known */
    size_t k;                /* [5] candidates in the answer, 1 to 20 */
    const char *const *tags; /* [NULL] only entries that have one of these tags, [n_tags] */
    size_t n_tags;
    const llmcs_shop_slot *slots; /* [NULL] [n_slots] */
    size_t n_slots;
    double threshold;      /* [-1] least probability of an answer, 0 to 1; negative: as calibrated */
    int64_t now;           /* [0] for valid_from and valid_until; 0: the clock */
    uint32_t flags;        /* [0] LLMCS_ASK_* */
    llmcs_model *reranker; /* [NULL] a cross-encoder for llmcs_rerank; its score is one more feature */
    llmcs_session *writer; /* [NULL] a decoder's session: log p(a|q) of the candidates. One call at a time */
} llmcs_shop_ask_params;

LLMCS_SHOP_API void llmcs_shop_ask_params_init_sized(llmcs_shop_ask_params *params, size_t struct_size);
#define llmcs_shop_ask_params_init(params) llmcs_shop_ask_params_init_sized((params), sizeof *(params))

typedef enum llmcs_shop_route {
    LLMCS_ROUTE_NONE = 0,      /* no entry answers this: text is "" */
    LLMCS_ROUTE_ENTRY = 1,     /* text is the entry's answer */
    LLMCS_ROUTE_FILLED = 2,    /* the entry's answer with its slots filled */
    LLMCS_ROUTE_GENERATED = 3, /* worded by `writer`; passed llmcs_shop_gate with the entry's answer and the slots */
    LLMCS_ROUTE_ASK_BACK =
        4 /* two entries come close, and text offers both; or a slot is missing, and text requests it */
} llmcs_shop_route;

/* "NONE", "ENTRY", "FILLED", "GENERATED", "ASK_BACK". */
LLMCS_SHOP_API const char *llmcs_shop_route_name(llmcs_shop_route route);

/* Bytes [reply_begin, reply_end) of the reply are, or for GENERATED stand on, bytes [entry_begin, entry_end) of an
 * entry's text. Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_citation {
    const char *id;
    const char *lang;
    int32_t version;
    size_t text_index; /* as for llmcs_shop_entry_text */
    size_t entry_begin, entry_end;
    size_t reply_begin, reply_end;
} llmcs_shop_citation;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_candidate {
    const char *id;
    const char *lang;
    int32_t version;
    const char *question; /* of the entry's, the nearest */
    const char *answer;
    double score;        /* w f(e): higher is better */
    double probability;  /* that this is the answer, all candidates and "none of them" adding up to 1 */
    float cosine;        /* of the nearest question; 0 without vectors */
    float answer_cosine; /* of the answer */
    float bm25;          /* share of the highest BM25 that the question's words could reach, 0 to 1 */
    float fused;         /* sum of reciprocal ranks */
    float rerank;        /* of the cross-encoder; 0 without one */
    double logprob;      /* log p(a|q) per token of the answer; NaN without `writer` */
    double information;  /* log p(a|q) - log p(a) per token; NaN without `writer` */
} llmcs_shop_candidate;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_answer {
    llmcs_shop_route route;
    const char *text; /* NUL-terminated */
    size_t text_bytes;
    double probability; /* that the first candidate answers the question; ASK_BACK: that one of the two offered does */
    const llmcs_shop_citation *const *citations; /* [n_citations] */
    size_t n_citations;
    const llmcs_shop_candidate *const *candidates; /* [n_candidates], best first, also for NONE */
    size_t n_candidates;
    const char *missing_slot;                                           /* ASK_BACK for a slot: its name; else NULL */
    double threshold;                                                   /* that was applied */
    double embed_ms, words_ms, vectors_ms, rank_ms, write_ms, total_ms; /* write_ms: of `writer` and `reranker` */
} llmcs_shop_answer;

/* Answers a question from the store. params: NULL for the defaults. Any number of threads may ask at once. Entries that
 * other processes put are found, too. Errors: as the store's, LIMIT (more than 65,536 bytes), those of llmcs_embed,
 * llmcs_rerank and llmcs_choose. */
LLMCS_SHOP_API llmcs_status llmcs_shop_ask(llmcs_shop *shop, const char *text, size_t text_bytes,
                                           const llmcs_shop_ask_params *params, llmcs_shop_answer **answer);
LLMCS_SHOP_API void llmcs_shop_answer_free(llmcs_shop_answer **answer);

/* ----------------------------------------------------------------------------------------- calibrate */
/* A question and the entry that answers it. Frozen. */
typedef struct llmcs_shop_labelled {
    const char *text;
    const char *lang; /* or NULL, as in llmcs_shop_ask_params */
    const char *id;   /* NULL: no entry answers it */
} llmcs_shop_labelled;

typedef struct llmcs_shop_calibrate_params {
    size_t struct_size;
    int32_t leave_one_out; /* [1] also learn from the entries' own questions, each asked as if it were not in the store,
                              and as if its entry were not */
    double precision;      /* [0.95] the threshold is the lowest with which such a share of the answers to the labelled
                              questions is right; with fewer than 20 of them it is 0.5 */
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
} llmcs_shop_calibrate_params;

LLMCS_SHOP_API void llmcs_shop_calibrate_params_init_sized(llmcs_shop_calibrate_params *params, size_t struct_size);
#define llmcs_shop_calibrate_params_init(params) llmcs_shop_calibrate_params_init_sized((params), sizeof *(params))

typedef struct llmcs_shop_calibration {
    size_t struct_size;
    size_t n_questions;  /* learned from */
    size_t n_answerable; /* of these */
    double threshold;
    double accuracy; /* of the labelled questions, or without 20 of them of all: share of the answerable ones whose
                        first candidate is right */
    double coverage; /* share of answerable questions that get an answer at the threshold */
    double precision;
} llmcs_shop_calibration;

/* Fits the weights w and the threshold to labelled questions, [n], and to the entries themselves, and
 * keeps them in the store for its encoder. Without a calibration of its own a store uses one fitted on the demo shop.
 * params: NULL for the defaults. calibration: may be NULL; set its struct_size first. Errors: as llmcs_shop_ask, ARG
 * (fewer than 20 questions, or none with an entry) CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_calibrate(llmcs_shop *shop, const llmcs_shop_labelled *questions, size_t n,
                                                 const llmcs_shop_calibrate_params *params,
                                                 llmcs_shop_calibration *calibration);

#ifdef __cplusplus
}
#endif
#endif
