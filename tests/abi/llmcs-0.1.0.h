/*
 * llmcs.h - the whole public interface of libllmcs.
 *
 * libllmcs runs GPT-2 and BERT checkpoints, as downloaded from Hugging Face, inside your own process:
 *
 *     llmcs_model *model = NULL;
 *     if (llmcs_model_open("gpt2", NULL, &model)) { fputs(llmcs_error_message(), stderr); return 1; }
 *     llmcs_session *session = NULL;
 *     llmcs_session_create(model, NULL, &session);
 *     llmcs_generate_params params;
 *     llmcs_generate_params_init(&params);
 *     params.max_new_tokens = 40;
 *     llmcs_result *result = NULL;
 *     if (!llmcs_generate(session, "Hello, I am", LLMCS_NUL, &params, NULL, NULL, &result))
 *         puts(result->sequences[0].text);
 *     llmcs_result_free(&result);
 *     llmcs_session_free(&session);
 *     llmcs_model_free(&model);
 *
 * Rules that hold everywhere
 *
 * - Errors. A function that can fail returns llmcs_status. On failure nothing is handed out, everything the
 *   call took is released, every other handle goes on as before, and llmcs_error_message() says what was
 *   wrong: file, key or tensor, byte offset, found, expected. The library never prints, aborts, exits, raises
 *   a signal or installs a handler.
 * - Text is UTF-8 with a length in bytes; LLMCS_NUL as length means "up to the NUL byte". Bytes that are not
 *   UTF-8 are read as U+FFFD, one for each maximal bad part (Unicode, chapter 3, "U+FFFD Substitution of
 *   Maximal Subparts"), unless LLMCS_STRICT_UTF8 is given. NUL bytes inside a text are text.
 * - Buffers of the caller. A function that fills a buffer says how much it needs when the buffer is NULL. A
 *   buffer that is too small gets LLMCS_LIMIT, the needed size, and not one byte past its end.
 * - Ownership. What a function creates is freed with the function of the same family, which takes the
 *   address of your variable, sets it to NULL, and accepts NULL. Strings returned as const char * belong to
 *   the object they came from.
 * - Threads. A model, a tokenizer and an engine may be used from any number of threads at once. A session serves
 *   one call at a time: a second concurrent call gets LLMCS_BUSY. Only llmcs_session_cancel may be called beside it.
 *   After fork() a child that uses a model of its parent gets LLMCS_FORK; it may free it, or open its own.
 * - Option structs start with struct_size, which the *_init function fills. Never copy a literal size.
 * - Names of models' parameters are those of Hugging Face Transformers.
 */
#ifndef LLMCS_H
#define LLMCS_H

#include <stddef.h>
#include <stdint.h>

#if defined(LLMCS_BUILD) && defined(__GNUC__)
#define LLMCS_API __attribute__((visibility("default")))
#else
#define LLMCS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define LLMCS_VERSION_MAJOR 0
#define LLMCS_VERSION_MINOR 1
#define LLMCS_VERSION_PATCH 0

/* As a length: the text ends at its NUL byte. */
#define LLMCS_NUL ((size_t)-1)

/* "0.1.0". Never fails. */
LLMCS_API const char *llmcs_version(void);

/* ------------------------------------------------------------------------------------------------ status */

typedef enum llmcs_status {
    LLMCS_OK = 0,
    LLMCS_ARG = 1,           /* a NULL, a size, an enum or a parameter that cannot be */
    LLMCS_NOMEM = 2,         /* the allocator said no */
    LLMCS_IO = 3,            /* a file could not be opened or read */
    LLMCS_FORMAT = 4,        /* a file is not what its format asks for */
    LLMCS_JSON = 5,          /* not JSON (RFC 8259) */
    LLMCS_CONFIG = 6,        /* config.json is wrong, or does not fit the tensors */
    LLMCS_TOKENIZER = 7,     /* the tokenizer's files are wrong, missing, or do not fit the model */
    LLMCS_UNSUPPORTED = 8,   /* right, but not something this library runs */
    LLMCS_LIMIT = 9,         /* larger than a documented bound, or than the caller's buffer */
    LLMCS_CHANGED = 10,      /* a file changed while it was read */
    LLMCS_NOSPACE = 11,      /* no room to write a file */
    LLMCS_CONTEXT_FULL = 12, /* the session holds n_ctx tokens; nothing was evaluated */
    LLMCS_TOKEN_RANGE = 13,  /* a token id outside the vocabulary; nothing was evaluated */
    LLMCS_UTF8 = 14,         /* LLMCS_STRICT_UTF8 was asked for, and the text is not UTF-8 */
    LLMCS_NUMERIC = 15,      /* NaN or infinity where a number is needed, or no token left to choose */
    LLMCS_CANCELLED = 16,    /* llmcs_session_cancel was called */
    LLMCS_BUSY = 17,         /* the session is in another call */
    LLMCS_STATE = 18,        /* the handle was freed, or this call does not fit what the object is */
    LLMCS_THREAD = 19,       /* a thread or a lock could not be made */
    LLMCS_FORK = 20,         /* the object belongs to the parent process */
    LLMCS_DEADLINE = 21,     /* the deadline passed before there was anything to return */
    LLMCS_INTERNAL = 22,     /* a bug of ours; please report it */
    LLMCS_QUEUE_FULL = 23,   /* the engine has as many requests waiting as it was told to hold */
    LLMCS_PENDING = 24       /* not finished in the time given; ask again */
} llmcs_status;

/* "ARG", "NOMEM", ...; "UNKNOWN" for a number that is no status. Never fails. */
LLMCS_API const char *llmcs_status_name(llmcs_status status);

/* What the last failed call of this thread had to say: at most 255 bytes of UTF-8, control characters
 * escaped, "" if nothing failed yet. Valid until this thread's next failing call. Never fails. */
LLMCS_API const char *llmcs_error_message(void);

/* --------------------------------------------------------------------------------- memory, log, progress */

/* Where memory comes from. alloc returns memory aligned to `alignment` (a power of two, at most 64), or NULL.
 * Both functions may be called from any thread. NULL instead of a struct means the C library's. */
typedef struct llmcs_allocator {
    void *(*alloc)(void *user, size_t size_bytes, size_t alignment);
    void (*free)(void *user, void *memory);
    void *user;
} llmcs_allocator;

typedef enum llmcs_log_level { LLMCS_LOG_DEBUG = 0, LLMCS_LOG_INFO = 1, LLMCS_LOG_WARN = 2 } llmcs_log_level;

/* Called for what is worth knowing and is not an error (a tensor that was ignored, fewer threads than asked
 * for). `message` is NUL-terminated and valid during the call. Without a callback nothing is said. */
typedef void (*llmcs_log_fn)(void *user, llmcs_log_level level, const char *message);

/* Called now and then during long work with a share done, 0 to 1. Return 0 to go on, anything else to stop
 * with LLMCS_CANCELLED. */
typedef int (*llmcs_progress_fn)(void *user, float done);

/* ------------------------------------------------------------------------------------------------- model */

typedef struct llmcs_model llmcs_model;
typedef struct llmcs_tokenizer llmcs_tokenizer;

