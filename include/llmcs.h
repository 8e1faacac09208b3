/*
 * llmcs.h - the public interface of libllmcs.
 *
 * libllmcs runs decoders (GPT-2, Llama, Qwen, Gemma) and encoders (BERT and its relatives), as downloaded from Hugging
 * Face, inside your own process:
 *
 *     llmcs_model *model = NULL;
 *     llmcs_session *session = NULL;
 *     llmcs_result *result = NULL;
 *     llmcs_generate_params params;
 *     if (llmcs_model_open("gpt2", NULL, &model)) { fputs(llmcs_error_message(), stderr); return 1; }
 *     llmcs_session_create(model, NULL, &session);
 *     llmcs_generate_params_init(&params, model);
 *     params.max_new_tokens = 40;
 *     if (!llmcs_generate(session, "Hello, I am", LLMCS_NUL, &params, NULL, NULL, &result))
 *         puts(result->sequences[0]->text);
 *     llmcs_result_free(&result);
 *     llmcs_session_free(&session);
 *     llmcs_model_free(&model);
 *
 * Contents, in the order most programs need it: status; memory, log, progress; cancellation, deadlines; model;
 * classify, embed, rerank, tag, answer spans and fill-mask; sessions; generate; encoders by token ids; memory plan.
 * Included at the end: llmcs_tokenizer.h: text to token ids and back, llmcs_chat.h: chat templates, llmcs_grammar.h:
 * answers of a given form, llmcs_session.h: sessions by token ids, the probability of texts, llmcs_engine.h: many
 * conversations at once, llmcs_index.h: the nearest vectors, llmcs_quantize.h: a folder as one GGUF file, and
 * llmcs_adapter.h: LoRA adapters.
 *
 * Rules that hold everywhere
 *
 * - Errors. A function that can fail returns llmcs_status. A failed call returns nothing, frees what it allocated and
 *   leaves every other handle unchanged; llmcs_error_message() names file, key or tensor, offset, found and expected.
 *   The library never prints, aborts, exits, raises a signal or installs a handler.
 * - Text is UTF-8 with a length in bytes; LLMCS_NUL as length means "up to the NUL byte". Bytes that are not UTF-8 are
 *   read as U+FFFD, one for each maximal ill-formed part (Unicode, chapter 3), unless LLMCS_STRICT_UTF8 is set. NUL
 *   bytes inside a text are text. Text never becomes a control token unless LLMCS_PARSE_SPECIAL is set.
 * - Output buffers. A function that fills a buffer reports the size it needs when the buffer is NULL. A buffer that is
 *   too small returns LLMCS_BUFFER and the size needed; nothing is written past its end.
 * - Ownership. Each object is freed by the *_free function of its family, which takes the address of your variable,
 *   sets it to NULL and accepts NULL. Strings returned as const char * belong to the object they came from.
 * - Threads. Models, tokenizers and engines may be used by any number of threads at once. A session runs one call at a
 *   time: a second concurrent call returns LLMCS_BUSY; only llmcs_session_cancel may run concurrently. After fork() a
 *   child that uses a model of its parent gets LLMCS_FORK; it may free it or open its own.
 * - Callbacks (llmcs_*_fn, allocators) must return normally: no C++ exception and no longjmp may leave them. If an
 *   exception leaves llmcs_generate, the session stays usable; after a longjmp it stays LLMCS_BUSY. Memory may leak.
 * - The caller's rounding mode, exception masks, locale and signal handlers neither change a result nor are changed. A
 *   thread that is cancelled (pthread_cancel) inside a call is cancelled after the call.
 * - Structs that may grow start with struct_size, the size your program was compiled with: *_init fills it, or you set
 *   it where a comment says so. Such structs only grow at their end, so a program built with an older header keeps
 *   working. Structs without struct_size are frozen and never grow.
 * - Parameters have the names and meanings of Hugging Face Transformers. Defaults are given in [brackets].
 * - The library stays loaded after dlclose(): its threads may still run.
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
#define LLMCS_VERSION_MINOR 10
#define LLMCS_VERSION_PATCH 0

/* As a length: the text ends at its NUL byte. */
#define LLMCS_NUL ((size_t)-1)

/* Version of the library that runs, "0.10.0". Never fails. */
LLMCS_API const char *llmcs_version(void);

/* ------------------------------------------------------------------------------------------------ status */
typedef enum llmcs_status {
    LLMCS_OK = 0,
    /* Try again, or later. */
    LLMCS_BUSY = 17,       /* the session is running another call */
    LLMCS_QUEUE_FULL = 23, /* the engine already has max_queue requests waiting */
    LLMCS_PENDING = 24,    /* not finished within the timeout */
    LLMCS_BUFFER = 25,     /* the buffer is too small; the output says how much is needed */
    LLMCS_CANCELLED = 16,  /* cancelled by the caller */
    LLMCS_DEADLINE = 21,   /* the deadline passed before there was a result */
    /* Change the call. */
    LLMCS_ARG = 1,           /* an argument is NULL or out of range */
    LLMCS_STATE = 18,        /* the handle was freed, or the object is not ready for this call */
    LLMCS_NO_HEAD = 26,      /* the model lacks the head for this task, see llmcs_model_info.heads */
    LLMCS_UTF8 = 14,         /* LLMCS_STRICT_UTF8 is set and the text is not UTF-8 */
    LLMCS_TOKEN_RANGE = 13,  /* a token id is outside the vocabulary; nothing was evaluated */
    LLMCS_CONTEXT_FULL = 12, /* more tokens than n_ctx; nothing was evaluated */
    LLMCS_LIMIT = 9,         /* above a documented bound, or would never fit */
    LLMCS_TEMPLATE = 27,     /* a chat template refuses the conversation, or fails: the message says where and why */
    /* Look at the files. */
    LLMCS_IO = 3,          /* a file could not be opened, read or written */
    LLMCS_FORMAT = 4,      /* a file violates its format */
    LLMCS_JSON = 5,        /* not JSON (RFC 8259) */
    LLMCS_CONFIG = 6,      /* config.json is invalid or does not fit the tensors */
    LLMCS_TOKENIZER = 7,   /* tokenizer files are invalid, missing, or do not fit the model */
    LLMCS_UNSUPPORTED = 8, /* valid, but not supported by this library */
    LLMCS_CHANGED = 10,    /* a file changed while it was read */
    LLMCS_NUMERIC = 15,    /* NaN or infinity where a finite number is needed, or no token left to sample */
    /* Look at the machine. */
    LLMCS_NOMEM = 2,    /* the allocator returned NULL */
    LLMCS_NOSPACE = 11, /* the disk is full */
    LLMCS_THREAD = 19,  /* a thread or lock could not be created */
    LLMCS_FORK = 20,    /* the object belongs to the parent process */
    LLMCS_INTERNAL = 22 /* a bug in this library; please report it */
} llmcs_status;

/* "OK", "ARG", "NOMEM", ...; "UNKNOWN" for other numbers. Never fails. */
LLMCS_API const char *llmcs_status_name(llmcs_status status);

