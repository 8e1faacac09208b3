/* shop_word: builds the prompt, generates in the engine's batch, applies the gate, and falls back. */
#include "shop/wording/wording.h"

#include <pthread.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/clock.h"
#include "shop/wording/gate.h"
#include "shop/wording/prompt.h"

enum { MAX_PART_BYTES = 65536, MAX_QUEUE = 256, LEAST_NEW_TOKENS = 24, TOKENS_PER_STREAM = 512, DRAFT_TOKENS = 8 };

struct shop_wording {
    llmcs_allocator allocator;
    llmcs_model *model;
    llmcs_model *own_model; /* the same if it was opened here, else NULL */
    llmcs_engine *engine;
    shop_prompt_form form;
    int32_t n_ctx;
    pthread_rwlock_t in_use; /* read-locked by each shop_word, write-locked by shop_wording_free */
    bool lock_made;
};

/* ---- create */

/* Memory for the KV cache of all sequences. The number of KV heads comes from the folder's plan. */
static llmcs_status kv_bytes(const char *folder, const llmcs_model_info *info, size_t tokens, uint64_t *bytes) {
    const bool half = !strcmp(info->kv_type, "f16");
    if (!folder) {
        *bytes = (uint64_t)SHOP_WORDING_STREAMS * tokens * 2 * (uint64_t)info->n_layer * (uint64_t)info->n_embd *
                 (half ? 2 : 4);
        return LLMCS_OK;
    }
    llmcs_model_options options;
    llmcs_engine_plan_info plan = {.struct_size = sizeof plan};
    llmcs_model_options_init(&options);
    options.kv_type = half ? LLMCS_KV_F16 : LLMCS_KV_F32;
    SHOP_TRY(llmcs_engine_plan(folder, &options, NULL, tokens, &plan));
    const uint64_t blocks = (tokens + plan.kv_block_tokens - 1) / plan.kv_block_tokens;
    *bytes = SHOP_WORDING_STREAMS * blocks * plan.kv_block_bytes;
    return LLMCS_OK;
}

static llmcs_status create_engine(shop_wording *w, const char *folder) {
    llmcs_model_info info = {.struct_size = sizeof info};
    llmcs_engine_options options;
    SHOP_TRY(llmcs_model_get_info(w->model, &info));
    if (!llmcs_model_tokenizer(w->model))
        return shop_fail(LLMCS_UNSUPPORTED, "wording: the model's tokenizer is not supported");
    llmcs_engine_options_init(&options);
    options.max_batch = SHOP_WORDING_STREAMS;
    options.max_queue = MAX_QUEUE;
    const size_t tokens = shop_min((size_t)info.n_ctx, TOKENS_PER_STREAM);
    SHOP_TRY(kv_bytes(folder, &info, tokens, &options.kv_bytes));
    options.n_ctx = (int32_t)shop_min((size_t)info.n_ctx, 4 * TOKENS_PER_STREAM);
    w->n_ctx = options.n_ctx;
    return llmcs_engine_create(w->model, &options, &w->engine);
}

static llmcs_status create_in(shop_wording *w, const char *folder, llmcs_model *model) {
    if (pthread_rwlock_init(&w->in_use, NULL)) return shop_fail(LLMCS_THREAD, "wording: cannot create a lock");
    w->lock_made = true;
    SHOP_TRY(shop_prompt_form_read(&w->allocator, folder, &w->form));
    if (!model) {
        llmcs_model_options options;
        llmcs_model_options_init(&options);
        options.allocator = &w->allocator;
        SHOP_TRY(llmcs_model_open(folder, &options, &w->own_model));
    }
    w->model = model ? model : w->own_model;
    return create_engine(w, folder);
}

llmcs_status shop_wording_create(const char *folder, llmcs_model *model, const llmcs_allocator *allocator,
                                 shop_wording **wording) {
    SHOP_PUBLIC_CALL;
    const llmcs_allocator a = shop_allocator_or_default(allocator);
    shop_wording *w;
    if (!wording) return shop_fail(LLMCS_ARG, "wording is NULL");
    *wording = NULL;
    if (!folder && !model) return shop_fail(LLMCS_ARG, "folder and model are NULL");
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *w, "wording", &w));
    w->allocator = a;
    const llmcs_status status = create_in(w, folder, model);
    if (status) shop_wording_free(&w);
    *wording = w;
    return status;
}

