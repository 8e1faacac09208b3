/* Turns a match into a reply with citations: the entry's answer with its slots filled, a question back, or nothing. */
#include "shop/knowledge/reply.h"

#include <math.h>
#include <string.h>

#include "shop/knowledge/reply_memory.h"

const char *llmcs_shop_route_name(llmcs_shop_route route) {
    static const char *const names[] = {"NONE", "ENTRY", "FILLED", "GENERATED", "ASK_BACK"};
    return (unsigned)route < sizeof names / sizeof *names ? names[route] : "UNKNOWN";
}

/* ---- memory */

llmcs_status shop_reply_create(const llmcs_allocator *a, shop_reply **reply) {
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof **reply, "answer", reply));
    (*reply)->memory.allocator = *a;
    (*reply)->answer.text = "";
    return LLMCS_OK;
}

llmcs_shop_answer *shop_reply_answer(shop_reply *reply) { return &reply->answer; }

void llmcs_shop_answer_free(llmcs_shop_answer **answer) {
    SHOP_PUBLIC_CALL;
    shop_reply *r = answer ? (shop_reply *)*answer : NULL; /* the answer is the first member */
    if (!r) return;
    const llmcs_allocator a = r->memory.allocator;
    shop_arena_free(&r->memory);
    shop_free(&a, r);
    *answer = NULL;
}

/* ---- candidates */

static llmcs_status copy_candidate(shop_reply *r, const shop_candidate *from, llmcs_shop_candidate *to) {
    SHOP_TRY(shop_arena_copy(&r->memory, from->id, strlen(from->id), &to->id));
    SHOP_TRY(shop_arena_copy(&r->memory, from->lang, strlen(from->lang), &to->lang));
    SHOP_TRY(shop_arena_copy(&r->memory, from->question, from->question_bytes, &to->question));
    SHOP_TRY(shop_arena_copy(&r->memory, from->answer, from->answer_bytes, &to->answer));
    to->version = from->version;
    to->score = from->score;
    to->probability = from->probability;
    to->cosine = (float)from->features[SHOP_F_COSINE];
    to->answer_cosine = (float)from->features[SHOP_F_ANSWER_COSINE];
    to->bm25 = (float)from->features[SHOP_F_BM25];
    to->fused = (float)from->features[SHOP_F_FUSED];
    to->rerank = (float)from->features[SHOP_F_RERANK];
    to->logprob = to->information = (double)NAN;
    return LLMCS_OK;
}

llmcs_status shop_reply_set_candidates(shop_reply *r, const shop_match *m, size_t k) {
    llmcs_shop_candidate *candidates;
    const llmcs_shop_candidate **pointers;
    const size_t n = shop_min(m->n, k);
    SHOP_TRY(shop_arena_alloc(&r->memory, n, sizeof *candidates, &candidates));
    SHOP_TRY(shop_arena_alloc(&r->memory, n, sizeof(void *), &pointers));
    for (size_t i = 0; i < n; i++) {
        SHOP_TRY(copy_candidate(r, &m->candidates[i], &candidates[i]));
        pointers[i] = &candidates[i];
        r->question_index[i] = m->candidates[i].question_index;
    }
    r->candidates = candidates;
    r->answer.candidates = pointers;
    r->answer.n_candidates = n;
    return LLMCS_OK;
}

/* ---- text and citations */

/* Appends n bytes to the reply. If `from` is not NULL they are cited as [begin, begin + n) of its text `text_index`. */
typedef struct writing {
    shop_reply *reply;
    char *text;
    size_t n, capacity;
    llmcs_shop_citation *citations;
    size_t n_citations, citations_capacity;
} writing;

static llmcs_status append(writing *w, const char *bytes, size_t n, const llmcs_shop_candidate *from, size_t text_index,
                           size_t begin) {
    const llmcs_allocator *a = &w->reply->memory.allocator;
    size_t need;
    if (!shop_add(w->n, n, &need) || !shop_add(need, 1, &need)) return shop_fail(LLMCS_NOMEM, "answer: too long");
    SHOP_TRY(shop_grow(a, &w->text, w->n, &w->capacity, need, 1, "answer"));
    if (n) memcpy(w->text + w->n, bytes, n);
    if (from && n) {
        SHOP_TRY(shop_grow(a, &w->citations, w->n_citations, &w->citations_capacity, w->n_citations + 1,
                           sizeof *w->citations, "citations"));
        w->citations[w->n_citations++] = (llmcs_shop_citation){.id = from->id,
                                                               .lang = from->lang,
                                                               .version = from->version,
                                                               .text_index = text_index,
                                                               .entry_begin = begin,
                                                               .entry_end = begin + n,
                                                               .reply_begin = w->n,
                                                               .reply_end = w->n + n};
    }
    w->n += n;
    return LLMCS_OK;
}

static llmcs_status append_own(writing *w, const char *text) { return append(w, text, strlen(text), NULL, 0, 0); }

static llmcs_status keep_writing(writing *w) {
    llmcs_shop_answer *answer = &w->reply->answer;
    const llmcs_shop_citation **pointers;
    llmcs_shop_citation *citations;
    SHOP_TRY(shop_arena_copy(&w->reply->memory, w->text ? w->text : "", w->n, &answer->text));
    answer->text_bytes = w->n;
    SHOP_TRY(shop_arena_alloc(&w->reply->memory, w->n_citations, sizeof *citations, &citations));
    SHOP_TRY(shop_arena_alloc(&w->reply->memory, w->n_citations, sizeof(void *), &pointers));
    for (size_t i = 0; i < w->n_citations; i++) citations[i] = w->citations[i], pointers[i] = &citations[i];
    answer->citations = pointers;
    answer->n_citations = w->n_citations;
    return LLMCS_OK;
}