typedef enum llmcs_load_mode {
    LLMCS_LOAD_COPY = 0, /* read the file; the model is immune to what happens to it later */
    LLMCS_LOAD_MMAP = 1  /* read through a mapping; the file must not be shortened during llmcs_model_open */
} llmcs_load_mode;

typedef enum llmcs_backend {
    LLMCS_BACKEND_AUTO = 0,    /* our own kernels where this processor has a row of them, else OpenBLAS */
    LLMCS_BACKEND_NATIVE = 1,  /* our own kernels; the same bits however a prompt is cut and batched */
    LLMCS_BACKEND_OPENBLAS = 2 /* OpenBLAS for products of many rows; bits may depend on the number of rows */
} llmcs_backend;

/* How weights are kept in memory. Layer norms, biases, position tables and small heads are float32 always.
 *
 * On x86-64 processors with AMX, opening a model with INT8 weights asks Linux once to let the process use it
 * (arch_prctl, ARCH_REQ_XCOMP_PERM; Linux, Documentation/arch/x86/xstate.rst). From then on sigaltstack() refuses
 * stacks that have no room for a signal's frame with AMX's registers (sysconf(_SC_MINSIGSTKSZ) says how much that is,
 * about 12 KiB; the old constant SIGSTKSZ of 8 KiB is less). Where a thread has such a stack already, Linux says no,
 * and the results come from other instructions, with the same bits. LLMCS_CPU=avx512vnni in the environment keeps from
 * asking.
 *
 * (*) LLMCS_CPU=avx512bf16 in the environment, on processors with AVX-512 BF16, rounds activations to bfloat16 as well
 * where they meet BF16 weights: quicker on some processors, and no longer the same bits as F32. */
typedef enum llmcs_weights {
    LLMCS_WEIGHTS_AUTO = 0, /* as stored: float32, float16, bfloat16; a GGUF's Q8_0 as INT8, its Q4_0 as INT4 */
    LLMCS_WEIGHTS_F32 = 1,  /* 4 bytes a weight */
    LLMCS_WEIGHTS_F16 = 2,  /* 2 bytes; stored float16 gives the same bits as F32, others are rounded */
    LLMCS_WEIGHTS_BF16 = 3, /* 2 bytes; stored bfloat16 gives the same bits as F32, others are rounded (*) */
    LLMCS_WEIGHTS_INT8 = 4, /* 1 byte; a scale for each output, activations quantised to 8 bits row by row */
    LLMCS_WEIGHTS_INT4 = 5  /* half a byte and a scale for each 32 weights; activations as for INT8 */
} llmcs_weights;

/* How keys and values of past tokens are kept. */
typedef enum llmcs_kv_type {
    LLMCS_KV_AUTO = 0, /* F16 with INT8 and INT4 weights, else F32 */
    LLMCS_KV_F32 = 1,
    LLMCS_KV_F16 = 2 /* half the memory, and half the reading at long contexts */
} llmcs_kv_type;

/* Flags of llmcs_model_options. */
#define LLMCS_LOAD_CHECK_FINITE 0x1u /* refuse weights with NaN or infinity, naming tensor and index */

typedef struct llmcs_model_options {
    size_t struct_size;
    int32_t n_threads; /* 1..512; 0: as many as affinity and cgroup quota allow; 1: no thread is started */
    llmcs_load_mode load_mode;
    llmcs_backend backend;
    uint32_t flags;
    uint64_t max_bytes;               /* refuse with LLMCS_LIMIT a model that needs more; 0: no bound */
    const llmcs_allocator *allocator; /* copied; used by everything made from this model; NULL: malloc */
    llmcs_log_fn log;
    void *log_user;
    llmcs_progress_fn progress;
    void *progress_user;
    llmcs_weights weights;
    llmcs_kv_type kv_type;
} llmcs_model_options;

LLMCS_API void llmcs_model_options_init(llmcs_model_options *options);

/* Opens a Hugging Face folder: config.json, model.safetensors (or its shards with
 * model.safetensors.index.json), and where present tokenizer.json or the older vocabulary files,
 * tokenizer_config.json, generation_config.json, and sentence-transformers' modules.json. A folder without
 * tokenizer files opens for token ids only. Or opens one GGUF file of a GPT-2 or BERT, as llmcs_quantize and
 * llama.cpp's converter write them. All validation, packing and allocation happen here.
 * options: NULL for the defaults. The model is returned with one reference; sessions hold their own.
 * Errors: ARG NOMEM IO FORMAT JSON CONFIG TOKENIZER UNSUPPORTED LIMIT CHANGED THREAD CANCELLED. */
LLMCS_API llmcs_status llmcs_model_open(const char *path, const llmcs_model_options *options, llmcs_model **model);

/* Drops a reference and sets *model to NULL. The last reference, sessions' included, frees the model. */
LLMCS_API void llmcs_model_free(llmcs_model **model);

/* What the folder's weights can do. */
#define LLMCS_HEAD_CAUSAL_LM 0x1u      /* llmcs_generate, llmcs_score, llmcs_session_eval */
#define LLMCS_HEAD_CLASSIFICATION 0x2u /* llmcs_classify, llmcs_rerank */
#define LLMCS_HEAD_MASKED_LM 0x4u      /* llmcs_fill_mask */
#define LLMCS_HEAD_EMBEDDING 0x8u      /* llmcs_embed: every encoder */
#define LLMCS_HEAD_POOLER 0x10u        /* llmcs_encoder_outputs.pooled, LLMCS_POOL_POOLER */

typedef struct llmcs_model_info {
    size_t struct_size;
    const char *model_type;   /* as in config.json: "gpt2", "bert", "distilbert", "roberta" */
    const char *architecture; /* config.json's first architecture, or "" */
    uint32_t heads;           /* LLMCS_HEAD_* */
    int32_t vocab_size;
    int32_t n_ctx; /* most tokens of one sequence */
    int32_t n_embd;
    int32_t n_layer;
    int32_t n_head;
    int32_t n_inner;
    int32_t n_labels;       /* sequence classification; else 0 */
    int32_t n_embedding;    /* floats of one vector of llmcs_embed; 0 without LLMCS_HEAD_EMBEDDING */
    int32_t bos_token_id;   /* -1: none */
    int32_t eos_token_id;   /* the first; -1: none */
    int32_t pad_token_id;   /* -1: none */
    int32_t n_threads;      /* threads in fact, the caller's included */
    const char *cpu;        /* kernel row in use: "scalar", "avx2", "neon", ... */
    const char *backend;    /* "native" or "openblas" */
    uint64_t n_parameters;  /* elements of all tensors in use */
    uint64_t weights_bytes; /* memory held by weights */
    const char *weights;    /* how most of them are kept: "f32", "f16", "bf16", "int8" or "int4" */
    const char *kv_type;    /* "f32" or "f16" */
} llmcs_model_info;

/* Fills *info; set info->struct_size = sizeof *info first. Errors: ARG. */
LLMCS_API llmcs_status llmcs_model_get_info(const llmcs_model *model, llmcs_model_info *info);

/* Name of class `label`, from the folder's id2label ("LABEL_0", ... where it names none); NULL outside
 * 0..n_labels-1. */
