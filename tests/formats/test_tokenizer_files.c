/* Bad tokenizer files: each of the tables below is a good file with one thing wrong, and the status it must give. The
 * message names the file. After every failure nothing is left in memory, and a good tokenizer opens as before. */
#include <time.h>
#include <unistd.h>

#include "llmcs.h"
#include "support/edit.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

#define DATA "tests/data/tokenizers/"

typedef struct bad_file {
    const char *from, *to; /* see edit_write */
    llmcs_status expected;
    const char *says; /* part of the message; NULL: any */
} bad_file;

static char folder[TEMP_PATH_BYTES];

static void make_folder(void) { temp_folder(folder); }
static void remove_folder(void) { temp_remove(folder); }

/* Copies base/name to the folder, changed. */
static void put(const char *base, const char *name, const char *from, const char *to, size_t to_len) {
    char source[200];
    const char *target = temp_path(folder, name);
    size_t len;
    snprintf(source, sizeof source, DATA "%s/%s", base, name);
    char *data = edit_read(source, &len);
    ck_assert_msg(data != NULL, "%s", source);
    ck_assert_msg(edit_write(target, data, len, from, to, to_len), "%s does not hold %s", source, from ? from : "");
    free(data);
}

static void put_text(const char *name, const char *text, size_t len) {
    ck_assert(edit_write(temp_path(folder, name), text, len, NULL, NULL, 0));
}

/* Opens the folder and uses the tokenizer if it opens. */
static void expect(llmcs_status expected, const char *what, const char *says) {
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    llmcs_tokenizer *t = (llmcs_tokenizer *)&f;
    llmcs_status got = llmcs_tokenizer_open(folder, &a, &t);
    ck_assert_msg(got == expected, "%s: %s, expected %s (%s)", what, llmcs_status_name(got),
                  llmcs_status_name(expected), got ? llmcs_error_message() : "");
    if (got) {
        ck_assert_ptr_null(t);
        ck_assert_msg(strlen(llmcs_error_message()) <= 255, "%s", llmcs_error_message());
        ck_assert_msg(strstr(llmcs_error_message(), folder) != NULL, "%s: \"%s\" names no file", what,
                      llmcs_error_message());
        if (says)
            ck_assert_msg(strstr(llmcs_error_message(), says) != NULL, "%s: \"%s\" does not say \"%s\"", what,
                          llmcs_error_message(), says);
    } else {
        size_t n;
        ck_assert_int_eq(llmcs_encode(t, "Where is it? SKU 您好", LLMCS_NUL, NULL, 0, NULL, NULL, NULL, NULL, 0, &n),
                         LLMCS_OK);
        llmcs_tokenizer_free(&t);
    }
    ck_assert_int_eq(f.live, 0);
}

static void run_table(const bad_file *table, size_t n, const char *base, const char *name, const char *const *with) {
    for (size_t i = 0; i < n; i++) {
        make_folder();
        put(base, name, table[i].from, table[i].to, strlen(table[i].to));
        for (; with && *with; with++) put(base, *with, NULL, "", 0);
        expect(table[i].expected, table[i].to[0] ? table[i].to : table[i].from, table[i].says);
        remove_folder();
    }
}

#define COUNT(table) (sizeof(table) / sizeof *(table))

#define TEXT_32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TEXT_256 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32 TEXT_32
#define TEXT_1024 TEXT_256 TEXT_256 TEXT_256 TEXT_256
#define REPLACE(from, to) \
    "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"String\": \"" from "\"}, \"content\": \"" to "\"}"

#define REPLACE_STEP(to) "{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}, \"content\": \"" to "\"}"
#define REPLACES(first, second) \
    "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [" REPLACE_STEP(first) ", " REPLACE_STEP(second) "]}"

