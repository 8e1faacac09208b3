/* Labelled spans of texts, as in Transformers' TokenClassificationPipeline (4.51): each token or word gets a label, and
 * neighbours with the same label are joined. */
#include <string.h>

#include "base/call.h"
#include "base/utf8.h"
#include "runtime/check.h"
#include "runtime/encoder/spans.h"
#include "runtime/encoder/texts.h"
#include "runtime/numbers.h"
#include "text/tokenizer.h"

/* A token or word: bytes [begin, end) of the text, and its label. */
typedef struct tagged {
    size_t begin, end;
    int32_t label;
    float score;
} tagged;

typedef struct tagger {
    const llmcs_model *model;
    const llmcs_text *texts;
    llmcs_aggregation aggregation;
    llmcs_span_result *result;
    const char *text; /* of the current sequence */
    size_t text_bytes;
    /* The current word. */
    tagged word;
    size_t n_word_tokens;
    float *probabilities; /* [n_labels] of the token */
    double *sums;         /* [n_labels] AVERAGE: over the word's tokens */
    /* The current span. */
    llmcs_text_span span;
    const char *tag; /* the tag of its tokens; NULL: there is no span */
    double score_sum;
    size_t n_scores;
    ll_span_list found; /* spans in all windows of the text */
    size_t n_windows;
} tagger;

static const char *label_name(const tagger *t, int32_t label) { return t->model->config.id2label[label]; }

/* ----------------------------------------------------------------------------------------- tokens to words */

static size_t count_characters(const char *text, size_t n) {
    size_t n_characters = 0;
    uint32_t cp;
    for (size_t i = 0; i < n; n_characters++) i += ll_utf8_decode(text + i, n - i, &cp);
    return n_characters;
}

/* Transformers' is_subword. WordPiece: a continuation's spelling is longer than its text, because of the prefix "##".
 * Other tokenizers do not mark continuations: a token without a space before it or at its start is one. */
static bool continues_word(const tagger *t, int32_t id, llmcs_span at) {
    const llmcs_tokenizer *tokenizer = t->model->tokenizer;
    size_t n;
    if (id == llmcs_special_token(tokenizer, LLMCS_SPECIAL_UNK)) return false;
    if (!ll_tokenizer_marks_continuations(tokenizer))
        return at.begin > 0 && t->text[at.begin - 1] != ' ' && !(at.begin < t->text_bytes && t->text[at.begin] == ' ');
    const char *token = llmcs_id_to_token(tokenizer, id, &n);
    return count_characters(token, n) != count_characters(t->text + at.begin, at.end - at.begin);
}

static int32_t highest(const float *x, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return (int32_t)best;
}

/* Adds a token, whose probabilities are t->probabilities, to the current word, or begins a new word with it. */
static void add_to_word(tagger *t, llmcs_span at, bool begins) {
    const size_t n = (size_t)t->model->config.n_labels;
    const int32_t label = highest(t->probabilities, n);
    const float score = t->probabilities[label];
    if (begins) {
        t->word = (tagged){at.begin, at.end, label, score};
        t->n_word_tokens = 0;
    } else if (t->aggregation == LLMCS_AGGREGATE_MAX && score > t->word.score) {
        t->word.label = label;
        t->word.score = score;
    }
    t->word.end = at.end;
    for (size_t i = 0; i < n && t->aggregation == LLMCS_AGGREGATE_AVERAGE; i++)
        t->sums[i] = (begins ? 0.0 : t->sums[i]) + (double)t->probabilities[i];
    t->n_word_tokens++;
}

/* AVERAGE: decides the label of a complete word. */
static void average_word(tagger *t) {
    const size_t n = (size_t)t->model->config.n_labels;
    for (size_t i = 0; i < n; i++) t->probabilities[i] = (float)(t->sums[i] / (double)t->n_word_tokens);
    t->word.label = highest(t->probabilities, n);
    t->word.score = t->probabilities[t->word.label];
}

/* ------------------------------------------------------------------------------------------ words to spans */

/* "PER" of "B-PER" and "I-PER"; a label without such a prefix is its own tag, and continues like "I-". */
static const char *tag_of(const char *label, bool *begins) {
    *begins = label[0] == 'B' && label[1] == '-';
    return *begins || (label[0] == 'I' && label[1] == '-') ? label + 2 : label;
}

static llmcs_status finish_span(tagger *t) {
    if (!t->tag) return LLMCS_OK;
    t->tag = NULL;
    if (strcmp(t->span.label, "O") == 0) return LLMCS_OK;
    t->span.score = (float)(t->score_sum / (double)t->n_scores);
    return ll_span_list_push(&t->model->allocator, &t->found, t->span);
}

static llmcs_status add_to_span(tagger *t, const tagged *w) {
    const char *label = label_name(t, w->label), *dash = strchr(label, '-');
    const bool apart = t->aggregation == LLMCS_AGGREGATE_NONE;
    bool begins;
    const char *tag = tag_of(label, &begins);
    if (apart || begins || !t->tag || strcmp(tag, t->tag) != 0) {
        LL_TRY(finish_span(t));
        t->span = (llmcs_text_span){.begin = w->begin, .label_id = w->label};
        t->span.label = dash && !apart ? dash + 1 : label;
        t->tag = tag;
        t->score_sum = 0.0;
        t->n_scores = 0;
    }
    t->span.end = w->end;
    t->score_sum += (double)w->score;
    t->n_scores++;
    return LLMCS_OK;
}

