/* Answers of chat and text completions: whole, or as chunks of a stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generation.h"
#include "request.h"

#define TRY(call)                            \
    do {                                     \
        const llmcs_status status_ = (call); \
        if (status_) return status_;         \
    } while (0)

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

/* A token of an answer. */
typedef struct answer_token {
    int32_t before, id; /* before: -1 for the first */
    float logprob;
    const llmcs_top_token *top; /* [n_top] the most probable tokens, best first */
    size_t n_top;
    const char *text; /* as it stands in the answer: all of them together are its text */
    size_t n;
} answer_token;

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

/* Of the token that was generated, the engine's value: that of another forward pass may differ in the last bit. */
static double logprob_of(const answer_token *t, const llmcs_top_token *of) {
    return of->id == t->id ? (double)t->logprob : (double)of->logprob;
}

static json_t *chat_alternatives(const generation *g, const answer_token *t) {
    json_t *list = json_array();
    for (size_t j = 0; j < t->n_top && t->top[j].id >= 0; j++) {
        size_t n;
        char *text = alternative_text(tokenizer_of(g), t->before, t->top[j].id, &n);
        json_array_append_new(list, json_pack("{sosfso}", "token", json_text(text ? text : "", text ? n : 0), "logprob",
                                              logprob_of(t, &t->top[j]), "bytes", bytes_json(text, text ? n : 0)));
        free(text);
    }
    return list;
}

