/* Scores candidates by their features: which one is the answer, and with what probability. */
#include <math.h>
#include <string.h>

#include "shop/knowledge/entry_texts.h"

/*
 * Fitted and printed by tools/train/knowledge_weights.py: on the demo shop's own questions, each left out once, and on
 * 500 messages per language that it cannot answer (label "oos" of intents.*.jsonl). One row for words alone, one with
 * vectors of the demo's encoder; the cosines of other encoders are distributed differently. Fitting again with
 * candidates chosen by these weights reproduces them.
 */
static const shop_weights default_weights[2] = {
    {.w = {[SHOP_F_BIAS] = -10.48,
           [SHOP_F_COVERED] = 4.61,
           [SHOP_F_IN_ANSWER] = 7.888,
           [SHOP_F_SAME] = 1.818,
           [SHOP_F_FUSED] = 6.521},
     .threshold = 0.5},
    {.w = {[SHOP_F_BIAS] = -10.15,
           [SHOP_F_ANSWER_COSINE] = 1.926,
           [SHOP_F_ABOVE_OTHERS] = 6.066,
           [SHOP_F_COVERED] = 1.371,
           [SHOP_F_IN_ANSWER] = 5.588,
           [SHOP_F_TRIGRAMS] = 1.024,
           [SHOP_F_SAME] = 1.257,
           [SHOP_F_FUSED] = 1.801,
           [SHOP_F_SUPPORT] = 3.946},
     .threshold = 0.5},
};

/* ---- in the store */

/* The setting's name: "llmcs.calibration.words", or one with the encoder's fingerprint. */
static void setting_name(const llmcs_shop *shop, bool vectors, char name[64]) {
    if (vectors)
        sqlite3_snprintf(64, name, "llmcs.calibration.%016llx", (unsigned long long)shop->fingerprint);
    else
        sqlite3_snprintf(64, name, "llmcs.calibration.words");
}

/* Reads a JSON array: the threshold, then one weight per feature. An array of another length is from another
 * version. */
llmcs_status shop_weights_load(llmcs_shop *shop, shop_connection *c, bool vectors, shop_weights *weights) {
    shop_query q;
    char name[64];
    double values[SHOP_N_FEATURES + 1] = {0};
    size_t n = 0;
    int64_t stored;
    *weights = default_weights[vectors];
    setting_name(shop, vectors, name);
    /* Check first: most stores have no such setting, and reading JSON is slower. */
    SHOP_TRY(shop_lookup_int(c, 0, &stored, "SELECT count(*) FROM settings WHERE key = ?1", "s", name));
    if (!stored) return LLMCS_OK;
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT j.value FROM settings s, json_each(CASE WHEN json_valid(s.value) THEN s.value ELSE"
                         " '[]' END) j WHERE s.key = ?1 AND j.type IN ('real', 'integer')",
                         "s", name));
    for (;; n++) {
        SHOP_TRY(shop_query_next(&q));
        if (!q.has_row) break;
        if (n <= SHOP_N_FEATURES) values[n] = shop_query_double(&q, 0);
    }
    shop_query_end(&q);
    for (size_t i = 0; i <= SHOP_N_FEATURES; i++)
        if (!isfinite(values[i]) || fabs(values[i]) > 1e6) return LLMCS_OK;
    if (n != SHOP_N_FEATURES + 1) return LLMCS_OK;
    weights->threshold = values[0];
    memcpy(weights->w, values + 1, sizeof weights->w);
    return LLMCS_OK;
}

llmcs_status shop_weights_save(llmcs_shop *shop, shop_connection *c, bool vectors, const shop_weights *weights) {
    char name[64], text[32 * (SHOP_N_FEATURES + 2)];
    setting_name(shop, vectors, name);
    sqlite3_snprintf(sizeof text, text, "[%!.17g", weights->threshold);
    for (size_t i = 0; i < SHOP_N_FEATURES; i++) {
        const size_t n = strlen(text);
        sqlite3_snprintf((int)(sizeof text - n), text + n, ",%!.17g", weights->w[i]);
    }
    const size_t n = strlen(text);
    sqlite3_snprintf((int)(sizeof text - n), text + n, "]");
    return shop_change(c, "INSERT INTO settings VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = ?2", "ss", name,
                       text);
}

/* ---- scores */

/* True if a better candidate has the same id (another language). It is the same entry, so this one takes no
 * probability. */
static bool has_better_twin(const shop_match *m, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (!strcmp(m->candidates[j].id, m->candidates[i].id)) return true;
    return false;
}

static void drop(shop_match *m, size_t i) {
    shop_candidate *c = &m->candidates[i];
    shop_entry_texts_release(m->shop, c->texts);
    memmove(c, c + 1, (m->n - i - 1) * sizeof *c);
    m->candidates[--m->n] = (shop_candidate){0};
}

void shop_match_score(shop_match *m, const shop_weights *weights) {
    double highest = 0; /* "none of them" has score 0 */
    for (size_t i = 0; i < m->n; i++) {
        shop_candidate *c = &m->candidates[i];
        c->score = 0;
        for (size_t f = 0; f < SHOP_N_FEATURES; f++) c->score += weights->w[f] * c->features[f];
    }
    for (size_t i = 1; i < m->n; i++) {
        const shop_candidate c = m->candidates[i];
        size_t j = i;
        for (; j > 0 && m->candidates[j - 1].score < c.score; j--) m->candidates[j] = m->candidates[j - 1];
        m->candidates[j] = c;
    }
    for (size_t i = m->n; i-- > 1;)
        if (has_better_twin(m, i)) drop(m, i);
    if (m->n) highest = fmax(0, m->candidates[0].score);
    double sum = exp(-highest);
    for (size_t i = 0; i < m->n; i++) sum += exp(m->candidates[i].score - highest);
    for (size_t i = 0; i < m->n; i++) m->candidates[i].probability = exp(m->candidates[i].score - highest) / sum;
}
