/* Describes a tokenizer in words, one line per stage. */
#include <stdarg.h>
#include <string.h>

#include "text/tokenizer_impl.h"

/* Text that is written to a buffer as far as it fits; n counts all of it. */
typedef struct writer {
    char *text;
    size_t capacity, n;
} writer;

static void put(writer *w, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++, w->n++)
        if (w->text && w->n < w->capacity) w->text[w->n] = text[i];
}

LL_PRINTF(2, 3) static void say(writer *w, const char *format, ...) {
    char line[200];
    va_list args;
    va_start(args, format);
    const int n = ll_format_args(line, sizeof line, format, args);
    va_end(args);
    put(w, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* A text of the folder's, short and in quotes. */
static void say_text(writer *w, const char *before, const ll_step_text *text) {
    say(w, "%s\"", before);
    put(w, text->at, ll_min(text->n, 40));
    say(w, "%s\"", text->n > 40 ? "..." : "");
}

static void separate(writer *w, size_t i) {
    if (i) say(w, ", ");
}

/* ---------------------------------------------------------------------------------------------------- stages */

static void say_normalizer(writer *w, const ll_normalizer_step *s) {
    static const char *const names[] = {
        "CleanText", "ChineseChars", "StripNonspacing", "StripAccents", "Lowercase", "NFD",         "NFC",
        "NFKD",      "NFKC",         "Replace",         "Strip",        "Prepend",   "Precompiled", "SentencePiece"};
    say(w, "%s", names[s->kind]);
    if (s->kind == LL_NORMALIZE_REPLACE) {
        if (s->replaced == LL_REPLACE_TEXT)
            say_text(w, " ", &s->from);
        else
            say(w, s->replaced == LL_REPLACE_SPACES ? " / {2,}/" : " /\\s+/");
        say_text(w, " by ", &s->to);
    }
    if (s->kind == LL_NORMALIZE_STRIP) say(w, "%s%s", s->left ? " left" : "", s->right ? " right" : "");
    if (s->kind == LL_NORMALIZE_PREPEND) say_text(w, " ", &s->to);
    if (s->map.n) say(w, " of %u bytes", s->map.n);
    if (s->kind != LL_NORMALIZE_SENTENCEPIECE) return;
    say(w, "%s%s%s", s->dummy_prefix ? " add_dummy_prefix" : "", s->remove_extra ? " remove_extra_whitespaces" : "",
        s->escape ? " escape_whitespaces" : "");
}

static void say_prepend(writer *w, ll_prepend prepend) {
    static const char *const schemes[] = {"always", "first", "never"};
    say(w, " prepend %s", schemes[prepend]);
}

static void say_split(writer *w, const ll_split_step *s) {
    static const char *const patterns[] = {"string",
                                           "GPT-2's words",
                                           "Qwen2's words",
                                           "Qwen3.5's words",
                                           "Llama 3's words",
                                           "o200k's words",
                                           "\\p{N}",
                                           "[0-9]",
                                           "punctuation",
                                           "\\s",
                                           "\\p{N}+",
                                           "\\p{N}{1,3}",
                                           "[0-9][0-9][0-9]",
                                           "\\s+",
                                           "symbols",
                                           "\\w+|[^\\w\\s]+",
                                           "a set of characters"};
    switch (s->kind) {
        case LL_SPLIT_BYTE_LEVEL:
            say(w, "ByteLevel%s%s", s->use_regex ? " of GPT-2's words" : "",
                s->add_prefix_space ? " add_prefix_space" : "");
            return;
        case LL_SPLIT_BERT:
            say(w, "BertPreTokenizer");
            return;
        case LL_SPLIT_WHITE_SPACE:
            say(w, "WhitespaceSplit");
            return;
        case LL_SPLIT_METASPACE:
            say_text(w, "Metaspace ", &s->text);
            say_prepend(w, s->prepend);
            if (!s->split) say(w, " without split");
            return;
        case LL_SPLIT_PATTERN:
            say(w, "Split at %s", (size_t)s->pattern < sizeof patterns / sizeof *patterns ? patterns[s->pattern] : "?");
            if (s->pattern == LL_PATTERN_STRING) say_text(w, " ", &s->text);
            return;
    }
}

static void say_decoder(writer *w, const ll_decoder_step *s) {
    static const char *const names[] = {"ByteLevel", "WordPiece",    "Metaspace", "Replace",
                                        "Strip",     "ByteFallback", "Fuse",      "SentencePiece"};
    say(w, "%s", names[s->kind]);
    if (s->kind == LL_DECODE_WORDPIECE || s->kind == LL_DECODE_METASPACE || s->kind == LL_DECODE_REPLACE)
        say_text(w, " ", &s->from);
    if (s->kind == LL_DECODE_METASPACE) say_prepend(w, s->prepend);
    if (s->kind == LL_DECODE_REPLACE) say_text(w, " by ", &s->to);
    if (s->kind != LL_DECODE_STRIP) return;
    say_text(w, " ", &s->from);
    say(w, " %zu left, %zu right", s->n_left, s->n_right);
}

static void say_model(writer *w, const llmcs_tokenizer *t) {
    static const char *const names[] = {"BPE over bytes", "BPE over characters", "WordPiece", "Unigram", "WordLevel"};
    say(w, "model: %s, %zu tokens", names[t->model], t->vocab.n_tokens);
    if (t->model == LL_TOKEN_BPE || t->model == LL_TOKEN_BPE_CHARS) say(w, ", %zu merges", t->bpe.n_merges);
    if (t->model == LL_TOKEN_UNIGRAM && t->unigram.single_precision) say(w, ", as SentencePiece's library");
    const bool bytes = t->model == LL_TOKEN_UNIGRAM ? t->unigram.byte_fallback : t->bpe_chars.byte_fallback;
    if (bytes) say(w, ", byte fallback");
    say(w, "\n");
}

static void say_template(writer *w, const llmcs_tokenizer *t, const char *name, const ll_template_item *item,
                         size_t n) {
    say(w, "%s:", name);
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *token = item[i].id >= 0 ? ll_vocab_token(&t->vocab, item[i].id, &len) : NULL;
        say(w, " ");
        if (token) {
            put(w, token, ll_min(len, 60));
            if (item[i].slot == LL_SLOT_LANGUAGE) say(w, " (the text's language)");
        } else {
            say(w, "%s", item[i].slot ? "(target language)" : item[i].sequence ? "B" : "A");
        }
    }
    say(w, "\n");
}

static void describe(writer *w, const llmcs_tokenizer *t) {
    say(w, "normalizer: ");
    for (size_t i = 0; i < t->n_normalizer; i++) {
        separate(w, i);
        say_normalizer(w, &t->normalizer[i]);
    }
    say(w, "%s\npre-tokenizer: ", t->n_normalizer ? "" : "none");
    for (size_t i = 0; i < t->n_split; i++) {
        separate(w, i);
        say_split(w, &t->split[i]);
    }
    say(w, "%s\n", t->n_split ? "" : "none");
    say_model(w, t);
    say_template(w, t, "text", t->single, t->n_single);
    say_template(w, t, "pair", t->pair, t->n_pair);
    say(w, "decoder: ");
    for (size_t i = 0; i < t->n_decoder; i++) {
        separate(w, i);
        say_decoder(w, &t->decoder[i]);
    }
    say(w, "%s\n", t->n_decoder ? "" : "none, tokens joined by spaces");
}

llmcs_status llmcs_tokenizer_describe(const llmcs_tokenizer *tokenizer, char *text, size_t capacity,
                                      size_t *text_bytes) {
    if (!text_bytes) return ll_fail(LLMCS_ARG, "llmcs_tokenizer_describe: text_bytes is NULL");
    *text_bytes = 0;
    LL_TRY(ll_tokenizer_check(tokenizer));
    writer w = {text, capacity, 0};
    describe(&w, tokenizer);
    *text_bytes = w.n;
    if (text && w.n > capacity) return ll_fail(LLMCS_BUFFER, "%zu bytes, but the buffer holds %zu", w.n, capacity);
    return LLMCS_OK;
}