/* T02..T04, T06..T08, T10, T12, T13, T15, T19 in tokenizer.json with byte-level BPE. */
static const bad_file BPE_JSON[] = {
    {NULL, "", LLMCS_OK, NULL},
    {"\"#\": 2,", "\"#\": 1,", LLMCS_TOKENIZER, "id 1"},
    {"\"#\": 2,", "\"!\": 2,", LLMCS_TOKENIZER, "\"!\""},
    {"\"#\": 2,", "\"#\": -2,", LLMCS_TOKENIZER, "byte"},
    {"\"#\": 2,", "\"#\": 2147483648,", LLMCS_TOKENIZER, NULL},
    {"\"#\": 2,", "\"#\": 4294967296,", LLMCS_TOKENIZER, NULL},
    {"\"#\": 2,", "\"#\": 4294967297,", LLMCS_TOKENIZER, NULL},
    {"\"#\": 2,", "\"#\": 99999999999999999999999,", LLMCS_TOKENIZER, NULL},
    {"\"#\": 2,", "\"#\": 2.0,", LLMCS_TOKENIZER, NULL},
    {"\"#\": 2,", "\"#\": \"2\",", LLMCS_TOKENIZER, NULL},
    {"\"#\": 2,", "\"#\": null,", LLMCS_TOKENIZER, NULL},
    {"\"#\": 2,", "\"#\": 2000,", LLMCS_OK, NULL},
    {"\"#\": 2,", "\"#\": 2147483000,", LLMCS_TOKENIZER, "2147483000"},
    {"\"#\": 2,", "\"#\": 2, \"\": 2000,", LLMCS_OK, NULL},
    {"\"#\": 2,", "\"#\": 2, \"<0x-1>\": 2000,", LLMCS_OK, NULL},
    {"\"#\": 2,", "", LLMCS_OK, NULL}, /* a byte without a token is left out */
    {"\"#\": 2,", "\"\\ud800\": 2,", LLMCS_JSON, "byte"},
    {"\"Ġ t\"", "\"Ġ zz\"", LLMCS_TOKENIZER, "merge 0"},
    {"\"Ġ t\"", "\"zz t\"", LLMCS_TOKENIZER, "merge 0"},
    {"\"Ġ t\"", "\"t Ġ\"", LLMCS_TOKENIZER, "merge 0"},
    {"\"Ġ t\"", "\"Ġ t t\"", LLMCS_TOKENIZER, NULL},
    {"\"Ġ t\"", "\"Ġt\"", LLMCS_TOKENIZER, NULL},
    {"\"Ġ t\"", "\" t\"", LLMCS_TOKENIZER, NULL},
    {"\"Ġ t\"", "\"Ġ \"", LLMCS_TOKENIZER, NULL},
    {"\"Ġ t\"", "7", LLMCS_TOKENIZER, "merges"},
    {"\"Ġ t\"", "[\"Ġ\", \"t\"]", LLMCS_OK, NULL},
    {"\"Ġ t\"", "[\"Ġ\"]", LLMCS_TOKENIZER, "merges"},
    {"\"Ġ t\"", "[\"Ġ\", \"t\", \"t\"]", LLMCS_TOKENIZER, "merges"},
    {"\"Ġ t\"", "\"Ġ t\", \"Ġ t\"", LLMCS_OK, NULL},
    {"\"merges\"", "\"fusions\"", LLMCS_TOKENIZER, "merges"},
    {"\"vocab\": {", "\"vocab\": [], \"vocab2\": {", LLMCS_TOKENIZER, "model.vocab"},
    {"\"vocab\"", "\"vocab\": {}, \"vocab\"", LLMCS_TOKENIZER, "twice"},
    {"\"dropout\": null", "\"dropout\": 0.1", LLMCS_UNSUPPORTED, "dropout"},
    {"\"dropout\": null", "\"dropout\": 0", LLMCS_OK, NULL},
    {"\"fuse_unk\": false", "\"fuse_unk\": true", LLMCS_OK, NULL},
    {"\"fuse_unk\": false", "\"byte_fallback\": true", LLMCS_UNSUPPORTED, "byte_fallback"},
    {"\"fuse_unk\": false", "\"ignore_merges\": true", LLMCS_OK, NULL},
    {"\"fuse_unk\": false", "\"ignore_merges\": 1", LLMCS_TOKENIZER, "ignore_merges"},
    {"\"end_of_word_suffix\": \"\"", "\"end_of_word_suffix\": \"</w>\"", LLMCS_UNSUPPORTED, "end_of_word_suffix"},
    {"\"type\": \"BPE\"", "\"type\": \"Unigram\"", LLMCS_TOKENIZER, "model.vocab"},
    {"\"type\": \"BPE\"", "\"type\": \"CharLevel\"", LLMCS_UNSUPPORTED, "CharLevel"},
    {"\"type\": \"BPE\"", "\"type\": null", LLMCS_OK, NULL},
    {"\"normalizer\": null", "\"normalizer\": {\"type\": \"Precompiled\"}", LLMCS_TOKENIZER, "precompiled_charsmap"},
    {"\"normalizer\": null", "\"normalizer\": {\"type\": \"NFC\"}", LLMCS_OK, NULL},
    {"\"normalizer\": null", REPLACES(TEXT_32, TEXT_32), LLMCS_OK, NULL},
    {"\"normalizer\": null", REPLACES(TEXT_32, TEXT_32 "b"), LLMCS_LIMIT, "Replace steps together"},
    {"\"normalizer\": null", REPLACE("x", TEXT_1024), LLMCS_OK, NULL},
    {"\"normalizer\": null", REPLACE("x", TEXT_1024 "b"), LLMCS_LIMIT, "\"content\" has 1025 bytes"},
    {"\"normalizer\": null", REPLACE(TEXT_1024 "b", "x"), LLMCS_LIMIT, "\"String\" has 1025 bytes"},
    {"\"normalizer\": null", "\"normalizer\": {\"type\": \"Prepend\"}", LLMCS_TOKENIZER, "\"prepend\" is missing"},
    {"\"normalizer\": null", "\"normalizer\": {}", LLMCS_TOKENIZER, "normalizer"},
    {"\"normalizer\": null", "\"normalizer\": [1]", LLMCS_TOKENIZER, "normalizer"},
    {"\"normalizer\": null",
     "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFD\"}, {\"type\": \"Lowercase\"}, "
     "{\"type\": \"StripAccents\"}]}",
     LLMCS_OK, NULL},
    {"\"normalizer\": null",
     "\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Sequence\", \"normalizers\": []}]}",
     LLMCS_UNSUPPORTED, "Sequence"},
    {"\"pre_tokenizer\": {", "\"pre_tokenizer\": null, \"x\": {", LLMCS_OK, NULL},
    {"\"pre_tokenizer\": {\n  \"type\": \"ByteLevel\"", "\"pre_tokenizer\": {\n  \"type\": \"Metaspace\"", LLMCS_OK,
     NULL},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
     "\"\\\\p{N}{1,3}\"}, \"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": "
     "false}]}, \"x\": {",
     LLMCS_OK, NULL},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"String\": "
     "\" \"}, \"behavior\": \"MergedWithNext\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, "
     "\"x\": {",
     LLMCS_OK, NULL},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
     "\"abc\"}, \"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, "
     "\"x\": {",
     LLMCS_OK, NULL},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\"}, {\"type\": "
     "\"Punctuation\", \"behavior\": \"Contiguous\"}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, \"x\": {",
     LLMCS_OK, NULL},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"CharDelimiterSplit\", "
     "\"delimiter\": \"-\"}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, \"x\": {",
     LLMCS_OK, NULL},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
     "\"\\\\p{N}{1,2}\"}, \"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": "
     "false}]}, \"x\": {",
     LLMCS_UNSUPPORTED, "the regular expression \"\\p{N}{1,2}\""},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
     "\"(?:a*)*b\"}, \"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": "
     "false}]}, \"x\": {",
     LLMCS_UNSUPPORTED, "the regular expression \"(?:a*)*b\""},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
     "\"\"}, \"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, \"x\": "
     "{",
     LLMCS_TOKENIZER, "empty pattern"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"String\": "
     "\"\"}, \"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, \"x\": "
     "{",
     LLMCS_TOKENIZER, "empty pattern"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Text\": "
     "\"a\"}, \"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, "
     "\"x\": {",
     LLMCS_TOKENIZER, "pattern"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": 7, "
     "\"behavior\": \"Isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, \"x\": {",
     LLMCS_TOKENIZER, "pattern"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"String\": "
     "\"a\"}, \"behavior\": \"isolated\", \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, "
     "\"x\": {",
     LLMCS_TOKENIZER, "behavior"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"String\": "
     "\"a\"}, \"behavior\": null, \"invert\": false}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, \"x\": {",
     LLMCS_TOKENIZER, "behavior"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"UnicodeScripts\"}, {\"type\": "
     "\"ByteLevel\", \"use_regex\": false}]}, \"x\": {",
     LLMCS_UNSUPPORTED, "UnicodeScripts"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\", \"use_regex\": false}, "
     "{\"type\": \"Digits\"}]}, \"x\": {",
     LLMCS_UNSUPPORTED, "after ByteLevel"},
    {"\"pre_tokenizer\": {",
     "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\"}, {\"type\": \"Digits\"}, "
     "{\"type\": \"Digits\"}, {\"type\": \"Digits\"}, {\"type\": \"Digits\"}, {\"type\": \"Digits\"}, {\"type\": "
     "\"Digits\"}, {\"type\": \"Digits\"}, {\"type\": \"ByteLevel\", \"use_regex\": false}]}, \"x\": {",
     LLMCS_LIMIT, "pre-tokenizer"},
    {"\"post_processor\": {\n  \"type\": \"ByteLevel\"", "\"post_processor\": {\n  \"type\": \"Other\"",
     LLMCS_UNSUPPORTED, "Other"},
    {"\"decoder\": {\n  \"type\": \"ByteLevel\"", "\"decoder\": {\n  \"type\": \"CTC\"", LLMCS_UNSUPPORTED, "CTC"},
    {"\"id\": 577", "\"id\": 5", LLMCS_TOKENIZER, "<|user|>"},
    {"\"id\": 576", "\"id\": 575", LLMCS_TOKENIZER, "<|endoftext|>"},
    {"\"id\": 577", "\"id\": -1", LLMCS_TOKENIZER, "added_tokens"},
    {"\"id\": 577", "\"di\": 577", LLMCS_TOKENIZER, "added_tokens"},
    {"\"content\": \"<|user|>\"", "\"content\": \"\"", LLMCS_OK, NULL},
    {"\"content\": \"<|user|>\"", "\"content\": null", LLMCS_TOKENIZER, "content"},
    {"\"single_word\": false", "\"single_word\": 0", LLMCS_TOKENIZER, "single_word"},
    {"\"truncation\": null", "\"truncation\": {\"max_length\": 512, \"stride\": 0}", LLMCS_OK, NULL},
    {"\"truncation\": null", "\"truncation\": {\"max_length\": -1}", LLMCS_LIMIT, "max_length"},
    {"\"truncation\": null", "\"truncation\": {\"max_length\": 1e30}", LLMCS_LIMIT, "max_length"},
    {"\"padding\": null", "\"padding\": {\"strategy\": {\"Fixed\": 99999999999}}", LLMCS_LIMIT, "Fixed"},
    {"\"padding\": null", "\"padding\": {\"pad_id\": -5}", LLMCS_LIMIT, "pad_id"},
    {"\"model\"", "\"modell\"", LLMCS_TOKENIZER, "model"},
    {"", "\xef\xbb\xbf", LLMCS_JSON, NULL},
    {"", "[", LLMCS_JSON, NULL},
    {"$", "x", LLMCS_JSON, NULL},
    {"\"#\": 2,", "\"\xff\": 2,", LLMCS_JSON, "byte"},
};

