/* Known regular expressions, spelled as in the models' tokenizer.json (for the Oniguruma engine), and GGUF's names of
 * pre-tokenizers. */
#include "formats/split_patterns.h"

#include <string.h>

#include "formats/tokenizer_read.h"

#define GPT2_WORDS "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CL100K(numbers) CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" numbers "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" SPACES
#define QWEN35 CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" SPACES
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K                                                                                            \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" CONTRACTIONS "?|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER \
    "*" CONTRACTIONS "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES

static const struct {
    const char *regex;
    ll_pattern pattern;
} REGEX[] = {
    {"'s|'t|'re|'ve|'m|'ll|'d" GPT2_WORDS, LL_PATTERN_GPT2},
    {"'(?:[sdmt]|ll|ve|re)" GPT2_WORDS, LL_PATTERN_GPT2},
    {CL100K("\\p{N}"), LL_PATTERN_QWEN2},
    {QWEN35, LL_PATTERN_QWEN35},
    {CL100K("\\p{N}{1,3}"), LL_PATTERN_LLAMA3},
    {O200K, LL_PATTERN_O200K},
    {"\\p{N}", LL_PATTERN_NUMBER},
    {"\\p{N}+", LL_PATTERN_NUMBERS},
    {"\\p{N}{1,3}", LL_PATTERN_NUMBERS_3},
    {"[0-9]", LL_PATTERN_ASCII_DIGIT},
    {"[0-9][0-9][0-9]", LL_PATTERN_ASCII_DIGITS_3},
    {"\\s", LL_PATTERN_SPACE},
    {"\\s+", LL_PATTERN_SPACES},
};

static bool is(const char *name, size_t len, const char *other) {
    return strlen(other) == len && memcmp(name, other, len) == 0;
}

bool ll_pattern_find(const char *regex, size_t len, ll_pattern *out) {
    for (size_t i = 0; i < sizeof REGEX / sizeof *REGEX; i++) {
        if (!is(regex, len, REGEX[i].regex)) continue;
        *out = REGEX[i].pattern;
        return true;
    }
    return false;
}

/* The character that a backslash and `c` stand for; 0: none. */
static char escaped(char c) {
    static const char controls[][2] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'}};
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++)
        if (controls[i][0] == c) return controls[i][1];
    return c && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ", c) ? c : '\0';
}

bool ll_pattern_set(const char *regex, size_t len, uint64_t set[2]) {
    set[0] = set[1] = 0;
    if (len < 4 || regex[0] != '[' || memcmp(regex + len - 2, "]+", 2) != 0) return false;
    for (size_t i = 1; i < len - 2; i++) {
        char c = regex[i];
        const bool behind_backslash = c == '\\';
        if (behind_backslash && ++i == len - 2) return false;
        if (behind_backslash) c = escaped(regex[i]);
        if (c <= 0 || (!behind_backslash && strchr("[]^-&", c))) return false;
        set[c / 64] |= (uint64_t)1 << c % 64;
    }
    return true;
}

bool ll_behavior_find(const char *name, size_t len, ll_behavior *out) {
    static const char *const names[] = {"Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!is(name, len, names[i])) continue;
        *out = (ll_behavior)i;
        return true;
    }
    return false;
}

/* llama.cpp's pre-tokenizer for each name (llama-vocab.cpp): a sequence of regular expressions, each a Split with
 * Isolated. The name also decides whether a word that is a token is merged, and whether a text begins with BOS if the
 * file does not say. llama.cpp does not apply NFC, but the tokenizers of these models do. Of several names with equal
 * settings the first is written. */