static void free_writing(writing *w) {
    shop_free(&w->reply->memory.allocator, w->text);
    shop_free(&w->reply->memory.allocator, w->citations);
}

llmcs_status shop_reply_set_generated(shop_reply *r, size_t first, const char *text, size_t n) {
    writing w = {.reply = r};
    const llmcs_shop_candidate *e = r->answer.candidates[first];
    llmcs_status status = append(&w, text, n, NULL, 0, 0);
    if (!status)
        status = shop_grow(&r->memory.allocator, &w.citations, 0, &w.citations_capacity, 1, sizeof *w.citations,
                           "citations");
    if (!status) {
        w.citations[w.n_citations++] = (llmcs_shop_citation){
            .id = e->id, .lang = e->lang, .version = e->version, .entry_end = strlen(e->answer), .reply_end = n};
        status = keep_writing(&w);
    }
    free_writing(&w);
    if (!status) r->answer.route = LLMCS_ROUTE_GENERATED;
    return status;
}

/* ---- slots */

/* Returns the length of the slot "{name}" at text[at] with its braces, or 0. A name has letters, digits and
 * underscores. */
static size_t slot_length(const char *text) {
    size_t n = 1;
    if (*text != '{') return 0;
    while (text[n] == '_' || (text[n] >= '0' && text[n] <= '9') || (text[n] >= 'a' && text[n] <= 'z') ||
           (text[n] >= 'A' && text[n] <= 'Z'))
        n++;
    return text[n] == '}' && n > 1 ? n + 1 : 0;
}

static const char *slot_value(const llmcs_shop_slot *slots, size_t n_slots, const char *name, size_t n) {
    for (size_t i = 0; i < n_slots; i++)
        if (strlen(slots[i].name) == n && !memcmp(slots[i].name, name, n)) return slots[i].value;
    return NULL;
}

/* Writes the answer with its slots filled. Stops at a slot without a value and sets missing_slot. */
static llmcs_status write_answer(writing *w, const llmcs_shop_candidate *e, const llmcs_shop_slot *slots,
                                 size_t n_slots, bool *filled) {
    const char *text = e->answer;
    size_t begin = 0, at = 0;
    *filled = false;
    for (; text[at]; at++) {
        const size_t len = slot_length(text + at);
        if (!len) continue;
        const char *value = slot_value(slots, n_slots, text + at + 1, len - 2);
        if (!value) return shop_arena_copy(&w->reply->memory, text + at + 1, len - 2, &w->reply->answer.missing_slot);
        SHOP_TRY(append(w, text + begin, at - begin, e, 0, begin));
        SHOP_TRY(append_own(w, value));
        *filled = true;
        begin = at + len;
        at = begin - 1;
    }
    return append(w, text + begin, at - begin, e, 0, begin);
}

/* ---- routes */

static bool replies_in_chinese(const shop_question *q) {
    return q->lang && *q->lang ? !strncmp(q->lang, "zh", 2) : q->words.n_han > 0;
}

static llmcs_status write_request(writing *w, const shop_question *q) {
    const char *slot = w->reply->answer.missing_slot;
    SHOP_TRY(append_own(w, replies_in_chinese(q) ? "请提供：" : "Please tell me: "));
    return append_own(w, slot);
}

static llmcs_status write_offer(writing *w, const shop_question *q, size_t first, size_t second) {
    const bool chinese = replies_in_chinese(q);
    const size_t two[2] = {first, second};
    SHOP_TRY(append_own(w, chinese ? "您想问的是哪一个？" : "Which of these do you mean?"));
    for (size_t i = 0; i < 2; i++) {
        const llmcs_shop_candidate *e = w->reply->answer.candidates[two[i]];
        SHOP_TRY(append_own(w, i ? "\n2. " : "\n1. "));
        SHOP_TRY(append(w, e->question, strlen(e->question), e, w->reply->question_index[two[i]], 0));
    }
    return LLMCS_OK;
}

static llmcs_status write_route(writing *w, const shop_question *q, size_t first, double threshold,
                                const llmcs_shop_slot *slots, size_t n_slots) {
    llmcs_shop_answer *answer = &w->reply->answer;
    const size_t second = first ? 0 : 1;
    answer->route = LLMCS_ROUTE_NONE;
    if (!answer->n_candidates) return LLMCS_OK;
    const double p = answer->candidates[first]->probability;
    answer->probability = p;
    if (p >= threshold) {
        bool filled;
        SHOP_TRY(write_answer(w, answer->candidates[first], slots, n_slots, &filled));
        answer->route = filled ? LLMCS_ROUTE_FILLED : LLMCS_ROUTE_ENTRY;
        if (!answer->missing_slot) return LLMCS_OK;
        w->n = w->n_citations = 0;
        answer->route = LLMCS_ROUTE_ASK_BACK;
        return write_request(w, q);
    }
    if (second >= answer->n_candidates || p + answer->candidates[second]->probability < threshold) return LLMCS_OK;
    answer->probability = p + answer->candidates[second]->probability;
    answer->route = LLMCS_ROUTE_ASK_BACK;
    return write_offer(w, q, first, second);
}

llmcs_status shop_reply_route(shop_reply *r, const shop_question *q, size_t first, double threshold,
                              const llmcs_shop_slot *slots, size_t n_slots) {
    writing w = {.reply = r};
    r->first = first;
    r->answer.threshold = threshold;
    llmcs_status status = write_route(&w, q, first, threshold, slots, n_slots);
    if (!status) status = keep_writing(&w);
    free_writing(&w);
    return status;
}
