/* Answers of chat and text completions: whole, or as chunks of a stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generation.h"
#include "request.h"

/* ---- shared by both */

/* A deadline or a server that ends cuts an answer off, as the token limit does; finish_detail says which it was. */
static const char *finish_reason(llmcs_finish_reason reason) {
    return reason == LLMCS_FINISH_EOS || reason == LLMCS_FINISH_STOP ? "stop" : "length";
}

static const char *finish_detail(llmcs_finish_reason reason) {
    return reason == LLMCS_FINISH_DEADLINE || reason == LLMCS_FINISH_CANCELLED ? llmcs_finish_reason_name(reason)
                                                                               : NULL;
}

/* Prompt templates leave a space before the answer, as llmcs chat drops it. */
static void skip_spaces(choice *c, const char **text, size_t *n) {
    while (c->skip_spaces && *n && **text == ' ') ++*text, --*n;
    if (*n) c->skip_spaces = false;
}

typedef struct usage {
    size_t prompt, cached, completion;
} usage;

/* A prompt counts once, whatever n is. */
static usage count_usage(const generation *g) {
    usage u = {0};
    for (size_t i = 0; i < g->n_choices; i++) {
        const llmcs_result *r = g->choices[i].result;
        if (!r) continue;
        if (i % g->body.n == 0) {
            u.prompt += r->n_prompt_tokens;
            u.cached += r->n_cached_tokens;
        }
        u.completion += r->n_new_tokens;
    }
    return u;
}

static json_t *usage_json(const usage *u) {
    return json_pack("{sIsIsIs{sI}}", "prompt_tokens", (json_int_t)u->prompt, "completion_tokens",
                     (json_int_t)u->completion, "total_tokens", (json_int_t)(u->prompt + u->completion),
                     "prompt_tokens_details", "cached_tokens", (json_int_t)u->cached);
}

static void log_usage(generation *g) {
    const usage u = count_usage(g);
    g->exchange->log_prompt = (int64_t)u.prompt;
    g->exchange->log_completion = (int64_t)u.completion;
}

/* ---- log-probabilities */

/* A token's piece of the answer; all pieces concatenated are its text. */
typedef struct piece {
    const char *text;
    size_t n;
} piece;

static json_t *bytes_json(const char *text, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_integer((unsigned char)text[i]));
    return list;
}

/* The text of a token after another one: with SentencePiece a token alone would lose its space. Allocated. */
static char *alternative_text(const llmcs_tokenizer *tokenizer, int32_t before, int32_t id, size_t *n) {
    const int32_t ids[2] = {before, id};
    const size_t first = before >= 0 ? 0 : 1;
    size_t n_before = 0;
    char *text;
    if (!first && llmcs_decode(tokenizer, ids, 1, 0, NULL, 0, &n_before)) n_before = 0;
    if (cli_decode(tokenizer, ids + first, 2 - first, 0, &text, n)) return NULL;
    if (n_before > *n) n_before = *n; /* parts of one character count as one */
    *n -= n_before;
    memmove(text, text + n_before, *n + 1);
    return text;
}

static const llmcs_tokenizer *tokenizer_of(const generation *g) { return llmcs_model_tokenizer(g->model->model); }

/* Of the token that was generated, the engine's value: it may differ in the last bit from that of the row. */
static double logprob_of(const choice *c, size_t i, const top_token *t) {
    const llmcs_sequence *s = c->result->sequences[0];
    return t->id == s->ids[i] ? (double)s->logprobs[i] : (double)t->logprob;
}

static int32_t token_before(const choice *c, size_t i) { return i ? c->result->sequences[0]->ids[i - 1] : -1; }

static json_t *chat_alternatives(const choice *c, size_t i) {
    const generation *g = c->generation;
    const size_t k = (size_t)g->body.top_logprobs;
    json_t *list = json_array();
    for (size_t j = 0; c->top && j < k; j++) {
        const top_token *t = &c->top[i * k + j];
        size_t n;
        if (t->id < 0) break;
        char *text = alternative_text(tokenizer_of(g), token_before(c, i), t->id, &n);
        json_array_append_new(list, json_pack("{sosfso}", "token", json_text(text ? text : "", text ? n : 0), "logprob",
                                              logprob_of(c, i, t), "bytes", bytes_json(text, text ? n : 0)));
        free(text);
    }
    return list;
}

static json_t *chat_logprob(const choice *c, size_t i, piece p) {
    const llmcs_sequence *s = c->result->sequences[0];
    return json_pack("{sosososiso}", "token", json_text(p.text, p.n), "logprob", json_float((double)s->logprobs[i]),
                     "bytes", bytes_json(p.text, p.n), "token_id", (int)s->ids[i], "top_logprobs",
                     chat_alternatives(c, i));
}

