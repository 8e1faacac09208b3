/* A conversation to a prompt: parameters, variables, the run of the template, and its tokens. */
#include <string.h>
#include <time.h>

#include "base/call.h"
#include "base/options.h"
#include "base/utf8.h"
#include "chat/chat.h"
#include "chat/machine.h"
#include "text/tokenizer.h"

#define PARAMS_OLDEST LL_SIZE_UP_TO_POINTER(llmcs_chat_params, now)

void llmcs_chat_params_init_sized(llmcs_chat_params *params, size_t struct_size) {
    const llmcs_chat_params defaults = {.struct_size = sizeof defaults, .add_generation_prompt = 1};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

/* The caller's parameters over the defaults, checked. */
static llmcs_status read_params(const llmcs_chat_params *params, llmcs_chat_params *p) {
    ll_time time;
    llmcs_chat_params_init(p);
    if (params) LL_TRY(ll_options_in(p, sizeof *p, PARAMS_OLDEST, params, "llmcs_chat_params"));
    if (!p->messages && p->n_messages)
        return ll_fail(LLMCS_ARG, "llmcs_chat_params: messages is NULL, n_messages is %zu", p->n_messages);
    if (p->continue_final_message && p->add_generation_prompt && p->messages)
        return ll_fail(LLMCS_ARG, "llmcs_chat_params: continue_final_message needs add_generation_prompt = 0");
    if (p->continue_final_message && !p->n_messages)
        return ll_fail(LLMCS_ARG, "llmcs_chat_params: continue_final_message needs a message");
    if (p->now && !ll_parse_time(p->now, strlen(p->now), &time))
        return ll_fail(LLMCS_ARG, "llmcs_chat_params.now: \"%s\" is not a date and time such as 2026-03-05T14:07:09",
                       p->now);
    return LLMCS_OK;
}

/* A call of llmcs_chat_render. */
typedef struct rendering {
    const llmcs_chat *chat;
    const llmcs_chat_params *params;
    ll_machine m;
    ll_json_doc **docs; /* live as long as the machine, whose strings point into them */
    size_t n_docs, docs_capacity;
    ll_value messages;
} rendering;

static void end_rendering(rendering *r) {
    ll_machine_free(&r->m);
    for (size_t i = 0; i < r->n_docs; i++) ll_json_free(&r->docs[i]);
    ll_free(&r->chat->allocator, r->docs);
}

/* ---- JSON */

static size_t length_of(const char *text, size_t n) { return n == LLMCS_NUL ? strlen(text) : n; }

static llmcs_status parse_json(rendering *r, const char *name, const char *text, size_t n, ll_json_type type,
                               ll_json *root) {
    const llmcs_allocator *a = &r->chat->allocator;
    if (n > LL_CHAT_MAX_JSON)
        return ll_fail(LLMCS_LIMIT, "%s: %zu bytes of JSON, at most %zu are read", name, n, LL_CHAT_MAX_JSON);
    LL_TRY(ll_grow(a, &r->docs, r->n_docs, &r->docs_capacity, r->n_docs + 1, sizeof(ll_json_doc *), "chat variables"));
    LL_TRY(ll_json_parse(a, name, text, n, 0, &r->docs[r->n_docs]));
    *root = ll_json_root(r->docs[r->n_docs++]);
    if (ll_json_get_type(*root) != type)
        return ll_fail(LLMCS_ARG, "%s: expected %s", name, type == LL_JSON_ARRAY ? "a JSON array" : "a JSON object");
    return LLMCS_OK;
}

/* What n bytes of JSON may take beyond the template's own bounds. */
static void allow_json(ll_machine *m, size_t n) {
    m->bytes_left += 16 * n;
    m->steps_left += n;
}

/* Whether a variable holds a special token, which counts as the template's. */
static bool is_token_name(const char *name, size_t n) {
    static const char additional[] = "additional_special_tokens";
    for (size_t i = 0; i < LL_N_CHAT_TOKENS; i++)
        if (strlen(ll_chat_token_names[i]) == n && memcmp(ll_chat_token_names[i], name, n) == 0) return true;
    return n == sizeof additional - 1 && memcmp(name, additional, n) == 0;
}

static llmcs_status set_variables(rendering *r, ll_json object) {
    for (ll_json v = ll_json_first(object); ll_json_get_type(v); v = ll_json_next(v)) {
        size_t n;
        const char *name = ll_json_key(v, &n);
        ll_value value;
        LL_TRY(ll_value_of_json(&r->m, v, is_token_name(name, n) ? LL_ORIGIN_TEMPLATE : LL_ORIGIN_DATA, &value));
        if (n == 8 && memcmp(name, "messages", 8) == 0) r->messages = value;
        ll_machine_set(&r->m, name, n, value);
    }
    return LLMCS_OK;
}

/* ---- messages */

/* The names of roles that templates know, by which they may build their control tokens: '<|' + role + '|>'. */
static bool is_role(const ll_string *s) {
    static const char *const roles[] = {"system",       "user",        "assistant", "tool",      "developer",
                                        "function",     "ipython",     "model",     "tool_call", "tool_response",
                                        "tool_results", "observation", "document",  "bot",       "human",
                                        "critic",       "context"};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (ll_string_is(s, roles[i])) return true;
    return false;
}

static llmcs_status trust_role(ll_machine *m, ll_value message) {
    if (message.type != LL_V_DICT) return LLMCS_OK;
    const ll_value *role = ll_dict_get_text(m, message.dict, "role", 4);
    if (!role || role->type != LL_V_STRING || !is_role(role->string)) return LLMCS_OK;
    ll_string *s;
    LL_TRY(ll_value_alloc(m, 1, sizeof *s, &s));
    *s = *role->string;
    s->origin = LL_ORIGIN_TEMPLATE;
    message.dict->values[role - message.dict->values] = ll_text_value(s);
    return LLMCS_OK;
}

/* Text of a caller, with U+FFFD for what is not UTF-8. */
static llmcs_status text_value(ll_machine *m, const char *text, size_t n, ll_value *out) {
    const size_t begin = m->scratch.n;
    size_t plain = 0;
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t cp;
        len = ll_utf8_decode(text + i, n - i, &cp);
        if (cp != LL_UTF8_BAD) continue;
        LL_TRY(ll_put(m, &m->scratch, text + plain, i - plain, LL_ORIGIN_DATA));
        LL_TRY(ll_put(m, &m->scratch, "\xef\xbf\xbd", 3, LL_ORIGIN_DATA));
        plain = i + len;
    }
    if (!plain) return ll_literal(m, text, n, out);
    LL_TRY(ll_put(m, &m->scratch, text + plain, n - plain, LL_ORIGIN_DATA));
    return ll_take(m, begin, out);
}

