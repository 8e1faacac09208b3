/*
 * llmcs_shop_guard.h - masks personal data, restores it, and checks texts on their way between customers, models, logs
 * and the store.
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
 * - Mask a text before it reaches a model, a log or the store; unmask only texts that their owner will read.
 * - Within a conversation a value keeps its placeholder. unmask(mask(x)) equals x byte for byte, even if x contains
 *   text such as <PHONE_1>.
 * - Rules run on an NFKC view of the text, so １３８, 138-0000-0000, 一三八 and digits with zero-width characters in
 *   between are treated like 138. A number with a digit or letter next to it is part of something longer and is not
 *   masked.
 * - The rules need no file. Without a tagger file, names and addresses are found only next to cues (先生, 我叫, 路..号,
 *   "my name is", "Street"); with one, anywhere in a text.
 * - A guard is immutable, so any number of threads may use it at once. An llmcs_shop_names belongs to one conversation,
 *   and one thread may use it at a time.
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
    const char *tagger_path;   /* [NULL: cues only] file of llmcs_shop_tagger_train */
    const char *order_pattern; /* [NULL: only codes after words such as 订单号, "order number"] pattern of the shop's
                                  order numbers in PCRE2 syntax, "PL[0-9]{8}"; matches anywhere, if no digit or letter
                                  is next to it */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied */
    const char *words_path; /* [NULL: the built-in list, English and Chinese] word list for llmcs_shop_check */
    const llmcs_shop_classifier *moderation; /* [NULL: words and rules only] must have a class "safe". The guard adds a
                                                reference; the classifier's encoder must outlive the guard */
    double warn_score;                       /* [0.9] minimum probability of an unsafe text for WARN, 0 to 1 */
    double block_score;                      /* [0.99] the same for BLOCK */
} llmcs_shop_guard_options;

LLMCS_SHOP_API void llmcs_shop_guard_options_init_sized(llmcs_shop_guard_options *options, size_t struct_size);
#define llmcs_shop_guard_options_init(options) llmcs_shop_guard_options_init_sized((options), sizeof *(options))

/* options: NULL for the defaults. Errors: ARG (invalid order_pattern; the message gives the position) NOMEM, and for
 * the tagger file and the word list IO LIMIT, FORMAT (damaged, or another kind of file), UNSUPPORTED (newer version).
 */
LLMCS_SHOP_API llmcs_status llmcs_shop_guard_create(const llmcs_shop_guard_options *options, llmcs_shop_guard **guard);

/* Frees the guard and sets *guard to NULL. No call may be using it. */
LLMCS_SHOP_API void llmcs_shop_guard_free(llmcs_shop_guard **guard);

/* ------------------------------------------------------------------------------------------------- names */

/* The placeholders of a conversation and their values. */
typedef struct llmcs_shop_names llmcs_shop_names;

/* shop NULL: names are kept in memory only; customer and conversation are ignored. Otherwise names are also stored in
 * the vault, encrypted with the customer's key (customer NULL: with a key of the conversation), and earlier names of
 * the conversation (NULL: "default") are loaded. The shop must outlive the names. Several processes may mask in one
 * conversation. Errors: NOMEM, and with a shop those of the store. */
LLMCS_SHOP_API llmcs_status llmcs_shop_names_create(llmcs_shop *shop, const char *customer, const char *conversation,
                                                    const llmcs_allocator *allocator, llmcs_shop_names **names);

/* Overwrites the values in memory, frees them, and sets *names to NULL. */
LLMCS_SHOP_API void llmcs_shop_names_free(llmcs_shop_names **names);

/* Sets the value, 1 to 4096 bytes, of a placeholder ("PHONE_1", without < and >), for hosts that store names
 * themselves. Errors: ARG (not a placeholder, or placeholder or value already in use), those of names_create. */
LLMCS_SHOP_API llmcs_status llmcs_shop_names_set(llmcs_shop_names *names, const char *name, const char *value,
                                                 size_t value_bytes);

/* The number of placeholders, and one of them in the form of names_set. Pointers are valid until the names change. NULL
 * if index is too large. */
LLMCS_SHOP_API size_t llmcs_shop_names_count(const llmcs_shop_names *names);
LLMCS_SHOP_API const char *llmcs_shop_names_get(llmcs_shop_names *names, size_t index, const char **value,
                                                size_t *value_bytes);

/* -------------------------------------------------------------------------------------------------- mask */

/* Kinds of personal data. Existing numbers never change; kinds may be added. */
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
    LLMCS_PII_LINK = 9,  /* links with a token, key, session, password or user name; others are public */
    LLMCS_PII_COMPANY_ID = 10 /* unified social credit code (GB 32100) */
} llmcs_shop_pii;

/* "NAME", "ADDRESS", "PHONE", ...; NULL for other values. */
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

/* Finds personal data and replaces it by placeholders. text may be any bytes; invalid UTF-8 is kept. Text that looks
 * like a placeholder is replaced too (by <TEXT_1>, not listed in spans), so that unmask can restore it. names: NULL
 * only to search: placeholders are then numbered within the text and cannot be unmasked. params: NULL for the defaults.
 * Free *masked with llmcs_shop_masked_free. Errors: ARG, NOMEM, LIMIT (order_pattern takes too long on this text), with
 * a shop those of the store. */
