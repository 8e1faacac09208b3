/* Targets of SentencePiece's files: models, character maps, and tokenizer.json with steps of their kind. */
#ifndef TESTS_FUZZ_TARGETS_SENTENCEPIECE_H
#define TESTS_FUZZ_TARGETS_SENTENCEPIECE_H

#include "fuzz/targets_text.h"

static const tokenizer_layout sentencepiece_layouts[] = {
    {"tokenizer.json", NULL, {NULL, NULL}},
    {"spiece.model", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 2}", {NULL, NULL}},
    {"sentencepiece.bpe.model", "{\"tokenizer_class\": \"MBartTokenizer\"}", {NULL, NULL}},
    {"tokenizer.model", "{\"tokenizer_class\": \"LlamaTokenizer\"}", {NULL, NULL}},
    {"source.spm", "{\"tokenizer_class\": \"MarianTokenizer\"}", {"marian/target.spm", "marian/vocab.json"}},
    {"tokenizer.json", NULL, {NULL, NULL}}, /* the input is a character map */
};
#define N_SENTENCEPIECE_LAYOUTS (sizeof sentencepiece_layouts / sizeof *sentencepiece_layouts)

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
    clear_fuzz_folder();
    if (layout + 1 == N_SENTENCEPIECE_LAYOUTS)
        write_charsmap(data + (size > 0), size - (size > 0));
    else
        write_tokenizer_layout(&sentencepiece_layouts[layout], "tests/data/sentencepiece", data + (size > 0),
                               size - (size > 0));
}

static UNUSED int fuzz_sentencepiece(const uint8_t *data, size_t size) {
    static const char text[] =
        "Hello  wor\xe4\xbd\xa0ld <s></s> a\xcc\x81 \xef\xac\x81\xcc\x81 \xf0\x9f\x91\x8d "
        "1,2 ''\r\n\t \xe2\x96\x81x <0x41> \xff ";
    write_sentencepiece_files(data, size);
    check_tokenizer_folder(text, sizeof text - 1, data, size, 200 * size + ((size_t)8 << 20));
    return 0;
}

#endif
