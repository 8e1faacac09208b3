/*
 * llmcs_shop_guard.h - what may pass between customers, models, logs and the store: personal data masked and put back,
 * texts checked.
 *
 * A guard finds phones, e-mail addresses, identity numbers, bank cards, order numbers, names and addresses in Chinese
 * and English texts. llmcs_shop_mask replaces each by a placeholder, <PHONE_1>; llmcs_shop_unmask puts the values back:
 *
 *     llmcs_shop_guard *guard = NULL;
 *     llmcs_shop_names *names = NULL;
 *     llmcs_shop_masked *masked = NULL;
 *     if (llmcs_shop_guard_create(NULL, &guard) || llmcs_shop_names_create(NULL, NULL, NULL, NULL, &names)) return 1;
 *     if (!llmcs_shop_mask(guard, names, "我叫王小明，电话138-0013-8000", LLMCS_NUL, NULL, &masked))
 *         puts(masked->text);                                             我叫<NAME_1>，电话<PHONE_1>
 *     llmcs_shop_masked_free(&masked);
 *     llmcs_shop_names_free(&names);
 *     llmcs_shop_guard_free(&guard);
 *
 * - Mask before a text reaches a model, a log or the store; unmask only what its owner will read.
 * - Within one conversation a value keeps its placeholder. unmask(mask(x)) is x byte for byte, also where x itself
 * holds text such as <PHONE_1>.
 * - Rules run over an NFKC view of the text: １３８, 138-0000-0000, 一三八 and digits with zero-width characters
 * between them are found as 138 is. A number with a digit or letter next to it is part of something else and is left
 * alone.
 * - Rules need no file. With a tagger file names and addresses are found in running text; without one, only next to
 *   cues (先生, 我叫, 路..号, "my name is", "Street").
 * - A guard never changes, so any number of threads use it at once. Names belong to one conversation and to one thread
 *   at a time.
 */
#include "llmcs_shop.h" /* which includes this file, whichever of the two comes first */

#ifndef LLMCS_SHOP_GUARD_H
#define LLMCS_SHOP_GUARD_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llmcs_shop_guard llmcs_shop_guard;

/* ------------------------------------------------------------------------------------------------- guard */

typedef struct llmcs_shop_guard_options {
    size_t struct_size;
    const char *tagger_path;   /* [NULL: cues alone] file of llmcs_shop_tagger_train */
    const char *order_pattern; /* [NULL: a code after words such as 订单号, "order number"] what the shop's order
                                  numbers look like, in PCRE2 syntax: "PL[0-9]{8}"; found with or without such words,
                                  where no digit or letter is next to it */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied */
    const char *words_path; /* [NULL: the built-in list, English and Chinese] word list for llmcs_shop_check */
    const llmcs_shop_classifier *moderation; /* [NULL: words and rules alone] with a class "safe"; the guard adds its
                                                own reference, and what the classifier needs must outlive the guard */
    double warn_score;  /* [0.9] probability of not being safe from which the classifier warns, and */
    double block_score; /* [0.99] from which it blocks; 0 to 1 */
} llmcs_shop_guard_options;

LLMCS_SHOP_API void llmcs_shop_guard_options_init_sized(llmcs_shop_guard_options *options, size_t struct_size);
#define llmcs_shop_guard_options_init(options) llmcs_shop_guard_options_init_sized((options), sizeof *(options))

/* options: NULL for the defaults. Errors: ARG (order_pattern is no pattern; the message says where) NOMEM, and of the
 * tagger's file and of the word list IO LIMIT, FORMAT (damaged, or something else), UNSUPPORTED (of a newer version).
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_guard_create(const llmcs_shop_guard_options *options, llmcs_shop_guard **guard);

/* Frees the guard and sets *guard to NULL. No call may be using it. */
LLMCS_SHOP_API void llmcs_shop_guard_free(llmcs_shop_guard **guard);

/* ------------------------------------------------------------------------------------------------- names */

/* Which placeholder stands for which value, in one conversation. */
typedef struct llmcs_shop_names llmcs_shop_names;

/* shop NULL: names are in memory until they are freed, and the other two say nothing. Else they are also in the store's
 * vault, encrypted under the customer's key (customer NULL: one of the conversation), and those of earlier calls for
 * the conversation (NULL: "default") are there again; the shop must outlive the names. Several processes may mask in
 * one conversation. Errors: NOMEM, and with a shop those of the store. */