LLMCS_API const char *llmcs_model_label(const llmcs_model *model, int32_t label);

/* The folder's tokenizer, or NULL where it has none. Belongs to the model. */
LLMCS_API const llmcs_tokenizer *llmcs_model_tokenizer(const llmcs_model *model);

/* --------------------------------------------------------------------------------------------- tokenizer */

/* Opens the tokenizer of a folder without its weights: tokenizer.json, or vocab.json with merges.txt, or
 * vocab.txt; tokenizer_config.json where present. Where both kinds are there tokenizer.json is read, as
 * Transformers' fast tokenizers do. Or of a GGUF file. allocator: NULL for malloc.
 * Errors: ARG NOMEM IO FORMAT JSON TOKENIZER UNSUPPORTED LIMIT. */
LLMCS_API llmcs_status llmcs_tokenizer_open(const char *path, const llmcs_allocator *allocator,
                                            llmcs_tokenizer **tokenizer);
LLMCS_API void llmcs_tokenizer_free(llmcs_tokenizer **tokenizer);

/* Flags of llmcs_encode_params. */
#define LLMCS_ADD_SPECIAL_TOKENS 0x1u /* [CLS] ... [SEP], <s> ... </s>: what the post-processor adds */
#define LLMCS_PARSE_SPECIAL 0x2u /* special tokens written in the text become those tokens. Never for text of users */
#define LLMCS_STRICT_UTF8 0x4u   /* LLMCS_UTF8 for text that is not UTF-8 */

typedef enum llmcs_truncation {
    LLMCS_TRUNCATE_NONE = 0,
    LLMCS_TRUNCATE_LONGEST_FIRST = 1,
    LLMCS_TRUNCATE_ONLY_FIRST = 2,
    LLMCS_TRUNCATE_ONLY_SECOND = 3
} llmcs_truncation;

typedef struct llmcs_encode_params {
    size_t struct_size;
    uint32_t flags;              /* default: LLMCS_ADD_SPECIAL_TOKENS */
    llmcs_truncation truncation; /* how a text longer than max_length is cut (at its right end) */
    size_t max_length;           /* tokens, special tokens included; needed with truncation */
} llmcs_encode_params;

LLMCS_API void llmcs_encode_params_init(llmcs_encode_params *params);

/* The bytes [begin, end) of the original text that a token came from; for the pair, of the pair's text.
 * Special tokens that were added have begin = end = 0. */
typedef struct llmcs_span {
    size_t begin;
    size_t end;
} llmcs_span;

/* Text (and where pair is not NULL a second text) to token ids. ids, type_ids, offsets: each of `capacity`
 * elements, or NULL if not wanted; with all three NULL only *n_tokens is filled. params: NULL for the
 * defaults. Time is linear in the text.
 * Errors: ARG NOMEM UTF8 LIMIT (buffer too small: *n_tokens says what is needed). */
LLMCS_API llmcs_status llmcs_encode(const llmcs_tokenizer *tokenizer, const char *text, size_t text_bytes,
                                    const char *pair, size_t pair_bytes, const llmcs_encode_params *params,
                                    int32_t *ids, int32_t *type_ids, llmcs_span *offsets, size_t capacity,
                                    size_t *n_tokens);

/* Flags of decoding. */
#define LLMCS_SKIP_SPECIAL 0x1u    /* leave special tokens out */
#define LLMCS_CLEAN_UP_SPACES 0x2u /* Transformers' clean_up_tokenization_spaces: " ." becomes "." */

/* Token ids to text, not NUL-terminated. Ids without a token (padding rows of the embedding) give "";
 * bytes that do not form UTF-8 give U+FFFD. text: `capacity` bytes, or NULL to ask for *text_bytes.
 * Errors: ARG NOMEM TOKEN_RANGE (negative id) LIMIT. */
LLMCS_API llmcs_status llmcs_decode(const llmcs_tokenizer *tokenizer, const int32_t *ids, size_t n_ids, uint32_t flags,
                                    char *text, size_t capacity, size_t *text_bytes);

/* A streaming decoder: its pieces are valid UTF-8 each and together equal llmcs_decode of all ids. */
typedef struct llmcs_decoder llmcs_decoder;

/* The tokenizer must outlive the decoder. flags: LLMCS_SKIP_SPECIAL, LLMCS_CLEAN_UP_SPACES.
 * Errors: ARG NOMEM. */
LLMCS_API llmcs_status llmcs_decoder_create(const llmcs_tokenizer *tokenizer, uint32_t flags, llmcs_decoder **decoder);
LLMCS_API void llmcs_decoder_free(llmcs_decoder **decoder);

/* One more token. *piece is valid until the next call with this decoder and may be empty (a character that is
 * not complete yet). Allocates nothing. Errors: ARG TOKEN_RANGE. */
LLMCS_API llmcs_status llmcs_decoder_push(llmcs_decoder *decoder, int32_t id, const char **piece, size_t *piece_bytes);

/* What is left at the end (an incomplete character becomes U+FFFD). Leaves the decoder as new. Errors: ARG. */
LLMCS_API llmcs_status llmcs_decoder_finish(llmcs_decoder *decoder, const char **piece, size_t *piece_bytes);

/* One more than the largest id of a token. */
LLMCS_API size_t llmcs_tokenizer_n_vocab(const llmcs_tokenizer *tokenizer);

/* The id of the token written `token` in the vocabulary ("Ġhello", "##ing", "[MASK]"); -1: no such token. */
LLMCS_API int32_t llmcs_token_to_id(const llmcs_tokenizer *tokenizer, const char *token, size_t token_bytes);

/* The other way round: NULL and *token_bytes = 0 for an id without a token. Valid as long as the tokenizer. */
LLMCS_API const char *llmcs_id_to_token(const llmcs_tokenizer *tokenizer, int32_t id, size_t *token_bytes);

typedef enum llmcs_special {
    LLMCS_SPECIAL_BOS = 0,
    LLMCS_SPECIAL_EOS = 1,
    LLMCS_SPECIAL_UNK = 2,
    LLMCS_SPECIAL_SEP = 3,
    LLMCS_SPECIAL_PAD = 4,
    LLMCS_SPECIAL_CLS = 5,
    LLMCS_SPECIAL_MASK = 6
} llmcs_special;

/* The id of a special token by its role; -1: the tokenizer has none. */
LLMCS_API int32_t llmcs_special_token(const llmcs_tokenizer *tokenizer, llmcs_special role);

/* ------------------------------------------------------------------------------- session (decoder models) */

/* One conversation: the tokens so far with their keys and values. Needs LLMCS_HEAD_CAUSAL_LM. */
typedef struct llmcs_session llmcs_session;

typedef struct llmcs_session_options {
    size_t struct_size;
    int32_t n_ctx; /* most tokens this session will hold; 0: the model's n_ctx. Memory is taken at create */
} llmcs_session_options;

LLMCS_API void llmcs_session_options_init(llmcs_session_options *options);

/* options: NULL for the defaults. Errors: ARG NOMEM LIMIT STATE (not a decoder) FORK. */
LLMCS_API llmcs_status llmcs_session_create(llmcs_model *model, const llmcs_session_options *options,
                                            llmcs_session **session);