static llmcs_status finish_word(tagger *t) {
    if (!t->n_word_tokens) return LLMCS_OK;
    if (t->aggregation == LLMCS_AGGREGATE_AVERAGE) average_word(t);
    t->n_word_tokens = 0;
    return add_to_span(t, &t->word);
}

/* One sequence: its tokens to words, its words to spans. */
static llmcs_status tag_sequence(tagger *t, const ll_token_rows *rows) {
    const size_t n = (size_t)t->model->config.n_labels;
    const bool by_word = t->aggregation >= LLMCS_AGGREGATE_FIRST;
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->marks[i] & LL_MARK_SPECIAL) continue;
        const bool begins = !t->n_word_tokens || !by_word || !continues_word(t, rows->ids[i], rows->offsets[i]);
        if (begins) LL_TRY(finish_word(t));
        ll_probabilities(rows->logits + i * n, n, t->probabilities);
        add_to_word(t, rows->offsets[i], begins);
    }
    LL_TRY(finish_word(t));
    return finish_span(t);
}

/* -------------------------------------------------------------------------------------------- windows to texts */

static bool begins_before(const llmcs_text_span *a, const llmcs_text_span *b) { return a->begin < b->begin; }
static bool as_found(const llmcs_text_span *a, const llmcs_text_span *b) { return a < b; }

/* Overlapping windows find spans more than once. Of overlapping spans, keeps the longest in characters, on ties the
 * most probable. Returns how many are kept, the first ones of `order`. */
static size_t drop_overlaps(const tagger *t) {
    const llmcs_text_span *items = t->found.items;
    uint32_t *order = t->found.order;
    size_t n = 0;
    for (size_t i = 0; i < t->found.n; i++) {
        const llmcs_text_span *last = n ? &items[order[n - 1]] : NULL, *span = &items[order[i]];
        if (!last || span->begin >= last->end) {
            order[n++] = order[i];
            continue;
        }
        const size_t length = count_characters(t->text + span->begin, span->end - span->begin);
        const size_t last_length = count_characters(t->text + last->begin, last->end - last->begin);
        if (length > last_length || (length == last_length && span->score > last->score)) order[n - 1] = order[i];
    }
    return n;
}

static llmcs_status tag_sink(void *user, const ll_token_rows *rows) {
    tagger *t = user;
    const llmcs_text *text = &t->texts[rows->text];
    if (rows->first) {
        t->text = text->text;
        t->text_bytes = text->text_bytes == LLMCS_NUL ? strlen(text->text) : text->text_bytes;
        t->found.n = t->n_windows = 0;
    }
    t->n_windows++;
    LL_TRY(tag_sequence(t, rows));
    if (!rows->last) return LLMCS_OK;
    const bool windows = t->n_windows > 1;
    LL_TRY(ll_span_list_sort(&t->model->allocator, &t->found, windows ? begins_before : as_found));
    return ll_span_result_set(t->result, rows->text, &t->found, windows ? drop_overlaps(t) : t->found.n);
}

/* --------------------------------------------------------------------------------------------------- the call */

static llmcs_status check_texts(const llmcs_text *texts, size_t n_texts) {
    if (!texts && n_texts) return ll_fail(LLMCS_ARG, "llmcs_tag: texts is NULL");
    LL_TRY(ll_check_array("texts", n_texts, sizeof *texts));
    for (size_t i = 0; i < n_texts; i++)
        if (texts[i].pair) return ll_fail(LLMCS_ARG, "text %zu has a pair; llmcs_tag reads one text", i);
    return LLMCS_OK;
}

static llmcs_status tag_texts(tagger *t, llmcs_model *m, size_t n_texts, const ll_text_rules *rules,
                              llmcs_text_info *infos) {
    const size_t n = (size_t)m->config.n_labels;
    const ll_text_call call = {.model = m,
                               .texts = t->texts,
                               .n_texts = n_texts,
                               .rules = rules,
                               .user = t,
                               .infos = infos,
                               .tokens = tag_sink};
    LL_TRY(ll_span_result_create(&m->allocator, n_texts, &t->result));
    LL_TRY(ll_alloc(&m->allocator, n, sizeof *t->probabilities, "probabilities", &t->probabilities));
    LL_TRY(ll_alloc(&m->allocator, n, sizeof *t->sums, "sums of probabilities", &t->sums));
    return ll_encoder_texts(&call);
}

llmcs_status llmcs_tag(llmcs_model *model, const llmcs_text *texts, size_t n_texts, const llmcs_text_params *params,
                       llmcs_text_info *infos, llmcs_span_result **result) {
    LL_PUBLIC_CALL;
    ll_text_rules rules;
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_tag: result is NULL");
    *result = NULL;
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_TOKEN_CLASSIFICATION, "llmcs_tag"));
    LL_TRY(ll_model_check_tokenizer(model));
    LL_TRY(check_texts(texts, n_texts));
    LL_TRY(ll_text_rules_read(model, params, ll_text_default_length(model), LLMCS_WINDOW_MEAN, &rules));
    tagger t = {.model = model, .texts = texts, .aggregation = rules.aggregation};
    const llmcs_status st = tag_texts(&t, model, n_texts, &rules, infos);
    ll_free(&model->allocator, t.probabilities);
    ll_free(&model->allocator, t.sums);
    ll_span_list_free(&model->allocator, &t.found);
    if (st) llmcs_span_result_free(&t.result);
    *result = t.result;
    return st;
}
