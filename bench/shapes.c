/*
 * Checkpoints of well-known shapes with random weights: speed does not depend on the values, as long as their
 * magnitudes are those of trained weights. Written in Hugging Face's layout to a temporary folder, which is removed
 * when the program ends, also by a signal.
 */
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/half.h"
#include "bench.h"

static const bench_shape shapes[] = {
    {"gpt2-124m", "gpt2", false, 768, 12, 12, 3072, 50257, 1024, 0, 0, 0},  /* openai-community/gpt2 */
    {"gpt2-355m", "gpt2", false, 1024, 24, 16, 4096, 50257, 1024, 0, 0, 0}, /* gpt2-medium */
    {"bert-base", "bert", true, 768, 12, 12, 3072, 30522, 512, 0, 0, 0},    /* google-bert/bert-base-uncased */
    {"minilm-l6", "bert", true, 384, 6, 12, 1536, 30522, 512, 0, 0, 0},     /* sentence-transformers/all-MiniLM-L6-v2 */
    {"xlm-r-base", "xlm-roberta", true, 768, 12, 12, 3072, 250002, 514, 0, 0, 0},     /* FacebookAI/xlm-roberta-base */
    {"qwen2.5-0.5b", "qwen2", false, 896, 24, 14, 4864, 151936, 32768, 2, 64, 1e6},   /* Qwen/Qwen2.5-0.5B */
    {"llama-3.2-1b", "llama", false, 2048, 16, 32, 8192, 128256, 131072, 8, 64, 5e5}, /* meta-llama/Llama-3.2-1B */
    {"smollm2-135m", "llama", false, 576, 30, 9, 1536, 49152, 8192, 3, 64, 1e5},      /* HuggingFaceTB/SmolLM2-135M */
    {"tiny", "gpt2", false, 64, 2, 4, 256, 512, 128, 0, 0, 0},                        /* for the program's own tests */
    {"tiny-bert", "bert", true, 64, 2, 4, 256, 512, 128, 0, 0, 0},
    {"tiny-qwen2", "qwen2", false, 64, 2, 4, 160, 512, 128, 2, 24, 1e6},
};
#define N_SHAPES (sizeof shapes / sizeof *shapes)

const char *bench_shape_names(void) {
    static char names[400];
    size_t n = 0;
    for (size_t i = 0; i < N_SHAPES; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s",
                              !i      ? ""
                              : i % 6 ? ", "
                                      : ",\n                        ",
                              shapes[i].name);
    return names;
}

/* ---- the temporary folder; one a shape at most */

static const char *const file_names[] = {"config.json", "model.safetensors", "vocab.txt"};
#define N_FILES (sizeof file_names / sizeof *file_names)
typedef struct temporary {
    char folder[256], files[N_FILES][288];
} temporary;
static temporary made[N_SHAPES];

/* Only what a signal handler may call. */
static void remove_made(void) {
    for (size_t i = 0; i < N_SHAPES; i++) {
        if (!made[i].folder[0]) continue;
        for (size_t f = 0; f < N_FILES; f++) unlink(made[i].files[f]);
        rmdir(made[i].folder);
        made[i].folder[0] = 0;
    }
}

static void on_signal(int number) {
    remove_made();
    signal(number, SIG_DFL);
    raise(number);
}

static bool make_folder(temporary *t) {
    static bool arranged;
    const char *where = getenv("TMPDIR");
    char folder[sizeof t->folder];
    const int n = snprintf(folder, sizeof folder, "%s/llmcs-bench-XXXXXX", where && *where ? where : "/tmp");
    if (!arranged && atexit(remove_made)) return false;
    for (size_t i = 0; !arranged && i < 3; i++) signal((const int[]){SIGINT, SIGTERM, SIGHUP}[i], on_signal);
    arranged = true;
    if (n < 0 || (size_t)n >= sizeof folder || !mkdtemp(folder)) return false;
    for (size_t f = 0; f < N_FILES; f++) snprintf(t->files[f], sizeof t->files[f], "%.250s/%s", folder, file_names[f]);
    memcpy(t->folder, folder, sizeof folder);
    return true;
}

/* ---- tensors, gone through twice: once for the header, once for the numbers */