static llmcs_status set_text(ll_machine *m, ll_dict *d, const char *key, const char *text, size_t n) {
    ll_value k, v;
    LL_TRY(ll_literal(m, key, strlen(key), &k));
    LL_TRY(text_value(m, text, n, &v));
    return ll_dict_set(m, d, k, v);
}

static llmcs_status message_value(rendering *r, size_t i, ll_value *out) {
    const llmcs_chat_message *message = &r->params->messages[i];
    char name[40];
    ll_json root;
    size_t n;
    ll_format(name, sizeof name, "messages[%zu]", i);
    if (message->json) {
        if (message->role || message->content) return ll_fail(LLMCS_ARG, "%s: json, and role or content", name);
        n = length_of(message->json, message->json_bytes);
        LL_TRY(parse_json(r, "message", message->json, n, LL_JSON_OBJECT, &root));
        allow_json(&r->m, n);
        return ll_value_of_json(&r->m, root, LL_ORIGIN_DATA, out);
    }
    if (!message->role || !message->content) return ll_fail(LLMCS_ARG, "%s: role or content is NULL", name);
    n = length_of(message->content, message->content_bytes);
    r->m.bytes_left += 4 * n;
    LL_TRY(ll_new_dict(&r->m, 2, LL_V_DICT, out));
    LL_TRY(set_text(&r->m, out->dict, "role", message->role, strlen(message->role)));
    return set_text(&r->m, out->dict, "content", message->content, n);
}

/* A variable that is a JSON array, or none. */
static llmcs_status set_list(rendering *r, const char *name, const char *json) {
    ll_json root;
    ll_value v = ll_none();
    if (json) {
        LL_TRY(parse_json(r, name, json, strlen(json), LL_JSON_ARRAY, &root));
        allow_json(&r->m, strlen(json));
        LL_TRY(ll_value_of_json(&r->m, root, LL_ORIGIN_DATA, &v));
    }
    ll_machine_set(&r->m, name, strlen(name), v);
    return LLMCS_OK;
}

/* What apply_chat_template passes. */
static llmcs_status set_conversation(rendering *r) {
    static const char add[] = "add_generation_prompt";
    const llmcs_chat_params *p = r->params;
    if (!p->messages) return LLMCS_OK;
    LL_TRY(ll_new_list(&r->m, LL_V_LIST, p->n_messages, &r->messages));
    for (size_t i = 0; i < p->n_messages; i++) r->messages.list->items[i] = ll_none();
    for (size_t i = 0; i < p->n_messages; i++) LL_TRY(message_value(r, i, &r->messages.list->items[i]));
    LL_TRY(ll_finish_list(&r->m, r->messages));
    ll_machine_set(&r->m, "messages", 8, r->messages);
    ll_machine_set(&r->m, add, sizeof add - 1, ll_bool(p->add_generation_prompt != 0));
    LL_TRY(set_list(r, "tools", p->tools));
    return set_list(r, "documents", p->documents);
}

