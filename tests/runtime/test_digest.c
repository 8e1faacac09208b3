/* Results keep their bits from version to version: logits, encoder outputs, token ids and generated texts of every
 * fixture and demo model, for each weight type and kernel set, hashed and compared with tests/data/digest.txt, whose
 * head says which version wrote it. LLMCS_DIGEST_NEW=FILE appends the lines of this build to FILE and compares nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llmcs.h"
#include "support/golden.h"
#include "support/suite.h"
#include "support/temp.h"

#define DIGEST_FILE "tests/data/digest.txt"
#define MAX_IDS 4096

/* ---------------------------------------------------------------------------------------------- the digest */

typedef uint64_t hash;

/* FNV-1a (Fowler, Noll, Vo), so that the digest depends on nothing of the library's. */
static hash add_bytes(hash h, const void *data, size_t n_bytes) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n_bytes; i++) h = (h ^ bytes[i]) * 0x100000001b3u;
    return h;
}
#define HASH_START ((hash)0xcbf29ce484222325u)

static size_t n_compared, n_different;

static char *read_text(const char *path, size_t *n_bytes) {
    char *text = temp_alloc((size_t)64 << 20);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    *n_bytes = fread(text, 1, ((size_t)64 << 20) - 1, f);
    text[*n_bytes] = 0;
    fclose(f);
    return text;
}

/* The hash under `name` in the file, if there is one. */
static bool find_line(const char *name, hash *found) {
    static char *digest;
    char key[192];
    size_t n_bytes;
    if (!digest) digest = read_text(DIGEST_FILE, &n_bytes);
    snprintf(key, sizeof key, "\n%s ", name);
    const char *line = strstr(digest, key);
    if (line) *found = strtoull(line + strlen(key), NULL, 16);
    return line != NULL;
}

static void compare_line(const char *name, hash h) {
    const char *new_file = getenv("LLMCS_DIGEST_NEW");
    if (new_file) {
        FILE *f = fopen(new_file, "a");
        ck_assert_msg(f != NULL, "cannot write %s", new_file);
        fprintf(f, "%s %016llx\n", name, (unsigned long long)h);
        fclose(f);
        return;
    }
    hash expected = 0;
    const bool is_there = find_line(name, &expected);
    n_compared++;
    if (is_there && expected == h) return;
    n_different++;
    if (!is_there)
        printf("%s: " DIGEST_FILE " has no such line\n", name);
    else
        printf("%s: %016llx, expected %016llx\n", name, (unsigned long long)h, (unsigned long long)expected);
    fflush(stdout);
}

static void check_lines(const char *what) {
    if (getenv("LLMCS_DIGEST_NEW")) return;
    ck_assert_msg(!n_different, "%s: %zu of %zu lines differ", what, n_different, n_compared);
    ck_assert_msg(n_compared > 0, "%s: nothing was compared", what);
}

/* ------------------------------------------------------------------------ the library, as this test calls it */

#define OK(call)                                                                                           \
    do {                                                                                                   \
        llmcs_status status_ = (call);                                                                     \
        if (status_) ck_abort_msg("%s: %s: %s", #call, llmcs_status_name(status_), llmcs_error_message()); \
    } while (0)

/* How a model is held: from its folder as `weights`, or from a GGUF file of type `gguf` as stored. */
typedef struct variant {
    const char *name;
    llmcs_weights weights;
    llmcs_kv_type kv_type;
    int gguf; /* llmcs_gguf_type, or -1 */
} variant;

static const variant variants[] = {
    {"f32", LLMCS_WEIGHTS_F32, LLMCS_KV_AUTO, -1},
    {"f16", LLMCS_WEIGHTS_F16, LLMCS_KV_AUTO, -1},
    {"bf16", LLMCS_WEIGHTS_BF16, LLMCS_KV_AUTO, -1},
    {"int8", LLMCS_WEIGHTS_INT8, LLMCS_KV_AUTO, -1},
    {"int4", LLMCS_WEIGHTS_INT4, LLMCS_KV_AUTO, -1},
    {"f32-kv16", LLMCS_WEIGHTS_F32, LLMCS_KV_F16, -1},
    {"gguf-q8_0", LLMCS_WEIGHTS_AUTO, LLMCS_KV_AUTO, LLMCS_GGUF_Q8_0},
    {"gguf-q4_0", LLMCS_WEIGHTS_AUTO, LLMCS_KV_AUTO, LLMCS_GGUF_Q4_0},
};
#define N_VARIANTS (sizeof variants / sizeof *variants)

static void quantize(const char *folder, llmcs_gguf_type type, const char *out_path) {
    llmcs_quantize_params params;
    llmcs_quantize_params_init(&params);
    params.type = type;
    OK(llmcs_quantize(folder, out_path, &params));
}

static llmcs_status open_as(const char *path, llmcs_weights weights, llmcs_kv_type kv_type, llmcs_model **model) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = 1;
    options.backend = LLMCS_BACKEND_NATIVE;
    options.weights = weights;
    options.kv_type = kv_type;
    return llmcs_model_open(path, &options, model);
}