/* /v1/completions: parallel lists. */
typedef struct text_logprobs {
    json_t *tokens, *ids, *values, *top, *offsets;
    size_t offset; /* characters of the text so far */
} text_logprobs;

static void begin_text_logprobs(text_logprobs *t, bool top) {
    t->tokens = json_array();
    t->ids = json_array(); /* OpenAI's lists have none */
    t->values = json_array();
    t->top = top ? json_array() : json_null();
    t->offsets = json_array();
}

static json_t *end_text_logprobs(text_logprobs *t) {
    return json_pack("{sososososo}", "tokens", t->tokens, "token_ids", t->ids, "token_logprobs", t->values,
                     "top_logprobs", t->top, "text_offset", t->offsets);
}

static void add_text_logprob(text_logprobs *t, const choice *c, size_t i, piece p) {
    const size_t k = (size_t)c->generation->body.top_logprobs;
    json_array_append_new(t->tokens, json_text(p.text, p.n));
    json_array_append_new(t->ids, json_integer(c->result->sequences[0]->ids[i]));
    json_array_append_new(t->values, json_float((double)c->result->sequences[0]->logprobs[i]));
    json_array_append_new(t->offsets, json_integer((json_int_t)t->offset));
    for (size_t b = 0; b < p.n; b++) t->offset += ((unsigned char)p.text[b] & 0xc0) != 0x80;
    if (!json_is_array(t->top)) return;
    json_t *best = json_object();
    for (size_t j = 0; c->top && j < k && c->top[i * k + j].id >= 0; j++) {
        const top_token *a = &c->top[i * k + j];
        size_t n;
        char *text = alternative_text(tokenizer_of(c->generation), token_before(c, i), a->id, &n);
        /* Different tokens of one text: the better one stays. */
        if (text && !json_object_get(best, text)) json_object_set_new(best, text, json_real(logprob_of(c, i, a)));
        free(text);
    }
    json_array_append_new(t->top, best);
}

/* Calls each token of a choice's answer with its piece. */
static void each_token(const choice *c, void (*each)(void *user, const choice *c, size_t i, piece p), void *user) {
    const llmcs_sequence *s = c->result->sequences[0];
    llmcs_decoder *decoder = NULL;
    if (llmcs_decoder_create(tokenizer_of(c->generation), LLMCS_SKIP_SPECIAL, &decoder)) return;
    piece p;
    for (size_t i = 0; i < s->n_ids && !llmcs_decoder_push(decoder, s->ids[i], &p.text, &p.n); i++) each(user, c, i, p);
    llmcs_decoder_free(&decoder);
}

static void append_chat_logprob(void *user, const choice *c, size_t i, piece p) {
    json_array_append_new(user, chat_logprob(c, i, p));
}

static void append_text_logprob(void *user, const choice *c, size_t i, piece p) { add_text_logprob(user, c, i, p); }

static json_t *logprobs_json(const choice *c) {
    const generation *g = c->generation;
    if (!g->body.logprobs || !c->result->sequences[0]->logprobs) return json_null();
    if (g->chat) {
        json_t *list = json_array();
        each_token(c, append_chat_logprob, list);
        return json_pack("{soso}", "content", list, "refusal", json_null());
    }
    text_logprobs t = {0};
    begin_text_logprobs(&t, g->body.top_logprobs > 0);
    each_token(c, append_text_logprob, &t);
    return end_text_logprobs(&t);
}

/* ---- whole answers */

/* The prompt's own text, for echo. */
static json_t *echoed(const generation *g, const gen_input *input, const char *text, size_t n) {
    buffer b = {0};
    size_t n_prompt = input->len;
    char *decoded = NULL;
    if (!input->text) cli_decode(tokenizer_of(g), input->ids, input->n_ids, LLMCS_SKIP_SPECIAL, &decoded, &n_prompt);
    const char *prompt = decoded ? decoded : input->text;
    if (prompt) buffer_add(&b, prompt, n_prompt);
    free(decoded);
    buffer_add(&b, text, n);
    json_t *string = b.failed ? NULL : json_text(b.bytes ? b.bytes : "", b.n);
    buffer_free(&b);
    return string;
}