START_TEST(bad_byte_level_tokenizer_json) { run_table(BPE_JSON, COUNT(BPE_JSON), "tiny-gpt2", "tokenizer.json", NULL); }
END_TEST

/* T11, T14, T16, T19, T20 in tokenizer.json with WordPiece. */
static const bad_file WORDPIECE_JSON[] = {
    {NULL, "", LLMCS_OK, NULL},
    {"\"unk_token\": \"[UNK]\"", "\"unk_token\": \"[unk]\"", LLMCS_TOKENIZER, "[unk]"},
    {"\"[UNK]\": 2,", "", LLMCS_OK, NULL}, /* it is an added token all the same */
    {"\"max_input_chars_per_word\": 100", "\"max_input_chars_per_word\": 1000000000", LLMCS_LIMIT, "max_input"},
    {"\"max_input_chars_per_word\": 100", "\"max_input_chars_per_word\": 0", LLMCS_LIMIT, "max_input"},
    {"\"max_input_chars_per_word\": 100", "\"max_input_chars_per_word\": -1", LLMCS_LIMIT, "max_input"},
    {"\"max_input_chars_per_word\": 100", "\"max_input_chars_per_word\": \"100\"", LLMCS_TOKENIZER, "max_input"},
    {"\"continuing_subword_prefix\": \"##\"", "\"continuing_subword_prefix\": \"\"", LLMCS_OK, NULL},
    {"\"id\": \"[CLS]\",\n     \"type_id\"", "\"id\": \"[CLX]\",\n     \"type_id\"", LLMCS_TOKENIZER, "special_tokens"},
    {"\"single\": [", "\"single\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},", LLMCS_TOKENIZER, "single"},
    {"\"single\": [", "\"single\": [{\"Sequence\": {\"id\": \"B\", \"type_id\": 0}},", LLMCS_TOKENIZER, "single"},
    {"\"single\": [", "\"single\": [{\"Sequence\": {\"id\": \"C\", \"type_id\": 0}},", LLMCS_TOKENIZER,
     "post_processor"},
    {"\"pair\": [", "\"pair\": [], \"pears\": [", LLMCS_TOKENIZER, "pair"},
    {"\"type_id\": 1", "\"type_id\": 256", LLMCS_TOKENIZER, "type_id"},
    {"\"type_id\": 1", "\"type_id\": -1", LLMCS_TOKENIZER, "type_id"},
    {"\"ids\": [\n     3\n    ]", "\"ids\": [90000]", LLMCS_TOKENIZER, "90000"},
    {"\"ids\": [\n     3\n    ]", "\"ids\": []", LLMCS_TOKENIZER, "post_processor"},
    {"\"BertPreTokenizer\"", "\"UnicodeScripts\"", LLMCS_UNSUPPORTED, "UnicodeScripts"},
    {"\"lowercase\": true", "\"lowercase\": 1", LLMCS_TOKENIZER, "lowercase"},
};