typedef struct writer {
    FILE *header, *data; /* one of them */
    const float *normal; /* [N_NORMAL] N(0, 1) */
    uint64_t offset_bytes;
    uint32_t state;
    bool first, half; /* half: bfloat16, as the checkpoints of these families are */
} writer;

#define N_NORMAL ((size_t)1 << 20)
#define DEVIATION 0.02f /* as both families are initialised: Radford et al. 2018, Devlin et al. 2018 */

/* Pairs by Box and Muller 1958. */
static float *new_normal(void) {
    float *uniform = bench_floats(N_NORMAL, 0.5f);
    for (size_t i = 0; i < N_NORMAL; i += 2) {
        const float radius = sqrtf(-2 * logf(uniform[i] + 0.5f + 1e-7f)), angle = 6.2831853f * uniform[i + 1];
        uniform[i] = radius * cosf(angle);
        uniform[i + 1] = radius * sinf(angle);
    }
    return uniform;
}

/* n numbers around `mean`: pieces of the table from places that a generator picks. */
static void put_numbers(writer *w, size_t n, float mean) {
    float piece[4096];
    uint16_t halves[4096];
    const size_t most = sizeof piece / sizeof *piece;
    while (n) {
        const size_t now = n < most ? n : most;
        w->state = w->state * 1664525u + 1013904223u;
        const float *from = w->normal + w->state % (N_NORMAL - most);
        for (size_t i = 0; i < now; i++) piece[i] = mean + DEVIATION * from[i];
        for (size_t i = 0; i < now; i++) halves[i] = ll_float_to_bfloat(piece[i]);
        if (w->half)
            fwrite(halves, sizeof *halves, now, w->data);
        else
            fwrite(piece, sizeof *piece, now, w->data);
        n -= now;
    }
}

/* A tensor [rows, columns], or [columns] with rows = 0. */
static void put(writer *w, float mean, int rows, int columns, const char *format, ...) {
    const size_t n = (size_t)(rows ? rows : 1) * (size_t)columns;
    const size_t size = w->half ? 2 : 4;
    char name[128], first[16] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (rows) snprintf(first, sizeof first, "%d,", rows);
    if (w->header) {
        fprintf(w->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s%d],\"data_offsets\":[%llu,%llu]}",
                w->first ? "" : ",", name, w->half ? "BF16" : "F32", first, columns,
                (unsigned long long)w->offset_bytes, (unsigned long long)(w->offset_bytes + size * n));
    } else {
        put_numbers(w, n, mean);
    }
    w->offset_bytes += size * n;
    w->first = false;
}

static void put_norm(writer *w, int n, const char *name) {
    put(w, 1, 0, n, "%s.weight", name);
    put(w, 0, 0, n, "%s.bias", name);
}

/* torch.nn.Linear: [out, in]; GPT-2's Conv1D: [in, out]. */
static void put_linear(writer *w, int rows, int columns, int n_out, const char *name) {
    put(w, 0, rows, columns, "%s.weight", name);
    put(w, 0, 0, n_out, "%s.bias", name);
}

static void gpt2_tensors(writer *w, const bench_shape *s) {
    const int n = s->width;
    char name[96];
    put(w, 0, s->vocabulary, n, "transformer.wte.weight");
    put(w, 0, s->positions, n, "transformer.wpe.weight");
    for (int i = 0; i < s->layers; i++) {
#define NAME(what) (snprintf(name, sizeof name, "transformer.h.%d." what, i), name)
        put_norm(w, n, NAME("ln_1"));
        put_linear(w, n, 3 * n, 3 * n, NAME("attn.c_attn"));
        put_linear(w, n, n, n, NAME("attn.c_proj"));
        put_norm(w, n, NAME("ln_2"));
        put_linear(w, n, s->inner, s->inner, NAME("mlp.c_fc"));
        put_linear(w, s->inner, n, n, NAME("mlp.c_proj"));
#undef NAME
    }
    put_norm(w, n, "transformer.ln_f");
}