/* Message of this thread's last failed call: at most 255 bytes of UTF-8, control characters escaped; "" if no call has
 * failed. Valid until this thread's next failing call. Never fails. */
LLMCS_API const char *llmcs_error_message(void);

/* Sets that message, for libraries that are built on this one: escaped, cut at 255 bytes. Returns `status`. */
LLMCS_API llmcs_status llmcs_set_error(llmcs_status status, const char *message);

/* --------------------------------------------------------------------------------- memory, log, progress */
/* Where memory comes from. alloc returns memory aligned to `alignment` (a power of two, at most 64), or NULL. Both
 * functions are called from any thread. A NULL struct stands for the C library's malloc. */
typedef struct llmcs_allocator {
    void *(*alloc)(void *user, size_t size_bytes, size_t alignment);
    void (*free)(void *user, void *memory);
    void *user;
} llmcs_allocator;

typedef enum llmcs_log_level { LLMCS_LOG_DEBUG = 0, LLMCS_LOG_INFO = 1, LLMCS_LOG_WARN = 2 } llmcs_log_level;

/* Receives notices that are not errors. WARN: a setting of the folder that Transformers applies and this library does
 * not. `message` is NUL-terminated and valid during the call. Without a callback nothing is reported. */
typedef void (*llmcs_log_fn)(void *user, llmcs_log_level level, const char *message);

/* Called repeatedly during a long call with the fraction done, 0 to 1. Return 0 to continue; any other value stops the
 * call with LLMCS_CANCELLED. */
typedef int (*llmcs_progress_fn)(void *user, float done);

/* --------------------------------------------------------------------------------- cancellation, deadlines */
/* A call that computes reads two limits, from its parameters or, in the functions *_within, from llmcs_call_limits:
 *
 * - `cancel` points to an int32_t of yours. Once it is not 0, the call ends with LLMCS_CANCELLED. A session stops
 *   within one layer of the model; an encoder stops before its next forward pass, because other calls share the running
 *   one. If it is set before the call, nothing is evaluated. A generation that has tokens returns them with
 *   LLMCS_FINISH_CANCELLED. The flag must outlive the calls that read it, and the library never resets it. Store it
 *   atomically, from any thread or signal handler; the library reads it with acquire order.
 * - `deadline_ms` counts milliseconds from the start of the call. After it the call ends in the same way, with
 *   LLMCS_DEADLINE.
 *
 * Ctrl-C ends this generation and no later one:
 *
 *     static int32_t interrupted;
 *     static void on_interrupt(int number) {
 *         (void)number;
 *         __atomic_store_n(&interrupted, 1, __ATOMIC_RELEASE);
 *     }
 *
 *     llmcs_status answer(llmcs_session *session, const char *prompt, llmcs_generate_params *params,
 *                         llmcs_result **result) {
 *         __atomic_store_n(&interrupted, 0, __ATOMIC_RELEASE);
 *         params->cancel = &interrupted;
 *         signal(SIGINT, on_interrupt);
 *         return llmcs_generate(session, prompt, LLMCS_NUL, params, NULL, NULL, result);
 *     }
 */
typedef struct llmcs_call_limits {
    size_t struct_size;    /* set to sizeof(llmcs_call_limits), and the rest to 0 first */
    double deadline_ms;    /* 0: none */
    const int32_t *cancel; /* NULL: none */
} llmcs_call_limits;

/* ------------------------------------------------------------------------------------------------- model */
typedef struct llmcs_model llmcs_model;
typedef struct llmcs_tokenizer llmcs_tokenizer;

typedef enum llmcs_load_mode {
    LLMCS_LOAD_COPY = 0, /* read the file; later changes to it do not affect the model */
    LLMCS_LOAD_MMAP = 1  /* map the file while opening; it must not be truncated during llmcs_model_open */
} llmcs_load_mode;

typedef enum llmcs_backend {
    LLMCS_BACKEND_AUTO = 0,    /* the native kernels */
    LLMCS_BACKEND_NATIVE = 1,  /* the native kernels: results do not depend on how a prompt is split or batched */
    LLMCS_BACKEND_OPENBLAS = 2 /* OpenBLAS for float32 products of many rows; bits may depend on the number of rows */
} llmcs_backend;

/* How weights are stored in memory. Layer norms, biases, position tables and small heads are always float32. */
typedef enum llmcs_weights {
    LLMCS_WEIGHTS_AUTO = 0, /* as in the file: float32, float16, bfloat16; GGUF's Q8_0 as INT8, Q4_0 as INT4 */
    LLMCS_WEIGHTS_F32 = 1,  /* 4 bytes per weight */
    LLMCS_WEIGHTS_F16 = 2,  /* 2 bytes; float16 files give the same bits as F32, others are rounded */
    LLMCS_WEIGHTS_BF16 = 3, /* 2 bytes; bfloat16 files give the same bits as F32, others are rounded */
    LLMCS_WEIGHTS_INT8 = 4, /* 1 byte; one scale per output, activations quantized to 8 bits per row */
    LLMCS_WEIGHTS_INT4 = 5  /* half a byte and one scale per 32 weights; activations as for INT8 */
} llmcs_weights;

/* How keys and values of past tokens are stored. An LSTM's states are float32: F16 is refused (UNSUPPORTED). */
typedef enum llmcs_kv_type {
    LLMCS_KV_AUTO = 0, /* F16 with INT8 and INT4 weights, else F32 */
    LLMCS_KV_F32 = 1,
    LLMCS_KV_F16 = 2 /* half the memory, and half the reads at long contexts */
} llmcs_kv_type;

/* Flags of llmcs_model_options. */
#define LLMCS_LOAD_CHECK_FINITE 0x1u /* refuse weights with NaN or infinity, naming tensor and index */

typedef struct llmcs_model_options {
    size_t struct_size;
    int32_t n_threads; /* [0] 1 to 512; 0: as many as affinity and cgroup quota allow; 1: no thread is started */
    llmcs_load_mode load_mode;
    llmcs_backend backend;
    uint32_t flags;
    uint64_t max_bytes;               /* [0] LLMCS_LIMIT for a model that needs more; 0: no bound */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied; used by everything made from this model */
    llmcs_log_fn log;                 /* [NULL] */
    void *log_user;
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
    llmcs_weights weights;
    llmcs_kv_type kv_type;
    /* [NULL] LoRA adapters: folders that PEFT saved, see llmcs_adapter.h. Applied one after the other, in float32,
     * before weights are converted to `weights`. The fingerprint differs from that of the model without them. */
    const char *const *adapters;
    size_t n_adapters; /* [0] */
} llmcs_model_options;

LLMCS_API void llmcs_model_options_init_sized(llmcs_model_options *options, size_t struct_size);
#define llmcs_model_options_init(options) llmcs_model_options_init_sized((options), sizeof *(options))