START_TEST(bad_wordpiece_tokenizer_json) {
    run_table(WORDPIECE_JSON, COUNT(WORDPIECE_JSON), "tiny-bert-uncased", "tokenizer.json", NULL);
}
END_TEST

/* T01, T06, T08 in merges.txt. */
static const bad_file MERGES[] = {
    {NULL, "", LLMCS_OK, NULL},
    {"#version: 0.2\n", "", LLMCS_OK, NULL},
    {"#version: 0.2\n", "#version: 0.2\r\n", LLMCS_OK, NULL},
    {"#version: 0.2\n", "\xef\xbb\xbf#version: 0.2\n", LLMCS_OK, NULL},
    {"Ġ t\n", "Ġ t\r\n", LLMCS_OK, NULL},
    {"Ġ t\n", "Ġ t t\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", "Ġt\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", "Ġ  t\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", " t\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", "Ġ zz\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", "zz t\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", "t Ġ\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", "Ġ t\nĠ t\n", LLMCS_OK, NULL},
    {"Ġ t\n", "t t\nĠ t\n", LLMCS_TOKENIZER, "line 2"},
    {"Ġ t\n", "\nĠ t\n", LLMCS_TOKENIZER, "line 3"},
    {"Ġ t\n", "\xff t\n", LLMCS_TOKENIZER, "line 2"},
    {"$", "\n\n", LLMCS_OK, NULL},
    {"$", "Ġ t", LLMCS_OK, NULL},
    {"$", "#version: 0.2\n", LLMCS_TOKENIZER, NULL},
};