LLMCS_SHOP_API llmcs_status llmcs_shop_mask(const llmcs_shop_guard *guard, llmcs_shop_names *names, const char *text,
                                            size_t text_bytes, const llmcs_shop_mask_params *params,
                                            llmcs_shop_masked **masked);
LLMCS_SHOP_API void llmcs_shop_masked_free(llmcs_shop_masked **masked);

/* Replaces every placeholder in `names` by its value and keeps others. Copies the text with a NUL into out, [capacity]
 * bytes. *out_bytes: its length without the NUL. Errors: ARG, BUFFER (capacity <= *out_bytes; out may then be NULL),
 * LIMIT (the result exceeds the address space). */
LLMCS_SHOP_API llmcs_status llmcs_shop_unmask(llmcs_shop_names *names, const char *text, size_t text_bytes, char *out,
                                              size_t capacity, size_t *out_bytes);

/* ------------------------------------------------------------------------------------------------- check */
/*
 * Checks whether a text may pass. Two fast layers search the whole text: a list of words and phrases, compared without
 * capitals, accents, look-alike letters and zero-width characters (f.u.c.k, fuuuck and sh1t are found, Scunthorpe and
 * viable are not); and control tokens and forged speaker lines ("<|im_start|>", a line "Bot: ..."). Then the moderation
 * classifier, if the guard has one, finds what the list cannot cover.
 *
 *     llmcs_shop_verdict *verdict = NULL;
 *     if (!llmcs_shop_check(guard, text, LLMCS_NUL, NULL, &verdict) && verdict->action != LLMCS_SHOP_ALLOW)
 *         printf("%s because of %s\n", llmcs_shop_check_action_name(verdict->action), verdict->label);
 *     llmcs_shop_verdict_free(&verdict);
 */

typedef enum llmcs_shop_direction {
    LLMCS_SHOP_IN = 0, /* a customer's text, or a product's */
    LLMCS_SHOP_OUT = 1 /* a reply of the shop: any finding blocks it */
} llmcs_shop_direction;

/* From the mildest to the strongest. */
typedef enum llmcs_shop_check_action {
    LLMCS_SHOP_ALLOW = 0,
    LLMCS_SHOP_MASK = 1,    /* swearing: may pass with the spans of the reasons masked */
    LLMCS_SHOP_WARN = 2,    /* insults, spam: answer in a calming tone */
    LLMCS_SHOP_BLOCK = 3,   /* hate, sexual content, drugs, prompt injection, other people's data */
    LLMCS_SHOP_HANDOVER = 4 /* self-harm, threats, weapons, medical and legal matters: a person must see it */
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
    const float *vector;            /* [NULL] [n_embedding] the text's vector for the classifier, if already computed */
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
    llmcs_shop_check_action action; /* ALLOW: for information only */
} llmcs_shop_reason;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_shop_verdict {
    llmcs_shop_check_action action;          /* the strongest of the reasons */
    const char *label;                       /* rule of that reason, or "safe" */
    double score;                            /* its weight; for "safe" 1 - unsafe */
    double unsafe;                           /* the classifier's probability that the text is unsafe; NaN without one */
    const llmcs_shop_reason *const *reasons; /* [n_reasons] the strongest 64, in the order of the text */
    size_t n_reasons;
} llmcs_shop_verdict;

/* Checks a text of any length; the classifier reads only its beginning. text may be any bytes. params: NULL for the
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
    const char *label; /* guards use "NAME" and "ADDRESS"; up to 6 other labels improve the distinction */
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
    int32_t n_epochs;                 /* [16] passes over the rows; 1 to 1000 */
    int32_t max_features;             /* [80000] number of features to keep, by weight; 1000 to 4000000 */
    int32_t min_count;                /* [2] minimum number of occurrences of a feature; 1 to 255 */
    double l2;                        /* [0.02] penalty on squared weights */
    uint64_t seed;                    /* [0] of the order of the rows */
    const char *checkpoint_path;      /* [NULL] written after each pass. If it exists for the same rows and parameters,
                                         training      resumes from it. Deleted at the end */
    const llmcs_allocator *allocator; /* [NULL: malloc] */
    llmcs_progress_fn progress;       /* [NULL] a nonzero result cancels the training; the checkpoint is kept */
    void *progress_user;
    const char *words_path; /* [NULL] word list for the tagger: lines of word, kind and weight, separated by tabs. Kinds
                               0 to 9 are names, 10 to 31 other words; the weight is 8 ln(frequency), 0 to 255; a word
                               is one Latin word or 1 to 6 Chinese characters */
} llmcs_shop_tagger_params;

LLMCS_SHOP_API void llmcs_shop_tagger_params_init_sized(llmcs_shop_tagger_params *params, size_t struct_size);
#define llmcs_shop_tagger_params_init(params) llmcs_shop_tagger_params_init_sized((params), sizeof *(params))

/* Trains a tagger and writes its file atomically. Errors: ARG (no rows; a span that overlaps another or ends outside
 * its text or inside a character; more than 8 labels) FORMAT (words_path) NOMEM IO NOSPACE CANCELLED. */
LLMCS_SHOP_API llmcs_status llmcs_shop_tagger_train(const llmcs_shop_tagged_text *texts, size_t n_texts,
                                                    const llmcs_shop_tagger_params *params, const char *path);

#ifdef __cplusplus
}
#endif

#endif