static llmcs_model *open_variant(const char *folder, const variant *v) {
    llmcs_model *model = NULL;
    if (v->gguf < 0) {
        OK(open_as(folder, v->weights, v->kv_type, &model));
        return model;
    }
    char temp[TEMP_PATH_BYTES];
    temp_folder(temp);
    quantize(folder, (llmcs_gguf_type)v->gguf, temp_path(temp, "x.gguf"));
    OK(open_as(temp_path(temp, "x.gguf"), v->weights, v->kv_type, &model));
    temp_remove(temp);
    return model;
}

static llmcs_model_info info_of(const llmcs_model *model) {
    llmcs_model_info info = {.struct_size = sizeof info};
    OK(llmcs_model_get_info(model, &info));
    return info;
}

/* Ids, text, scores and log-probabilities of all sequences. */
static hash hash_generation(llmcs_session *session, const int32_t *ids, size_t n_ids, llmcs_generate_params params) {
    llmcs_result *result = NULL;
    hash h = HASH_START;
    params.logprobs = 1;
    OK(llmcs_generate_ids(session, ids, n_ids, &params, NULL, NULL, &result));
    for (size_t i = 0; i < result->n_sequences; i++) {
        const llmcs_sequence *s = result->sequences[i];
        const int32_t reason = (int32_t)s->finish_reason;
        h = add_bytes(h, s->ids, s->n_ids * sizeof *s->ids);
        h = add_bytes(h, s->text, s->text_bytes);
        h = add_bytes(h, &s->score, sizeof s->score);
        if (s->logprobs) h = add_bytes(h, s->logprobs, s->n_ids * sizeof *s->logprobs);
        h = add_bytes(h, &reason, sizeof reason);
    }
    llmcs_result_free(&result);
    return h;
}

static llmcs_generate_params generate_params(int32_t max_new_tokens) {
    llmcs_generate_params params;
    llmcs_generate_params_init(&params, NULL);
    params.max_new_tokens = max_new_tokens;
    return params;
}

static size_t encode(const llmcs_tokenizer *tokenizer, const char *text, const char *pair, uint32_t flags, int32_t *ids,
                     int32_t *type_ids, llmcs_span *offsets) {
    llmcs_encode_params params;
    llmcs_encode_params_init(&params);
    params.flags = flags;
    size_t n;
    OK(llmcs_encode(tokenizer, text, LLMCS_NUL, pair, pair ? LLMCS_NUL : 0, &params, ids, type_ids, offsets, MAX_IDS,
                    &n));
    return n;
}

static hash hash_classification(llmcs_model *model, const llmcs_text *texts, size_t n_texts) {
    float scores[64];
    int32_t labels[32];
    hash h = HASH_START;
    OK(llmcs_classify(model, texts, n_texts, NULL, scores, labels, NULL));
    h = add_bytes(h, scores, n_texts * (size_t)info_of(model).n_labels * sizeof *scores);
    return add_bytes(h, labels, n_texts * sizeof *labels);
}

static hash hash_embedding(llmcs_model *model, const llmcs_text *texts, size_t n_texts) {
    const size_t n = n_texts * (size_t)info_of(model).n_embedding;
    float *vectors = temp_alloc(n * sizeof *vectors);
    OK(llmcs_embed(model, texts, n_texts, NULL, vectors, NULL));
    const hash h = add_bytes(HASH_START, vectors, n * sizeof *vectors);
    free(vectors);
    return h;
}

/* ---------------------------------------------------------------------------------------------------- models */

#define DEMO_GPT2 "examples/models/shop-gpt2"
#define DEMO_BERT "examples/models/review-bert"

static const char *const decoders[] = {"gpt2-tiny", "gpt2-untied", "gpt2-odd-head", "gpt2-f16", "gpt2-bf16", DEMO_GPT2};
static const char *const encoders[] = {"bert-cls",       "bert-embed",  "bert-mlm",
                                       "distilbert-cls", "roberta-cls", DEMO_BERT};
