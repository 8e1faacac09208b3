/* llmcs_shop_ask: finds the answer to a question, if an entry has one. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "shop/base/options.h"
#include "shop/knowledge/follow.h"
#include "shop/knowledge/knowledge.h"
#include "shop/knowledge/reply.h"
#include "shop/spelling/spelling.h"
#include "shop/store/rows.h"
#include "shop/store/vectors.h"

static const llmcs_shop_ask_params default_params = {
    .struct_size = sizeof(llmcs_shop_ask_params), .k = 5, .threshold = -1};

void llmcs_shop_ask_params_init_sized(llmcs_shop_ask_params *params, size_t struct_size) {
    shop_options_init(params, struct_size, &default_params, sizeof default_params);
}

static llmcs_status check_params(const llmcs_shop *shop, const llmcs_shop_ask_params *p) {
    const uint32_t legs = LLMCS_ASK_WORDS_ONLY | LLMCS_ASK_VECTORS_ONLY;
    const uint32_t needs_writer = LLMCS_ASK_CHOOSE | LLMCS_ASK_GENERATE;
    if (p->flags & ~(legs | needs_writer))
        return shop_fail(LLMCS_ARG, "flags: 0x%x is not valid", p->flags & ~(legs | needs_writer));
    if ((p->flags & legs) == legs) return shop_fail(LLMCS_ARG, "flags: WORDS_ONLY and VECTORS_ONLY exclude each other");
    if ((p->flags & LLMCS_ASK_VECTORS_ONLY) && !shop->encoder)
        return shop_fail(LLMCS_ARG, "flags: VECTORS_ONLY needs an encoder, see llmcs_shop_options");
    if ((p->flags & needs_writer) && !p->writer)
        return shop_fail(LLMCS_ARG, "flags: CHOOSE and GENERATE need a writer");
    if (p->k < 1 || p->k > SHOP_MAX_CANDIDATES)
        return shop_fail(LLMCS_ARG, "k: %lld is not valid (1 to %d)", (long long)p->k, SHOP_MAX_CANDIDATES);
    if (isnan(p->threshold) || p->threshold > 1)
        return shop_fail(LLMCS_ARG, "threshold: %g is not valid (0 to 1, or negative)", p->threshold);
    if (p->lang) SHOP_TRY(shop_check_lang(p->lang));
    if (p->n_slots && !p->slots) return shop_fail(LLMCS_ARG, "slots is NULL and n_slots is not 0");
    for (size_t i = 0; i < p->n_slots; i++) {
        SHOP_TRY(shop_check_name("slot name", p->slots[i].name, 1));
        SHOP_TRY(shop_check_text("slot value", p->slots[i].value, 0, SHOP_TEXT_BYTES));
    }
    return LLMCS_OK;
}

/* The state of one call: question, match and answer. */
typedef struct asking {
    llmcs_shop *shop;
    const llmcs_shop_ask_params *params;
    bool as_written;     /* its spelling is not corrected yet */
    const float *vector; /* passed by the caller, or NULL */
    char *corrected;     /* the question after spelling correction, or NULL */
    shop_question question;
    bool question_made;
    shop_match match;
    shop_reply *reply;
    shop_weights weights;
} asking;

static void free_asking(asking *k) {
    llmcs_shop_answer *answer = (llmcs_shop_answer *)k->reply;
    if (k->question_made) shop_question_free(k->shop, &k->question);
    shop_match_free(&k->match);
    shop_free(&k->shop->allocator, k->corrected);
    llmcs_shop_answer_free(&answer);
}

/* Runs the encoder before the snapshot begins. */
static llmcs_status embed_question(asking *k, shop_question *q) {
    const llmcs_text text = {q->text, q->text_bytes, NULL, 0};
    const double begin = shop_now_ms();
    if (k->vector && k->shop->encoder && !(q->flags & LLMCS_ASK_WORDS_ONLY)) {
        const size_t n = (size_t)k->shop->n_embedding;
        SHOP_TRY(shop_alloc(&k->shop->allocator, n, sizeof *q->vector, "vector", &q->vector));
        memcpy(q->vector, k->vector, n * sizeof *q->vector);
    } else if (!(q->flags & LLMCS_ASK_WORDS_ONLY)) {
        SHOP_TRY(shop_embed(k->shop, &text, 1, &q->vector));
    }
    shop_reply_answer(k->reply)->embed_ms = shop_now_ms() - begin;
    return LLMCS_OK;
}

static llmcs_status match_in(asking *k, shop_connection *c) {
    shop_question *q = &k->question;
    SHOP_TRY(shop_follow(k->shop, c));
    SHOP_TRY(shop_question_init(k->shop, c, q));
    k->question_made = true;
    SHOP_TRY(shop_match_find(k->shop, c, q, &k->match));
    SHOP_TRY(shop_match_compare(c, q, &k->match));
    SHOP_TRY(shop_weights_load(k->shop, c, q->vector != NULL, &k->weights));
    shop_match_score(&k->match, &k->weights);
    return LLMCS_OK;
}

