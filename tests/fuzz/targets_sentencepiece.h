/* Targets of SentencePiece's files: models, character maps, and tokenizer.json with steps of their kind. */
#ifndef TESTS_FUZZ_TARGETS_SENTENCEPIECE_H
#define TESTS_FUZZ_TARGETS_SENTENCEPIECE_H

#include "fuzz/targets_text.h"

#define SENTENCEPIECE_DATA "tests/data/sentencepiece/"

/* What a first byte stands for: the rest of the input is the content of `fuzzed`, the other files are good. */
static const struct {
    const char *fuzzed, *config, *good[2];
} sentencepiece_layouts[] = {
    {"tokenizer.json", NULL, {NULL, NULL}},
    {"spiece.model", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 2}", {NULL, NULL}},
    {"sentencepiece.bpe.model", "{\"tokenizer_class\": \"MBartTokenizer\"}", {NULL, NULL}},
    {"tokenizer.model", "{\"tokenizer_class\": \"LlamaTokenizer\"}", {NULL, NULL}},
    {"source.spm", "{\"tokenizer_class\": \"MarianTokenizer\"}", {"marian/target.spm", "marian/vocab.json"}},
    {"tokenizer.json", NULL, {NULL, NULL}}, /* the input is a character map */
};
#define N_SENTENCEPIECE_LAYOUTS (sizeof sentencepiece_layouts / sizeof *sentencepiece_layouts)

static UNUSED void clear_sentencepiece_folder(void) {
    static const char *const names[] = {"spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "source.spm",
                                        "target.spm"};
    clear_fuzz_folder();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) (void)unlink(fuzz_path(names[i]));
}

/* A tokenizer.json whose normalizer has these bytes for its map. */
static UNUSED void write_charsmap(const uint8_t *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char head[] = "{\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"",
                      tail[] =
                          "\"}, \"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], "
                          "[\"a\", -1], [\"b\", -2.5]]}}";
    char *text = exact_alloc(sizeof head + sizeof tail + size / 3 * 4);
    size_t n = sizeof head - 1;
    memcpy(text, head, n);
    for (size_t i = 0; i + 3 <= size; i += 3) {
        const uint32_t bits = (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8 | data[i + 2];
        for (int k = 18; k >= 0; k -= 6) text[n++] = digits[bits >> k & 63];
    }
    memcpy(text + n, tail, sizeof tail - 1);
    fuzz_write("tokenizer.json", text, n + sizeof tail - 1);
    free(text);
}

static UNUSED void write_sentencepiece_files(const uint8_t *data, size_t size) {
    const size_t layout = (size > 0 ? data[0] : 0) % N_SENTENCEPIECE_LAYOUTS;
    clear_sentencepiece_folder();
    for (size_t i = 0; i < 2; i++) {
        const char *good = sentencepiece_layouts[layout].good[i];
        char from[100];
        if (!good) continue;
        snprintf(from, sizeof from, SENTENCEPIECE_DATA "%s", good);
        fuzz_copy(from, strchr(good, '/') + 1);
    }
    if (sentencepiece_layouts[layout].config)
        fuzz_write_text("tokenizer_config.json", sentencepiece_layouts[layout].config);
    if (layout + 1 == N_SENTENCEPIECE_LAYOUTS)
        write_charsmap(data + (size > 0), size - (size > 0));
    else
        fuzz_write(sentencepiece_layouts[layout].fuzzed, data + (size > 0), size - (size > 0));
}

static UNUSED int fuzz_sentencepiece(const uint8_t *data, size_t size) {
    static const char text[] =
        "Hello  wor\xe4\xbd\xa0ld <s></s> a\xcc\x81 \xef\xac\x81\xcc\x81 \xf0\x9f\x91\x8d "
        "1,2 ''\r\n\t \xe2\x96\x81x <0x41> \xff ";
    counter c = {0};
    llmcs_allocator a = counting(&c);
    llmcs_tokenizer *t = NULL;
    write_sentencepiece_files(data, size);
    llmcs_status st = llmcs_tokenizer_open(fuzz_folder, &a, &t);
    MUST(st == LLMCS_OK || (may_refuse_tokenizer(st) && !t && llmcs_error_message()[0]));
    MUST(c.peak <= 200 * size + ((size_t)8 << 20));
    if (!st) {
        use_tokenizer(t, text, sizeof text - 1);
        use_tokenizer(t, (const char *)data, ll_min(size, 300));
        check_vocabulary(t);
    }
    llmcs_tokenizer_free(&t);
    MUST(c.live == 0);
    clear_sentencepiece_folder();
    return 0;
}

#endif