/* Opens a Hugging Face folder: config.json; model.safetensors, or its shards with model.safetensors.index.json; where
 * present tokenizer.json or the older vocabulary files, tokenizer_config.json, generation_config.json, and
 * sentence-transformers' modules.json. Or one GGUF file, as written by llmcs_quantize or, of GPT-2, BERT, Llama,
 * SmolLM3, Qwen 2 and 3 and Gemma 3, by llama.cpp's converter. Without tokenizer files, or with a tokenizer that is not
 * supported, it opens for token ids only. A decoder in a sentence-transformers folder (Qwen3-Embedding) gives vectors
 * and does not generate. All validation, packing and allocation happen here. Settings that change results and are not
 * supported are refused or logged. options: NULL for the defaults. The model has one reference; sessions and engines
 * hold their own. Errors: ARG NOMEM IO FORMAT JSON CONFIG TOKENIZER UNSUPPORTED LIMIT CHANGED THREAD CANCELLED. */
LLMCS_API llmcs_status llmcs_model_open(const char *path, const llmcs_model_options *options, llmcs_model **model);

/* Drops a reference and sets *model to NULL. The last reference frees the model. */
LLMCS_API void llmcs_model_free(llmcs_model **model);

/* What a model can do. */
#define LLMCS_HEAD_CAUSAL_LM 0x1u             /* llmcs_generate, llmcs_score, llmcs_session_eval */
#define LLMCS_HEAD_CLASSIFICATION 0x2u        /* llmcs_classify, llmcs_zero_shot, llmcs_rerank */
#define LLMCS_HEAD_MASKED_LM 0x4u             /* llmcs_fill_mask */
#define LLMCS_HEAD_EMBEDDING 0x8u             /* llmcs_embed: encoders, and decoders in sentence-transformers folders */
#define LLMCS_HEAD_POOLER 0x10u               /* llmcs_encoder_outputs.pooled, LLMCS_POOL_POOLER */
#define LLMCS_HEAD_TOKEN_CLASSIFICATION 0x20u /* llmcs_tag */
#define LLMCS_HEAD_QUESTION_ANSWERING 0x40u   /* llmcs_answer_span */
#define LLMCS_HEAD_SEQ2SEQ_LM 0x80u           /* with LLMCS_HEAD_CAUSAL_LM: an encoder-decoder (BART, Marian, T5) */

typedef struct llmcs_model_info {
    size_t struct_size;
    const char *model_type;   /* as in config.json: "gpt2", "bert", "qwen3", ... */
    const char *architecture; /* config.json's first architecture, or "" */
    uint32_t heads;           /* LLMCS_HEAD_* */
    int32_t vocab_size;
    int32_t n_ctx; /* most tokens in one sequence */
    int32_t n_embd;
    int32_t n_layer;
    int32_t n_head;
    int32_t n_inner;
    int32_t n_labels;       /* classes of sequences or tokens; 0 for other heads */
    int32_t n_embedding;    /* floats in one vector of llmcs_embed; 0 without LLMCS_HEAD_EMBEDDING */
    int32_t bos_token_id;   /* -1: none */
    int32_t eos_token_id;   /* the first one; -1: none */
    int32_t pad_token_id;   /* -1: none */
    int32_t n_threads;      /* threads in use, the caller's included */
    const char *cpu;        /* kernel set in use: "scalar", "avx2", "neon", ... */
    const char *backend;    /* "native" or "openblas" */
    uint64_t n_parameters;  /* elements of all tensors in use */
    uint64_t weights_bytes; /* memory held by weights */
    const char *weights;    /* how most weights are stored: "f32", "f16", "bf16", "int8" or "int4" */
    const char *kv_type;    /* "f32" or "f16" */
    const char *similarity; /* how a sentence-transformers folder's vectors compare: "cosine", "dot", "euclidean",
                               "manhattan"; "" for other folders */
} llmcs_model_info;

/* Fills *info. Set info->struct_size = sizeof *info first. Errors: ARG STATE FORK. */
LLMCS_API llmcs_status llmcs_model_get_info(const llmcs_model *model, llmcs_model_info *info);

/* Name of class `label` from the folder's id2label ("LABEL_0", ... where it names none); NULL outside 0..n_labels-1. */
LLMCS_API const char *llmcs_model_label(const llmcs_model *model, int32_t label);

/* Prompts of a sentence-transformers folder (config_sentence_transformers.json). llmcs_model_prompt_name: the name of
 * prompt 0, 1, ...; NULL past the last one. llmcs_model_prompt_text: the text of a prompt by its name; NULL if the
 * folder has none of that name. Both strings belong to the model. */
LLMCS_API const char *llmcs_model_prompt_name(const llmcs_model *model, int32_t prompt);
LLMCS_API const char *llmcs_model_prompt_text(const llmcs_model *model, const char *name);

/* The folder's tokenizer, or NULL where it has none. Belongs to the model. */
LLMCS_API const llmcs_tokenizer *llmcs_model_tokenizer(const llmcs_model *model);

/* ------------------------------------------------ encoders: classify, embed, rerank, tag, answer spans, fill-mask */
/* One input text, or a pair of texts. Frozen. */
typedef struct llmcs_text {
    const char *text;
    size_t text_bytes; /* or LLMCS_NUL */
    const char *pair;  /* NULL: no pair */
    size_t pair_bytes;
} llmcs_text;

/* What happens to a text with more tokens than max_length. */
typedef enum llmcs_overflow {
    LLMCS_OVERFLOW_ERROR = 0,    /* LLMCS_CONTEXT_FULL, naming the text and its tokens */
    LLMCS_OVERFLOW_TRUNCATE = 1, /* its end is cut off; llmcs_text_info reports it, or without infos the model's log */
    LLMCS_OVERFLOW_WINDOWS = 2   /* all of it is read, in overlapping windows whose outputs are pooled */
} llmcs_overflow;

/* Which text of a pair is truncated. */
typedef enum llmcs_truncation {
    LLMCS_TRUNCATE_NONE = 0,
    LLMCS_TRUNCATE_LONGEST_FIRST = 1,
    LLMCS_TRUNCATE_ONLY_FIRST = 2,
    LLMCS_TRUNCATE_ONLY_SECOND = 3
} llmcs_truncation;

/* How the windows of one text become one answer. Means are weighted by the windows' tokens. */
typedef enum llmcs_window_pooling {
    LLMCS_WINDOW_AUTO = 0, /* classify: mean of logits; embed: mean of vectors; rerank: highest score */
    LLMCS_WINDOW_MEAN = 1, /* rerank: score of the mean of logits */
    LLMCS_WINDOW_MAX = 2   /* classify: highest logit per label; not for embed */
} llmcs_window_pooling;

typedef enum llmcs_pooling {
    LLMCS_POOL_AUTO = 0, /* as modules.json says; mean if the folder says nothing */
    LLMCS_POOL_MEAN = 1,
    LLMCS_POOL_CLS = 2,           /* the first token */
    LLMCS_POOL_POOLER = 3,        /* BERT's pooler output */
    LLMCS_POOL_MAX = 4,           /* the maximum of each dimension over the tokens */
    LLMCS_POOL_MEAN_SQRT_LEN = 5, /* the sum over the tokens divided by the square root of their number */
    LLMCS_POOL_WEIGHTED_MEAN = 6, /* the mean with weights 1, 2, 3, ... by position */
    LLMCS_POOL_LAST_TOKEN = 7     /* the last token, special ones included */
} llmcs_pooling;