LLMCS_SHOP_API llmcs_status llmcs_shop_names_create(llmcs_shop *shop, const char *customer, const char *conversation,
                                                    const llmcs_allocator *allocator, llmcs_shop_names **names);

/* Overwrites the values in memory, frees them, and sets *names to NULL. */
LLMCS_SHOP_API void llmcs_shop_names_free(llmcs_shop_names **names);

/* Sets what a placeholder ("PHONE_1", without < and >) stands for, 1 to 4096 bytes, for hosts that keep names
 * themselves. Errors: ARG (not a placeholder, or it or the value is in use already), those of names_create. */
LLMCS_SHOP_API llmcs_status llmcs_shop_names_set(llmcs_shop_names *names, const char *name, const char *value,
                                                 size_t value_bytes);

/* Number of placeholders, and one of them; the pointers are valid until the names change. name: as for names_set. NULL
 * if index is not below the number. */
LLMCS_SHOP_API size_t llmcs_shop_names_count(const llmcs_shop_names *names);
LLMCS_SHOP_API const char *llmcs_shop_names_get(llmcs_shop_names *names, size_t index, const char **value,
                                                size_t *value_bytes);

/* -------------------------------------------------------------------------------------------------- mask */

/* Kinds of personal data. The numbers stay; more may come. */
typedef enum llmcs_shop_pii {
    LLMCS_PII_NAME = 0,    /* of a person */
    LLMCS_PII_ADDRESS = 1, /* from a country to a flat */
    LLMCS_PII_PHONE = 2,   /* mobile, landline, 400; international with + or 00, or next to words such as "call" */
    LLMCS_PII_EMAIL = 3,
    LLMCS_PII_ID = 4,    /* Chinese identity card (GB 11643), US social security number; passports, driving licences
                            and other documents next to their words */
    LLMCS_PII_CARD = 5,  /* bank cards: issuer's range, length and Luhn's check digit */
    LLMCS_PII_IBAN = 6,  /* country, length and ISO 7064 MOD 97-10 */
    LLMCS_PII_ORDER = 7, /* order and tracking numbers */
    LLMCS_PII_PLATE = 8, /* of vehicles */
    LLMCS_PII_LINK = 9,  /* links that carry a token, key, session, password or user name; others are public */
    LLMCS_PII_COMPANY_ID = 10 /* unified social credit code (GB 32100) */
} llmcs_shop_pii;

/* "NAME", "ADDRESS", "PHONE", ...; NULL if it is none. */
LLMCS_SHOP_API const char *llmcs_shop_pii_name(llmcs_shop_pii kind);

/* Flags of llmcs_shop_mask_params. */
#define LLMCS_SHOP_MASK_KEEP_PLACES                                                                                  \
    0x1u                               /* leaves a country, province or city alone that stands without a finer part: \
                                          "Do you deliver to Beijing?" */
#define LLMCS_SHOP_MASK_NO_TAGGER 0x2u /* rules and cues alone */

typedef struct llmcs_shop_mask_params {
    size_t struct_size;
    uint32_t flags; /* [0] LLMCS_SHOP_MASK_* */
    uint32_t kinds; /* [all] bits 1 << LLMCS_PII_* of the kinds to mask */
} llmcs_shop_mask_params;

LLMCS_SHOP_API void llmcs_shop_mask_params_init_sized(llmcs_shop_mask_params *params, size_t struct_size);
#define llmcs_shop_mask_params_init(params) llmcs_shop_mask_params_init_sized((params), sizeof *(params))

typedef struct llmcs_shop_masked_span {
    size_t struct_size;
    llmcs_shop_pii kind;
    size_t begin, end;               /* bytes of the text that was given */
    size_t masked_begin, masked_end; /* bytes of the masked text: the placeholder with < and > */
    const char *name;                /* "PHONE_1" */
    const char *rule;                /* what found it: "luhn", "cue", "tagger", ...; for people and logs */
} llmcs_shop_masked_span;

typedef struct llmcs_shop_masked {
    size_t struct_size;
    const char *text; /* NUL-terminated */
    size_t text_bytes;
    const llmcs_shop_masked_span *const *spans; /* [n_spans], in the order of the text; they do not overlap */
    size_t n_spans;
} llmcs_shop_masked;

