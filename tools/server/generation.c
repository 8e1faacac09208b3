/* /v1/chat/completions and /v1/completions: from a body to requests of the engine. */
#include "generation.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat_messages.h"
#include "conversation.h"

/* ---- life */

static void free_generation(void *data) {
    generation *g = data;
    for (size_t i = 0; i < g->n_choices; i++) {
        llmcs_request_free(&g->choices[i].request);
        llmcs_result_free(&g->choices[i].result);
        free(g->choices[i].top);
        llmcs_decoder_free(&g->choices[i].decoder);
        buffer_free(&g->choices[i].text);
    }
    for (size_t i = 0; i < g->n_inputs; i++) {
        free(g->inputs[i].owned);
        free(g->inputs[i].owned_ids);
    }
    free(g->choices);
    free(g->inputs);
    free(g->stop);
    free(g->chunk_head);
    if (g->grammar) grammars_release(g->model->grammars, g->grammar);
    if (g->model) models_release(g->model);
    gen_body_free(&g->body);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static generation *create(exchange *x, bool chat) {
    unsigned char random[12];
    char hex[2 * sizeof random + 1];
    generation *g = calloc(1, sizeof *g);
    if (!g) return NULL;
    pthread_mutex_init(&g->lock, NULL);
    g->exchange = x;
    g->chat = chat;
    g->created = (int64_t)time(NULL);
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    snprintf(g->id, sizeof g->id, "%s-%s", chat ? "chatcmpl" : "cmpl", hex);
    x->data = g;
    x->free_data = free_generation;
    return g;
}

static bool fail(generation *g, unsigned status, const char *code, const char *param, const char *message) {
    reply_error(g->exchange, status, code, param, "%s", message);
    return false;
}

static bool fail_memory(generation *g) {
    reply_json(g->exchange, 500, NULL);
    return false;
}

static bool fail_status(generation *g, llmcs_status status) {
    reply_status(g->exchange, status, llmcs_error_message());
    return false;
}

/* ---- prompts */

static bool render_chat(generation *g, gen_input *input) {
    const size_t n = json_array_size(g->body.messages);
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(g->model->model);
    llmcs_chat_message *messages = calloc(n, sizeof *messages);
    llmcs_chat_params params;
    llmcs_chat_prompt *prompt = NULL;
    char now[32];
    if (!messages) return fail_memory(g);
    for (size_t i = 0; i < n; i++) {
        const json_t *m = json_array_get(g->body.messages, i), *content = json_object_get(m, "content");
        messages[i] = (llmcs_chat_message){json_string_value(json_object_get(m, "role")), json_string_value(content),
                                           json_string_length(content), NULL, 0};
    }
    llmcs_chat_params_init(&params);
    params.messages = messages;
    params.n_messages = n;
    params.variables = g->body.variables;
    chat_now(now);
    if (now[0]) params.now = now;
    llmcs_status status = llmcs_chat_render(g->model->chat, &params, &prompt);
    if (!status) status = llmcs_chat_encode(g->model->chat, tokenizer, prompt, NULL, 0, &input->n_ids);
    if (!status && !(input->owned_ids = calloc(input->n_ids + 1, sizeof *input->owned_ids)))
        status = llmcs_set_error(LLMCS_NOMEM, "no memory for the prompt");
    if (!status)
        status = llmcs_chat_encode(g->model->chat, tokenizer, prompt, input->owned_ids, input->n_ids, &input->n_ids);
    input->ids = input->owned_ids;
    llmcs_chat_prompt_free(&prompt);
    free(messages);
    return !status || fail_status(g, status);
}

/* As llmcs generate does with prompt_template.json. */
static bool render_template(generation *g, gen_input *input) {
    request_begin();
    const llmcs_status status =
        conversation_from_messages(g->model->template, NULL, g->body.messages, &input->owned, &input->len);
    if (status) return fail(g, 400, "invalid_value", "messages", request_message());
    input->text = input->owned;
    g->templated = true;
    return true;
}

static bool make_inputs(generation *g) {
    const gen_body *b = &g->body;
    g->inputs = calloc(g->chat ? 1 : b->n_prompts, sizeof *g->inputs);
    if (!g->inputs) return fail_memory(g);
    g->n_inputs = g->chat ? 1 : b->n_prompts;
    for (size_t i = 0; i < b->n_prompts; i++)
        g->inputs[i] = (gen_input){.text = b->prompts[i].text,
                                   .len = b->prompts[i].len,
                                   .ids = b->prompts[i].ids,
                                   .n_ids = b->prompts[i].n_ids};
    if (!g->chat) return true;
    if (g->model->chat) return render_chat(g, g->inputs);
    if (b->variables)
        return fail(g, 400, "unsupported_parameter", "chat_template_kwargs", "the model has no chat template");
    if (g->model->template) return render_template(g, g->inputs);
    return fail(g, 400, "unsupported_model", "model",
                "the model has neither a chat template nor prompt_template.json; use /v1/completions");
}

/* ---- parameters */

static void set_float(const gen_number *number, float *value) {
    if (number->given) *value = (float)number->value;
}

/* Defaults are the folder's. A request with a sampling parameter samples. */
static void set_sampling(const gen_body *b, llmcs_generate_params *p) {
    if (b->temperature.given || b->top_p.given || b->top_k.given || b->min_p.given) p->do_sample = 1;
    if (b->temperature.given && b->temperature.value == 0)
        p->do_sample = 0;
    else
        set_float(&b->temperature, &p->temperature);
    set_float(&b->top_p, &p->top_p);
    set_float(&b->min_p, &p->min_p);
    if (b->top_k.given) p->top_k = (int32_t)b->top_k.value;
    set_float(&b->presence_penalty, &p->presence_penalty);
    set_float(&b->frequency_penalty, &p->frequency_penalty);
    set_float(&b->repetition_penalty, &p->repetition_penalty);
    p->seed = b->seed;
    if (!b->has_seed && p->do_sample) randombytes_buf(&p->seed, sizeof p->seed);
}

static bool set_stop(generation *g) {
    const gen_body *b = &g->body;
    const struct prompt_template *t = g->templated ? g->model->template : NULL;
    llmcs_generate_params *p = &g->params;
    const size_t n = p->n_stop_strings + b->n_stop + (t ? t->n_stop_strings : 0);
    g->stop = calloc(n + 1, sizeof *g->stop);
    if (!g->stop) return fail_memory(g);
    size_t k = 0;
    for (size_t i = 0; i < p->n_stop_strings; i++) g->stop[k++] = p->stop_strings[i];
    for (size_t i = 0; i < b->n_stop; i++) g->stop[k++] = b->stop[i];
    for (size_t i = 0; t && i < t->n_stop_strings; i++) g->stop[k++] = t->stop_strings[i];
    p->stop_strings = g->stop;
    p->n_stop_strings = n;
    return true;
}

static bool set_grammar(generation *g) {
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(g->model->model);
    if (!g->body.schema) return true;
    const llmcs_status status = grammars_get(g->model->grammars, tokenizer, g->body.schema, &g->grammar);
    if (status == LLMCS_NOMEM) return fail_status(g, status);
    if (status) return fail(g, 400, "unsupported_value", "response_format", llmcs_error_message());
    g->params.grammar = g->grammar;
    return true;
}

static bool make_params(generation *g) {
    const gen_body *b = &g->body;
    llmcs_generate_params *p = &g->params;
    const llmcs_status status = llmcs_generate_params_init(p, g->model->model);
    if (status) return fail_status(g, status);
    if (b->max_tokens) p->max_new_tokens = b->max_tokens;
    set_sampling(b, p);
    if (p->do_sample) { /* no beam search while sampling */
        p->num_beams = p->num_beam_groups = 1;
        p->diversity_penalty = 0;
    }
    p->num_return_sequences = 1;
    p->logit_bias = b->n_bias ? b->bias : p->logit_bias;
    p->n_logit_bias = b->n_bias ? b->n_bias : p->n_logit_bias;
    p->logprobs = b->logprobs;
    p->deadline_ms = x_remaining_ms(g->exchange);
    g->whole = p->num_beams > 1;
    if (b->logprobs && !g->whole) p->top_logprobs = b->top_logprobs;
    if (b->top_logprobs && g->whole && g->model->info.heads & LLMCS_HEAD_SEQ2SEQ_LM)
        return fail(g, 400, "unsupported_parameter", g->chat ? "top_logprobs" : "logprobs",
                    "alternatives of tokens are not there for beams of encoder-decoders");
    return set_stop(g) && set_grammar(g);
}

/* ---- requests */

static void cancel_all(generation *g) {
    pthread_mutex_lock(&g->lock);
    for (size_t i = 0; i < g->n_submitted; i++) llmcs_request_cancel(g->choices[i].request);
    pthread_mutex_unlock(&g->lock);
}

static void client_gone(exchange *x) { cancel_all(x->data); }

/* On a worker: top_logprobs of beams need a forward pass of their own. */
static void compute_and_complete(exchange *x) {
    generation *g = x->data;
    request_begin();
    const llmcs_status status = top_logprobs_compute(g);
    for (size_t i = 0; status && i < g->n_choices; i++) {
        choice *c = &g->choices[i];
        llmcs_result_free(&c->result);
        c->status = status;
        snprintf(c->message, sizeof c->message, "%s", request_message());
    }
    generation_complete(g);
}

static void all_finished(generation *g) {
    for (size_t i = 0; i < g->n_choices; i++) {
        choice *c = &g->choices[i];
        c->status = llmcs_request_wait(c->request, 0, &c->result);
        if (c->status) snprintf(c->message, sizeof c->message, "%s", llmcs_error_message());
    }
    if (g->body.top_logprobs && g->whole && !x_is_gone(g->exchange)) {
        if (pool_submit(g->exchange->server->workers, compute_and_complete, g->exchange)) return;
        for (size_t i = 0; i < g->n_choices; i++) {
            llmcs_result_free(&g->choices[i].result);
            g->choices[i].status = LLMCS_QUEUE_FULL;
            snprintf(g->choices[i].message, sizeof g->choices[i].message, "too many requests wait for a worker");
        }
    }
    generation_complete(g);
}

/* On the engine's event thread. */
static void on_event(listener *l, bool finished) {
    choice *c = (choice *)l; /* its first member */
    generation *g = c->generation;
    exchange *x = g->exchange;
    bool all = false;
    if (finished) {
        pthread_mutex_lock(&g->lock);
        g->n_finished++;
        all = g->all_submitted && g->n_finished == g->n_submitted && !g->failed;
        pthread_mutex_unlock(&g->lock);
    }
    if (g->body.stream && !g->whole) {
        /* A piece that comes right after the last one waits for the next: a write for each token costs more than the
         * token of a small model. */
        const uint64_t least = (uint64_t)x->server->config.limits.stream_ms * 1000000u;
        if (finished || !least || now_ns() - __atomic_load_n(&g->sent_ns, __ATOMIC_RELAXED) >= least) exchange_wake(x);
    } else if (all) {
        all_finished(g);
    }
    if (finished) exchange_release(x);
}

static llmcs_status submit_one(generation *g, choice *c, size_t sample) {
    const gen_input *input = &g->inputs[c->prompt];
    llmcs_submit_options options;
    llmcs_generate_params params = g->params;
    llmcs_submit_options_init(&options);
    options.user = &c->listener;
    params.seed += sample;
    if (g->chat && !input->text) params.encode_flags = 0;
    return input->text
               ? llmcs_engine_submit(g->model->engine, input->text, input->len, &params, &options, &c->request)
               : llmcs_engine_submit_ids(g->model->engine, input->ids, input->n_ids, &params, &options, &c->request);
}

/* Submits all choices; on failure cancels those that run. */
static bool submit_all(generation *g) {
    const size_t n = g->body.n;
    llmcs_status status = LLMCS_OK;
    g->choices = calloc(g->n_inputs * n, sizeof *g->choices);
    if (!g->choices) return fail_memory(g);
    g->n_choices = g->n_inputs * n;
    for (size_t i = 0; !status && i < g->n_choices; i++) {
        choice *c = &g->choices[i];
        *c = (choice){
            .listener = {on_event}, .generation = g, .prompt = i / n, .before = -1, .skip_spaces = g->templated};
        exchange_retain(g->exchange); /* until it is finished */
        /* An event can come before submit returns: the lock keeps it until the request is known. */
        pthread_mutex_lock(&g->lock);
        status = submit_one(g, c, i % n);
        if (!status) g->n_submitted++;
        pthread_mutex_unlock(&g->lock);
        if (status) exchange_release(g->exchange);
    }
    if (!status) return true;
    char message[256];
    snprintf(message, sizeof message, "%s", llmcs_error_message());
    pthread_mutex_lock(&g->lock);
    g->failed = true;
    pthread_mutex_unlock(&g->lock);
    cancel_all(g);
    reply_status(g->exchange, status, message);
    return false;
}

static void run(generation *g) {
    exchange *x = g->exchange;
    if (g->body.stream && !generation_prepare_stream(g)) {
        fail_memory(g);
        return;
    }
    x_on_gone(x, client_gone);
    if (!submit_all(g)) return;
    if (g->body.stream) {
        x->on_pull = generation_pull;
        reply_stream(x);
    }
    pthread_mutex_lock(&g->lock);
    g->all_submitted = true;
    const bool all = g->n_finished == g->n_submitted;
    pthread_mutex_unlock(&g->lock);
    if (x_is_gone(x)) cancel_all(g); /* the client left before on_gone knew all requests */
    if (g->body.stream && !g->whole)
        exchange_wake(x);
    else if (all)
        all_finished(g);
}

static void generate(exchange *x, bool chat) {
    const limits *l = &x->server->config.limits;
    const gen_bounds bounds = {(size_t)l->max_texts, (size_t)l->max_choices};
    gen_fault fault;
    generation *g = create(x, chat);
    if (!g) {
        reply_json(x, 500, NULL);
        return;
    }
    if (!gen_body_read(&g->body, x->json, chat, &bounds, &fault)) {
        fail(g, strcmp(fault.code, "out_of_memory") ? 400 : 500, fault.code, fault.param, fault.message);
        return;
    }
    g->model = models_acquire_for(x, LLMCS_HEAD_CAUSAL_LM, "language-model");
    if (!g->model) return;
    if (!llmcs_model_tokenizer(g->model->model))
        fail(g, 400, "no_tokenizer", "model",
             "the model's folder has no tokenizer files: its answers would be no text");
    else if (make_inputs(g) && make_params(g))
        run(g);
}

static void complete_chat(exchange *x) { generate(x, true); }
static void complete_text(exchange *x) { generate(x, false); }

static const route routes[] = {
    {"POST", "/v1/chat/completions", ROLE_INFERENCE, RUN_PREPARE, ROUTE_JSON, complete_chat},
    {"POST", "/v1/completions", ROLE_INFERENCE, RUN_PREPARE, ROUTE_JSON, complete_text},
};

const api api_generate = {.name = "generate", .routes = routes, .n_routes = sizeof routes / sizeof *routes};
