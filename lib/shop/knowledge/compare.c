/* Compares candidates with the question: computes the features of the conditional logit. */
#include <math.h>
#include <string.h>

#include "shop/knowledge/entry_texts.h"
#include "shop/knowledge/follow.h"
#include "shop/knowledge/match.h"

/* ---- words in common */

/* Returns the index of the question's word that equals this one, or n_words. */
static size_t find_word(const shop_question *q, const char *word, size_t len, uint64_t hash) {
    enum { N = sizeof q->places / sizeof *q->places };
    for (size_t at = hash % N; q->places[at]; at = (at + 1) % N) {
        const size_t i = q->places[at] - 1u;
        const shop_text_word *w = &q->words.items[i];
        if (q->hashes[i] == hash && w->len == len && !memcmp(q->words.joined + w->begin, word, len)) return i;
    }
    return q->n_words;
}

/* The words that a text of an entry shares with the question. */
typedef struct overlap {
    double asked;   /* share of the question's words, weighted by rarity */
    double covered; /* share of the text's words */
} overlap;

/* Marks in `seen` the words of the question that the text contains. */
static overlap find_overlap(const shop_question *q, const shop_entry_texts *e, const shop_entry_text *text,
                            bool *seen) {
    double asked = 0, covered = 0, all_covered = 0;
    bool here[SHOP_MAX_WORDS];
    memset(here, 0, q->n_words * sizeof *here);
    for (size_t i = 0; i < text->n_words; i++) {
        const shop_entry_word *w = &e->words[text->first_word + i];
        const size_t same = find_word(q, e->chars + text->joined + w->begin, w->len, w->hash);
        const double weight = w->function_word ? 0.25 : 1;
        all_covered += weight;
        if (same == q->n_words) continue;
        covered += weight;
        here[same] = seen[same] = true;
    }
    for (size_t i = 0; i < q->n_words; i++)
        if (here[i]) asked += q->rarity[i];
    return (overlap){q->all_rarity > 0 ? asked / q->all_rarity : 0, all_covered > 0 ? covered / all_covered : 0};
}

static double share_seen(const shop_question *q, const bool *seen) {
    double some = 0, all = 0;
    for (size_t i = 0; i < q->n_words; i++) {
        all += q->rarity[i];
        if (seen[i]) some += q->rarity[i];
    }
    return all > 0 ? some / all : 0;
}

static double share_of_numbers(const shop_question *q, const bool *seen) {
    size_t n = 0, found = 0;
    for (size_t i = 0; i < q->n_words; i++) {
        if (q->words.items[i].kind != SHOP_WORD_NUMBER) continue;
        n++;
        found += seen[i];
    }
    return n ? (double)found / (double)n : 1;
}

static double dice(const shop_question *q, const shop_entry_texts *e, const shop_entry_text *text) {
    const uint16_t *trigrams = e->trigrams + text->first_trigram;
    int common = 0;
    for (size_t i = 0; i < text->n_trigrams; i++)
        common += (int)(q->signature.bits[trigrams[i] / 64] >> trigrams[i] % 64 & 1);
    const int both = (int)text->n_trigrams + q->n_trigrams;
    return both ? 2.0 * common / both : 0;
}

/* ---- language */

static bool same_language(const char *a, const char *b) {
    const size_t n = strcspn(a, "-"), m = strcspn(b, "-");
    return n == m && !sqlite3_strnicmp(a, b, (int)n);
}

static double language_match(const shop_question *q, const char *lang) {
    if (!*lang) return 1;
    if (q->lang && *q->lang) return same_language(q->lang, lang);
    const bool han = q->words.n_han > 0;
    const bool han_lang = same_language(lang, "zh") || same_language(lang, "ja") || same_language(lang, "ko");
    return han == han_lang || !(q->words.n_han + q->words.n_letters);
}

/* ---- bm25 */

/* Returns the highest FTS5 BM25 that the question can reach: every word, infinitely often (k1 = 1.2). */
static double highest_bm25(const shop_question *q) {
    double sum = 0;
    for (size_t i = 0; i < q->n_words; i++) {
        if (q->words.items[i].repeated) continue;
        const double n = (double)q->counts[i], all = (double)q->n_texts;
        sum += 2.2 * fmax(1e-6, log((all - n + 0.5) / (n + 0.5)));
    }
    return sum;
}

/* ---- one candidate */

/* Dot products of a vector with SHOP_VECTOR_LANES texts. Each sum adds the dimensions in order, so lanes are
 * independent and the result has the bits of a plain loop. */
static void dot_lanes(const float *restrict lanes, const float *restrict vector, int32_t dim, float *restrict out) {
    float sums[SHOP_VECTOR_LANES] = {0};
    for (int32_t d = 0; d < dim; d++)
        for (int i = 0; i < SHOP_VECTOR_LANES; i++) sums[i] += lanes[d * SHOP_VECTOR_LANES + i] * vector[d];
    memcpy(out, sums, sizeof sums);
}

static void keep_nearest(shop_candidate *e, double cosine) {
    if (e->n_nearest < SHOP_NEAREST)
        e->n_nearest++;
    else if (cosine <= e->nearest[SHOP_NEAREST - 1])
        return;
    size_t i = e->n_nearest - 1;
    for (; i && e->nearest[i - 1] < cosine; i--) e->nearest[i] = e->nearest[i - 1];
    e->nearest[i] = cosine;
}

static double mean_of_nearest(const shop_candidate *e) {
    double sum = 0;
    for (size_t i = 0; i < e->n_nearest; i++) sum += e->nearest[i];
    return e->n_nearest ? sum / (double)e->n_nearest : 0;
}