/* Frees and sets to NULL. A session that is in a call on another thread is freed when that call ends: *session
 * is NULL all the same, and the call is cancelled. */
LLMCS_API void llmcs_session_free(llmcs_session **session);

typedef enum llmcs_want_logits { LLMCS_LOGITS_NONE = 0, LLMCS_LOGITS_LAST = 1, LLMCS_LOGITS_ALL = 2 } llmcs_want_logits;

/* Appends n_ids tokens and evaluates them. Feeding a prompt at once, in pieces or one by one gives the same
 * bits. On failure the session is as before the call.
 * Errors: ARG NOMEM CONTEXT_FULL TOKEN_RANGE NUMERIC CANCELLED BUSY FORK. */
LLMCS_API llmcs_status llmcs_session_eval(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                          llmcs_want_logits want);

/* Logits of the last eval: *logits is [*n_rows, vocab_size], rows for the last token or for all of them;
 * valid until the next call with this session. Errors: ARG BUSY STATE (none were asked for). */
LLMCS_API llmcs_status llmcs_session_logits(llmcs_session *session, const float **logits, size_t *n_rows);

/* Tokens held, and where `ids` is not NULL the first min(capacity, *n_tokens) of them. Errors: ARG BUSY. */
LLMCS_API llmcs_status llmcs_session_tokens(llmcs_session *session, int32_t *ids, size_t capacity, size_t *n_tokens);

/* Forgets all but the first n_tokens. Errors: ARG (more than it holds) BUSY. */
LLMCS_API llmcs_status llmcs_session_rewind(llmcs_session *session, size_t n_tokens);

/* A second session that goes on from here on its own, with the same n_ctx. Errors: ARG NOMEM BUSY FORK. */
LLMCS_API llmcs_status llmcs_session_fork(llmcs_session *session, llmcs_session **copy);

/* The session as bytes, to be kept in a file or a database and gone on from later: its tokens with their keys and
 * values, and the logits of the last token if there are any (of LLMCS_LOGITS_ALL the last row). These are
 *     72 + n_tokens * (4 + 2 * n_layer * n_embd * B) bytes,  B = 4 for LLMCS_KV_F32, 2 for LLMCS_KV_F16,
 * and 4 * vocab_size more with logits: GPT-2 124M takes 36 KiB a token as float16, and 196 KiB of logits. The same
 * state gives the same bytes. bytes: `capacity` bytes, or NULL to ask for *n_bytes. Takes no memory; a model's first
 * call takes some milliseconds more, for its fingerprint (GPT-2 124M: about 12). The bytes hold what the conversation
 * says: keep them as you would keep its text.
 * Errors: ARG LIMIT (buffer too small: *n_bytes says what is needed) BUSY FORK STATE (the session was freed)
 * UNSUPPORTED (a big-endian machine). */
LLMCS_API llmcs_status llmcs_session_save(llmcs_session *session, void *bytes, size_t capacity, size_t *n_bytes);

/* The session, whatever it held, becomes the one that was saved, and goes on with the bits that one would have gone on
 * with: llmcs_session_rewind and a longer prompt that begins with its text work as they would there. On failure the
 * session is as before the call.
 *
 * The bytes belong to one model, weights kept as one type, and one kv_type: a fingerprint over sizes and weights tells
 * (norms, biases and positions in whole, of every row of a matrix some weights). It is the same on every processor and
 * for any number of threads; keys and values that another processor's kernels computed are taken, only their last bits
 * may be others than this one's. The session may have been created with another n_ctx, if the tokens fit.
 *
 * Bytes from anywhere may be given: magic, version, lengths, checksum (XXH64), token ids and logits are checked before
 * anything changes. The checksum finds damage, and does not prove who wrote the bytes: whoever can write them can make
 * a conversation say what he likes. Takes no memory.
 * Errors: ARG FORMAT (not such bytes, or damaged: the message has offset, found, expected) STATE (of another model or
 * kv_type; or the session was freed) CONTEXT_FULL (more tokens than the session's n_ctx) BUSY FORK UNSUPPORTED (a
 * big-endian machine). */
LLMCS_API llmcs_status llmcs_session_restore(llmcs_session *session, const void *bytes, size_t n_bytes);

/* From any thread or signal handler: the running call, or if none runs the next one, ends with
 * LLMCS_CANCELLED (generation: with the text so far and LLMCS_FINISH_CANCELLED) within one layer of the model. */
LLMCS_API void llmcs_session_cancel(llmcs_session *session);

/* -------------------------------------------------------------------------------------------- generation */

typedef enum llmcs_early_stopping {
    LLMCS_EARLY_STOPPING_FALSE = 0,
    LLMCS_EARLY_STOPPING_TRUE = 1,
    LLMCS_EARLY_STOPPING_NEVER = 2
} llmcs_early_stopping;

typedef struct llmcs_ids {
    const int32_t *ids;
    size_t n_ids;
} llmcs_ids;

typedef struct llmcs_logit_bias {
    int32_t id;
    float bias; /* added to the logit; -INFINITY forbids the token */
} llmcs_logit_bias;

/* Parameters of Transformers' generate, by the same names and with the same meaning. Arrays belong to the
 * caller and are read during the call only. Defaults in brackets are what llmcs_generate_params_init sets. */
typedef struct llmcs_generate_params {
    size_t struct_size;
    int32_t max_new_tokens;       /* [128] at least 1; fewer fit if the context ends first */
    int32_t min_new_tokens;       /* [0] no EOS before that many */
    int32_t do_sample;            /* [0] 0: greedy or beam search; 1: draw */
    float temperature;            /* [1] > 0; 0 means greedy */
    int32_t top_k;                /* [50] 0: off */
    float top_p;                  /* [1] 0..1; 1: off; 0 keeps one token */
    float min_p;                  /* [0] 0..1; 0: off */
    float repetition_penalty;     /* [1] > 0; over prompt and new tokens (Keskar et al. 2019, CTRL) */
    float presence_penalty;       /* [0] subtracted once from the logit of every new token so far */
    float frequency_penalty;      /* [0] subtracted as often as the token was generated */
    int32_t no_repeat_ngram_size; /* [0] 0: off; over prompt and new tokens */
    int32_t num_beams;            /* [1] at most 4096 */
    int32_t num_return_sequences; /* [1] at most num_beams unless do_sample with num_beams = 1 */
    llmcs_early_stopping early_stopping;
    float length_penalty;           /* [1] beam scores are divided by (new tokens) ** length_penalty */
    uint64_t seed;                  /* [0] same seed, same text, on any number of threads */
    const int32_t *eos_token_id;    /* [NULL] the model's own; else n_eos_token_id ids */
    size_t n_eos_token_id;          /* with eos_token_id not NULL; 0: no EOS at all */
    const llmcs_ids *bad_words_ids; /* [NULL] sequences of tokens that must not appear */
    size_t n_bad_words_ids;
    const llmcs_logit_bias *logit_bias; /* [NULL] */
    size_t n_logit_bias;
    const char *const *stop_strings; /* [NULL] NUL-terminated; the text ends before the first of them */
    size_t n_stop_strings;
    int32_t logprobs;      /* [0] 1: fill llmcs_sequence.logprobs and score: a pass over the vocabulary a token */
    uint32_t encode_flags; /* [0] LLMCS_PARSE_SPECIAL, LLMCS_ADD_SPECIAL_TOKENS, for the prompt's text */
    double deadline_ms;    /* [0] stop after that many milliseconds with what there is; 0: no deadline */
    /* Prompt-lookup decoding: guess up to so many tokens by finding the last few earlier in the conversation, and
     * check the guesses in one pass. The text is the same as without, to the bit. Greedy or sampled, one sequence. */
    int32_t prompt_lookup_num_tokens; /* [0] 0: off; at most 64 */
    int32_t max_matching_ngram_size;  /* [2] the last so many tokens are looked for, or the last fewer; 1..16 */
    const int32_t *prompt_lookup_ids; /* [NULL] where to look besides prompt and answer: a FAQ, say */
    size_t n_prompt_lookup_ids;
} llmcs_generate_params;