START_TEST(bad_merges_txt) {
    static const char *const with[] = {"vocab.json", "tokenizer_config.json", NULL};
    for (size_t i = 0; i < COUNT(MERGES); i++) run_table(&MERGES[i], 1, "tiny-gpt2", "merges.txt", with);
    make_folder(); /* a NUL byte */
    put("tiny-gpt2", "vocab.json", NULL, "", 0);
    put("tiny-gpt2", "merges.txt", "$", "a\0b c\n", 6);
    expect(LLMCS_TOKENIZER, "NUL", "NUL");
    remove_folder();
    make_folder();
    put("tiny-gpt2", "vocab.json", NULL, "", 0);
    expect(LLMCS_TOKENIZER, "no merges.txt", "merges.txt");
    remove_folder();
}
END_TEST

/* T01, T03, T11, T12 in vocab.txt. */
static const bad_file VOCAB_TXT[] = {
    {NULL, "", LLMCS_OK, NULL},
    {"[UNK]\n", "[UNK]\r\n", LLMCS_OK, NULL},
    {"[UNK]\n", "[unk]\n", LLMCS_TOKENIZER, "[UNK]"},
    {"[CLS]\n", "[cls]\n", LLMCS_TOKENIZER, "[CLS]"},
    {"[UNK]\n", "[UNK]\n[UNK]\n", LLMCS_OK, NULL},
    {"[UNK]\n", "[UNK]\n\n", LLMCS_OK, NULL},
    {"[UNK]\n", "[UNK]\n\xc3\n", LLMCS_TOKENIZER, "line 4"},
    {"", "\xef\xbb\xbf", LLMCS_OK, NULL},
    {"$", "last line without its end", LLMCS_OK, NULL},
};