/* Compares one text of the candidate: the answer (position 0) or a question. */
static void compare_text(const shop_question *q, shop_candidate *e, const shop_entry_text *text, double cosine,
                         bool *seen, double *best) {
    if (text->row == q->without_text) return;
    const overlap words = find_overlap(q, e->texts, text, seen);
    if (!text->position) {
        e->features[SHOP_F_ANSWER_COSINE] = cosine;
        e->answer = e->texts->chars + text->begin;
        e->answer_bytes = text->n;
        return;
    }
    const double trigrams = dice(q, e->texts, text);
    keep_nearest(e, cosine);
    e->features[SHOP_F_COSINE] = fmax(e->features[SHOP_F_COSINE], cosine);
    e->features[SHOP_F_TRIGRAMS] = fmax(e->features[SHOP_F_TRIGRAMS], trigrams);
    const double nearness = 2 * cosine + words.asked + words.covered + trigrams;
    if (nearness <= *best) return;
    *best = nearness;
    e->question_index = (size_t)text->position;
    e->features[SHOP_F_ASKED] = words.asked;
    e->features[SHOP_F_COVERED] = words.covered;
    e->features[SHOP_F_SAME] = words.asked > 0.9999 && words.covered > 0.9999;
    e->question = e->texts->chars + text->begin;
    e->question_bytes = text->n;
}

static void compare_texts(const shop_question *q, int32_t dim, shop_candidate *e) {
    const shop_entry_texts *texts = e->texts;
    bool seen[SHOP_MAX_WORDS] = {false};
    float cosines[SHOP_VECTOR_LANES];
    double best = -100;
    const bool by_vector = q->vector && !(q->flags & LLMCS_ASK_WORDS_ONLY) && texts->vectors;
    for (size_t i = 0; i < texts->n; i++) {
        const size_t lane = i % SHOP_VECTOR_LANES;
        if (by_vector && !lane) dot_lanes(texts->vectors + i * (size_t)dim, q->vector, dim, cosines);
        compare_text(q, e, &texts->items[i], by_vector && texts->items[i].has_vector ? (double)cosines[lane] : 0, seen,
                     &best);
    }
    e->features[SHOP_F_SUPPORT] = mean_of_nearest(e);
    e->features[SHOP_F_IN_ANSWER] = share_seen(q, seen);
    e->features[SHOP_F_NUMBERS] = share_of_numbers(q, seen);
}

/* Loads the texts of a candidate that FTS5 found. */
static llmcs_status load_entry(shop_connection *c, shop_match *m, shop_candidate *e) {
    int64_t version;
    if (e->texts) return LLMCS_OK;
    SHOP_TRY(shop_lookup_int(c, 0, &version, "SELECT version FROM entries WHERE row = ?1", "i", e->entry));
    return shop_entry_texts_acquire(m->shop, c, e->entry, (int32_t)version, &e->texts);
}

static void compare_with_others(shop_match *m) {
    double sum = 0;
    for (size_t i = 0; i < m->n; i++) sum += m->candidates[i].features[SHOP_F_COSINE];
    for (size_t i = 0; i < m->n && m->n > 1; i++) {
        double *f = m->candidates[i].features;
        f[SHOP_F_ABOVE_OTHERS] = f[SHOP_F_COSINE] - (sum - f[SHOP_F_COSINE]) / (double)(m->n - 1);
    }
}

/* ---- cross-encoder */

static llmcs_status rerank(const shop_question *q, shop_match *m) {
    llmcs_text texts[SHOP_MAX_CANDIDATES];
    float scores[SHOP_MAX_CANDIDATES];
    llmcs_text_params params;
    llmcs_model_info info = {.struct_size = sizeof info};
    if (!q->reranker || !m->n) return LLMCS_OK;
    SHOP_TRY(llmcs_model_get_info(q->reranker, &info));
    llmcs_text_params_init(&params);
    if (info.n_labels == 1) params.rerank_score = LLMCS_RERANK_LOGIT; /* a feature of a logit model */
    const double begin = shop_now_ms();
    for (size_t i = 0; i < m->n; i++)
        texts[i] = (llmcs_text){m->candidates[i].answer, m->candidates[i].answer_bytes, NULL, 0};
    SHOP_TRY(llmcs_rerank(q->reranker, q->text, q->text_bytes, texts, m->n, &params, scores, NULL));
    for (size_t i = 0; i < m->n; i++) m->candidates[i].features[SHOP_F_RERANK] = (double)scores[i];
    m->rerank_ms = shop_now_ms() - begin;
    return LLMCS_OK;
}

llmcs_status shop_match_compare(shop_connection *c, const shop_question *q, shop_match *m) {
    const double begin = shop_now_ms(), highest = highest_bm25(q);
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < m->n && !status; i++) {
        shop_candidate *e = &m->candidates[i];
        e->features[SHOP_F_BIAS] = 1;
        e->features[SHOP_F_BM25] = highest > 0 ? e->bm25 / highest : 0;
        if ((status = load_entry(c, m, e))) break;
        e->version = e->texts->version;
        e->id = e->texts->id;
        e->lang = e->texts->lang;
        compare_texts(q, m->shop->n_embedding, e);
        if ((!e->answer || !e->question))
            status = e->question || q->without_text
                         ? LLMCS_OK
                         : shop_fail(LLMCS_FORMAT, "%s: entry %s lacks its texts", c->path, e->id);
        if (!status) e->features[SHOP_F_LANGUAGE] = language_match(q, e->lang);
    }
    if (status) return status;
    compare_with_others(m);
    m->rank_ms = shop_now_ms() - begin;
    return rerank(q, m);
}

void shop_match_free(shop_match *m) {
    for (size_t i = 0; i < SHOP_MAX_CANDIDATES && m->shop; i++)
        shop_entry_texts_release(m->shop, m->candidates[i].texts);
    *m = (shop_match){0};
}