void shop_wording_free(shop_wording **wording) {
    SHOP_PUBLIC_CALL;
    shop_wording *w = wording ? *wording : NULL;
    if (!w) return;
    const llmcs_allocator a = w->allocator;
    if (w->engine) llmcs_engine_stop(w->engine); /* waiting callers get the fallback */
    if (w->lock_made) {
        pthread_rwlock_wrlock(&w->in_use);
        pthread_rwlock_unlock(&w->in_use);
        pthread_rwlock_destroy(&w->in_use);
    }
    llmcs_engine_free(&w->engine);
    llmcs_model_free(&w->own_model);
    shop_prompt_form_free(&a, &w->form);
    shop_free(&a, w);
    *wording = NULL;
}

/* ---- one reply */

/* State of one reply. */
typedef struct wording_job {
    shop_wording *wording; /* or NULL */
    const llmcs_allocator *allocator;
    const shop_wording_request *request;
    size_t fallback_bytes;
    double begin_ms, deadline_ms;
    shop_text facts, prompt, generated;
    shop_gate_verdict verdict;
    size_t n_new_tokens;
} wording_job;

static size_t length(const char *text, size_t n) { return !text ? 0 : n == LLMCS_NUL ? strlen(text) : n; }

static llmcs_status check_request(const shop_wording_request *r) {
    if (!r->user || !r->fallback) return shop_fail(LLMCS_ARG, "user and fallback must not be NULL");
    if ((r->n_facts && !r->facts) || (r->n_slots && !r->slots) || (r->n_history && !r->history))
        return shop_fail(LLMCS_ARG, "facts, slots or history is NULL, but its count is not 0");
    if (r->n_facts > SHOP_WORDING_MAX_FACTS)
        return shop_fail(LLMCS_LIMIT, "n_facts: %lld is not valid (0 to %d)", (long long)r->n_facts,
                         SHOP_WORDING_MAX_FACTS);
    for (size_t i = 0; i < r->n_facts; i++)
        if (!r->facts[i].value) return shop_fail(LLMCS_ARG, "fact %lld: value is NULL", (long long)i);
    for (size_t i = 0; i < r->n_slots; i++)
        if (!r->slots[i].value) return shop_fail(LLMCS_ARG, "slot %lld: value is NULL", (long long)i);
    return LLMCS_OK;
}

static bool is_chinese(const wording_job *j) {
    const shop_wording_request *r = j->request;
    if (r->lang && *r->lang) return !strncmp(r->lang, "zh", 2);
    const unsigned char *s = (const unsigned char *)r->user;
    const size_t n = length(r->user, r->user_bytes);
    for (size_t i = 0; i < n; i++)
        if (s[i] >= 0xe4 && s[i] <= 0xe9) return true; /* U+4000 to U+9FFF in UTF-8 */
    return false;
}

static bool fits_memory(const shop_wording_request *r) {
    if (length(r->user, r->user_bytes) > MAX_PART_BYTES || length(r->entry, r->entry_bytes) > MAX_PART_BYTES)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < r->n_facts; i++) {
        n += strlen(r->facts[i].value) + (r->facts[i].key ? strlen(r->facts[i].key) : 0);
        if (n > MAX_PART_BYTES) return false;
    }
    return true;
}

/* Number of turns of history to use: at most the last SHOP_WORDING_MAX_TURNS, fewer if they are too long. */
static size_t turns_to_try(const shop_wording_request *r) {
    size_t n = 0;
    while (n < r->n_history && n < SHOP_WORDING_MAX_TURNS) {
        const shop_wording_turn *t = &r->history[r->n_history - n - 1];
        if (length(t->user, t->user_bytes) > MAX_PART_BYTES || length(t->reply, t->reply_bytes) > MAX_PART_BYTES) break;
        n++;
    }
    return n;
}

/* Makes the prompt with as much history as fits next to the reply's tokens. *source: unchanged, or TOO_LONG. */
static llmcs_status make_prompt(wording_job *j, int32_t *max_new_tokens, shop_wording_source *source) {
    const shop_wording_request *r = j->request;
    const int32_t wanted = r->max_new_tokens > 0 ? r->max_new_tokens : SHOP_WORDING_TOKENS;
    llmcs_encode_params encode;
    llmcs_encode_params_init(&encode);
    encode.flags = 0;
    for (size_t n_turns = turns_to_try(r);; n_turns = n_turns > 2 ? n_turns / 2 : n_turns - 1) {
        size_t n_tokens;
        SHOP_TRY(shop_prompt_make(&j->wording->form, r, &j->facts, n_turns, &j->prompt));
        SHOP_TRY(llmcs_encode(llmcs_model_tokenizer(j->wording->model), j->prompt.bytes, j->prompt.n, NULL, 0, &encode,
                              NULL, NULL, NULL, 0, &n_tokens));
        const int64_t left = (int64_t)j->wording->n_ctx - (int64_t)n_tokens;
        *max_new_tokens = left < wanted ? (int32_t)left : wanted;
        if (left >= wanted || (!n_turns && left >= LEAST_NEW_TOKENS)) return LLMCS_OK;
        if (!n_turns) return *source = SHOP_WORDING_TOO_LONG, LLMCS_OK;
    }
}