START_TEST(bad_vocab_txt) {
    run_table(VOCAB_TXT, COUNT(VOCAB_TXT), "tiny-bert-uncased", "vocab.txt", NULL);
    make_folder();
    put("tiny-bert-uncased", "vocab.txt", "[UNK]\n", "[UNK]\n\0\n", 8);
    expect(LLMCS_TOKENIZER, "NUL", "line 4");
    remove_folder();
    make_folder();
    put_text("vocab.txt", "", 0);
    expect(LLMCS_TOKENIZER, "empty vocab.txt", NULL);
    remove_folder();
    make_folder();
    expect(LLMCS_TOKENIZER, "empty folder", "tokenizer.json");
    remove_folder();
}
END_TEST

/* Files next to the older ones. */
START_TEST(bad_settings_of_the_older_files) {
    static const struct {
        const char *file, *text;
        llmcs_status expected;
        const char *says;
    } cases[] = {
        {"tokenizer_config.json", "{}", LLMCS_OK, NULL},
        {"tokenizer_config.json", "[]", LLMCS_TOKENIZER, NULL},
        {"tokenizer_config.json", "", LLMCS_JSON, NULL},
        {"tokenizer_config.json", "{\"do_lower_case\": \"yes\"}", LLMCS_TOKENIZER, "do_lower_case"},
        {"tokenizer_config.json", "{\"do_basic_tokenize\": false}", LLMCS_OK, NULL},
        {"tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\"}", LLMCS_UNSUPPORTED, "T5Tokenizer"},
        {"tokenizer_config.json", "{\"unk_token\": \"[nope]\"}", LLMCS_OK, NULL}, /* added at the end */
        {"tokenizer_config.json", "{\"cls_token\": \"[nope]\"}", LLMCS_TOKENIZER, "[nope]"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"y\"}}}", LLMCS_TOKENIZER, "ids"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"99999999999\": {\"content\": \"y\"}}}",
         LLMCS_TOKENIZER, NULL},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"700\": {}}}", LLMCS_TOKENIZER, "content"},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"700\": {\"content\": \"<x>\"}}}", LLMCS_OK, NULL},
        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"5\": {\"content\": \"<x>\"}}}", LLMCS_TOKENIZER,
         "<x>"},
        {"tokenizer_config.json", "{\"additional_special_tokens\": [\"<a>\", {\"content\": \"<b>\"}]}", LLMCS_OK, NULL},
        {"tokenizer_config.json", "{\"additional_special_tokens\": [7]}", LLMCS_TOKENIZER, "additional_special_tokens"},
        {"added_tokens.json", "{\"<x>\": 700}", LLMCS_OK, NULL},
        {"added_tokens.json", "{\"<x>\": 3}", LLMCS_TOKENIZER, "<x>"},
        {"added_tokens.json", "{\"[CLS]\": 700}", LLMCS_TOKENIZER, "[CLS]"},
        {"added_tokens.json", "{\"<x>\": -1}", LLMCS_TOKENIZER, "added_tokens.json"},
        {"special_tokens_map.json", "{\"mask_token\": {\"content\": \"[MASK]\", \"lstrip\": 3}}", LLMCS_TOKENIZER,
         "lstrip"},
        {"special_tokens_map.json", "{\"mask_token\": \"[MASK]\"}", LLMCS_OK, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        make_folder();
        put("tiny-bert-uncased", "vocab.txt", NULL, "", 0);
        put_text(cases[i].file, cases[i].text, strlen(cases[i].text));
        expect(cases[i].expected, cases[i].text, cases[i].says);
        remove_folder();
    }
}
END_TEST