#define N_DECODERS (sizeof decoders / sizeof *decoders)
#define N_ENCODERS (sizeof encoders / sizeof *encoders)

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *folder_of(const char *model) {
    static char folder[128];
    snprintf(folder, sizeof folder, "%s%s", strchr(model, '/') ? "" : GOLDEN_FOLDER, model);
    return folder;
}

/* Where the lines of a model's variant and kernel set belong: "gpt2-tiny/int8/avx2/". */
typedef struct subject {
    llmcs_model *model;
    char name[96];
} subject;

static void compare(const subject *s, const char *what, hash h) {
    char name[160];
    snprintf(name, sizeof name, "%s%s", s->name, what);
    compare_line(name, h);
}

static const char demo_prompt[] =
    "User: Hello, where is my parcel?\nBot: It is on its way.\nUser: 我的订单什么时候发货？\nBot:";

/* A prompt of the demo model's own kind, or ids over the whole vocabulary. */
static size_t make_prompt(const subject *s, int32_t ids[MAX_IDS]) {
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(s->model);
    const llmcs_model_info info = info_of(s->model);
    if (tokenizer) return encode(tokenizer, demo_prompt, NULL, 0, ids, NULL, NULL);
    for (int32_t i = 0; i < 19; i++) ids[i] = (i * 37 + 11) % info.vocab_size;
    return 19;
}

static void digest_logits(const subject *s, llmcs_session *session, const int32_t *ids, size_t n_ids) {
    const float *logits;
    size_t n_rows, n_bytes;
    OK(llmcs_session_eval(session, ids, n_ids, LLMCS_LOGITS_ALL));
    OK(llmcs_session_logits(session, &logits, &n_rows));
    ck_assert_uint_eq(n_rows, n_ids);
    compare(s, "logits", add_bytes(HASH_START, logits, n_rows * (size_t)info_of(s->model).vocab_size * sizeof *logits));
    OK(llmcs_session_save(session, NULL, 0, &n_bytes));
    char *bytes = temp_alloc(n_bytes);
    OK(llmcs_session_save(session, bytes, n_bytes, &n_bytes));
    compare(s, "session", add_bytes(HASH_START, bytes, n_bytes));
    free(bytes);
}

static void digest_generation(const subject *s, llmcs_session *session, const int32_t *ids, size_t n_ids) {
    llmcs_generate_params params = generate_params(12);
    compare(s, "greedy", hash_generation(session, ids, n_ids, params));
    params = generate_params(8);
    params.do_sample = 1;
    params.temperature = 1.3f;
    params.top_k = 40;
    params.top_p = 0.95f;
    params.repetition_penalty = 1.1f;
    params.num_return_sequences = 2;
    params.seed = 1234567;
    compare(s, "sampled", hash_generation(session, ids, n_ids, params));
    params = generate_params(6);
    params.num_beams = 3;
    params.num_return_sequences = 2;
    params.length_penalty = 0.7f;
    compare(s, "beam", hash_generation(session, ids, n_ids, params));
    params.do_sample = 1;
    params.seed = 99;
    compare(s, "beam-sampled", hash_generation(session, ids, n_ids, params));
}

static void digest_score(const subject *s, llmcs_session *session, const int32_t *ids, size_t n_ids) {
    llmcs_score_result result;
    const size_t half = n_ids / 2;
    OK(llmcs_score_ids(session, ids, half, ids + half, n_ids - half, &result));
    compare(s, "score", add_bytes(HASH_START, &result.logprob, sizeof result.logprob));
}

/* One session for all, so that the prompt is evaluated once. */
static void digest_decoder(const subject *s) {
    int32_t ids[MAX_IDS];
    llmcs_session *session = NULL;
    const size_t n_ids = make_prompt(s, ids);
    OK(llmcs_session_create(s->model, NULL, &session));
    digest_logits(s, session, ids, n_ids);
    digest_generation(s, session, ids, n_ids);
    digest_score(s, session, ids, n_ids);
    llmcs_session_free(&session);
}