LLMCS_API void llmcs_generate_params_init(llmcs_generate_params *params);

/* Defaults, then the numbers of the folder's generation_config.json where it has one (its EOS ids are the
 * model's own anyway). Set params->struct_size = sizeof *params first. Errors: ARG. */
LLMCS_API llmcs_status llmcs_generate_params_from_model(const llmcs_model *model, llmcs_generate_params *params);

typedef enum llmcs_finish_reason {
    LLMCS_FINISH_EOS = 0,      /* "stop": an EOS token */
    LLMCS_FINISH_LENGTH = 1,   /* "length": max_new_tokens, or the context is full */
    LLMCS_FINISH_STOP = 2,     /* "stop_string" */
    LLMCS_FINISH_CALLBACK = 3, /* "callback": your callback asked to stop */
    LLMCS_FINISH_CANCELLED = 4,
    LLMCS_FINISH_DEADLINE = 5
} llmcs_finish_reason;

/* "stop", "length", "stop_string", "callback", "cancelled", "deadline". */
LLMCS_API const char *llmcs_finish_reason_name(llmcs_finish_reason reason);

typedef struct llmcs_sequence {
    const int32_t *ids; /* new tokens, without EOS */
    size_t n_ids;
    const char *text; /* their text, special tokens left out, NUL-terminated; "" without a tokenizer */
    size_t text_bytes;
    llmcs_finish_reason finish_reason;
    float score;           /* beam search: Transformers' sequences_scores; else the sum of log-probabilities of
                              all new tokens, EOS included, and NaN unless they were asked for */
    const float *logprobs; /* [n_ids] log-probability of each token as the model gave it, before any
                              processing; NULL unless asked for */
} llmcs_sequence;

typedef struct llmcs_result {
    const llmcs_sequence
        *sequences; /* [n_sequences]; beam search: best first; sampling: in the order of their streams */
    size_t n_sequences;
    size_t n_prompt_tokens;
    size_t n_new_tokens; /* of all sequences, EOS included */
    double prompt_ms;
    double decode_ms;
    size_t n_cached_tokens;   /* of the prompt, that did not have to be worked */
    size_t n_guessed_tokens;  /* by prompt lookup */
    size_t n_accepted_tokens; /* of those, how many were right */
} llmcs_result;

LLMCS_API void llmcs_result_free(llmcs_result **result);

/* Called with each new piece of text: valid UTF-8, not NUL-terminated, together the sequence's text. Only with
 * one sequence and num_beams = 1. Return 0 to go on, anything else to stop. The session must not be used in it. */
typedef int (*llmcs_text_fn)(void *user, const char *text, size_t text_bytes);

/* The same with ids. EOS is not reported. */
typedef int (*llmcs_token_fn)(void *user, int32_t id);

/* Continues the prompt. The session first forgets what it held, except the longest common beginning of it and
 * the prompt, which is not worked again: to go on with a conversation pass its whole text. Afterwards the
 * session holds the prompt and the tokens of the first sequence as far as they were evaluated.
 * params: NULL for the model's (llmcs_generate_params_from_model). on_text: may be NULL.
 * Stopped by callback, cancel or deadline is no error: the best so far comes back with its reason.
 * Errors: ARG NOMEM CONTEXT_FULL (the prompt does not fit) TOKENIZER (no tokenizer) NUMERIC BUSY FORK
 * CANCELLED DEADLINE (before the first token). */
LLMCS_API llmcs_status llmcs_generate(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                      const llmcs_generate_params *params, llmcs_text_fn on_text, void *user,
                                      llmcs_result **result);

/* The same from token ids; at least one. Errors: as llmcs_generate, and TOKEN_RANGE. */
LLMCS_API llmcs_status llmcs_generate_ids(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                          const llmcs_generate_params *params, llmcs_token_fn on_token, void *user,
                                          llmcs_result **result);

/* The probabilities the next token would be drawn from, after every processor and filter of params:
 * probabilities is [vocab_size], 0 for tokens that were filtered out. The session must hold at least one token.
 * Errors: ARG NUMERIC BUSY STATE (no logits: evaluate with LLMCS_LOGITS_LAST first). */
LLMCS_API llmcs_status llmcs_next_distribution(llmcs_session *session, const llmcs_generate_params *params,
                                               float *probabilities);

/* ------------------------------------------------------------------------------ engine: many conversations */

/*
 * Many requests at once over one model. The engine works all of them in common steps: requests join and leave between
 * steps, long prompts are worked in chunks so that the others' streams go on, and prompts that begin alike (the shop's
 * own text, a FAQ, the conversation so far) are worked once. What a request gets is what it would get alone, to the
 * bit.
 *
 *     llmcs_engine *engine = NULL;
 *     llmcs_engine_create(model, NULL, &engine);
 *     llmcs_request *request = NULL;
 *     llmcs_engine_submit(engine, "Where is my parcel?", LLMCS_NUL, NULL, NULL, &request);
 *     llmcs_result *result = NULL;
 *     if (!llmcs_request_wait(request, -1, &result)) puts(result->sequences[0].text);
 *     llmcs_result_free(&result);
 *     llmcs_request_free(&request);
 *     llmcs_engine_free(&engine);
 *
 * Threads: every function of an engine may be called from any thread at any time; of one request, from one thread at a
 * time, except llmcs_request_cancel. Steps are made by one thread of the engine's, or with LLMCS_ENGINE_NO_THREAD by
 * whoever waits or calls llmcs_engine_step.
 */
typedef struct llmcs_engine llmcs_engine;
typedef struct llmcs_request llmcs_request;

/* Flags of llmcs_engine_options. */
#define LLMCS_ENGINE_NO_THREAD 0x1u       /* start no thread: the caller makes the steps */
#define LLMCS_ENGINE_NO_PREFIX_CACHE 0x2u /* share nothing between requests */