/* Llama's, with the biases of Qwen2. */
static void llama_tensors(writer *w, const bench_shape *s) {
    const int n = s->width, queries = bench_query_width(s), keys = bench_key_width(s);
    const bool has_bias = !strcmp(s->model_type, "qwen2");
    put(w, 0, s->vocabulary, n, "model.embed_tokens.weight");
    for (int i = 0; i < s->layers; i++) {
        put(w, 1, 0, n, "model.layers.%d.input_layernorm.weight", i);
        for (int j = 0; j < 3; j++) {
            put(w, 0, j ? keys : queries, n, "model.layers.%d.self_attn.%c_proj.weight", i, "qkv"[j]);
            if (has_bias) put(w, 0, 0, j ? keys : queries, "model.layers.%d.self_attn.%c_proj.bias", i, "qkv"[j]);
        }
        put(w, 0, n, queries, "model.layers.%d.self_attn.o_proj.weight", i);
        put(w, 1, 0, n, "model.layers.%d.post_attention_layernorm.weight", i);
        put(w, 0, s->inner, n, "model.layers.%d.mlp.gate_proj.weight", i);
        put(w, 0, s->inner, n, "model.layers.%d.mlp.up_proj.weight", i);
        put(w, 0, n, s->inner, "model.layers.%d.mlp.down_proj.weight", i);
    }
    put(w, 1, 0, n, "model.norm.weight");
}

/* BERT's; XLM-RoBERTa has one type, another prefix and another head. */
static void bert_tensors(writer *w, const bench_shape *s) {
    const bool is_bert = !strcmp(s->model_type, "bert");
    const int n = s->width;
    const char *prefix = is_bert ? "bert" : "roberta";
    char name[96];
    put(w, 0, s->vocabulary, n, "%s.embeddings.word_embeddings.weight", prefix);
    put(w, 0, s->positions, n, "%s.embeddings.position_embeddings.weight", prefix);
    put(w, 0, is_bert ? 2 : 1, n, "%s.embeddings.token_type_embeddings.weight", prefix);
    put_norm(w, n, (snprintf(name, sizeof name, "%s.embeddings.LayerNorm", prefix), name));
    for (int i = 0; i < s->layers; i++) {
#define NAME(what) (snprintf(name, sizeof name, "%s.encoder.layer.%d." what, prefix, i), name)
        put_linear(w, n, n, n, NAME("attention.self.query"));
        put_linear(w, n, n, n, NAME("attention.self.key"));
        put_linear(w, n, n, n, NAME("attention.self.value"));
        put_linear(w, n, n, n, NAME("attention.output.dense"));
        put_norm(w, n, NAME("attention.output.LayerNorm"));
        put_linear(w, s->inner, n, s->inner, NAME("intermediate.dense"));
        put_linear(w, n, s->inner, n, NAME("output.dense"));
        put_norm(w, n, NAME("output.LayerNorm"));
#undef NAME
    }
    put_linear(w, n, n, n, is_bert ? "bert.pooler.dense" : "classifier.dense");
    put_linear(w, 2, n, 2, is_bert ? "classifier" : "classifier.out_proj");
}

static bool write_config(const bench_shape *s, const char *path) {
    FILE *f = fopen(path, "w");
    if (!f) return false;
    const bool is_bert = !strcmp(s->model_type, "bert"), is_llama = !strcmp(s->model_type, "llama");
    if (s->theta > 0)
        fprintf(f,
                "{\"model_type\":\"%s\",\"architectures\":[\"%sForCausalLM\"],\"hidden_size\":%d,"
                "\"num_hidden_layers\":%d,\"num_attention_heads\":%d,\"num_key_value_heads\":%d,\"head_dim\":%d,"
                "\"intermediate_size\":%d,\"hidden_act\":\"silu\",\"vocab_size\":%d,\"max_position_embeddings\":%d,"
                "\"rms_norm_eps\":1e-6,\"rope_theta\":%g,\"tie_word_embeddings\":true}\n",
                s->model_type, is_llama ? "Llama" : "Qwen2", s->width, s->layers, s->heads, s->kv_heads, s->head_dim,
                s->inner, s->vocabulary, s->positions, s->theta);
    else if (s->encoder)
        fprintf(f,
                "{\"model_type\":\"%s\",\"architectures\":[\"%sForSequenceClassification\"],\"hidden_size\":%d,"
                "\"num_hidden_layers\":%d,\"num_attention_heads\":%d,\"intermediate_size\":%d,\"hidden_act\":\"gelu\","
                "\"vocab_size\":%d,\"max_position_embeddings\":%d,\"type_vocab_size\":%d,\"layer_norm_eps\":1e-12,"
                "\"pad_token_id\":%d,\"id2label\":{\"0\":\"no\",\"1\":\"yes\"}}\n",
                s->model_type, is_bert ? "Bert" : "XLMRoberta", s->width, s->layers, s->heads, s->inner, s->vocabulary,
                s->positions, is_bert ? 2 : 1, is_bert ? 0 : 1);
    else
        fprintf(f,
                "{\"model_type\":\"gpt2\",\"architectures\":[\"GPT2LMHeadModel\"],\"n_embd\":%d,\"n_layer\":%d,"
                "\"n_head\":%d,\"n_inner\":%d,\"vocab_size\":%d,\"n_positions\":%d,\"n_ctx\":%d,"
                "\"activation_function\":\"gelu_new\",\"layer_norm_epsilon\":1e-5}\n",
                s->width, s->layers, s->heads, s->inner, s->vocabulary, s->positions, s->positions);
    return !fclose(f);
}

