/* Files of a classifier: refused with a reason, or opened and harmless. The first byte: 1: with a right checksum. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fuzz/fuzz.h"
#include "llmcs_shop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void predict_with(const llmcs_shop_classifier *c) {
    static const char *const texts[] = {"Where is my parcel?", "我要退货", "", "\xff\xfe 12345"};
    llmcs_shop_predict_params params;
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    llmcs_shop_predict_params_init(&params);
    params.flags = LLMCS_SHOP_PREDICT_REASON;
    MUST(!llmcs_shop_classifier_get_info(c, &info));
    MUST(info.n_labels >= 2 && llmcs_shop_classifier_label(c, info.n_labels - 1));
    float *vector = info.n_embedding ? calloc((size_t)info.n_embedding, sizeof *vector) : NULL;
    if (vector) vector[0] = 1;
    params.vectors = vector;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const llmcs_text text = {.text = texts[i], .text_bytes = LLMCS_NUL};
        llmcs_shop_predictions *p = NULL;
        MUST(!llmcs_shop_classifier_predict(c, &text, 1, &params, &p));
        const llmcs_shop_prediction *one = p->items[0];
        MUST(one->index >= 0 && one->index < info.n_labels && one->label);
        for (size_t k = 0; k < one->n_evidence; k++) MUST(one->evidence[k].end <= strlen(texts[i]));
        MUST(!one->example || strlen(one->example) == one->example_bytes ||
             memchr(one->example, 0, one->example_bytes));
        llmcs_shop_predictions_free(&p);
    }
    free(vector);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    counter count = {0};
    const llmcs_allocator a = counting(&count);
    llmcs_shop_classifier_options options;
    llmcs_shop_classifier *c = NULL;
    if (size < 1) return 0;
    make_fuzz_folder();
    uint8_t *bytes = exact_copy(data + 1, size - 1);
    if (data[0] & 1 && size > 16) {
        const uint64_t sum = XXH64(bytes, size - 9, 0);
        memcpy(bytes + size - 9, &sum, 8);
    }
    fuzz_write("classifier", bytes, size - 1);
    llmcs_shop_classifier_options_init(&options);
    options.allocator = &a;
    const llmcs_status status = llmcs_shop_classifier_open(fuzz_path("classifier"), &options, &c);
    MUST((status == LLMCS_OK) == (c != NULL));
    MUST(status == LLMCS_OK || status == LLMCS_FORMAT || status == LLMCS_JSON || status == LLMCS_UNSUPPORTED ||
         status == LLMCS_LIMIT);
    MUST(count.peak < 64 * size + (1 << 20));
    if (c) predict_with(c);
    llmcs_shop_classifier_free(&c);
    MUST(count.live == 0);
    free(bytes);
    return 0;
}
