/* Targets of whole models through the public interface: folders and GGUF files of any content are opened and used,
 * quantized, opened with too little memory; and an encoder reads texts with any parameters. */
#ifndef TESTS_FUZZ_TARGETS_MODEL_H
#define TESTS_FUZZ_TARGETS_MODEL_H

#include <glob.h>
#include <math.h>

#include "fuzz/targets_text.h"

#define FUZZ_MAX_BYTES ((uint64_t)256 << 20)

/* ---------------------------------------------------------------------------------------- opening and using */

/* A folder as one input: for each file the number of its name, three bytes of length, its content. */
static UNUSED void write_folder(const uint8_t *data, size_t size) {
    reader in = {data, size};
    clear_fuzz_folder();
    while (in.left) {
        size_t n;
        const size_t name = read_u8(&in) % N_FUZZ_FILES;
        uint32_t len = read_u8(&in);
        len |= (uint32_t)read_u8(&in) << 8;
        len |= (uint32_t)read_u8(&in) << 16;
        const uint8_t *bytes = read_bytes(&in, len, &n);
        fuzz_write(fuzz_file_names[name], bytes, n);
    }
}

static UNUSED llmcs_status open_fuzzed(const char *path, counter *c, uint8_t how, llmcs_model **model) {
    llmcs_allocator a = counting(c);
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = 1;
    options.allocator = &a;
    options.max_bytes = FUZZ_MAX_BYTES;
    options.load_mode = how & 1 ? LLMCS_LOAD_MMAP : LLMCS_LOAD_COPY;
    options.flags = how & 2 ? LLMCS_LOAD_CHECK_FINITE : 0;
    options.weights = (llmcs_weights)(how / 4 % 6);
    options.kv_type = (llmcs_kv_type)(how / 32 % 3);
    return llmcs_model_open(path, &options, model);
}

static UNUSED bool may_refuse_model(llmcs_status st) {
    return st == LLMCS_FORMAT || st == LLMCS_JSON || st == LLMCS_CONFIG || st == LLMCS_TOKENIZER ||
           st == LLMCS_UNSUPPORTED || st == LLMCS_LIMIT || st == LLMCS_IO || st == LLMCS_NUMERIC;
}

static UNUSED bool may_refuse_numbers(llmcs_status st) {
    return st == LLMCS_OK || st == LLMCS_NUMERIC || st == LLMCS_NOMEM;
}

static UNUSED void use_decoder(llmcs_model *model, const llmcs_model_info *info) {
    llmcs_session *session = NULL;
    llmcs_session_options session_options;
    llmcs_generate_params params;
    llmcs_result *result = NULL;
    const int32_t ids[] = {0, info->vocab_size - 1, info->vocab_size / 2};
    const size_t n_ids = info->n_ctx < 3 ? 1 : 3;
    llmcs_session_options_init(&session_options);
    session_options.n_ctx = info->n_ctx < 8 ? 0 : 8;
    llmcs_status st = llmcs_session_create(model, &session_options, &session);
    MUST(st == LLMCS_OK || st == LLMCS_NOMEM);
    if (st) return;
    MUST(may_refuse_numbers(llmcs_session_eval(session, ids, n_ids, LLMCS_LOGITS_ALL)));
    MUST(!llmcs_generate_params_init(&params, NULL));
    params.max_new_tokens = 3;
    st = llmcs_generate_ids(session, ids, 1, &params, NULL, NULL, &result);
    MUST(may_refuse_numbers(st) && !st == !!result);
    llmcs_result_free(&result);
    llmcs_session_free(&session);
}

static UNUSED void use_encoder(llmcs_model *model, const llmcs_model_info *info) {
    const int32_t ids[] = {0, info->vocab_size - 1, info->vocab_size / 2};
    const size_t n_ids = info->n_ctx < 3 ? 1 : 3;
    const llmcs_text text = {"Hello world, hello", LLMCS_NUL, NULL, 0};
    float *hidden = exact_alloc(n_ids * (size_t)info->n_embd * sizeof *hidden);
    float *vector = exact_alloc((size_t)info->n_embedding * sizeof *vector);
    llmcs_encoder_outputs out = {.struct_size = sizeof out, .hidden = hidden};
    MUST(may_refuse_numbers(llmcs_encoder_eval(model, ids, NULL, &n_ids, 1, &out)));
    if (llmcs_model_tokenizer(model)) {
        llmcs_status st = llmcs_embed(model, &text, 1, NULL, vector, NULL);
        MUST(may_refuse_numbers(st) || st == LLMCS_CONTEXT_FULL || st == LLMCS_TOKENIZER || st == LLMCS_ARG);
    }
    free(hidden);
    free(vector);
}