typedef struct llmcs_engine_options {
    size_t struct_size;
    uint64_t kv_bytes; /* [0] memory of keys and values, taken at create; 0: eight sequences of n_ctx */
    int32_t n_ctx;     /* [0] most tokens of one sequence, prompt and answer; 0: the model's */
    int32_t max_batch; /* [64] sequences that get a token in one step; 1..4096 */
    int32_t max_queue; /* [1024] requests that may wait; more get LLMCS_QUEUE_FULL */
    int32_t max_chunk; /* [256] most tokens of prompts in one step; 16..4096 */
    double step_ms;    /* [0] while streams are running, chunks of prompts are made as large as a step of that
                          length allows, judged by the steps before; 0: two and a quarter times as long as a step
                          without prompts; infinity: max_chunk always */
    uint32_t flags;    /* LLMCS_ENGINE_* */
} llmcs_engine_options;

LLMCS_API void llmcs_engine_options_init(llmcs_engine_options *options);

/* Takes all memory the steps will need; holds a reference to the model. options: NULL for the defaults.
 * Errors: ARG NOMEM LIMIT STATE (not a decoder) THREAD FORK. */
LLMCS_API llmcs_status llmcs_engine_create(llmcs_model *model, const llmcs_engine_options *options,
                                           llmcs_engine **engine);

/* Ends every request that is not finished, with LLMCS_FINISH_CANCELLED and what it has so far, or with LLMCS_CANCELLED
 * if that is nothing; their handles stay good until they are freed. Not from a callback. */
LLMCS_API void llmcs_engine_free(llmcs_engine **engine);

/* What one request wants beside its parameters. */
typedef struct llmcs_submit_options {
    size_t struct_size;
    int32_t priority;        /* [0] higher ones first; among equals the earlier one */
    llmcs_text_fn on_text;   /* [NULL] called with each piece of text by the thread that makes the steps, see
                                llmcs_generate; it holds up everyone's next step and must not wait for requests. Without
                                it use llmcs_request_read */
    llmcs_token_fn on_token; /* [NULL] the same with ids */
    void *user;              /* of both callbacks, and in llmcs_engine_event */
} llmcs_submit_options;

LLMCS_API void llmcs_submit_options_init(llmcs_submit_options *options);

/* Hands a request in and returns at once. params: as for llmcs_generate, copied; deadline_ms counts from here. All
 * memory of the request is taken here. Errors: ARG NOMEM CONTEXT_FULL (the prompt does not fit) TOKENIZER LIMIT (never
 * fits: kv_bytes or max_batch are too small for it) QUEUE_FULL FORK STATE (the engine is being freed). */
LLMCS_API llmcs_status llmcs_engine_submit(llmcs_engine *engine, const char *prompt, size_t prompt_bytes,
                                           const llmcs_generate_params *params, const llmcs_submit_options *options,
                                           llmcs_request **request);

/* The same from token ids; at least one. Errors: as llmcs_engine_submit, and TOKEN_RANGE. */
LLMCS_API llmcs_status llmcs_engine_submit_ids(llmcs_engine *engine, const int32_t *ids, size_t n_ids,
                                               const llmcs_generate_params *params, const llmcs_submit_options *options,
                                               llmcs_request **request);

/* From any thread or signal handler: the request ends with what it has so far, within one layer of the model. */
LLMCS_API void llmcs_request_cancel(llmcs_request *request);

/* Waits until the request is finished, timeout_ms at most (negative: as long as it takes; 0: only looks), and hands out
 * its result, each time a new one. Errors: PENDING (not finished yet), ARG NOMEM FORK, and what the request failed
 * with: NUMERIC, or CANCELLED or DEADLINE before its first token. */
LLMCS_API llmcs_status llmcs_request_wait(llmcs_request *request, double timeout_ms, llmcs_result **result);

/* The text that came since the last call, as much of it as `capacity` bytes hold: whole pieces of valid UTF-8 are cut
 * only at that bound. *n_bytes may be 0. *finished (may be NULL) is 1 when nothing more will come. Never waits. Only
 * with one sequence and num_beams = 1. Errors: ARG NOMEM FORK STATE (several sequences) TOKENIZER (no tokenizer). */
LLMCS_API llmcs_status llmcs_request_read(llmcs_request *request, char *text, size_t capacity, size_t *n_bytes,
                                          int *finished);

/* Cancels the request if it is not finished, and frees the handle. No callback of it is running when this returns (but
 * the one that this is called from), and none is called any more. */
LLMCS_API void llmcs_request_free(llmcs_request **request);

/* Something happened to a request: tokens came, or it finished. */
typedef struct llmcs_engine_event {
    llmcs_request *request;
    void *user;   /* llmcs_submit_options.user */
    int finished; /* nothing more will come */
} llmcs_engine_event;

/* For services with an event loop: a descriptor (Linux eventfd) that is readable while llmcs_engine_next has something
 * to tell. Do not read from it, only select, poll or epoll. It lives as long as the engine. Never fails. */
LLMCS_API int llmcs_engine_fd(const llmcs_engine *engine);

/* The next request to which something happened since it was last told of; each is told of once however much happened.
 * timeout_ms: as llmcs_request_wait. Errors: PENDING (nothing happened) ARG FORK. */
LLMCS_API llmcs_status llmcs_engine_next(llmcs_engine *engine, double timeout_ms, llmcs_engine_event *event);

/* Makes one step on this thread, with LLMCS_ENGINE_NO_THREAD: *worked is 0 if there was nothing to do. Errors: ARG FORK
 * STATE (the engine has a thread) BUSY (another thread is making a step). */
LLMCS_API llmcs_status llmcs_engine_step(llmcs_engine *engine, int *worked);

/* Times in steps of a fourth of an octave: counts[i] are those below 0.01 * 2^((i + 1) / 4) ms, and not below the one
 * before; the last holds all that are longer. */
#define LLMCS_HISTOGRAM_BUCKETS 104
typedef struct llmcs_histogram {
    uint64_t counts[LLMCS_HISTOGRAM_BUCKETS];
    uint64_t n;
    double sum_ms;
    double max_ms;
} llmcs_histogram;

/* The time that a share q of them (0.5: the median) does not exceed, as exactly as the buckets say; 0 without any. */
LLMCS_API double llmcs_histogram_quantile(const llmcs_histogram *histogram, double q);

/* What an engine did since it was made, and how it stands. */
typedef struct llmcs_engine_stats {
    size_t struct_size;
    uint64_t n_submitted, n_refused; /* requests taken in; turned away with QUEUE_FULL */
    uint64_t n_finished;             /* EOS, length, stop string, callback */
    uint64_t n_cancelled, n_deadline, n_failed;
    uint64_t n_waiting, n_running;    /* now */
    uint64_t n_steps;                 /* forward passes */
    uint64_t n_rows;                  /* tokens worked in them */
    uint64_t n_prompt_tokens;         /* of all requests that started */
    uint64_t n_cached_tokens;         /* of those, how many did not have to be worked */
    uint64_t n_new_tokens;            /* chosen */
    uint64_t n_guessed_tokens;        /* by prompt lookup */
    uint64_t n_accepted_tokens;       /* of those, how many were right */
    uint64_t n_preempted;             /* times a request had to give its memory back and wait */
    uint64_t n_evicted_blocks;        /* blocks of the prefix cache given up */
    uint64_t n_blocks, n_used_blocks; /* of kv_bytes; of those, taken by requests and prefix cache now */
    uint64_t n_cached_blocks;         /* in the prefix cache, for prompts to come and for requests that run */
    uint64_t step_ns;                 /* in steps: */
    uint64_t forward_ns, choose_ns;   /* of those, in the network, and choosing tokens (callbacks included) */
    llmcs_histogram waiting_ms;       /* from submit to the first step */
    llmcs_histogram first_token_ms;   /* from submit to the first token */
    llmcs_histogram per_token_ms;     /* from a token to the next one of its request */
} llmcs_engine_stats;