static const struct {
    const char *name;
    ll_pattern patterns[4];
    size_t n;
    bool ignore_merges, add_bos, nfc;
} GGUF[] = {
    {"gpt-2", {LL_PATTERN_GPT2}, .n = 1},
    {"llama-bpe", {LL_PATTERN_LLAMA3}, .n = 1, .ignore_merges = true, .add_bos = true},
    {"qwen2", {LL_PATTERN_QWEN2}, .n = 1, .nfc = true},
    {"qwen35", {LL_PATTERN_QWEN35}, .n = 1, .nfc = true},
    {"gpt-4o", {LL_PATTERN_O200K}, .n = 1},
    {"smollm", {LL_PATTERN_NUMBER, LL_PATTERN_GPT2}, .n = 2},
    {"default", {LL_PATTERN_SYMBOLS, LL_PATTERN_GPT2, LL_PATTERN_NUMBERS, LL_PATTERN_ASCII_DIGITS_3}, .n = 4},
    {"roberta-bpe", {LL_PATTERN_GPT2}, .n = 1},
    {"phi-2", {LL_PATTERN_GPT2}, .n = 1},
    {"mpt", {LL_PATTERN_GPT2}, .n = 1},
    {"olmo", {LL_PATTERN_GPT2}, .n = 1},
    {"jais", {LL_PATTERN_GPT2}, .n = 1},
    {"llama3", {LL_PATTERN_LLAMA3}, .n = 1, .ignore_merges = true, .add_bos = true},
    {"llama-v3", {LL_PATTERN_LLAMA3}, .n = 1, .ignore_merges = true, .add_bos = true},
    {"dbrx", {LL_PATTERN_LLAMA3}, .n = 1},
    {"smaug-bpe", {LL_PATTERN_LLAMA3}, .n = 1},
    {"deepseek-r1-qwen", {LL_PATTERN_QWEN2}, .n = 1},
    {"stablelm2", {LL_PATTERN_QWEN2}, .n = 1},
    {"starcoder", {LL_PATTERN_NUMBER, LL_PATTERN_GPT2}, .n = 2},
    {"refact", {LL_PATTERN_NUMBER, LL_PATTERN_GPT2}, .n = 2},
    {"command-r", {LL_PATTERN_NUMBER, LL_PATTERN_GPT2}, .n = 2},
    {"codeshell", {LL_PATTERN_NUMBER, LL_PATTERN_GPT2}, .n = 2},
    {"exaone", {LL_PATTERN_NUMBER, LL_PATTERN_GPT2}, .n = 2},
};
#define N_GGUF (sizeof GGUF / sizeof *GGUF)

static size_t find_gguf(const char *name, size_t len) {
    size_t i = 0;
    while (i < N_GGUF && !is(name, len, GGUF[i].name)) i++;
    return i;
}

bool ll_gguf_pre_known(const char *name, size_t len) { return find_gguf(name, len) < N_GGUF; }

bool ll_gguf_pre_adds_bos(const char *name, size_t len) {
    const size_t i = find_gguf(name, len);
    return i < N_GGUF && GGUF[i].add_bos;
}

/* GPT-2's words are ByteLevel's default, which the class's settings have set already. */
void ll_gguf_pre_apply(const char *name, size_t len, ll_tokenizer_spec *spec) {
    const size_t i = find_gguf(name, len);
    if (i == N_GGUF) return;
    spec->ignore_merges = GGUF[i].ignore_merges;
    if (GGUF[i].nfc && spec->n_normalizer == 0) ll_add_normalizer(spec, (ll_normalizer_step){.kind = LL_NORMALIZE_NFC});
    if (GGUF[i].n == 1 && GGUF[i].patterns[0] == LL_PATTERN_GPT2) return;
    spec->n_split = 0;
    for (size_t k = 0; k < GGUF[i].n; k++)
        ll_add_split(spec, (ll_split_step){.kind = LL_SPLIT_PATTERN, .pattern = GGUF[i].patterns[k]});
    ll_add_split(spec, (ll_split_step){.kind = LL_SPLIT_BYTE_LEVEL});
}

/* True if the pieces of the step are the matches of one pattern and the text between them. */
static bool isolates(const ll_split_step *s, ll_pattern *pattern) {
    *pattern = s->kind == LL_SPLIT_BYTE_LEVEL ? LL_PATTERN_GPT2 : s->pattern;
    if (s->kind == LL_SPLIT_BYTE_LEVEL) return s->use_regex;
    if (s->kind != LL_SPLIT_PATTERN) return false;
    return s->behavior == LL_BEHAVIOR_ISOLATED || ll_split_isolates_words(s);
}

const char *ll_gguf_pre_name(const ll_tokenizer_spec *spec, const char *preferred) {
    ll_pattern patterns[LL_MAX_SPLIT_STEPS];
    const char *name = NULL;
    size_t n = 0;
    for (size_t i = 0; i < spec->n_split; i++) {
        const ll_split_step *s = &spec->split[i];
        if (s->kind == LL_SPLIT_BYTE_LEVEL && !s->use_regex) continue;
        if (!isolates(s, &patterns[n++])) return NULL;
    }
    for (size_t i = 0; i < N_GGUF; i++) {
        bool same = n == GGUF[i].n && spec->ignore_merges == GGUF[i].ignore_merges;
        for (size_t k = 0; k < n && same; k++) same = patterns[k] == GGUF[i].patterns[k];
        if (same && preferred && !strcmp(preferred, GGUF[i].name)) return preferred;
        if (same && !name) name = GGUF[i].name;
    }
    return name;
}