static json_t *choice_json(choice *c, size_t index) {
    const generation *g = c->generation;
    const llmcs_sequence *s = c->result->sequences[0];
    const char *text = s->text;
    size_t n = s->text_bytes;
    skip_spaces(c, &text, &n);
    json_t *out;
    if (g->chat)
        out = json_pack("{sIs{sssoso}soss}", "index", (json_int_t)index, "message", "role", "assistant", "content",
                        json_text(text, n), "refusal", json_null(), "logprobs", logprobs_json(c), "finish_reason",
                        finish_reason(s->finish_reason));
    else
        out = json_pack("{sIsososs}", "index", (json_int_t)index, "text",
                        g->body.echo ? echoed(g, &g->inputs[c->prompt], text, n) : json_text(text, n), "logprobs",
                        logprobs_json(c), "finish_reason", finish_reason(s->finish_reason));
    const char *detail = finish_detail(s->finish_reason);
    if (detail) json_object_set_new(out, "finish_detail", json_string(detail));
    return out;
}

static void answer_whole(generation *g) {
    exchange *x = g->exchange;
    for (size_t i = 0; i < g->n_choices; i++)
        if (!g->choices[i].result) { /* fails unless all choices succeeded */
            reply_status(x, g->choices[i].status, g->choices[i].message);
            return;
        }
    const usage u = count_usage(g);
    json_t *list = json_array();
    for (size_t i = 0; i < g->n_choices; i++)
        if (json_array_append_new(list, choice_json(&g->choices[i], i))) {
            json_decref(list);
            reply_json(x, 500, NULL);
            return;
        }
    reply_json(x, 200,
               json_pack("{sssssIsssssoso}", "id", g->id, "object", g->chat ? "chat.completion" : "text_completion",
                         "created", (json_int_t)g->created, "model", g->body.model, "system_fingerprint",
                         llmcs_version(), "choices", list, "usage", usage_json(&u)));
}

/* ---- streams */

/* A string as JSON; the library's texts are UTF-8. */
static void add_string(buffer *b, const char *text, size_t n) {
    static const char hex[] = "0123456789abcdef";
    size_t from = 0;
    buffer_add(b, "\"", 1);
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        buffer_add(b, text + from, i - from);
        from = i + 1;
        const char named = c == '"' ? '"' : c == '\\' ? '\\' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : 0;
        const char escape[6] = {'\\', named ? named : 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buffer_add(b, escape, named ? 2 : 6);
    }
    buffer_add(b, text + from, n - from);
    buffer_add(b, "\"", 1);
}

static void add(buffer *b, const char *text) { buffer_add(b, text, strlen(text)); }

bool generation_prepare_stream(generation *g) {
    buffer b = {0};
    char created[32];
    snprintf(created, sizeof created, "%lld", (long long)g->created);
    add(&b, "{\"id\":\"");
    add(&b, g->id);
    add(&b, g->chat ? "\",\"object\":\"chat.completion.chunk\",\"created\":"
                    : "\",\"object\":\"text_completion\",\"created\":");
    add(&b, created);
    add(&b, ",\"model\":");
    add_string(&b, g->body.model, strlen(g->body.model));
    add(&b, ",\"system_fingerprint\":\"");
    add(&b, llmcs_version());
    add(&b, "\"");
    g->chunk_head = b.bytes;
    g->chunk_head_bytes = b.n;
    return !b.failed;
}

static void send_buffer(exchange *x, buffer *b) {
    if (!b->failed) sse_send_text(x, b->bytes, b->n);
    buffer_free(b);
}

/* A chunk of one choice: a piece of its text, and at its end the reason. logprobs: JSON text, or NULL. */
static void send_chunk(choice *c, const char *text, size_t n, const char *logprobs, const llmcs_sequence *ended) {
    generation *g = c->generation;
    buffer b = {0};
    char index[64];
    snprintf(index, sizeof index, ",\"choices\":[{\"index\":%zu,", (size_t)(c - g->choices));
    buffer_add(&b, g->chunk_head, g->chunk_head_bytes);
    add(&b, index);
    if (g->chat) {
        add(&b, c->begun ? "\"delta\":{" : "\"delta\":{\"role\":\"assistant\",\"content\":");
        if (c->begun && (n || !ended)) add(&b, "\"content\":");
        if (!c->begun || n || !ended) add_string(&b, text, n);
        add(&b, "}");
    } else {
        add(&b, "\"text\":");
        add_string(&b, text, n);
    }
    add(&b, ",\"logprobs\":");
    add(&b, logprobs ? logprobs : "null");
    add(&b, ",\"finish_reason\":");
    if (ended) {
        const char *detail = finish_detail(ended->finish_reason);
        add(&b, "\"");
        add(&b, finish_reason(ended->finish_reason));
        if (detail) add(&b, "\",\"finish_detail\":\"");
        if (detail) add(&b, detail);
        add(&b, "\"");
    } else {
        add(&b, "null");
    }
    add(&b, g->body.include_usage ? "}],\"usage\":null}" : "}]}");
    c->begun = true;
    send_buffer(g->exchange, &b);
}