static json_t *chat_logprob(const generation *g, const answer_token *t) {
    return json_pack("{sosososiso}", "token", json_text(t->text, t->n), "logprob", json_float((double)t->logprob),
                     "bytes", bytes_json(t->text, t->n), "token_id", (int)t->id, "top_logprobs",
                     chat_alternatives(g, t));
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

static void add_text_logprob(text_logprobs *l, const generation *g, const answer_token *t) {
    json_array_append_new(l->tokens, json_text(t->text, t->n));
    json_array_append_new(l->ids, json_integer(t->id));
    json_array_append_new(l->values, json_float((double)t->logprob));
    json_array_append_new(l->offsets, json_integer((json_int_t)l->offset));
    for (size_t b = 0; b < t->n; b++) l->offset += ((unsigned char)t->text[b] & 0xc0) != 0x80;
    if (!json_is_array(l->top)) return;
    json_t *best = json_object();
    for (size_t j = 0; j < t->n_top && t->top[j].id >= 0; j++) {
        size_t n;
        char *text = alternative_text(tokenizer_of(g), t->before, t->top[j].id, &n);
        /* Different tokens of one text: the better one stays. */
        if (text && !json_object_get(best, text)) json_object_set_new(best, text, json_real(logprob_of(t, &t->top[j])));
        free(text);
    }
    json_array_append_new(l->top, best);
}

/* Token i of a choice that is finished, without its text. */
static answer_token finished_token(const choice *c, size_t i) {
    const llmcs_sequence *s = c->result->sequences[0];
    const size_t k = (size_t)c->generation->body.top_logprobs;
    const llmcs_top_token *top = c->top ? c->top : s->top_logprobs;
    return (answer_token){.before = i ? s->ids[i - 1] : -1,
                          .id = s->ids[i],
                          .logprob = s->logprobs[i],
                          .top = top ? top + i * k : NULL,
                          .n_top = top ? k : 0};
}

/* Calls `each` for each token of a choice's answer with its text. False: no memory. */
static bool each_token(choice *c, bool (*each)(void *user, const answer_token *t), void *user) {
    const llmcs_sequence *s = c->result->sequences[0];
    llmcs_decoder *decoder = NULL;
    bool whole = !llmcs_decoder_create(tokenizer_of(c->generation), LLMCS_SKIP_SPECIAL, &decoder);
    for (size_t i = 0; whole && i < s->n_ids; i++) {
        answer_token t = finished_token(c, i);
        whole = !llmcs_decoder_push(decoder, t.id, &t.text, &t.n) && each(user, &t);
    }
    llmcs_decoder_free(&decoder);
    return whole;
}

/* The log-probabilities of an answer: the list of a chat, or the lists of a text. */
typedef struct answer_logprobs {
    const generation *generation;
    json_t *chat;
    text_logprobs text;
} answer_logprobs;

static bool append_logprob(void *user, const answer_token *t) {
    answer_logprobs *l = user;
    if (l->generation->chat) return !json_array_append_new(l->chat, chat_logprob(l->generation, t));
    add_text_logprob(&l->text, l->generation, t);
    return true;
}

/* NULL: no memory. */
static json_t *logprobs_json(choice *c) {
    const generation *g = c->generation;
    answer_logprobs l = {.generation = g};
    if (!g->body.logprobs || !c->result->sequences[0]->logprobs) return json_null();
    if (g->chat)
        l.chat = json_array();
    else
        begin_text_logprobs(&l.text, g->body.top_logprobs > 0);
    const bool whole = each_token(c, append_logprob, &l);
    json_t *out = g->chat ? json_pack("{soso}", "content", l.chat, "refusal", json_null()) : end_text_logprobs(&l.text);
    if (whole) return out;
    json_decref(out);
    return NULL;
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
    if (b->failed)
        sse_fail(x);
    else
        sse_send_text(x, b->bytes, b->n);
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
    if (text)
        send_chunk(c, json_string_value(text), json_string_length(text), NULL, NULL);
    else
        sse_fail(g->exchange);
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

/* The choice's end: its last text, which has no log-probabilities, and the reason; or why it failed. */
static void send_end(choice *c, const char *text, size_t n) {
    generation *g = c->generation;
    c->done = true;
    if (!c->status && !c->result) c->status = llmcs_request_wait(c->request, 0, &c->result);
    if (!c->status) {
        skip_spaces(c, &text, &n);
        if (n) send_chunk(c, text, n, NULL, NULL);
        send_chunk(c, "", 0, NULL, c->result->sequences[0]);
    } else {
        sse_send_status(g->exchange, c->status, llmcs_error_message());
        llmcs_request_cancel(c->request); /* its text could not be read */
    }
}

/* Sends what the choice has generated since; at its end the reason. */
static void pull_choice(choice *c) {
    enum { BLOCK = 4096 };
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
    if (c->status || finished) send_end(c, "", 0); /* else more comes with the next pull */
}

/* A token of a stream with log-probabilities is a chunk. Of the text that is not sent yet n_text bytes are there; it
 * ends before a stop string, tokens do not. Adds the bytes that are sent to *n_sent. False: no memory. */
static bool send_token(choice *c, const answer_token *t, const char *text, size_t n_text, size_t *n_sent) {
    const generation *g = c->generation;
    json_t *value;
    if (g->chat) {
        value = json_pack("{s[o]so}", "content", chat_logprob(g, t), "refusal", json_null());
    } else {
        text_logprobs l = {.offset = c->characters};
        begin_text_logprobs(&l, g->body.top_logprobs > 0);
        add_text_logprob(&l, g, t);
        c->characters = l.offset;
        value = end_text_logprobs(&l);
    }
    char *json = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!json) return false;
    size_t n = t->n <= n_text ? t->n : n_text;
    *n_sent += n;
    skip_spaces(c, &text, &n);
    send_chunk(c, text, n, json, NULL);
    free(json);
    return true;
}

static bool send_finished_token(void *user, const answer_token *t) {
    choice *c = user;
    const llmcs_sequence *s = c->result->sequences[0];
    return send_token(c, t, s->text + c->sent, s->text_bytes - c->sent, &c->sent);
}

/* Reads the text that is there. *finished: all of it. */
static llmcs_status read_text(choice *c, int *finished) {
    char block[4096];
    size_t n = 0;
    do {
        TRY(llmcs_request_read(c->request, block, sizeof block, &n, finished));
        buffer_add(&c->text, block, n);
    } while (n && !*finished);
    return c->text.failed ? llmcs_set_error(LLMCS_NOMEM, "no memory for the text") : LLMCS_OK;
}

/* The next token, if it is there. Its text is that of the decoder, until the next one. */
static llmcs_status next_token(choice *c, llmcs_top_token top[GEN_MAX_TOP], answer_token *t, size_t *n) {
    const generation *g = c->generation;
    *t = (answer_token){.before = c->before, .top = top, .n_top = (size_t)g->body.top_logprobs};
    TRY(llmcs_request_tokens(c->request, c->n_tokens, 1, &t->id, &t->logprob, t->n_top ? top : NULL, n));
    if (!*n) return LLMCS_OK;
    if (!c->decoder) TRY(llmcs_decoder_create(tokenizer_of(g), LLMCS_SKIP_SPECIAL, &c->decoder));
    if (!c->has_piece) TRY(llmcs_decoder_push(c->decoder, t->id, &c->piece, &c->piece_bytes));
    c->has_piece = true;
    t->text = c->piece;
    t->n = c->piece_bytes;
    return LLMCS_OK;
}

/* The same with log-probabilities: a token goes out once its text does, which may have to wait where it could be the
 * beginning of a stop string. */
static void pull_tokens(choice *c) {
    llmcs_top_token top[GEN_MAX_TOP];
    int finished = 0;
    size_t n = 0, n_sent = 0;
    send_echo(c);
    c->status = read_text(c, &finished);
    const char *text = c->text.bytes ? c->text.bytes : "";
    while (!c->status) {
        answer_token t;
        c->status = next_token(c, top, &t, &n);
        if (c->status || !n || (!finished && t.n > c->text.n - n_sent)) break;
        if (!send_token(c, &t, text + n_sent, c->text.n - n_sent, &n_sent))
            c->status = llmcs_set_error(LLMCS_NOMEM, "no memory for log-probabilities");
        c->has_piece = false;
        c->before = t.id;
        c->n_tokens++;
    }
    if (c->status || finished) send_end(c, text + n_sent, c->text.n - n_sent);
    buffer_drop(&c->text, n_sent);
}

static void send_whole_choice(choice *c) {
    generation *g = c->generation;
    if (!c->result) {
        sse_send_status(g->exchange, c->status, c->message);
        return;
    }
    send_echo(c);
    const llmcs_sequence *s = c->result->sequences[0];
    if (g->body.logprobs && s->logprobs && !each_token(c, send_finished_token, c)) {
        sse_send_status(g->exchange, LLMCS_NOMEM, "no memory for log-probabilities");
        return;
    }
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
        if (!g->choices[i].done) (g->body.logprobs ? pull_tokens : pull_choice)(&g->choices[i]);
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