typedef enum llmcs_normalize {
    LLMCS_NORMALIZE_AUTO = 0, /* as modules.json says; yes if the folder says nothing */
    LLMCS_NORMALIZE_NO = 1,
    LLMCS_NORMALIZE_L2 = 2
} llmcs_normalize;

/* The function of a logit that gives llmcs_rerank's score. */
typedef enum llmcs_rerank_score {
    LLMCS_RERANK_AUTO = 0,   /* as the folder says (sentence-transformers' activation_fn); if it says nothing: a sigmoid
                                for one label, else the probability of the last label */
    LLMCS_RERANK_LOGIT = 1,  /* the logit of the last label */
    LLMCS_RERANK_SIGMOID = 2 /* its sigmoid */
} llmcs_rerank_score;

/* How labels of tokens become spans: the strategies of Transformers' TokenClassificationPipeline. Neighbouring tokens
 * with the same label form one span; a label that begins with "B-" starts a new one. */
typedef enum llmcs_aggregation {
    LLMCS_AGGREGATE_NONE = 0,   /* every token is a span, with its own label: "B-PER", "I-PER" */
    LLMCS_AGGREGATE_SIMPLE = 1, /* each token gets its most probable label */
    LLMCS_AGGREGATE_FIRST = 2,  /* all tokens of a word get the label of its first token */
    LLMCS_AGGREGATE_MAX = 3,    /* all tokens of a word get the label of its most confident token */
    LLMCS_AGGREGATE_AVERAGE = 4 /* all tokens of a word get the label with the highest mean probability over them */
} llmcs_aggregation;

/* Flags of texts and prompts. */
#define LLMCS_ADD_SPECIAL_TOKENS 0x1u /* [CLS] ... [SEP], <s> ... </s>: what the tokenizer's post-processor adds */
#define LLMCS_PARSE_SPECIAL 0x2u /* special tokens written in the text become those tokens. Never for users' text */
#define LLMCS_STRICT_UTF8 0x4u   /* LLMCS_UTF8 for text that is not UTF-8 */
#define LLMCS_TARGET_TEXT 0x8u   /* llmcs_encode: the text is in the target language: the start of a translation */

/* Windows are those of Transformers' tokenizers (return_overflowing_tokens): each window has the special tokens and
 * repeats the last `stride` tokens of the window before; the last one ends with the text. In a pair, the text named by
 * `truncation` is split into windows (LONGEST_FIRST: the longer one) and the other one is whole in each. */
typedef struct llmcs_text_params {
    size_t struct_size;
    llmcs_overflow overflow;     /* [TRUNCATE] */
    llmcs_truncation truncation; /* [LONGEST_FIRST] which text of a pair is cut; not NONE */
    size_t max_length; /* [0] most tokens, special ones included; 0: n_ctx, or the tokenizer's model_max_length */
    size_t stride;     /* [0] with WINDOWS: tokens that neighbouring windows share */
    llmcs_window_pooling window_pooling; /* [AUTO] with WINDOWS */
    uint32_t flags;                      /* [0] LLMCS_STRICT_UTF8 */
    llmcs_pooling pooling;               /* [AUTO] llmcs_embed only */
    llmcs_normalize normalize;           /* [AUTO] llmcs_embed only */
    double deadline_ms;                  /* [0] see llmcs_call_limits; 0: none */
    const int32_t *cancel;               /* [NULL] see llmcs_call_limits */
    size_t max_windows;                  /* [0] with WINDOWS: LLMCS_CONTEXT_FULL for a text of more; 0: no bound */
    llmcs_aggregation aggregation;       /* [SIMPLE] llmcs_tag only */
    llmcs_rerank_score rerank_score;     /* [AUTO] llmcs_rerank only */
    const char *prompt_name; /* [NULL: the folder's default] llmcs_embed only: which prompt of a sentence-transformers
                                folder is prepended: "query", "document"; see llmcs_model_prompt_name */
    const char *prompt;      /* [NULL: as prompt_name] llmcs_embed: the prompt itself; "" for none. llmcs_rerank with a
                                language model: the task, in a sentence */
    size_t truncate_dim;     /* [0: all] llmcs_embed only: vectors are cut to their first truncate_dim numbers, for
                                models trained for that (Matryoshka); of no effect from n_embedding on */
    const char *hypothesis;  /* [NULL: "This example is {}."] llmcs_zero_shot only: the label replaces its one "{}" */
    int32_t multi_label;     /* [0] llmcs_zero_shot only: 1: labels do not exclude each other */
} llmcs_text_params;

LLMCS_API void llmcs_text_params_init_sized(llmcs_text_params *params, size_t struct_size);
#define llmcs_text_params_init(params) llmcs_text_params_init_sized((params), sizeof *(params))

/* What happened to a text. In an array of infos, set infos[0].struct_size = sizeof *infos first: it is the distance
 * between elements. */
typedef struct llmcs_text_info {
    size_t struct_size;
    size_t n_tokens;    /* in the whole text, special tokens included */
    size_t n_evaluated; /* tokens evaluated: fewer if truncated; more with windows (special and shared tokens) */
    size_t n_windows;   /* 1 unless the text was split into windows */
    int32_t truncated;  /* 1: its end was cut off */
} llmcs_text_info;

/* Texts to class probabilities. scores: [n_texts, n_labels] (softmax; sigmoid if config.json's problem_type is
 * multi_label_classification or there is one label; the logits themselves for regression). labels: [n_texts], the best
 * class of each. Either may be NULL. params: NULL for the defaults. infos: [n_texts] or NULL.
 * Texts of any length and number are evaluated together without padding, and together with those of other threads that
 * call at the same time; an answer does not depend on its neighbours, bit for bit. For example, reviews of any length:
 *
 *     llmcs_text_params params;
 *     llmcs_text_params_init(&params);
 *     params.overflow = LLMCS_OVERFLOW_WINDOWS;
 *     params.stride = 64;
 *     llmcs_classify(model, texts, n_texts, &params, scores, labels, NULL);
 *
 * Errors: ARG NOMEM STATE NO_HEAD TOKENIZER UNSUPPORTED (tokenizer) TOKEN_RANGE UTF8 CONTEXT_FULL (text too long)
 * NUMERIC CANCELLED DEADLINE FORK. */
LLMCS_API llmcs_status llmcs_classify(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                                      const llmcs_text_params *params, float *scores, int32_t *labels,
                                      llmcs_text_info *infos);