/* Finds personal data and replaces it. text may be any bytes; bytes that are not UTF-8 stay as they are. Text that
 * looks like a placeholder becomes one itself (<TEXT_1>, which is no span), so that unmask knows the two apart. names:
 * NULL for a search alone: placeholders are then numbered within the text and cannot be put back. params: NULL for the
 * defaults. masked: of one allocation set, free it. Errors: ARG, NOMEM, LIMIT (order_pattern takes too long on this
 * text; nothing is returned), with a shop those of the store. */
LLMCS_SHOP_API llmcs_status llmcs_shop_mask(const llmcs_shop_guard *guard, llmcs_shop_names *names, const char *text,
                                            size_t text_bytes, const llmcs_shop_mask_params *params,
                                            llmcs_shop_masked **masked);
LLMCS_SHOP_API void llmcs_shop_masked_free(llmcs_shop_masked **masked);

/* Replaces every placeholder that `names` knows by its value; others stay. Copies the text with a NUL into out,
 * [capacity] bytes. *out_bytes: its length without the NUL. Errors: ARG, BUFFER (capacity <= *out_bytes; out may then
 * be NULL), LIMIT (the result is longer than memory can address). */
LLMCS_SHOP_API llmcs_status llmcs_shop_unmask(llmcs_shop_names *names, const char *text, size_t text_bytes, char *out,
                                              size_t capacity, size_t *out_bytes);

/* ------------------------------------------------------------------------------------------------- check */
/*
 * May a text pass? Two fast layers look at all of it: a list of words and phrases over folded letters (capitals,
 * accents, look-alike letters, f.u.c.k, fuuuck, sh1t, zero-width characters make no difference; Scunthorpe and viable
 * are left alone), and control tokens and forged lines that speak to the model ("<|im_start|>", a line "Bot: ...").
 * Then, if the guard has one, a classifier of moderation, which reads what the list cannot know.
 *
 *     llmcs_shop_verdict *verdict = NULL;
 *     if (!llmcs_shop_check(guard, text, LLMCS_NUL, NULL, &verdict) && verdict->action != LLMCS_SHOP_ALLOW)
 *         printf("%s because of %s\n", llmcs_shop_check_action_name(verdict->action), verdict->label);
 *     llmcs_shop_verdict_free(&verdict);
 */

typedef enum llmcs_shop_direction {
    LLMCS_SHOP_IN = 0, /* a customer's text, or a product's */
    LLMCS_SHOP_OUT = 1 /* a reply of the shop: whatever is found blocks it */
} llmcs_shop_direction;

/* From the mildest to the strongest. */
typedef enum llmcs_shop_check_action {
    LLMCS_SHOP_ALLOW = 0,
    LLMCS_SHOP_MASK = 1,    /* swearing: may pass with the spans of the reasons masked */
    LLMCS_SHOP_WARN = 2,    /* insults, spam: answer, and calm down */
    LLMCS_SHOP_BLOCK = 3,   /* hate, sexual, drugs, prompt injection, other people's data */
    LLMCS_SHOP_HANDOVER = 4 /* danger: self-harm, threats, weapons, medical and legal matters: a person has to see it */
} llmcs_shop_check_action;

/* "ALLOW", "MASK", "WARN", "BLOCK", "HANDOVER"; NULL for another value. */
LLMCS_SHOP_API const char *llmcs_shop_check_action_name(llmcs_shop_check_action action);

/* Flags of llmcs_shop_check_params. */
#define LLMCS_SHOP_CHECK_NO_WORDS 0x1u      /* the classifier alone */
#define LLMCS_SHOP_CHECK_NO_CLASSIFIER 0x2u /* words and rules alone */

typedef struct llmcs_shop_check_params {
    size_t struct_size;
    llmcs_shop_direction direction; /* [IN] */
    uint32_t flags;                 /* [0] LLMCS_SHOP_CHECK_* */
    const float *vector;            /* [NULL] [n_embedding] the text's vector for the classifier, if already at hand */
} llmcs_shop_check_params;