/* Three texts side by side, one of a single token. */
static void digest_outputs(const subject *s) {
    const llmcs_model_info info = info_of(s->model);
    const size_t lengths[] = {23, 1, 40}, n = 64, n_embd = (size_t)info.n_embd;
    const bool per_token = info.heads & LLMCS_HEAD_MASKED_LM;
    const size_t n_logits = per_token ? n * (size_t)info.vocab_size : 3 * (size_t)info.n_labels;
    int32_t ids[64];
    for (int32_t i = 0; i < (int32_t)n; i++) ids[i] = (i * 37 + 11) % info.vocab_size;
    float *hidden = temp_alloc(n * n_embd * sizeof *hidden), *pooled = temp_alloc(3 * n_embd * sizeof *pooled);
    float *logits = temp_alloc((n_logits + 1) * sizeof *logits);
    llmcs_encoder_outputs out = {.struct_size = sizeof out,
                                 .hidden = hidden,
                                 .pooled = info.heads & LLMCS_HEAD_POOLER ? pooled : NULL,
                                 .logits = n_logits ? logits : NULL};
    OK(llmcs_encoder_eval(s->model, ids, NULL, lengths, 3, &out));
    compare(s, "hidden", add_bytes(HASH_START, hidden, n * n_embd * sizeof *hidden));
    if (out.pooled) compare(s, "pooled", add_bytes(HASH_START, pooled, 3 * n_embd * sizeof *pooled));
    if (out.logits) compare(s, "logits", add_bytes(HASH_START, logits, n_logits * sizeof *logits));
    free(hidden);
    free(pooled);
    free(logits);
}

static const llmcs_text reviews[] = {
    {"Soft, warm and exactly my size. I would buy it again!", LLMCS_NUL, NULL, 0},
    {"这个水壶非常好用，物流也很快。", LLMCS_NUL, NULL, 0},
    {"手机很慢，电池不耐用，客服也不回复。", LLMCS_NUL, "The battery died after two days.", LLMCS_NUL},
    {"", 0, NULL, 0},
};
#define N_REVIEWS (sizeof reviews / sizeof *reviews)

static void digest_encoder(const subject *s) {
    digest_outputs(s);
    if (!llmcs_model_tokenizer(s->model)) return;
    compare(s, "classify", hash_classification(s->model, reviews, N_REVIEWS));
    compare(s, "embed", hash_embedding(s->model, reviews, N_REVIEWS));
}

/* ---------------------------------------------------------------------------------------------- kernel sets */

/* What LLMCS_CPU names, and the lines whose bits it promises: sets that differ in products of integers only share them.
 */
static const struct {
    const char *name, *lines;
} kernel_sets[] = {
    {"scalar", "scalar"},
#if defined(__x86_64__)
    {"avx2", "avx2"},     {"avxvnni", "avx2"}, {"avx512", "avx512"}, {"avx512vnni", "avx512"}, {"amx", "avx512"},
#elif defined(__aarch64__)
    {"neon", "neon"},
    {"dotprod", "neon"},
    {"i8mm", "neon"},
#endif
};
#define N_KERNEL_SETS ((int)(sizeof kernel_sets / sizeof *kernel_sets))

static bool use_kernel_set(const char *name) {
    llmcs_model *model = NULL;
    ck_assert_int_eq(setenv("LLMCS_CPU", name, 1), 0);
    const llmcs_status status = open_as(folder_of(decoders[0]), LLMCS_WEIGHTS_AUTO, LLMCS_KV_AUTO, &model);
    llmcs_model_free(&model);
    if (status == LLMCS_UNSUPPORTED)
        suite_skip(name, "this processor does not have what these kernels need");
    else
        OK(status);
    return !status;
}

static void digest_model(const char *model, const variant *v, int set, void (*digest)(const subject *)) {
    subject s = {.model = open_variant(folder_of(model), v)};
    snprintf(s.name, sizeof s.name, "%s/%s/%s/", base_name(model), v->name, kernel_sets[set].lines);
    digest(&s);
    llmcs_model_free(&s.model);
}

START_TEST(models_keep_their_bits) {
    if (!use_kernel_set(kernel_sets[_i].name)) return;
    const size_t step = suite_step(11);
    for (size_t c = (size_t)_i % step; c < N_VARIANTS * (N_DECODERS + N_ENCODERS); c += step) {
        const variant *v = &variants[c % N_VARIANTS];
        const size_t m = c / N_VARIANTS;
        if (m < N_DECODERS)
            digest_model(decoders[m], v, _i, digest_decoder);
        else
            digest_model(encoders[m - N_DECODERS], v, _i, digest_encoder);
    }
    check_lines(kernel_sets[_i].name);
}
END_TEST

/* ---------------------------------------------------------------------------------- tokenizers, GGUF files */