/* Zero-shot classification among labels that a model was not trained for (Yin et al. 2019, "Benchmarking Zero-shot Text
 * Classification"), with a classifier of natural language inference: facebook/bart-large-mnli, or a BERT or RoBERTa
 * with such labels. Each text and the hypothesis that each label makes form a pair. scores: [n_texts, n_labels], those
 * of Transformers' ZeroShotClassificationPipeline: the softmax of the labels' entailment logits; with multi_label, or
 * one label, for each label the softmax of entailment against contradiction. Entailment is the model's label whose name
 * begins with "entail" in upper or lower case; without one, the last label, and the log warns. Contradiction is label
 * 0, or the last one if entailment is 0. params: NULL for the defaults. infos: [n_texts, n_labels], one per pair, or
 * NULL.
 *
 *     const char *const labels[2] = {"refund", "delivery"};
 *     float scores[2];
 *     llmcs_zero_shot(model, &text, 1, labels, 2, NULL, scores, NULL);
 *
 * Errors: as llmcs_classify; ARG (no labels, a text with a pair, a hypothesis without "{}" or with two), NO_HEAD (a
 * classifier of one label). */
LLMCS_API llmcs_status llmcs_zero_shot(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                                       const char *const *labels, size_t n_labels, const llmcs_text_params *params,
                                       float *scores, llmcs_text_info *infos);

/* Texts to vectors: [n_texts, n_embedding], or [n_texts, truncate_dim] if that is less. In a sentence-transformers
 * folder texts lose the white space around them and get its default prompt, or the one that params names; max_length 0
 * is its max_seq_length; its pooling and the modules after it (Dense, LayerNorm, Normalize) are applied. Another
 * pooling than the folder's must give as many numbers as the folder's; the modules after it are applied all the same.
 * Vectors of windows are pooled before the modules. A vector that truncate_dim cuts keeps its numbers (as in
 * sentence-transformers); with LLMCS_NORMALIZE_L2 it has length 1 afterwards. params: NULL for the defaults. infos:
 * [n_texts] or NULL. For example, a question for documents that were embedded with the prompt "document":
 *
 *     llmcs_text_params params;
 *     llmcs_text_params_init(&params);
 *     params.prompt_name = "query";
 *     llmcs_embed(model, &question, 1, &params, vector, NULL);
 *
 * Errors: as llmcs_classify; ARG for a prompt_name that the folder does not have. */
LLMCS_API llmcs_status llmcs_embed(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                                   const llmcs_text_params *params, float *vectors, llmcs_text_info *infos);

/* Cross-encoder: how well each document answers the query. scores: [n_docs], see llmcs_rerank_score. Query and document
 * form a pair. A language model in the manner of Qwen3-Reranker judges whether the document meets the query, with the
 * prompt of that model's card: the score is the probability of "yes" against "no", or with LLMCS_RERANK_LOGIT the
 * difference of the two logits. params->prompt replaces the card's task ("retrieve relevant passages that answer the
 * query"). Such a model does not split documents (no OVERFLOW_WINDOWS). params: NULL for the defaults. infos: [n_docs]
 * or NULL. Errors: as llmcs_classify; UNSUPPORTED for an activation_fn that this library lacks. */
LLMCS_API llmcs_status llmcs_rerank(llmcs_model *model, const char *query, size_t query_bytes, const llmcs_text *docs,
                                    size_t n_docs, const llmcs_text_params *params, float *scores,
                                    llmcs_text_info *infos);

/* A part of a text. Made by the library only, so it may grow at its end. */
typedef struct llmcs_text_span {
    size_t begin; /* bytes [begin, end) of the caller's text */
    size_t end;
    float score;       /* 0 to 1 */
    int32_t label_id;  /* of its first token or word; -1 for an answer */
    const char *label; /* llmcs_tag: with AGGREGATE_NONE the model's label, else what follows its first "-": "PER" of
                          "B-PER"; "" for an answer */
} llmcs_text_span;

/* The spans of one text. Made by the library only, so it may grow at its end. */
typedef struct llmcs_text_spans {
    const llmcs_text_span *const *spans; /* [n_spans] */
    size_t n_spans;
} llmcs_text_spans;

/* Made by the library only, so it may grow at its end. Does not need the model. */
typedef struct llmcs_span_result {
    const llmcs_text_spans *const *texts; /* [n_texts] */
    size_t n_texts;
} llmcs_span_result;

LLMCS_API void llmcs_span_result_free(llmcs_span_result **result);

/* Finds the parts of texts that have a label: names, addresses, products (token classification). Spans come in the
 * order of the text; those labelled "O" are left out. Words are those of Transformers: with WordPiece, a token that is
 * not spelled like its text continues a word; with other tokenizers, a token without a space before it does. So FIRST,
 * MAX and AVERAGE suit languages that write spaces. A text longer than n_ctx is truncated, or with
 * LLMCS_OVERFLOW_WINDOWS split into windows; of overlapping spans the longest is kept, among equally long ones the most
 * probable (Transformers' `stride`). A span's score is the mean over its tokens or words. For example:
 *
 *     llmcs_text text = {"Anna lives in Oslo", LLMCS_NUL, NULL, 0};
 *     llmcs_span_result *found = NULL;
 *     if (!llmcs_tag(model, &text, 1, NULL, NULL, &found))
 *         for (size_t i = 0; i < found->texts[0]->n_spans; i++) {
 *             const llmcs_text_span *s = found->texts[0]->spans[i];
 *             printf("%s %.*s\n", s->label, (int)(s->end - s->begin), text.text + s->begin);
 *         }
 *     llmcs_span_result_free(&found);
 *
 * params: NULL for the defaults. infos: [n_texts] or NULL. Texts have no pair. Errors: as llmcs_classify. */
LLMCS_API llmcs_status llmcs_tag(llmcs_model *model, const llmcs_text *texts, size_t n_texts,
                                 const llmcs_text_params *params, llmcs_text_info *infos, llmcs_span_result **result);

/* Parameters of Transformers' QuestionAnsweringPipeline, by the same names. */
typedef struct llmcs_answer_params {
    size_t struct_size;
    size_t max_seq_len; /* [0] most tokens of a window: question, part of the context, special tokens; 0: 384, or the
                           model's maximum if that is less */
    int32_t doc_stride; /* [-1] context tokens that neighbouring windows share; -1: 128, or half of max_seq_len if that
                           is less */
    int32_t max_answer_len;           /* [15] most tokens of an answer */
    int32_t top_k;                    /* [1] answers to each question; fewer if the context holds fewer */
    int32_t handle_impossible_answer; /* [0] 1: "no answer" (begin = end = 0) is one of the candidates */
    int32_t align_to_words;           /* [1] answers begin and end with whole words; 0: with tokens */
    uint32_t flags;                   /* [0] LLMCS_STRICT_UTF8 */
    double deadline_ms;               /* [0] as in llmcs_text_params */
    const int32_t *cancel;            /* [NULL] likewise */
    size_t max_windows;               /* [0] LLMCS_CONTEXT_FULL for a context of more; 0: no bound */
} llmcs_answer_params;

LLMCS_API void llmcs_answer_params_init_sized(llmcs_answer_params *params, size_t struct_size);
#define llmcs_answer_params_init(params) llmcs_answer_params_init_sized((params), sizeof *(params))