/* As far as its sizes allow in a fuzzer's time. */
static UNUSED void use_model(llmcs_model *model, bool with_tokenizer) {
    static const char text[] = "Hello wor\xe4\xbd\xa0ld [MASK] \xff";
    llmcs_model_info info = {.struct_size = sizeof info};
    MUST(!llmcs_model_get_info(model, &info) && info.vocab_size > 0 && info.n_ctx > 0);
    MUST(info.weights_bytes <= FUZZ_MAX_BYTES);
    const llmcs_tokenizer *t = llmcs_model_tokenizer(model);
    if (t && with_tokenizer) use_tokenizer(t, text, sizeof text - 1);
    for (int32_t i = 0; i < info.n_labels && i < 100; i++) MUST(llmcs_model_label(model, i) != NULL);
    if (info.n_embd > 4096 || info.n_ctx > 4096 || info.n_inner > 16384) return;
    if (info.heads & LLMCS_HEAD_CAUSAL_LM)
        use_decoder(model, &info);
    else
        use_encoder(model, &info);
}

static UNUSED void open_and_use(const char *path, uint8_t how, size_t size) {
    counter c = {0};
    llmcs_model *model = NULL;
    llmcs_status st = open_fuzzed(path, &c, how, &model);
    MUST(st == LLMCS_OK || (may_refuse_model(st) && !model && llmcs_error_message()[0]));
    MUST(c.peak <= 100 * size + ((size_t)4 << 20));
    if (!st) use_model(model, true);
    llmcs_model_free(&model);
    MUST(c.live == 0);
}

/* The first byte is how the rest, a folder, is opened. */
static UNUSED int fuzz_folder_model(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    write_folder(data + 1, size - 1);
    open_and_use(fuzz_folder, data[0], size);
    return 0;
}

/* A GGUF file, opened as its number of bytes says. */
static UNUSED int fuzz_open(const uint8_t *data, size_t size) {
    make_fuzz_folder();
    fuzz_write("x.gguf", data, size);
    char path[160];
    snprintf(path, sizeof path, "%s", fuzz_path("x.gguf"));
    open_and_use(path, (uint8_t)(size & ~(size_t)1), size);
    open_and_use(path, (uint8_t)(size | 1), size);
    return 0;
}

/* ------------------------------------------------------------------------------------------------- quantize */

static UNUSED size_t count_temporary_files(void) {
    glob_t found;
    char pattern[160];
    snprintf(pattern, sizeof pattern, "%s", fuzz_path("*.tmp"));
    size_t n = glob(pattern, 0, NULL, &found) ? 0 : found.gl_pathc;
    globfree(&found);
    return n;
}

/* The first byte is the type; what is written of the folder behind it opens, and nothing else is left. */
static UNUSED int fuzz_quantize(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    write_folder(data + 1, size - 1);
    char path[160];
    snprintf(path, sizeof path, "%s", fuzz_path("x.gguf"));
    (void)unlink(path);
    counter c = {0};
    llmcs_allocator a = counting(&c);
    llmcs_quantize_params params;
    llmcs_quantize_params_init(&params);
    params.type = (llmcs_gguf_type)(data[0] % 5);
    params.allocator = &a;
    llmcs_status st = llmcs_quantize(fuzz_folder, path, &params);
    MUST(st == LLMCS_OK || (may_refuse_model(st) && llmcs_error_message()[0]));
    MUST((access(path, F_OK) == 0) == (st == LLMCS_OK) && count_temporary_files() == 0);
    MUST(c.live == 0 && c.peak <= 100 * size + ((size_t)8 << 20));
    if (!st) {
        llmcs_model *model = NULL;
        st = open_fuzzed(path, &c, 0, &model);
        MUST(st == LLMCS_OK || st == LLMCS_LIMIT);
        if (!st) use_model(model, false);
        llmcs_model_free(&model);
        MUST(c.live == 0);
    }
    return 0;
}

/* ------------------------------------------------------------------------------------- too little memory */

typedef enum memory_case { OOM_TOKENIZER, OOM_FOLDER, OOM_GGUF, OOM_QUANTIZE, N_OOM } memory_case;

static UNUSED llmcs_status call_with(counter *c, memory_case which, uint8_t how) {
    llmcs_allocator a = counting(c);
    llmcs_tokenizer *t = NULL;
    llmcs_model *model = NULL;
    llmcs_status st;
    char path[160];
    snprintf(path, sizeof path, "%s", fuzz_path("x.gguf"));
    if (which == OOM_TOKENIZER) {
        st = llmcs_tokenizer_open(fuzz_folder, &a, &t);
        MUST(!st == !!t);
    } else if (which == OOM_QUANTIZE) {
        llmcs_quantize_params params;
        llmcs_quantize_params_init(&params);
        params.type = (llmcs_gguf_type)(how % 5);
        params.allocator = &a;
        st = llmcs_quantize(fuzz_folder, path, &params);
        MUST(count_temporary_files() == 0);
    } else {
        st = open_fuzzed(which == OOM_GGUF ? path : fuzz_folder, c, how, &model);
        MUST(!st == !!model);
        if (!st) use_model(model, false);
    }
    llmcs_tokenizer_free(&t);
    llmcs_model_free(&model);
    MUST(c->live == 0);
    return st;
}

/* Bytes: what is called, how, which allocation fails (two); then what the target of that call reads. Without memory a
 * call says NOMEM or what it says anyway, leaves nothing, and says the same as ever when there is memory again. */