static hash hash_ids(hash h, const llmcs_tokenizer *tokenizer, const char *text, const char *pair, uint32_t flags) {
    int32_t ids[MAX_IDS], type_ids[MAX_IDS];
    static llmcs_span offsets[MAX_IDS];
    static char decoded[1 << 16];
    size_t n_bytes;
    const size_t n = encode(tokenizer, text, pair, flags, ids, type_ids, offsets);
    h = add_bytes(h, ids, n * sizeof *ids);
    h = add_bytes(h, type_ids, n * sizeof *type_ids);
    h = add_bytes(h, offsets, n * sizeof *offsets);
    for (uint32_t skip = 0; skip < 4; skip++) {
        OK(llmcs_decode(tokenizer, ids, n, skip, decoded, sizeof decoded, &n_bytes));
        h = add_bytes(h, decoded, n_bytes);
    }
    return h;
}

static const char *const tokenizer_folders[] = {
    "tests/data/tokenizers/tiny-gpt2",
    "tests/data/tokenizers/tiny-roberta",
    "tests/data/tokenizers/tiny-bert-cased",
    "tests/data/tokenizers/tiny-bert-uncased",
    DEMO_GPT2,
    DEMO_BERT,
};
#define N_TOKENIZERS (sizeof tokenizer_folders / sizeof *tokenizer_folders)

/* English and Chinese sentences, each alone and as a pair with the one before it, and a file of many scripts. */
static void digest_tokenizer(const char *folder, char *corpus, const char *scripts) {
    llmcs_tokenizer *tokenizer = NULL;
    char name[128];
    hash h = HASH_START;
    OK(llmcs_tokenizer_open(folder, NULL, &tokenizer));
    const char *before = NULL;
    for (char *line = corpus, *end; (end = strchr(line, '\n')); before = line, line = end + 1) {
        *end = 0;
        h = hash_ids(h, tokenizer, line, NULL, LLMCS_ADD_SPECIAL_TOKENS);
        h = hash_ids(h, tokenizer, line, before, LLMCS_ADD_SPECIAL_TOKENS | LLMCS_PARSE_SPECIAL);
    }
    h = hash_ids(h, tokenizer, scripts, NULL, 0);
    h = hash_ids(h, tokenizer, "<|endoftext|>a [MASK] <mask> 中文[SEP]", "</s>", LLMCS_PARSE_SPECIAL);
    snprintf(name, sizeof name, "tokenizer/%s", base_name(folder));
    compare_line(name, h);
    llmcs_tokenizer_free(&tokenizer);
}

START_TEST(tokenizers_keep_their_ids) {
    size_t n_bytes;
    char *scripts = read_text("tests/data/tokenizers/texts.json", &n_bytes);
    for (size_t i = 0; i < N_TOKENIZERS; i++) {
        char *corpus = read_text("tests/data/tokenizers/corpus.txt", &n_bytes);
        digest_tokenizer(tokenizer_folders[i], corpus, scripts);
        free(corpus);
    }
    free(scripts);
    check_lines("tokenizers");
}
END_TEST

START_TEST(gguf_files_keep_their_bytes) {
    static const char *const types[] = {"q8_0", "q4_0", "f16", "bf16", "f32"};
    static const char *const models[] = {"gpt2-tiny", "gpt2-bf16", "bert-cls", "bert-mlm", DEMO_GPT2, DEMO_BERT};
    char temp[TEMP_PATH_BYTES], name[128];
    temp_folder(temp);
    for (size_t c = 0; c < 5 * sizeof models / sizeof *models; c += suite_step(7)) {
        size_t n_bytes;
        quantize(folder_of(models[c / 5]), (llmcs_gguf_type)(c % 5), temp_path(temp, "x.gguf"));
        char *bytes = read_text(temp_path(temp, "x.gguf"), &n_bytes);
        snprintf(name, sizeof name, "%s/gguf/%s", base_name(models[c / 5]), types[c % 5]);
        compare_line(name, add_bytes(HASH_START, bytes, n_bytes));
        free(bytes);
    }
    temp_remove(temp);
    check_lines("GGUF files");
}
END_TEST

static void add_tests(TCase *t) {
    tcase_add_loop_test(t, models_keep_their_bits, 0, N_KERNEL_SETS);
    tcase_add_test(t, tokenizers_keep_their_ids);
    tcase_add_test(t, gguf_files_keep_their_bytes);
}

SUITE_MAIN("runtime/digest", add_tests)