/* Set stats->struct_size = sizeof *stats first. Errors: ARG FORK. */
LLMCS_API llmcs_status llmcs_engine_get_stats(llmcs_engine *engine, llmcs_engine_stats *stats);

/* ---------------------------------------------------------------------------------------------- scoring */

typedef struct llmcs_score_result {
    double logprob;  /* natural log of the probability of the continuation after the prompt */
    size_t n_tokens; /* of the continuation */
} llmcs_score_result;

/* log p(continuation | prompt). The two texts are encoded apart. An empty prompt is the model's BOS token. The session
 * forgets what it held and is left holding the prompt.
 * Errors: ARG NOMEM CONTEXT_FULL TOKENIZER NUMERIC CANCELLED BUSY FORK. */
LLMCS_API llmcs_status llmcs_score(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                   const char *continuation, size_t continuation_bytes, llmcs_score_result *result);
LLMCS_API llmcs_status llmcs_score_ids(llmcs_session *session, const int32_t *prompt, size_t n_prompt,
                                       const int32_t *continuation, size_t n_continuation, llmcs_score_result *result);

/* Scores several continuations after one prompt, which is worked once. results: [n_candidates]. *best: the
 * highest log-probability, or with per_token != 0 the highest log-probability per token.
 * Errors: as llmcs_score. */
LLMCS_API llmcs_status llmcs_choose(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                    const char *const *candidates, size_t n_candidates, int per_token,
                                    llmcs_score_result *results, size_t *best);

/* ----------------------------------------------------------------------------------------------- encoders */

typedef struct llmcs_text {
    const char *text;
    size_t text_bytes; /* or LLMCS_NUL */
    const char *pair;  /* NULL: no pair */
    size_t pair_bytes;
} llmcs_text;

/* Where the encoder's outputs go; NULL for what is not wanted. */
typedef struct llmcs_encoder_outputs {
    size_t struct_size;
    float *hidden; /* [n_tokens of all texts, n_embd] last layer */
    float *pooled; /* [n_texts, n_embd] the pooler's output; LLMCS_STATE if the folder has no pooler */
    float *logits; /* classification: [n_texts, n_labels]; masked LM: [n_tokens of all texts, vocab_size] */
} llmcs_encoder_outputs;

/* Runs an encoder over n_texts texts of token ids, one after the other in `ids` without padding: lengths[i]
 * tokens for text i. type_ids: NULL for zeros. Threads that call at the same time share passes. Answers do not depend
 * on the neighbours, bit for bit. Errors: ARG NOMEM STATE (not an encoder, no such head) CONTEXT_FULL (a text longer
 * than n_ctx) TOKEN_RANGE FORK NUMERIC (NaN or infinity came out: broken weights). */
LLMCS_API llmcs_status llmcs_encoder_eval(llmcs_model *model, const int32_t *ids, const int32_t *type_ids,
                                          const size_t *lengths, size_t n_texts, const llmcs_encoder_outputs *outputs);

/* What becomes of a text that has more tokens than the model takes. */
typedef enum llmcs_overflow {
    LLMCS_OVERFLOW_ERROR = 0,    /* LLMCS_CONTEXT_FULL, naming the text and its tokens */
    LLMCS_OVERFLOW_TRUNCATE = 1, /* its end is left out; llmcs_text_info says so, without infos the log */
    LLMCS_OVERFLOW_WINDOWS = 2   /* all of it is read, in windows, whose outputs are pooled */
} llmcs_overflow;

/* How the windows of a text become one answer. A mean is weighted by the windows' tokens. */
typedef enum llmcs_window_pooling {
    LLMCS_WINDOW_AUTO = 0, /* classify: the mean of logits; embed: the mean of vectors; rerank: the highest score */
    LLMCS_WINDOW_MEAN = 1, /* rerank: the score of the mean of logits */
    LLMCS_WINDOW_MAX = 2   /* classify: each label's highest logit; not for embed */
} llmcs_window_pooling;

/* Names are those of Transformers' tokenizers. Windows are theirs, too (return_overflowing_tokens): each has the
 * special tokens, begins with the last `stride` tokens of the text in the window before, and the last one ends with the
 * text. Of a pair the text that `truncation` names is taken in windows (LONGEST_FIRST: the longer one), the other is
 * whole in each. Defaults in brackets. */
typedef struct llmcs_text_params {
    size_t struct_size;
    llmcs_overflow overflow;             /* [ERROR] */
    llmcs_truncation truncation;         /* [LONGEST_FIRST] which text of a pair is cut; not NONE */
    size_t max_length;                   /* [0] most tokens, special ones included; 0: as many as the model takes */
    size_t stride;                       /* [0] with WINDOWS: tokens that two neighbours have in common */
    llmcs_window_pooling window_pooling; /* [AUTO] with WINDOWS */
    uint32_t flags;                      /* [0] LLMCS_STRICT_UTF8 */
} llmcs_text_params;

LLMCS_API void llmcs_text_params_init(llmcs_text_params *params);

/* What was done with a text. */
typedef struct llmcs_text_info {
    size_t n_tokens;   /* of the whole text, special tokens included */
    size_t n_worked;   /* that the network saw: fewer if it was cut, more with windows (special and common tokens) */
    size_t n_windows;  /* 1, unless it was taken in windows */
    int32_t truncated; /* 1: its end was left out */
} llmcs_text_info;

/* Texts to class probabilities: scores is [n_texts, n_labels] (softmax; sigmoid where config.json's
 * problem_type is multi_label_classification or there is one label; the logits themselves for regression),
 * labels [n_texts] the best class of each; either may be NULL. params: NULL for the defaults. infos: [n_texts] or NULL.
 * Texts of any length and number are worked together without padding, and together with those of other threads that
 * call at the same time; an answer does not depend on its neighbours, bit for bit. For example, reviews of any length:
 *
 *     llmcs_text_params params;
 *     llmcs_text_params_init(&params);
 *     params.overflow = LLMCS_OVERFLOW_WINDOWS;
 *     params.stride = 64;
 *     llmcs_classify_with(model, texts, n_texts, &params, scores, labels, NULL);
 *
 * Errors: ARG NOMEM STATE TOKENIZER UTF8 CONTEXT_FULL (a text that is too long, with OVERFLOW_ERROR; a pair whose other
 * text leaves no room for windows) NUMERIC FORK. */
LLMCS_API llmcs_status llmcs_classify_with(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                                           const llmcs_text_params *params, float *scores, int32_t *labels,
                                           llmcs_text_info *infos);

