#include <string.h>

#include "cli.h"

static void print_heads(uint32_t heads) {
    static const char *const names[] = {"causal-lm", "classification", "masked-lm", "embedding", "pooler"};
    for (int i = 0; i < 5; i++)
        if (heads >> i & 1) printf(" %s", names[i]);
    putchar('\n');
}

static void print_table(const llmcs_model *model, const llmcs_model_info *m, const llmcs_plan_info *plan) {
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(model);
    printf("model_type     %s\narchitecture   %s\nheads         ", m->model_type, m->architecture);
    print_heads(m->heads);
    printf(
        "vocab_size     %d\nn_ctx          %d\nn_embd         %d\nn_layer        %d\nn_head         %d\nn_inner        "
        "%d\n",
        m->vocab_size, m->n_ctx, m->n_embd, m->n_layer, m->n_head, m->n_inner);
    printf("parameters     %.1f million\nweights        %.1f MB\none session    %.1f MB\n",
           (double)m->n_parameters / 1e6, (double)m->weights_bytes / 1e6, (double)plan->session_bytes / 1e6);
    if (tokenizer)
        printf("tokenizer      %zu tokens\n", llmcs_tokenizer_n_vocab(tokenizer));
    else
        printf("tokenizer      none (token ids only)\n");
    if (m->eos_token_id >= 0) printf("eos_token_id   %d\n", m->eos_token_id);
    for (int32_t i = 0; i < m->n_labels; i++) printf("label %-8d %s\n", i, llmcs_model_label(model, i));
    printf("kept as        %s, keys and values %s\n", m->weights, m->kv_type);
    printf("kernels        %s, %s, %d thread%s\n", m->cpu, m->backend, m->n_threads, m->n_threads == 1 ? "" : "s");
}

static void print_json(const llmcs_model *model, const llmcs_model_info *m, const llmcs_plan_info *plan) {
    fputs("{\"model_type\":", stdout);
    out_string(m->model_type, strlen(m->model_type));
    fputs(",\"architecture\":", stdout);
    out_string(m->architecture, strlen(m->architecture));
    printf(",\"vocab_size\":%d,\"n_ctx\":%d,\"n_embd\":%d,\"n_layer\":%d,\"n_head\":%d,\"n_inner\":%d", m->vocab_size,
           m->n_ctx, m->n_embd, m->n_layer, m->n_head, m->n_inner);
    printf(",\"n_parameters\":%llu,\"weights_bytes\":%llu,\"session_bytes\":%llu", (unsigned long long)m->n_parameters,
           (unsigned long long)m->weights_bytes, (unsigned long long)plan->session_bytes);
    fputs(",\"labels\":[", stdout);
    for (int32_t i = 0; i < m->n_labels; i++) {
        const char *label = llmcs_model_label(model, i);
        if (i) putchar(',');
        out_string(label, strlen(label));
    }
    printf("],\"cpu\":\"%s\",\"backend\":\"%s\",\"weights\":\"%s\",\"kv_type\":\"%s\",\"n_threads\":%d}\n", m->cpu,
           m->backend, m->weights, m->kv_type, m->n_threads);
}

static int run(int argc, char **argv) {
    cli_common common;
    int code = cli_parse(&cmd_info, argc, argv, &common, NULL);
    if (code >= 0) return code;
    llmcs_model *model = NULL;
    llmcs_model_info info = {.struct_size = sizeof info};
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    code = EXIT_OK;
    if (cli_open(&common, &model)) return cli_failed("open");
    if (llmcs_model_get_info(model, &info) || llmcs_plan(common.folder, NULL, NULL, &plan))
        code = cli_failed("open");
    else if (common.jsonl)
        print_json(model, &info, &plan);
    else
        print_table(model, &info, &plan);
    llmcs_model_free(&model);
    return code;
}

const cli_command cmd_info = {
    "info", "", "What a folder holds and what it will take.", "one line of JSON, nothing is read from stdin", NULL,
    NULL,   run};