static shop_wording_source source_of(llmcs_status status) {
    switch (status) {
        case LLMCS_PENDING:
        case LLMCS_DEADLINE:
        case LLMCS_CANCELLED:
            return SHOP_WORDING_LATE;
        case LLMCS_QUEUE_FULL:
            return SHOP_WORDING_FULL;
        case LLMCS_CONTEXT_FULL:
        case LLMCS_LIMIT:
            return SHOP_WORDING_TOO_LONG;
        default:
            return SHOP_WORDING_FAILED;
    }
}

/* Generates in the engine. After any failure the fallback is used. */
static llmcs_status generate_in_batch(wording_job *j, int32_t max_new_tokens, llmcs_result **result) {
    llmcs_generate_params p;
    llmcs_request *request = NULL;
    SHOP_TRY(llmcs_generate_params_init(&p, j->wording->model));
    p.do_sample = 0;
    p.num_beams = p.num_return_sequences = 1;
    p.max_new_tokens = max_new_tokens;
    p.stop_strings = (const char *const *)j->wording->form.stop_strings;
    p.n_stop_strings = j->wording->form.n_stop_strings;
    p.encode_flags = 0;                        /* "<|endoftext|>" in a customer's text is not a special token */
    p.prompt_lookup_num_tokens = DRAFT_TOKENS; /* most of a reply is copied from the facts */
    p.deadline_ms = j->deadline_ms - (shop_now_ms() - j->begin_ms);
    if (p.deadline_ms <= 0) return LLMCS_DEADLINE;
    llmcs_status status = llmcs_engine_submit(j->wording->engine, j->prompt.bytes, j->prompt.n, &p, NULL, &request);
    if (!status) {
        const double left = j->deadline_ms - (shop_now_ms() - j->begin_ms);
        status = llmcs_request_wait(request, left > 0 ? left : 0, result);
    }
    llmcs_request_free(&request);
    return status;
}

/* The sentences with which shop-gpt2 was trained to abstain. */
static bool abstains(const char *text) {
    return strstr(text, "don't have that information") || strstr(text, "没有查到");
}

static llmcs_status pass_gate(wording_job *j, shop_wording_source *source) {
    const shop_wording_request *r = j->request;
    shop_gate_text *known;
    size_t n = 0;
    SHOP_TRY(shop_alloc(j->allocator, 3 + r->n_slots, sizeof *known, "known texts", &known));
    known[n++] = (shop_gate_text){j->facts.bytes, j->facts.n};
    known[n++] = (shop_gate_text){r->fallback, j->fallback_bytes};
    for (size_t i = 0; i < r->n_slots; i++) known[n++] = (shop_gate_text){r->slots[i].value, strlen(r->slots[i].value)};
    const char *lang = is_chinese(j) ? "zh" : r->lang && *r->lang ? r->lang : "en";
    const llmcs_status status =
        shop_gate(j->allocator, j->generated.bytes, j->generated.n, known, n, lang, &j->verdict);
    shop_free(j->allocator, known);
    if (status) return status;
    if (!j->verdict.reason && abstains(j->generated.bytes)) return *source = SHOP_WORDING_ABSTAINED, LLMCS_OK;
    if (!j->verdict.reason)
        SHOP_TRY(shop_gate_covers(j->allocator, j->generated.bytes, j->generated.n, r->fallback, j->fallback_bytes,
                                  &j->verdict));
    *source = j->verdict.reason ? SHOP_WORDING_GATE : SHOP_WORDED;
    return LLMCS_OK;
}

static llmcs_status keep_generated(wording_job *j, const llmcs_sequence *s, shop_wording_source *source) {
    const char *text = s->text;
    size_t n = s->text_bytes;
    while (n && (*text == ' ' || *text == '\n')) text++, n--;
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\n')) n--;
    SHOP_TRY(shop_text_add(&j->generated, text, n));
    if (s->finish_reason == LLMCS_FINISH_EOS || s->finish_reason == LLMCS_FINISH_STOP) return pass_gate(j, source);
    *source = s->finish_reason == LLMCS_FINISH_LENGTH ? SHOP_WORDING_GATE : SHOP_WORDING_LATE;
    if (*source == SHOP_WORDING_GATE) j->verdict.reason = SHOP_GATE_CUT;
    return LLMCS_OK;
}