/* Finds the parts of a text that answer a question (extractive question answering). questions[i].text is the question,
 * .pair the context that contains the answer; spans are byte ranges of the context, best first, at least one. A score
 * is the probability of the start times that of the end, among the tokens of one window and [CLS]. Windows that overlap
 * may give one answer twice. A context without tokens, or in which no span has a probability that a float holds, has
 * the answer begin = end = 0 with score 0. params: NULL for the defaults. infos: [n_questions] or NULL. Errors: as
 * llmcs_classify; CONTEXT_FULL (the question leaves no tokens for the context). */
LLMCS_API llmcs_status llmcs_answer_span(llmcs_model *model, const llmcs_text *questions, size_t n_questions,
                                         const llmcs_answer_params *params, llmcs_text_info *infos,
                                         llmcs_span_result **result);

/* Frozen. */
typedef struct llmcs_mask_token {
    size_t position; /* index of the mask in the encoded text */
    int32_t id;
    float probability;
} llmcs_mask_token;

/* The top_k most probable tokens for every mask token ("[MASK]", "<mask>") in the text. Special tokens written in this
 * text become tokens, as the mask must: do not put users' text around it unchecked. tokens: [capacity], top_k for each
 * mask, best first; with NULL only *n_tokens is set.
 * Errors: ARG (no mask in the text) NOMEM STATE NO_HEAD TOKENIZER CONTEXT_FULL BUFFER FORK. */
LLMCS_API llmcs_status llmcs_fill_mask(llmcs_model *model, const char *text, size_t text_bytes, size_t top_k,
                                       llmcs_mask_token *tokens, size_t capacity, size_t *n_tokens);

/* llmcs_fill_mask with limits; NULL: none. Errors: as llmcs_fill_mask, and CANCELLED DEADLINE. */
LLMCS_API llmcs_status llmcs_fill_mask_within(llmcs_model *model, const char *text, size_t text_bytes, size_t top_k,
                                              const llmcs_call_limits *limits, llmcs_mask_token *tokens,
                                              size_t capacity, size_t *n_tokens);

/* ---------------------------------------------------------------------------------------------- sessions */
/* A session holds the tokens of one conversation with their keys and values. Requires LLMCS_HEAD_CAUSAL_LM. A session
 * of an encoder-decoder (LLMCS_HEAD_SEQ2SEQ_LM) holds a source, encoded once, and the decoder's tokens: up to n_ctx of
 * each. llmcs_generate and llmcs_score encode their prompt as the source, unless the session already holds it.
 * llmcs_session.h has the calls by token ids. */
typedef struct llmcs_session llmcs_session;

/* The upper limit of the default n_ctx: keys and values of a long context take gigabytes that few conversations use.
 * Set n_ctx, up to llmcs_model_info.n_ctx, for longer ones. */
#define LLMCS_DEFAULT_N_CTX 4096

typedef struct llmcs_session_options {
    size_t struct_size;
    int32_t n_ctx; /* [0] most tokens this session holds, allocated at create; 0: the model's n_ctx, at most
                      LLMCS_DEFAULT_N_CTX */
} llmcs_session_options;

LLMCS_API void llmcs_session_options_init_sized(llmcs_session_options *options, size_t struct_size);
#define llmcs_session_options_init(options) llmcs_session_options_init_sized((options), sizeof *(options))

/* options: NULL for the defaults. Errors: ARG NOMEM LIMIT STATE NO_HEAD (not a decoder) FORK. */
LLMCS_API llmcs_status llmcs_session_create(llmcs_model *model, const llmcs_session_options *options,
                                            llmcs_session **session);

/* Frees the session and sets *session to NULL. If another thread is in a call with it, that call is cancelled and the
 * session is freed when the call ends. */
LLMCS_API void llmcs_session_free(llmcs_session **session);

/* From any thread or signal handler: the running call, or if none is running the next one, ends with LLMCS_CANCELLED
 * (generation: with the text so far and LLMCS_FINISH_CANCELLED) within one layer of the model. A caller that does not
 * know whether the call is still running sets that call's `cancel` flag instead: no other call reads it. */
LLMCS_API void llmcs_session_cancel(llmcs_session *session);

/* -------------------------------------------------------------------------------------------- generation */
typedef enum llmcs_early_stopping {
    LLMCS_EARLY_STOPPING_FALSE = 0,
    LLMCS_EARLY_STOPPING_TRUE = 1,
    LLMCS_EARLY_STOPPING_NEVER = 2
} llmcs_early_stopping;

/* Frozen. */
typedef struct llmcs_ids {
    const int32_t *ids;
    size_t n_ids;
} llmcs_ids;

/* Frozen. */
typedef struct llmcs_logit_bias {
    int32_t id;
    float bias; /* added to the logit; -INFINITY forbids the token */
} llmcs_logit_bias;

/* Constrains the generated text: see llmcs_grammar.h. */
typedef struct llmcs_grammar llmcs_grammar;

/* Frozen. */
typedef struct llmcs_sequence_bias {
    llmcs_ids ids; /* one token or more */
    float bias;    /* added to the logit of the last one wherever the others directly precede it */
} llmcs_sequence_bias;

/* Parameters of Transformers' generate, by the same names and with the same meaning. Arrays belong to the caller and
 * are read during the call only. Logits are changed in Transformers' order: guidance_scale, sequence_bias and
 * logit_bias, diversity_penalty, the penalties of repetition, n-grams, bad words, lengths, forced tokens, the decay of
 * lengths, suppressed tokens; then with do_sample temperature, top_k, top_p, min_p, typical_p, epsilon_cutoff,
 * eta_cutoff; renormalize_logits last. Parameters that contradict each other are ARG, naming both. */