/* The same with LLMCS_OVERFLOW_TRUNCATE: a text longer than the model's n_ctx is cut at its right end, and the model's
 * log, which any calling thread may come to call, says how many were.
 * Errors: ARG NOMEM STATE TOKENIZER NUMERIC FORK. */
LLMCS_API llmcs_status llmcs_classify(llmcs_model *model, const llmcs_text *texts, size_t n_texts, float *scores,
                                      int32_t *labels);

typedef enum llmcs_pooling {
    LLMCS_POOL_AUTO = 0, /* as modules.json says; mean where the folder says nothing */
    LLMCS_POOL_MEAN = 1,
    LLMCS_POOL_CLS = 2,   /* the first token */
    LLMCS_POOL_POOLER = 3 /* BERT's pooler output */
} llmcs_pooling;

typedef enum llmcs_normalize {
    LLMCS_NORMALIZE_AUTO = 0, /* as modules.json says; yes where the folder says nothing */
    LLMCS_NORMALIZE_NO = 1,
    LLMCS_NORMALIZE_L2 = 2
} llmcs_normalize;

/* Texts to vectors: [n_texts, n_embedding]. As many tokens as the model takes are sentence-transformers'
 * max_seq_length, where the folder names one. Vectors of windows are pooled before they are normalised. Errors: as
 * llmcs_classify_with. */
LLMCS_API llmcs_status llmcs_embed_with(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                                        llmcs_pooling pooling, llmcs_normalize normalize,
                                        const llmcs_text_params *params, float *vectors, llmcs_text_info *infos);

/* The same; longer texts are cut as llmcs_classify cuts them. Errors: as llmcs_classify. */
LLMCS_API llmcs_status llmcs_embed(llmcs_model *model, const llmcs_text *texts, size_t n_texts, llmcs_pooling pooling,
                                   llmcs_normalize normalize, float *vectors);

/* Cross-encoder: how well each document answers the query: scores [n_docs], the logit of a model with one
 * label, the probability of the last label otherwise. Query and document are a pair. infos: [n_docs] or NULL.
 * Errors: as llmcs_classify_with. */
LLMCS_API llmcs_status llmcs_rerank_with(llmcs_model *model, const char *query, size_t query_bytes,
                                         const llmcs_text *docs, size_t n_docs, const llmcs_text_params *params,
                                         float *scores, llmcs_text_info *infos);

/* The same; the longer of the two is cut as llmcs_classify cuts it. Errors: as llmcs_classify. */
LLMCS_API llmcs_status llmcs_rerank(llmcs_model *model, const char *query, size_t query_bytes, const llmcs_text *docs,
                                    size_t n_docs, float *scores);

typedef struct llmcs_mask_token {
    size_t position; /* which token of the encoded text is the mask */
    int32_t id;
    float probability;
} llmcs_mask_token;

/* The top_k most probable tokens for every mask token ("[MASK]", "<mask>") in the text. Special tokens written in
 * this text are tokens, as the mask has to be: do not put a user's text around it unlooked at. tokens holds
 * `capacity` elements, top_k for each mask, best first; NULL to ask for *n_tokens.
 * Errors: ARG (no mask in the text) NOMEM STATE TOKENIZER CONTEXT_FULL LIMIT FORK. */
LLMCS_API llmcs_status llmcs_fill_mask(llmcs_model *model, const char *text, size_t text_bytes, size_t top_k,
                                       llmcs_mask_token *tokens, size_t capacity, size_t *n_tokens);

/* -------------------------------------------------------------------------------------------------- plan */

typedef struct llmcs_plan_info {
    size_t struct_size;
    uint64_t model_bytes;   /* memory of llmcs_model_open when it is done */
    uint64_t peak_bytes;    /* the most it takes on the way */
    uint64_t session_bytes; /* memory of one session; 0 for encoders */
} llmcs_plan_info;

/* How much memory a folder or GGUF file will take, from its headers alone, before anything is taken. Set
 * plan->struct_size = sizeof *plan first. Errors: as llmcs_model_open. */
LLMCS_API llmcs_status llmcs_plan(const char *path, const llmcs_model_options *model_options,
                                  const llmcs_session_options *session_options, llmcs_plan_info *plan);

/* How many conversations an engine will hold, before anything is taken. */
typedef struct llmcs_engine_plan_info {
    size_t struct_size;
    uint64_t engine_bytes;    /* memory of llmcs_engine_create, keys and values included */
    uint64_t kv_block_tokens; /* keys and values are kept in blocks of so many tokens */
    uint64_t kv_block_bytes;  /* of one block */
    uint64_t n_blocks;        /* that kv_bytes hold */
    uint64_t n_conversations; /* of n_tokens tokens each, prompt and answer, that fit at once with nothing in common */
} llmcs_engine_plan_info;

/* For a folder or GGUF file that need not be open. Set plan->struct_size = sizeof *plan first. Errors: as llmcs_plan,
 * and STATE (not a decoder). */
LLMCS_API llmcs_status llmcs_engine_plan(const char *path, const llmcs_model_options *model_options,
                                         const llmcs_engine_options *engine_options, size_t n_tokens,
                                         llmcs_engine_plan_info *plan);

/* -------------------------------------------------------------------------------------------------- GGUF */

/* How a GGUF file holds the matrices of the layers and of the vocabulary. Norms, biases, position tables, token types,
 * poolers, classifiers and the inner part of a masked-LM head are float32 always. */
typedef enum llmcs_gguf_type {
    LLMCS_GGUF_Q8_0 = 0, /* blocks of 32 weights: a float16 scale and 8 bits each */
    LLMCS_GGUF_Q4_0 = 1, /* blocks of 32 weights: a float16 scale and 4 bits each */
    LLMCS_GGUF_F16 = 2,
    LLMCS_GGUF_BF16 = 3,
    LLMCS_GGUF_F32 = 4
} llmcs_gguf_type;

typedef struct llmcs_quantize_params {
    size_t struct_size;
    llmcs_gguf_type type;
    const llmcs_allocator *allocator; /* NULL: malloc */
    llmcs_log_fn log;
    void *log_user;
    llmcs_progress_fn progress;
    void *progress_user;
} llmcs_quantize_params;

LLMCS_API void llmcs_quantize_params_init(llmcs_quantize_params *params);

/* Writes the model of a Hugging Face folder as one GGUF file, which llmcs_model_open opens like the folder: weights,
 * tokenizer, heads, labels, generation_config.json, pooling. llama.cpp opens the file, too, if the network is one that
 * it runs: GPT-2 and BERT-like encoders with GELU, classifiers included. A masked-LM head, another activation or
 * unscaled attention is for this library alone, which the log says. With Q8_0 and Q4_0, matrices whose rows are no
 * multiple of 32 are float16. The file takes its name when it is whole and on the disk; until then, and on failure,
 * what stood there before stays. Memory: about the largest matrix as float32. params: NULL for the defaults (Q8_0).
 * Errors: as llmcs_model_open, NOSPACE, IO (the target is no regular file or cannot be written), NUMERIC (a weight that
 * is not finite, or too large for float16). */
LLMCS_API llmcs_status llmcs_quantize(const char *folder, const char *out_path, const llmcs_quantize_params *params);

#ifdef __cplusplus
}
#endif
#endif