/* Fails only if memory runs out. */
static llmcs_status word(wording_job *j, shop_wording_source *source) {
    llmcs_result *result = NULL;
    int32_t max_new_tokens;
    *source = SHOP_WORDED;
    if (!j->wording) return *source = SHOP_WORDING_OFF, LLMCS_OK;
    if (!fits_memory(j->request)) return *source = SHOP_WORDING_TOO_LONG, LLMCS_OK;
    SHOP_TRY(shop_prompt_facts(j->request, &j->facts));
    if (!j->facts.n) return *source = SHOP_WORDING_NO_FACTS, LLMCS_OK;
    llmcs_status status = make_prompt(j, &max_new_tokens, source);
    if (status == LLMCS_NOMEM) return status;
    if (status) return *source = source_of(status), LLMCS_OK;
    if (*source != SHOP_WORDED) return LLMCS_OK;
    status = generate_in_batch(j, max_new_tokens, &result);
    if (status == LLMCS_NOMEM) return status;
    if (status) return *source = source_of(status), LLMCS_OK;
    j->n_new_tokens = result->n_new_tokens;
    status = keep_generated(j, result->sequences[0], source);
    llmcs_result_free(&result);
    return status;
}

static const char *reason_of(shop_wording_source source, shop_gate_reason gate) {
    static const char *const names[] = {"worded", "off",    "no facts", "too long", "late",
                                        "full",   "failed", "gate",     "abstained"};
    return source == SHOP_WORDING_GATE ? shop_gate_reason_name(gate) : names[source];
}

/* A reply, its allocator, and after them its two texts. */
typedef struct reply_block {
    shop_wording_reply reply; /* first member: the caller's pointer points to it */
    llmcs_allocator allocator;
} reply_block;

static llmcs_status make_reply(const wording_job *j, shop_wording_source source, shop_wording_reply **reply) {
    const bool worded = source == SHOP_WORDED;
    const char *text = worded ? j->generated.bytes : j->request->fallback;
    const size_t n = worded ? j->generated.n : j->fallback_bytes;
    size_t bytes;
    reply_block *made;
    if (!shop_add(sizeof *made + 2, n, &bytes) || !shop_add(bytes, j->generated.n, &bytes))
        return shop_fail(LLMCS_NOMEM, "reply: too long");
    SHOP_TRY(shop_alloc_zero(j->allocator, bytes, 1, "reply", &made));
    char *to = (char *)(made + 1);
    made->allocator = *j->allocator;
    made->reply = (shop_wording_reply){.text = to,
                                       .text_bytes = n,
                                       .source = source,
                                       .gate = (int)j->verdict.reason,
                                       .reason = reason_of(source, j->verdict.reason),
                                       .ms = shop_now_ms() - j->begin_ms,
                                       .n_new_tokens = j->n_new_tokens};
    if (n) memcpy(to, text, n);
    if (j->generated.bytes) {
        made->reply.generated = to + n + 1;
        made->reply.generated_bytes = j->generated.n;
        memcpy(to + n + 1, j->generated.bytes, j->generated.n);
    }
    *reply = &made->reply;
    return LLMCS_OK;
}

llmcs_status shop_word(shop_wording *w, const shop_wording_request *request, shop_wording_reply **reply) {
    SHOP_PUBLIC_CALL;
    const llmcs_allocator a = w ? w->allocator : shop_allocator_or_default(NULL);
    shop_wording_source source;
    if (!reply) return shop_fail(LLMCS_ARG, "reply is NULL");
    *reply = NULL;
    if (!request) return shop_fail(LLMCS_ARG, "request is NULL");
    SHOP_TRY(check_request(request));
    wording_job j = {.wording = w,
                     .allocator = &a,
                     .request = request,
                     .fallback_bytes = length(request->fallback, request->fallback_bytes),
                     .begin_ms = shop_now_ms(),
                     .deadline_ms = request->deadline_ms > 0 ? request->deadline_ms : SHOP_WORDING_MS};
    j.facts.allocator = j.prompt.allocator = j.generated.allocator = &a;
    if (w) pthread_rwlock_rdlock(&w->in_use);
    llmcs_status status = word(&j, &source);
    if (w) pthread_rwlock_unlock(&w->in_use);
    if (!status) status = make_reply(&j, source, reply);
    shop_free(&a, j.facts.bytes);
    shop_free(&a, j.prompt.bytes);
    shop_free(&a, j.generated.bytes);
    return status;
}

void shop_wording_reply_free(shop_wording_reply **reply) {
    reply_block *made = reply ? (reply_block *)*reply : NULL;
    if (!made) return;
    const llmcs_allocator a = made->allocator;
    shop_free(&a, made);
    *reply = NULL;
}