typedef struct llmcs_generate_params {
    size_t struct_size;
    int32_t max_new_tokens;       /* [128] fewer if the context ends first; 0: as max_length says */
    int32_t min_new_tokens;       /* [0] no EOS before this many */
    int32_t do_sample;            /* [0] 0: greedy or beam search; 1: sample */
    float temperature;            /* [1] > 0; 0 means greedy */
    int32_t top_k;                /* [50] 0: off */
    float top_p;                  /* [1] 0 to 1; 1: off; 0 keeps one token */
    float min_p;                  /* [0] 0 to 1; 0: off */
    float repetition_penalty;     /* [1] > 0; over prompt and new tokens (Keskar et al. 2019, CTRL) */
    float presence_penalty;       /* [0] subtracted once from the logit of every new token so far */
    float frequency_penalty;      /* [0] subtracted from a token's logit for each time it was generated */
    int32_t no_repeat_ngram_size; /* [0] 0: off; over prompt and new tokens */
    int32_t num_beams;            /* [1] at most 4096 */
    int32_t num_return_sequences; /* [1] at most num_beams, unless do_sample with num_beams = 1 */
    llmcs_early_stopping early_stopping;
    float length_penalty;           /* [1] beam scores are divided by (new tokens) ** length_penalty */
    uint64_t seed;                  /* [0] same seed, same text, on any number of threads */
    const int32_t *eos_token_id;    /* [NULL] NULL: the model's own; else n_eos_token_id ids */
    size_t n_eos_token_id;          /* with eos_token_id not NULL; 0: no EOS at all */
    const llmcs_ids *bad_words_ids; /* [NULL] sequences of tokens that must not appear */
    size_t n_bad_words_ids;
    const llmcs_logit_bias *logit_bias; /* [NULL] */
    size_t n_logit_bias;
    const char *const *stop_strings; /* [NULL] NUL-terminated; the text ends before the first of them */
    size_t n_stop_strings;
    int32_t logprobs;      /* [0] 1: fill llmcs_sequence.logprobs and score; reads all logits of every token */
    uint32_t encode_flags; /* [0] LLMCS_PARSE_SPECIAL, LLMCS_ADD_SPECIAL_TOKENS, LLMCS_STRICT_UTF8 for the prompt */
    double deadline_ms;    /* [0] stop after this many milliseconds with the text so far; 0: no deadline */
    /* Prompt-lookup decoding: propose up to this many draft tokens by finding the last few tokens earlier in the
     * conversation, and verify them in one forward pass. The text is the same as without, to the bit. Greedy or
     * sampled, one sequence. */
    int32_t prompt_lookup_num_tokens; /* [0] 0: off; at most 64 */
    int32_t max_matching_ngram_size;  /* [2] search for the last this many tokens, then for fewer; 1 to 16 */
    const int32_t *prompt_lookup_ids; /* [NULL] text to search besides prompt and answer: an FAQ, for example */
    size_t n_prompt_lookup_ids;
    /* Further settings of Transformers' GenerationConfig, which a folder may set. */
    int32_t max_length;                   /* [0] with max_new_tokens 0: most tokens, the prompt's included */
    int32_t min_length;                   /* [0] with min_new_tokens 0: no EOS before, the prompt's tokens included */
    float encoder_repetition_penalty;     /* [1] > 0; above 1 makes the prompt's tokens more likely */
    int32_t encoder_no_repeat_ngram_size; /* [0] 0: off; no n-gram of the prompt again */
    int32_t renormalize_logits;           /* [0] beam search: 1 normalises probabilities again once processed */
    llmcs_ids suppress_tokens;            /* [none] never generated */
    llmcs_ids begin_suppress_tokens;      /* [none] not as the first new token */
    llmcs_ids forced_bos_token_id;        /* [none] one of them comes after a prompt of one token */
    llmcs_ids forced_eos_token_id;        /* [none] one of them is the last of max_new_tokens tokens */
    /* Filters of sampling. */
    float typical_p;      /* [1] above 0, at most 1; 1: off. Keeps the tokens whose surprisal is closest to the entropy,
                             until their probabilities sum to typical_p (Meister et al. 2022) */
    float epsilon_cutoff; /* [0] 0: off; below 1. Only tokens with at least this probability (Hewitt et al. 2022) */
    float eta_cutoff;     /* [0] 0: off; below 1. The same with min(x, sqrt(x) * e^-entropy) */
    /* Diverse beam search (Vijayakumar et al. 2016): each group of beams searches on its own, and a token that beams of
     * earlier groups have just taken costs diversity_penalty for each of them. Needs do_sample = 0. */
    int32_t num_beam_groups; /* [1] a divisor of num_beams; 1: off */
    float diversity_penalty; /* [0] more than 0 with num_beam_groups above 1, else 0 */
    /* exponential_decay_length_penalty = (start, factor): n tokens after the first `start` new ones, EOS gains
     * |logit| * (factor^n - 1). Needs an EOS. */
    int32_t exponential_decay_start;
    float exponential_decay_factor;           /* [1] 0 or more; 1: off */
    const llmcs_sequence_bias *sequence_bias; /* [NULL] */
    size_t n_sequence_bias;
    double max_time; /* [0] seconds, checked after each token (LLMCS_FINISH_DEADLINE); 0: off */
    /* Classifier-free guidance (Sanchez et al. 2023): log-probabilities become n + guidance_scale * (p - n), with p
     * those after the prompt and n those after negative_prompt_ids, both followed by the answer so far. Needs two
     * sequences per completion, so twice the memory and time; num_beams = 1 and no prompt lookup. */
    float guidance_scale;          /* [1] 1: off */
    llmcs_ids negative_prompt_ids; /* [none] none: the prompt's last token */
    /* Allows only tokens that keep the answer within the grammar, and EOS where a text may end. Works with sampling,
     * beams, draft tokens and every parameter but forced_bos_token_id and forced_eos_token_id. It must have been made
     * with the model's tokenizer. An answer that max_new_tokens cuts off is a prefix of a text of the grammar. */
    llmcs_grammar *grammar; /* [NULL] */
    /* Encoder-decoders only, whose prompt is the source: the decoder's first tokens, which are not part of the answer.
     * For mBART-25 the target language's id. They count in max_length and min_length. */
    llmcs_ids decoder_input_ids; /* [none] none: the folder's decoder_start_token_id */
    /* Encoder-decoders that translate: language codes of their tokenizer ("en_XX", Marian's "fra"; see
     * llmcs_tokenizer_languages). target_lang sets decoder_input_ids (mBART), forced_bos_token_id (mBART-50) or a token
     * of the source (Marian). mBART needs one, unless the folder names it. T5 reads its task in the text. */
    const char *source_lang; /* [NULL: the folder's src_lang] language of the prompt */
    const char *target_lang; /* [NULL: the folder's, if it names one] language to translate into */
    const int32_t *cancel;   /* [NULL] see llmcs_call_limits; engines refuse it: llmcs_request_cancel */
    int32_t top_logprobs;    /* [0] also return so many of the most probable tokens at each place, at most 20; needs
                                logprobs = 1 and num_beams = 1 */
} llmcs_generate_params;

LLMCS_API llmcs_status llmcs_generate_params_init_sized(llmcs_generate_params *params, size_t struct_size,
                                                        const llmcs_model *model);
/* Sets the defaults: those of the folder's generation_config.json, or with model NULL those in brackets above. Lists
 * point into the model. Errors: ARG STATE FORK. */
#define llmcs_generate_params_init(params, model) llmcs_generate_params_init_sized((params), sizeof *(params), (model))

typedef enum llmcs_finish_reason {
    LLMCS_FINISH_EOS = 0,      /* "stop": an EOS token */
    LLMCS_FINISH_LENGTH = 1,   /* "length": max_new_tokens, or the context is full */
    LLMCS_FINISH_STOP = 2,     /* "stop_string" */
    LLMCS_FINISH_CALLBACK = 3, /* "callback": your callback stopped it */
    LLMCS_FINISH_CANCELLED = 4,
    LLMCS_FINISH_DEADLINE = 5
} llmcs_finish_reason;

/* "stop", "length", "stop_string", "callback", "cancelled", "deadline". */
LLMCS_API const char *llmcs_finish_reason_name(llmcs_finish_reason reason);