static llmcs_status match_question(asking *k) {
    shop_connection *c;
    shop_question *q = &k->question;
    size_t corrected_bytes;
    if (k->as_written)
        SHOP_TRY(shop_spelling_correct(k->shop, q->text, q->text_bytes, &k->corrected, &corrected_bytes));
    if (k->corrected) q->text = k->corrected, q->text_bytes = corrected_bytes;
    if (k->params->n_tags) SHOP_TRY(shop_tags_json(&k->shop->allocator, k->params->tags, k->params->n_tags, &q->tags));
    q->tag_list = k->params->tags;
    q->n_tags = k->params->n_tags;
    llmcs_status status = embed_question(k, q);
    if (!status) status = shop_read_begin(k->shop, &c);
    if (!status) {
        status = match_in(k, c);
        shop_read_end(k->shop, c);
    }
    if (status && !k->question_made) {
        shop_free(&k->shop->allocator, q->vector);
        shop_free(&k->shop->allocator, q->tags);
    }
    return status;
}

static llmcs_status make_reply(asking *k) {
    const llmcs_shop_ask_params *p = k->params;
    llmcs_shop_answer *answer = shop_reply_answer(k->reply);
    size_t first = 0, best = 0;
    const double begin = shop_now_ms();
    SHOP_TRY(shop_reply_set_candidates(k->reply, &k->match, p->k));
    if (p->writer) SHOP_TRY(shop_reply_choose(k->reply, &k->question, p->writer, &best));
    if (p->flags & LLMCS_ASK_CHOOSE) first = best;
    const double threshold = p->threshold < 0 ? k->weights.threshold : p->threshold;
    SHOP_TRY(shop_reply_route(k->reply, &k->question, first, threshold, p->slots, p->n_slots));
    if (p->flags & LLMCS_ASK_GENERATE) SHOP_TRY(shop_reply_generate(k->reply, &k->question, p->writer));
    answer->words_ms = k->match.words_ms;
    answer->vectors_ms = k->match.vectors_ms;
    answer->rank_ms = k->match.rank_ms;
    answer->write_ms = k->match.rerank_ms + shop_now_ms() - begin;
    return LLMCS_OK;
}

static llmcs_status ask(asking *k, llmcs_shop_answer **answer) {
    const double begin = shop_now_ms();
    SHOP_TRY(shop_reply_create(&k->shop->allocator, &k->reply));
    SHOP_TRY(match_question(k));
    SHOP_TRY(make_reply(k));
    *answer = shop_reply_answer(k->reply);
    (*answer)->total_ms = shop_now_ms() - begin;
    k->reply = NULL;
    return LLMCS_OK;
}

static llmcs_status ask_question(llmcs_shop *shop, const char *text, size_t text_bytes,
                                 const llmcs_shop_ask_params *params, const float *vector, bool as_written,
                                 llmcs_shop_answer **answer) {
    llmcs_shop_ask_params p = default_params;
    asking *k;
    if (!answer) return shop_fail(LLMCS_ARG, "answer is NULL");
    *answer = NULL;
    SHOP_TRY(shop_check(shop));
    if (!text) return shop_fail(LLMCS_ARG, "text is NULL");
    if (text_bytes == LLMCS_NUL) text_bytes = strlen(text);
    if (text_bytes > SHOP_TEXT_BYTES)
        return shop_fail(LLMCS_LIMIT, "text has %lld bytes, at most %d are a question", (long long)text_bytes,
                         SHOP_TEXT_BYTES);
    if (params)
        SHOP_TRY(shop_options_in(&p, sizeof p, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_ask_params, writer), params,
                                 "llmcs_shop_ask_params"));
    SHOP_TRY(check_params(shop, &p));
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *k, "question", &k));
    k->shop = shop;
    k->params = &p;
    k->vector = vector;
    k->as_written = as_written;
    k->question = (shop_question){.text = text,
                                  .text_bytes = text_bytes,
                                  .lang = p.lang,
                                  .flags = p.flags,
                                  .now = p.now ? p.now : (int64_t)time(NULL),
                                  .reranker = p.reranker};
    const llmcs_status status = ask(k, answer);
    free_asking(k);
    shop_free(&shop->allocator, k);
    return status;
}

llmcs_status llmcs_shop_ask(llmcs_shop *shop, const char *text, size_t text_bytes, const llmcs_shop_ask_params *params,
                            llmcs_shop_answer **answer) {
    SHOP_PUBLIC_CALL;
    return ask_question(shop, text, text_bytes, params, NULL, true, answer);
}

llmcs_status shop_ask_corrected(llmcs_shop *shop, const char *text, size_t text_bytes,
                                const llmcs_shop_ask_params *params, const float *vector, llmcs_shop_answer **answer) {
    return ask_question(shop, text, text_bytes, params, vector, false, answer);
}
