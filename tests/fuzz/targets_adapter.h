/* Target of LoRA adapters: a PEFT folder of any content is applied to a checkpoint of tests/data/adapters. */
#ifndef TESTS_FUZZ_TARGETS_ADAPTER_H
#define TESTS_FUZZ_TARGETS_ADAPTER_H

#include "fuzz/targets_model.h"

/* A byte that chooses the base, three of a length, adapter_config.json of that length, adapter_model.safetensors. What
 * is refused is refused by name and leaves nothing; what opens computes. */
static UNUSED int fuzz_adapter(const uint8_t *data, size_t size) {
    static const char *const bases[] = {"gpt2", "gpt2-embedding", "bert", "llama", "llama-saved", "qwen2"};
    reader in = {data, size};
    char base[100];
    snprintf(base, sizeof base, "tests/data/adapters/%s/base", bases[read_u8(&in) % (sizeof bases / sizeof *bases)]);
    uint32_t len = read_u8(&in);
    len |= (uint32_t)read_u8(&in) << 8;
    len |= (uint32_t)read_u8(&in) << 16;
    size_t n;
    const uint8_t *config = read_bytes(&in, len, &n);
    make_fuzz_folder();
    fuzz_write("adapter_config.json", config, n);
    fuzz_write("adapter_model.safetensors", in.at, in.left);
    counter c = {0};
    llmcs_allocator a = counting(&c);
    const char *const adapters[] = {fuzz_folder};
    llmcs_model *model = NULL;
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = 1;
    options.allocator = &a;
    options.weights = (llmcs_weights)(size % 6);
    options.adapters = adapters;
    options.n_adapters = 1;
    const llmcs_status st = llmcs_model_open(base, &options, &model);
    MUST(st == LLMCS_OK || (may_refuse_model(st) && !model && llmcs_error_message()[0]));
    MUST(c.peak <= 200 * size + ((size_t)32 << 20)); /* an expression may repeat much before it is refused */
    if (!st) use_model(model, false);
    llmcs_model_free(&model);
    MUST(c.live == 0);
    return 0;
}

#endif