/* One of the most probable tokens at a place, chosen or not. Frozen. */
typedef struct llmcs_top_token {
    int32_t id;    /* -1: the vocabulary has no more */
    float logprob; /* as the model gave it, before any processing */
} llmcs_top_token;

/* One generated text. Made by the library only, so it may grow at its end. */
typedef struct llmcs_sequence {
    const int32_t *ids; /* new tokens, without EOS */
    size_t n_ids;
    const char *text; /* their text without special tokens, NUL-terminated; "" without a tokenizer */
    size_t text_bytes;
    llmcs_finish_reason finish_reason;
    float score;           /* beam search: Transformers' sequences_scores; else the sum of log-probabilities of all new
                              tokens, EOS included, and NaN unless params.logprobs is set */
    const float *logprobs; /* [n_ids] log-probability of each token as the model gave it, before any processing; NULL
                              unless params.logprobs is set */
    const llmcs_top_token
        *top_logprobs;     /* [n_ids, n_top_logprobs] best first; NULL unless params.top_logprobs is set */
    size_t n_top_logprobs; /* params.top_logprobs */
} llmcs_sequence;

/* Made by the library only, so it may grow at its end. */
typedef struct llmcs_result {
    const llmcs_sequence *const *sequences; /* [n_sequences]; beam search: best first; sampling: by stream */
    size_t n_sequences;
    size_t n_prompt_tokens;
    size_t n_new_tokens; /* of all sequences, EOS included */
    double prompt_ms;
    double decode_ms;
    size_t n_cached_tokens;   /* prompt tokens that did not have to be evaluated */
    size_t n_draft_tokens;    /* proposed by prompt lookup */
    size_t n_accepted_tokens; /* of those, accepted */
} llmcs_result;

LLMCS_API void llmcs_result_free(llmcs_result **result);

/* Called with each new piece of text: valid UTF-8, not NUL-terminated; all pieces together are the sequence's text.
 * Only with one sequence and num_beams = 1. Return 0 to continue, any other value to stop. The session must not be used
 * inside. */
typedef int (*llmcs_text_fn)(void *user, const char *text, size_t text_bytes);

/* The same with token ids, without EOS. */
typedef int (*llmcs_token_fn)(void *user, int32_t id);

/* Continues the prompt. The session keeps the longest prefix that its tokens share with the prompt and evaluates only
 * the rest: to continue a conversation pass its whole text. Afterwards the session holds the prompt and the evaluated
 * tokens of the first sequence. params: NULL for the folder's defaults. on_text: may be NULL. A call stopped by
 * callback, cancel or deadline succeeds with the text so far and its reason. Errors: ARG NOMEM CONTEXT_FULL (the prompt
 * does not fit) TOKENIZER (no tokenizer) UTF8 NUMERIC BUSY STATE FORK CANCELLED DEADLINE (before the first token). */
LLMCS_API llmcs_status llmcs_generate(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                      const llmcs_generate_params *params, llmcs_text_fn on_text, void *user,
                                      llmcs_result **result);

/* The same from token ids; at least one. Errors: as llmcs_generate, and TOKEN_RANGE. */
LLMCS_API llmcs_status llmcs_generate_ids(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                          const llmcs_generate_params *params, llmcs_token_fn on_token, void *user,
                                          llmcs_result **result);

/* The distribution from which the next token would be sampled, after every processor and filter of params:
 * probabilities is [vocab_size], 0 for tokens that were filtered out. The session must hold at least one token.
 * Errors: ARG (also guidance_scale, which would need a second sequence) NUMERIC BUSY FORK STATE (no logits: evaluate
 * with LLMCS_LOGITS_LAST first). */
LLMCS_API llmcs_status llmcs_next_distribution(llmcs_session *session, const llmcs_generate_params *params,
                                               float *probabilities);

/* ------------------------------------------------------------------------------ encoders by token ids */
/* Where the encoder writes its outputs; NULL for those not wanted. Set struct_size = sizeof(llmcs_encoder_outputs). */
typedef struct llmcs_encoder_outputs {
    size_t struct_size;
    float *hidden; /* [n_tokens of all texts, n_embd] last layer */
    float *pooled; /* [n_texts, n_embd] pooler output; LLMCS_NO_HEAD if the folder has no pooler */
    float *logits; /* classification: [n_texts, n_labels]; token classification: [n_tokens of all texts, n_labels];
                      question answering: [n_tokens of all texts, 2], the start and the end logit of each token;
                      masked LM: [n_tokens of all texts, vocab_size] */
} llmcs_encoder_outputs;

/* Evaluates n_texts texts of token ids, concatenated in `ids` without padding: lengths[i] tokens for text i. type_ids:
 * NULL for zeros. Concurrent calls share forward passes; an answer does not depend on its neighbours, bit for bit.
 * Errors: ARG NOMEM STATE NO_HEAD CONTEXT_FULL (a text longer than n_ctx) TOKEN_RANGE FORK NUMERIC. */
LLMCS_API llmcs_status llmcs_encoder_eval(llmcs_model *model, const int32_t *ids, const int32_t *type_ids,
                                          const size_t *lengths, size_t n_texts, const llmcs_encoder_outputs *outputs);

/* llmcs_encoder_eval with limits; NULL: none. Errors: as llmcs_encoder_eval, and CANCELLED DEADLINE: the outputs of
 * some texts may have been written. */
LLMCS_API llmcs_status llmcs_encoder_eval_within(llmcs_model *model, const int32_t *ids, const int32_t *type_ids,
                                                 const size_t *lengths, size_t n_texts, const llmcs_call_limits *limits,
                                                 const llmcs_encoder_outputs *outputs);

/* ------------------------------------------------------------------------------------------- memory plan */
typedef struct llmcs_plan_info {
    size_t struct_size;
    uint64_t model_bytes;    /* held after llmcs_model_open */
    uint64_t peak_bytes;     /* most held while opening */
    uint64_t session_bytes;  /* one session; 0 for encoders */
    uint64_t sequence_bytes; /* each further beam or returned sequence of llmcs_generate, at most; 0 for encoders */
    uint64_t encoder_bytes;  /* workspace of an encoder's calls with texts of n_ctx tokens (it grows with the longest
                                text); with n_threads = 1, of each concurrent call */
} llmcs_plan_info;

/* Computes how much memory a folder or GGUF file needs, from its file headers alone. Allocates none of it. Thread
 * stacks (256 KiB each) are not counted. Set plan->struct_size = sizeof *plan first. Errors: as llmcs_model_open. */
LLMCS_API llmcs_status llmcs_plan(const char *path, const llmcs_model_options *model_options,
                                  const llmcs_session_options *session_options, llmcs_plan_info *plan);

#ifdef __cplusplus
}
#endif

#include "llmcs_adapter.h"
#include "llmcs_chat.h"
#include "llmcs_engine.h"
#include "llmcs_grammar.h"
#include "llmcs_index.h"
#include "llmcs_quantize.h"
#include "llmcs_session.h"
#include "llmcs_tokenizer.h"

#endif