/* T12: a token of a megabyte, and T13: added tokens that are long, many, and beginnings of each other. */
START_TEST(long_and_many_tokens) {
    size_t megabyte = 1 << 20, n = 0;
    char *long_token = malloc(megabyte + 100), *many = malloc(8 << 20);
    memset(long_token, 'a', megabyte + 90);
    memcpy(long_token, "\"#\": 2, \"", 9);
    memcpy(long_token + megabyte, "\": 2000,", 9);
    make_folder();
    put("tiny-gpt2", "tokenizer.json", "\"#\": 2,", long_token, strlen(long_token));
    expect(LLMCS_OK, "byte-level token of 1 MB", NULL);
    remove_folder();
    memcpy(long_token, "[UNK]\n##", 8);
    memcpy(long_token + megabyte, "\n", 2);
    make_folder();
    put("tiny-bert-uncased", "vocab.txt", "[UNK]\n", long_token, strlen(long_token));
    expect(LLMCS_LIMIT, "WordPiece token of 1 MB", "bytes");
    remove_folder();
    for (int i = 0; i < 40000; i++)
        n += (size_t)sprintf(many + n,
                             "%s{\"id\": %d, \"content\": \"%.*s<%d>\", \"special\": %s, \"normalized\": false}",
                             i ? "," : "\"added_tokens\": [", 600 + i, i % 50,
                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", i, i % 2 ? "true" : "false");
    n += (size_t)sprintf(many + n, "], \"old\": [");
    make_folder();
    put("tiny-gpt2", "tokenizer.json", "\"added_tokens\": [", many, n);
    expect(LLMCS_OK, "40000 added tokens", NULL);
    remove_folder();
    free(long_token);
    free(many);
}
END_TEST

/* Sizes are known to be too large before anything is made of them. */
START_TEST(tokens_that_are_too_large_are_refused_at_once) {
    static const struct {
        const char *base, *file;
        size_t n_tokens, token_bytes;
        const char *says;
    } cases[] = {{"tiny-bert-uncased", "vocab.txt", 1, (size_t)15 << 20, "an added token has"},
                 {"tiny-bert-uncased", "vocab.txt", 400, 20000, "in all"},
                 {"tiny-gpt2", "tokenizer.json", 1, (size_t)15 << 20, "an added token has"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = malloc(cases[i].n_tokens * (cases[i].token_bytes + 100) + 100);
        size_t n = 0;
        if (cases[i].file[0] == 'v') {
            for (size_t k = 0; k < cases[i].n_tokens; k++) {
                n += (size_t)sprintf(text + n, "%s\"%zu", k ? "," : "{", k);
                memset(text + n, 'a', cases[i].token_bytes);
                n += cases[i].token_bytes;
                n += (size_t)sprintf(text + n, "\": %zu", 700 + k);
            }
            text[n++] = '}';
        } else {
            n = (size_t)sprintf(text, "\"added_tokens\": [{\"id\": 577, \"content\": \"");
            memset(text + n, 'a', cases[i].token_bytes);
            n += cases[i].token_bytes;
            n += (size_t)sprintf(text + n, "\"}], \"old\": [");
        }
        make_folder();
        if (cases[i].file[0] == 'v') {
            put(cases[i].base, cases[i].file, NULL, "", 0);
            put_text("added_tokens.json", text, n);
        } else {
            put(cases[i].base, cases[i].file, "\"added_tokens\": [", text, n);
        }
        const double before = suite_cpu_seconds();
        expect(LLMCS_LIMIT, cases[i].says, cases[i].says);
        ck_assert_double_lt(suite_cpu_seconds() - before, 3); /* it was 8 s and more; reading it takes a tenth */
        remove_folder();
        free(text);
    }
}
END_TEST

/* What a clone without git-lfs, or a failed download, leaves in place of any of the files is said. */
START_TEST(a_pointer_or_a_web_page_is_known_as_what_it_is) {
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json",   "vocab.json",       "merges.txt",
                                        "vocab.txt",      "special_tokens_map.json", "added_tokens.json"};
    static const struct {
        const char *text, *says;
    } kinds[] = {{"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git-lfs pointer"},
                 {"<!DOCTYPE html><html></html>", "web page"}};
    for (size_t i = 0; i < COUNT(names); i++) {
        for (size_t k = 0; k < COUNT(kinds); k++) {
            bool bpe = !strcmp(names[i], "merges.txt") || !strcmp(names[i], "vocab.json");
            make_folder();
            if (bpe) put("tiny-gpt2", "vocab.json", NULL, "", 0);
            if (!bpe) put("tiny-bert-uncased", "vocab.txt", NULL, "", 0);
            put_text(names[i], kinds[k].text, strlen(kinds[k].text));
            expect(LLMCS_FORMAT, names[i], kinds[k].says);
            remove_folder();
        }
    }
}
END_TEST

/* T17: where both kinds of files are there tokenizer.json is read. */
START_TEST(tokenizer_json_comes_before_the_older_files) {
    make_folder();
    put("tiny-gpt2", "tokenizer.json", NULL, "", 0);
    put_text("vocab.json", "{", 1);
    put_text("merges.txt", "x", 1);
    put_text("vocab.txt", "", 0);
    expect(LLMCS_OK, "tokenizer.json with broken neighbours", NULL);
    remove_folder();
}
END_TEST

START_TEST(no_folder) {
    llmcs_tokenizer *t;
    ck_assert_int_eq(llmcs_tokenizer_open("/no/such/folder", NULL, &t), LLMCS_IO);
    ck_assert_int_eq(llmcs_tokenizer_open(DATA "corpus.txt", NULL, &t), LLMCS_IO);
    ck_assert_int_eq(llmcs_tokenizer_open(NULL, NULL, &t), LLMCS_ARG);
    ck_assert_int_eq(llmcs_tokenizer_open(DATA "tiny-gpt2", NULL, NULL), LLMCS_ARG);
    ck_assert_int_ne(llmcs_tokenizer_open("", NULL, &t), LLMCS_OK);
}
END_TEST

/* Every prefix of a file that ends at a line. */
START_TEST(a_file_cut_anywhere_is_refused) {
    size_t len = 0;
    char *data = edit_read(DATA "tiny-bert-uncased/tokenizer.json", &len);
    for (size_t at = 0; at + 2 < len; at += 97) {
        make_folder();
        put_text("tokenizer.json", data, at);
        expect(LLMCS_JSON, "cut tokenizer.json", NULL);
        remove_folder();
    }
    free(data);
}
END_TEST

/* Damage at random: whatever it makes of the file, the call ends with a status and leaves nothing behind, and what
 * opens can be used. */
START_TEST(random_damage_does_no_harm) {
    static const struct {
        const char *base, *name, *with;
    } files[] = {{"tiny-gpt2", "tokenizer.json", NULL},
                 {"tiny-bert-uncased", "tokenizer.json", NULL},
                 {"tiny-gpt2", "merges.txt", "vocab.json"},
                 {"tiny-bert-uncased", "vocab.txt", NULL},
                 {"tiny-gpt2", "tokenizer_config.json", "vocab.json"}};
    static const char *const bits[] = {"{",  "}",    "[",  "]",  "\"", ",",    ":",  "null",
                                       "-1", "true", "\\", "\n", " ",  "\xff", "1e9"};
    uint64_t seed = (uint64_t)time(NULL), start = seed;
    printf("seed %llu\n", (unsigned long long)start);
    char path[200];
    size_t len = 0;
    snprintf(path, sizeof path, DATA "%s/%s", files[_i].base, files[_i].name);
    char *data = edit_read(path, &len);
    for (int round = 0; round < 120; round++) {
        fail_alloc f;
        fail_alloc_init(&f);
        llmcs_allocator a = fail_alloc_get(&f);
        llmcs_tokenizer *t;
        size_t at = random_below(&seed, len), gone = random_below(&seed, 2) ? 0 : 1 + random_below(&seed, 20), n;
        const char *bit = bits[random_below(&seed, COUNT(bits))];
        if (gone > len - at) gone = len - at;
        char *damaged = malloc(len + 8);
        memcpy(damaged, data, at);
        memcpy(damaged + at, bit, strlen(bit));
        memcpy(damaged + at + strlen(bit), data + at + gone, len - at - gone);
        make_folder();
        if (files[_i].with) put(files[_i].base, files[_i].with, NULL, "", 0);
        if (files[_i].with && strcmp(files[_i].name, "merges.txt") != 0) put("tiny-gpt2", "merges.txt", NULL, "", 0);
        put_text(files[_i].name, damaged, len - gone + strlen(bit));
        if (llmcs_tokenizer_open(folder, &a, &t) == LLMCS_OK) {
            llmcs_status st = llmcs_encode(t, "the \u60a8 order", LLMCS_NUL, NULL, 0, NULL, NULL, NULL, NULL, 0, &n);
            ck_assert_msg(st == LLMCS_OK, "seed %llu, round %d", (unsigned long long)start, round);
            llmcs_tokenizer_free(&t);
        }
        ck_assert_msg(f.live == 0, "seed %llu, round %d", (unsigned long long)start, round);
        remove_folder();
        free(damaged);
    }
    free(data);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, bad_byte_level_tokenizer_json);
    tcase_add_test(t, bad_wordpiece_tokenizer_json);
    tcase_add_test(t, bad_merges_txt);
    tcase_add_test(t, bad_vocab_txt);
    tcase_add_test(t, bad_settings_of_the_older_files);
    tcase_add_test(t, long_and_many_tokens);
    tcase_add_test(t, tokens_that_are_too_large_are_refused_at_once);
    tcase_add_test(t, a_pointer_or_a_web_page_is_known_as_what_it_is);
    tcase_add_test(t, tokenizer_json_comes_before_the_older_files);
    tcase_add_test(t, no_folder);
    tcase_add_test(t, a_file_cut_anywhere_is_refused);
    tcase_add_loop_test(t, random_damage_does_no_harm, 0, 5);
}

SUITE_MAIN("formats/tokenizer_files", add)