/* As many lines as there are must be ids of the shape. */
static bool copy_vocabulary(const bench_shape *s, const char *folder, const char *path) {
    char from[512], line[512];
    int n = 0;
    snprintf(from, sizeof from, "%s/vocab.txt", folder);
    FILE *in = fopen(from, "r"), *out = in ? fopen(path, "w") : NULL;
    bool ok = out;
    while (ok && fgets(line, sizeof line, in)) {
        n += strchr(line, '\n') != NULL;
        ok = fputs(line, out) >= 0;
    }
    if (in) fclose(in);
    if (out) ok &= !fclose(out);
    if (ok && n <= s->vocabulary) return true;
    fprintf(stderr, "llmcs-bench: %s: cannot be read, or is no vocabulary of at most %d tokens\n", from, s->vocabulary);
    return false;
}

/* Words "w0", "w1", ... after BERT's special tokens: enough for llmcs_embed to have texts. */
static bool write_vocabulary(const bench_shape *s, const char *path) {
    static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    FILE *f = fopen(path, "w");
    if (!f) return false;
    for (int i = 0; i < s->vocabulary; i++) {
        if (i < 5)
            fprintf(f, "%s\n", special[i]);
        else
            fprintf(f, "w%d\n", i - 5);
    }
    return !fclose(f);
}

/* safetensors: the header's length, the header in JSON, the tensors (huggingface/safetensors, README, "Format"). */
static bool write_tensors(const bench_shape *s, const char *path) {
    void (*const tensors)(writer *, const bench_shape *) = s->theta > 0 ? llama_tensors
                                                           : s->encoder ? bert_tensors
                                                                        : gpt2_tensors;
    const bool half = s->theta > 0;
    char *header = NULL;
    size_t n_bytes = 0;
    writer w = {.header = open_memstream(&header, &n_bytes), .first = true, .half = half};
    if (!w.header) return false;
    fputc('{', w.header);
    tensors(&w, s);
    fputc('}', w.header);
    if (fclose(w.header)) return false;
    FILE *f = fopen(path, "wb");
    bool ok = f;
    if (f) {
        float *normal = new_normal();
        unsigned char length[8];
        for (size_t i = 0; i < 8; i++) length[i] = (unsigned char)((uint64_t)n_bytes >> 8 * i);
        fwrite(length, 1, sizeof length, f);
        fwrite(header, 1, n_bytes, f);
        w = (writer){.data = f, .normal = normal, .state = 1, .half = half};
        tensors(&w, s);
        ok = !ferror(f);
        ok &= !fclose(f);
        free(normal);
    }
    free(header);
    return ok;
}

const bench_shape *bench_shape_find(const char *name) {
    for (size_t i = 0; i < N_SHAPES; i++)
        if (!strcmp(shapes[i].name, name)) return &shapes[i];
    return NULL;
}

const char *bench_shape_folder(const bench_shape *s, const char *tokenizer) {
    temporary *t = &made[s - shapes];
    if (t->folder[0]) return t->folder;
    if (make_folder(t) && write_config(s, t->files[0]) && write_tensors(s, t->files[1]) &&
        (!s->encoder || (tokenizer ? copy_vocabulary(s, tokenizer, t->files[2]) : write_vocabulary(s, t->files[2]))))
        return t->folder;
    perror("llmcs-bench: a temporary folder for random weights (TMPDIR names the place)");
    return NULL;
}