static void send_echo(choice *c) {
    generation *g = c->generation;
    if (!g->body.echo || c->begun) return;
    json_t *text = echoed(g, &g->inputs[c->prompt], "", 0);
    if (text) send_chunk(c, json_string_value(text), json_string_length(text), NULL, NULL);
    json_decref(text);
}

static void send_usage(generation *g) {
    const usage u = count_usage(g);
    buffer b = {0};
    char text[200];
    buffer_add(&b, g->chunk_head, g->chunk_head_bytes);
    snprintf(text, sizeof text,
             ",\"choices\":[],\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%zu,\"total_tokens\":%zu,"
             "\"prompt_tokens_details\":{\"cached_tokens\":%zu}}}",
             u.prompt, u.completion, u.prompt + u.completion, u.cached);
    add(&b, text);
    send_buffer(g->exchange, &b);
}

static void end_stream(generation *g) {
    log_usage(g);
    if (g->body.include_usage) send_usage(g);
    sse_end(g->exchange, true);
}

/* Sends what the choice has generated since; at its end the reason. */
static void pull_choice(choice *c) {
    enum { BLOCK = 4096 };
    generation *g = c->generation;
    char block[BLOCK];
    size_t n = 0;
    int finished = 0;
    send_echo(c);
    do {
        c->status = llmcs_request_read(c->request, block, sizeof block, &n, &finished);
        const char *text = block;
        size_t left = n;
        skip_spaces(c, &text, &left);
        if (left) send_chunk(c, text, left, NULL, NULL);
    } while (n && !finished);
    if (!c->status && !finished) return; /* more comes with the next pull */
    if (!c->status) c->status = llmcs_request_wait(c->request, 0, &c->result);
    c->done = true;
    if (!c->status) {
        send_chunk(c, "", 0, NULL, c->result->sequences[0]);
    } else {
        sse_send_status(g->exchange, c->status, llmcs_error_message());
        llmcs_request_cancel(c->request); /* its text could not be read */
    }
}

/* A token of a stream with log-probabilities is a chunk. */
static void send_token(void *user, const choice *c, size_t i, piece p) {
    choice *mine = user;
    const generation *g = c->generation;
    json_t *value;
    if (g->chat) {
        value = json_pack("{s[o]}", "content", chat_logprob(c, i, p));
    } else {
        text_logprobs t = {.offset = mine->characters};
        begin_text_logprobs(&t, g->body.top_logprobs > 0);
        add_text_logprob(&t, c, i, p);
        mine->characters = t.offset;
        value = end_text_logprobs(&t);
    }
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    /* The text ends before a stop string; its tokens do not. */
    const llmcs_sequence *s = c->result->sequences[0];
    const size_t at = mine->sent, n = at + p.n <= s->text_bytes ? p.n : s->text_bytes - at;
    const char *from = s->text + at;
    size_t left = n;
    mine->sent += n;
    skip_spaces(mine, &from, &left);
    if (text) send_chunk(mine, from, left, text, NULL);
    free(text);
}

static void send_whole_choice(choice *c) {
    generation *g = c->generation;
    if (!c->result) {
        sse_send_status(g->exchange, c->status, c->message);
        return;
    }
    send_echo(c);
    const llmcs_sequence *s = c->result->sequences[0];
    if (g->body.logprobs && s->logprobs) each_token(c, send_token, c);
    const char *text = s->text + c->sent; /* without log-probabilities: all of it */
    size_t n = s->text_bytes - c->sent;
    skip_spaces(c, &text, &n);
    if (n) send_chunk(c, text, n, NULL, NULL);
    send_chunk(c, "", 0, NULL, s);
}

void generation_pull(exchange *x) {
    generation *g = x->data;
    bool all = true;
    if (g->whole) {
        if (!__atomic_load_n(&g->complete, __ATOMIC_ACQUIRE)) return;
        for (size_t i = 0; i < g->n_choices; i++) send_whole_choice(&g->choices[i]);
        end_stream(g);
        return;
    }
    for (size_t i = 0; i < g->n_choices; i++) {
        if (!g->choices[i].done) pull_choice(&g->choices[i]);
        all = all && g->choices[i].done;
    }
    __atomic_store_n(&g->sent_ns, now_ns(), __ATOMIC_RELAXED);
    if (all) end_stream(g);
}

void generation_complete(generation *g) {
    if (g->body.stream) {
        __atomic_store_n(&g->complete, true, __ATOMIC_RELEASE);
        exchange_wake(g->exchange);
        return;
    }
    log_usage(g);
    answer_whole(g);
}