static UNUSED int fuzz_oom(const uint8_t *data, size_t size) {
    if (size < 4) return 0;
    const memory_case which = (memory_case)(data[0] % N_OOM);
    const long fail_at = 1 + data[2] + data[3] * 256L;
    if (which == OOM_TOKENIZER)
        write_tokenizer_files(data + 4, size - 4);
    else if (which == OOM_GGUF)
        make_fuzz_folder(), fuzz_write("x.gguf", data + 4, size - 4);
    else
        write_folder(data + 4, size - 4);
    counter plenty = {0}, none = {.fail_at = fail_at}, again = {0};
    const llmcs_status expected = call_with(&plenty, which, data[1]);
    const llmcs_status found = call_with(&none, which, data[1]);
    MUST(expected != LLMCS_NOMEM);
    MUST(found == expected || found == LLMCS_NOMEM);
    MUST(found != LLMCS_NOMEM || none.calls >= fail_at);
    MUST(call_with(&again, which, data[1]) == expected);
    return 0;
}

/* -------------------------------------------------------------------------------------------------- windows */

/* tests/data/golden/bert-cls with a vocabulary of letters. */
static UNUSED llmcs_model *open_letters_model(void) {
    char vocabulary[1024] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    size_t n = strlen(vocabulary);
    llmcs_model *model = NULL;
    for (char c = 'a'; c <= 'z'; c++) n += (size_t)snprintf(vocabulary + n, sizeof vocabulary - n, "%c\n##%c\n", c, c);
    clear_fuzz_folder();
    fuzz_copy("tests/data/golden/bert-cls/config.json", "config.json");
    fuzz_copy("tests/data/golden/bert-cls/model.safetensors", "model.safetensors");
    fuzz_write("vocab.txt", vocabulary, n);
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = 1;
    MUST(!llmcs_model_open(fuzz_folder, &options, &model));
    return model;
}

static UNUSED llmcs_text_params read_text_params(reader *in) {
    llmcs_text_params params;
    llmcs_text_params_init(&params);
    params.overflow = (llmcs_overflow)(read_u8(in) % 4);
    params.truncation = (llmcs_truncation)(read_u8(in) % 5);
    params.max_length = read_u8(in) % 80u;
    params.stride = read_u8(in) % 80u;
    params.window_pooling = (llmcs_window_pooling)(read_u8(in) % 4);
    params.flags = read_u8(in) % 8u;
    return params;
}

static UNUSED bool may_refuse_text(llmcs_status st) {
    return st == LLMCS_OK || st == LLMCS_ARG || st == LLMCS_CONTEXT_FULL || st == LLMCS_UTF8;
}

static UNUSED void check_text_info(const llmcs_text_info *info, const llmcs_text_params *params) {
    const size_t most = params->max_length ? params->max_length : 64;
    MUST(info->n_windows >= 1 && info->n_tokens >= 2 && info->n_evaluated >= 2);
    MUST(info->n_evaluated <= info->n_windows * ll_min(most, 64));
    MUST(params->overflow == LLMCS_OVERFLOW_WINDOWS || info->n_windows == 1);
    MUST(info->truncated == (info->n_evaluated < info->n_tokens) || info->n_windows > 1);
}

/* Six bytes of parameters, two of a length; a text of that length, and a pair or another text behind it: classified
 * alone, together, and as query and document. */
static UNUSED int fuzz_windows(const uint8_t *data, size_t size) {
    static llmcs_model *model;
    if (!model) model = open_letters_model();
    reader in = {data, size};
    const llmcs_text_params params = read_text_params(&in);
    const bool pair = read_u8(&in) & 1;
    size_t n_first, n_second, split = read_u8(&in) * 16u;
    const char *first = (const char *)read_bytes(&in, split, &n_first);
    const char *second = (const char *)read_bytes(&in, 8192, &n_second);
    const llmcs_text texts[] = {{first, n_first, pair ? second : NULL, pair ? n_second : 0},
                                {second, n_second, NULL, 0}};
    llmcs_text_info infos[2] = {{.struct_size = sizeof *infos}};
    float *scores = exact_alloc(2 * 3 * sizeof *scores), *alone = exact_alloc(3 * sizeof *alone), relevance = 0;
    llmcs_status st = llmcs_classify(model, texts, 2, &params, scores, NULL, infos);
    MUST(may_refuse_text(st));
    if (!st) {
        for (size_t i = 0; i < 2; i++) check_text_info(&infos[i], &params);
        MUST(fabsf(scores[0] + scores[1] + scores[2] - 1.0f) < 1e-4f);
        MUST(!llmcs_classify(model, texts, 1, &params, alone, NULL, NULL));
        MUST(memcmp(alone, scores, 3 * sizeof *alone) == 0);
    }
    MUST(may_refuse_text(llmcs_rerank(model, first, n_first, &texts[1], 1, &params, &relevance, NULL)));
    MUST(relevance >= 0 && relevance <= 1);
    float *vectors = exact_alloc(2 * 48 * sizeof *vectors);
    MUST(may_refuse_text(llmcs_embed(model, texts, 2, &params, vectors, NULL)));
    free(vectors);
    free(alone);
    free(scores);
    return 0;
}

#endif