LLMCS_SHOP_API void llmcs_shop_check_params_init_sized(llmcs_shop_check_params *params, size_t struct_size);
#define llmcs_shop_check_params_init(params) llmcs_shop_check_params_init_sized((params), sizeof *(params))

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_reason {
    const char *layer;              /* "words", "rules" or "classifier" */
    const char *rule;               /* category of the list ("insult", "injection", "self-harm", ...) or label of the
                                       classifier; lives as long as the guard */
    size_t begin, end;              /* bytes of the text */
    double weight;                  /* of the category, or the classifier's probability; 0 to 1 */
    llmcs_shop_check_action action; /* ALLOW: worth a mention, no more */
} llmcs_shop_reason;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_verdict {
    llmcs_shop_check_action action; /* the strongest of the reasons */
    const char *label;              /* rule of that reason, or "safe" */
    double score;                   /* its weight; of "safe" 1 - unsafe */
    double unsafe;                  /* probability that the text is not safe, of the classifier; NaN without one */
    const llmcs_shop_reason *const *reasons; /* [n_reasons] in the order of the text, the strongest 64 */
    size_t n_reasons;
} llmcs_shop_verdict;

/* Checks a text of any length; the classifier reads its beginning. text may be any bytes. params: NULL for the
 * defaults. Errors: ARG NOMEM, and with a classifier those of llmcs_shop_classifier_predict. */
LLMCS_SHOP_API llmcs_status llmcs_shop_check(const llmcs_shop_guard *guard, const char *text, size_t text_bytes,
                                             const llmcs_shop_check_params *params, llmcs_shop_verdict **verdict);

/* Sets *verdict to NULL. */
LLMCS_SHOP_API void llmcs_shop_verdict_free(llmcs_shop_verdict **verdict);

/* ------------------------------------------------------------------------------------------------ tagger */
/*
 * The tagger of names and addresses is a linear-chain conditional random field (Lafferty, McCallum and Pereira 2001)
 * over hashed features of characters and words: a file of 8-bit weights, no encoder. Training is on one thread, gives
 * the same bits for the same rows on one machine, and takes minutes.
 */

/* A labelled part of a training text. Frozen. */
typedef struct llmcs_shop_tagged_span {
    size_t begin, end; /* bytes of the text */
    const char *label; /* "NAME" and "ADDRESS" are found by guards; up to 6 other labels help to tell them apart */
} llmcs_shop_tagged_span;

/* A training text. Spans must not overlap. Frozen. */
typedef struct llmcs_shop_tagged_text {
    const char *text;
    size_t text_bytes; /* or LLMCS_NUL */
    const llmcs_shop_tagged_span *spans;
    size_t n_spans;
} llmcs_shop_tagged_text;

typedef struct llmcs_shop_tagger_params {
    size_t struct_size;
    int32_t n_epochs;            /* [16] passes over the rows; 1 to 1000 */
    int32_t max_features;        /* [80000] features in the file, those of the heaviest weights; 1000 to 4000000 */
    int32_t min_count;           /* [2] a feature occurs at least so often; 1 to 255 */
    double l2;                   /* [0.02] penalty on squared weights */
    uint64_t seed;               /* [0] of the order of the rows */
    const char *checkpoint_path; /* [NULL] written after each pass; training goes on from it if it is there and of the
                                    same rows and parameters, and it is deleted at the end */
    const llmcs_allocator *allocator; /* [NULL: malloc] */
    llmcs_progress_fn progress;       /* [NULL] a true result ends the training: CANCELLED; the checkpoint stays */
    void *progress_user;
    const char *words_path; /* [NULL] file of words that the tagger knows by hash: lines of word, kind and weight
                               between tabs. Kinds 0 to 9 are names, 10 to 31 other words; the weight is 8
                               ln(frequency), 0 to 255; a word is one Latin word or 1 to 6 Chinese characters */
} llmcs_shop_tagger_params;

LLMCS_SHOP_API void llmcs_shop_tagger_params_init_sized(llmcs_shop_tagger_params *params, size_t struct_size);
#define llmcs_shop_tagger_params_init(params) llmcs_shop_tagger_params_init_sized((params), sizeof *(params))

/* Trains and writes the file, which appears only when it is complete. Errors: ARG (no rows; a span that overlaps,
 * ends outside its text or inside a character; more than 8 labels) FORMAT (words_path) NOMEM IO NOSPACE CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_tagger_train(const llmcs_shop_tagged_text *texts, size_t n_texts,
                                                    const llmcs_shop_tagger_params *params, const char *path);

#ifdef __cplusplus
}
#endif

#endif