static llmcs_status set_tokens(rendering *r) {
    const ll_chat_files *f = &r->chat->files;
    ll_value v;
    for (size_t i = 0; i < LL_N_CHAT_TOKENS; i++) {
        if (!f->tokens[i]) continue;
        LL_TRY(ll_new_string(&r->m, f->tokens[i], f->token_bytes[i], LL_ORIGIN_TEMPLATE, &v));
        ll_machine_set(&r->m, ll_chat_token_names[i], strlen(ll_chat_token_names[i]), v);
    }
    return LLMCS_OK;
}

/* ---- running */

static void set_time(rendering *r) {
    struct timespec now = {0};
    if (r->params->now) {
        (void)ll_parse_time(r->params->now, strlen(r->params->now), &r->m.now);
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    r->m.now = ll_time_of_unix(now.tv_sec);
}

/* Transformers' rule: with tools the template "tool_use", else "default". */
static llmcs_status choose_program(const llmcs_chat *chat, bool tools, const ll_program **p) {
    *p = &chat->programs[0];
    if (chat->chosen) return LLMCS_OK;
    for (size_t i = 0; i < chat->n_programs; i++)
        if (tools && strcmp(chat->names[i], "tool_use") == 0) return *p = &chat->programs[i], LLMCS_OK;
    for (size_t i = 0; i < chat->n_programs; i++)
        if (strcmp(chat->names[i], "default") == 0) return *p = &chat->programs[i], LLMCS_OK;
    return ll_fail(LLMCS_TEMPLATE, "%s: several chat templates and none is the default: choose one by template_name",
                   chat->programs[0].name);
}

static bool has_tools(const llmcs_chat_params *p, ll_json variables) {
    const ll_json_type type = ll_json_get_type(ll_json_get(variables, "tools"));
    return (p->messages && p->tools) || (type != LL_JSON_MISSING && type != LL_JSON_NULL);
}

static llmcs_status run(rendering *r) {
    const char *variables = r->params->variables;
    const size_t n = variables ? strlen(variables) : 0;
    ll_json root = {0};
    const ll_program *program;
    if (variables) LL_TRY(parse_json(r, "variables", variables, n, LL_JSON_OBJECT, &root));
    LL_TRY(choose_program(r->chat, has_tools(r->params, root), &program));
    LL_TRY(ll_machine_init(&r->m, program, &r->chat->allocator));
    allow_json(&r->m, n);
    set_time(r);
    LL_TRY(set_tokens(r));
    LL_TRY(set_conversation(r));
    LL_TRY(set_variables(r, root));
    for (size_t i = 0; r->messages.type == LL_V_LIST && i < r->messages.list->n; i++)
        LL_TRY(trust_role(&r->m, r->messages.list->items[i]));
    return ll_machine_run(&r->m);
}

/* ---- continue_final_message */

/* The text that the last message ends with: its content, or the last text of a list. NULL: none. */
static const ll_string *final_text(const rendering *r) {
    const ll_value list = r->messages;
    if (list.type != LL_V_LIST || !list.list->n || list.list->items[list.list->n - 1].type != LL_V_DICT) return NULL;
    const ll_value *content = ll_dict_get_text(&r->m, list.list->items[list.list->n - 1].dict, "content", 7);
    if (content && content->type == LL_V_STRING) return content->string;
    for (size_t i = content && content->type == LL_V_LIST ? content->list->n : 0; i-- > 0;) {
        const ll_value block = content->list->items[i];
        const ll_value *text = block.type == LL_V_DICT ? ll_dict_get_text(&r->m, block.dict, "text", 4) : NULL;
        if (text && text->type == LL_V_STRING) return text->string;
    }
    return NULL;
}

/* The prompt ends with the last message's text; its trailing white space stays if the template kept it. */
static llmcs_status cut_behind_final(rendering *r) {
    ll_builder *out = &r->m.out;
    const ll_string *final = final_text(r);
    ll_value left, both;
    if (!final) return ll_raise(&r->m, "ValueError", "continue_final_message: the last message has no text");
    LL_TRY(ll_strip(&r->m, final, NULL, 1, &left));
    LL_TRY(ll_strip(&r->m, final, NULL, 3, &both));
    const ll_string *stripped = both.string;
    size_t at = SIZE_MAX;
    for (size_t i = out->n >= stripped->n ? out->n - stripped->n + 1 : 0; i-- > 0 && at == SIZE_MAX;) {
        LL_TRY(ll_step(&r->m, 1 + stripped->n / 64));
        if (!stripped->n || memcmp(out->text + i, stripped->text, stripped->n) == 0) at = i;
    }
    if (at == SIZE_MAX)
        return ll_raise(&r->m, "ValueError",
                        "continue_final_message: the final message does not appear in the rendered chat");
    const size_t whole = left.string->n;
    const bool kept = whole == final->n && out->n - at >= whole && memcmp(out->text + at, final->text, whole) == 0;
    out->n = at + (kept ? whole : stripped->n);
    return LLMCS_OK;
}

/* ---- result */

typedef struct prompt_memory {
    llmcs_chat_prompt prompt; /* what the caller sees; first */
    llmcs_allocator allocator;
    char bytes[];
} prompt_memory;

static llmcs_status make_prompt(const rendering *r, llmcs_chat_prompt **prompt) {
    const ll_builder *out = &r->m.out;
    prompt_memory *p;
    LL_TRY(ll_alloc(&r->chat->allocator, sizeof *p + 2 * out->n + 1, 1, "chat prompt", &p));
    uint8_t *origins = (uint8_t *)p->bytes + out->n + 1;
    if (out->n) memcpy(p->bytes, out->text, out->n);
    if (out->n) memcpy(origins, out->origins, out->n);
    p->bytes[out->n] = 0;
    p->allocator = r->chat->allocator;
    p->prompt = (llmcs_chat_prompt){p->bytes, out->n, origins};
    *prompt = &p->prompt;
    return LLMCS_OK;
}

llmcs_status llmcs_chat_render(const llmcs_chat *chat, const llmcs_chat_params *params, llmcs_chat_prompt **prompt) {
    LL_PUBLIC_CALL;
    llmcs_chat_params p;
    if (!prompt) return ll_fail(LLMCS_ARG, "llmcs_chat_render: prompt is NULL");
    *prompt = NULL;
    LL_TRY(ll_chat_check(chat));
    LL_TRY(read_params(params, &p));
    rendering r = {.chat = chat, .params = &p, .m = {.allocator = chat->allocator}};
    llmcs_status status = run(&r);
    if (!status && p.continue_final_message) status = cut_behind_final(&r);
    if (!status) status = make_prompt(&r, prompt);
    end_rendering(&r);
    return status;
}

void llmcs_chat_prompt_free(llmcs_chat_prompt **prompt) {
    if (!prompt || !*prompt) return;
    prompt_memory *p = (prompt_memory *)*prompt;
    const llmcs_allocator a = p->allocator;
    ll_free(&a, p);
    *prompt = NULL;
}

/* ---- tokens */

llmcs_status ll_chat_encode(const llmcs_chat *chat, const llmcs_tokenizer *tokenizer, const llmcs_chat_prompt *prompt,
                            int32_t **ids, size_t *n_ids) {
    /* All sources: which of them rendered the prompt does not matter, since only the template's bytes count. */
    char *literals;
    size_t n = 0;
    for (size_t i = 0; i < chat->n_programs; i++) n += chat->programs[i].n_source + 1;
    LL_TRY(ll_alloc(&chat->allocator, n, 1, "chat templates", &literals));
    n = 0;
    for (size_t i = 0; i < chat->n_programs; i++) {
        memcpy(literals + n, chat->programs[i].source, chat->programs[i].n_source);
        n += chat->programs[i].n_source;
        literals[n++] = '\n';
    }
    const ll_text_origins origins = {prompt->is_template, literals, n};
    const llmcs_status status = ll_encode_mixed(tokenizer, prompt->text, prompt->text_bytes, &origins, ids, n_ids);
    ll_free(&chat->allocator, literals);
    return status;
}

llmcs_status llmcs_chat_encode(const llmcs_chat *chat, const llmcs_tokenizer *tokenizer,
                               const llmcs_chat_prompt *prompt, int32_t *ids, size_t capacity, size_t *n_ids) {
    LL_PUBLIC_CALL;
    int32_t *all;
    if (!n_ids || !prompt) return ll_fail(LLMCS_ARG, "llmcs_chat_encode: prompt or n_ids is NULL");
    *n_ids = 0;
    LL_TRY(ll_chat_check(chat));
    LL_TRY(ll_chat_encode(chat, tokenizer, prompt, &all, n_ids));
    llmcs_status status = LLMCS_OK;
    if (ids && *n_ids > capacity)
        status = ll_fail(LLMCS_BUFFER, "%zu tokens, but the buffer holds %zu", *n_ids, capacity);
    if (ids && !status && *n_ids) memcpy(ids, all, *n_ids * sizeof *ids);
    ll_encode_mixed_free(tokenizer, all);
    return status;
}
