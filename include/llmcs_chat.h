/*
 * llmcs_chat.h - the part of llmcs.h for chat templates, which turn a conversation into a prompt in the format the
 * model was trained on. llmcs.h includes it.
 *
 * A model folder has a Jinja template that formats the messages of a conversation (Transformers' apply_chat_template).
 * An llmcs_chat is such a template, compiled:
 *
 *     llmcs_chat *chat = NULL;
 *     llmcs_chat_message messages[] = {{"system", "You answer for a shop.", LLMCS_NUL, NULL, 0},
 *                                      {"user", "Where is my parcel?", LLMCS_NUL, NULL, 0}};
 *     llmcs_chat_params params;
 *     llmcs_result *result = NULL;
 *     llmcs_chat_params_init(&params);
 *     params.messages = messages;
 *     params.n_messages = 2;
 *     if (!llmcs_chat_open("Qwen2.5-0.5B-Instruct", NULL, &chat) &&
 *         !llmcs_chat_generate(session, chat, &params, NULL, NULL, NULL, &result))
 *         puts(result->sequences[0]->text);
 *     llmcs_result_free(&result);
 *     llmcs_chat_free(&chat);
 *
 * To continue, append the answer as a message of role "assistant" and the next question as one of role "user", and call
 * llmcs_chat_generate again: the session evaluates only the new tokens.
 *
 * Rules
 *
 * - User text stays text. The origin of every byte of a rendered prompt is recorded. Only what the template itself
 *   writes, and the tokenizer's special tokens (bos_token, ...), can become a control token; text from messages, tools,
 *   documents and variables cannot, whatever filters it passed through. Control tokens are the special tokens and those
 *   added tokens that the template spells ("<tool_call>"). The names of roles (system, user,
 * assistant, tool, developer, function, ipython, model, ...) count as the template's where they are a message's "role".
 * - A template is untrusted code. It runs in a sandbox: it sees only its variables, and its steps, memory, output and
 *   nesting are bounded (LLMCS_LIMIT). A rendering that hits a bound is refused after about a second at most.
 * - The language is that of jinja2 3.1 in an ImmutableSandboxedEnvironment with trim_blocks, lstrip_blocks and
 *   loopcontrols, and Transformers' tojson, raise_exception, strftime_now and {% generation %}. Not supported, and
 *   LLMCS_UNSUPPORTED with line and column: include, import, extends, block, autoescape, recursive loops, *args and
 *   **kwargs in calls, integers over 64 bits, the filters groupby, random, pprint, urlencode, urlize, wordwrap,
 * xmlattr, striptags and filesizeformat.
 * - Failures of a template are LLMCS_TEMPLATE, with jinja2's or Python's message:
 *   "chat_template.jinja: line 1, column 57: TemplateError: System role not supported".
 */
#include "llmcs.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_CHAT_H
#define LLMCS_CHAT_H

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled template. Any number of threads may use it at once. */
typedef struct llmcs_chat llmcs_chat;

typedef struct llmcs_chat_options {
    size_t struct_size;
    const char *template_name; /* [NULL] of several templates; NULL: "tool_use" for calls with tools, else "default" */
    const llmcs_allocator *allocator; /* [NULL: malloc] copied */
} llmcs_chat_options;

LLMCS_API void llmcs_chat_options_init_sized(llmcs_chat_options *options, size_t struct_size);
#define llmcs_chat_options_init(options) llmcs_chat_options_init_sized((options), sizeof *(options))

/* Opens the chat template of a model folder or GGUF file, without its weights: chat_template.jinja, else chat_template
 * in tokenizer_config.json (one, or a list of named ones), else chat_template.json; chat_templates/NAME.jinja are named
 * ones: tool_use, rag and template_name are looked for. GGUF: tokenizer.chat_template and the named ones. The special
 * tokens come from tokenizer_config.json, special_tokens_map.json or the GGUF file. options: NULL for the defaults.
 * Errors: ARG NOMEM IO FORMAT JSON CONFIG LIMIT UNSUPPORTED (something the language lacks) TEMPLATE (there is none, or
 * none of that name). */
LLMCS_API llmcs_status llmcs_chat_open(const char *path, const llmcs_chat_options *options, llmcs_chat **chat);

/* The same from the text of a template. There are no special tokens: pass them as variables. name: used in error
 * messages; NULL: "chat template". Errors: ARG NOMEM FORMAT LIMIT UNSUPPORTED. */
LLMCS_API llmcs_status llmcs_chat_open_text(const char *source, size_t source_bytes, const char *name,
                                            const llmcs_chat_options *options, llmcs_chat **chat);

LLMCS_API void llmcs_chat_free(llmcs_chat **chat);

/* One message. Frozen. */
typedef struct llmcs_chat_message {
    const char *role;     /* "system", "user", "assistant", "tool" */
    const char *content;  /* UTF-8; bytes that are not are read as U+FFFD */
    size_t content_bytes; /* or LLMCS_NUL */
    const char *json;  /* not NULL: the message as a JSON object, with tool_calls or whatever the template reads; role
                          and content are then NULL */
    size_t json_bytes; /* or LLMCS_NUL */
} llmcs_chat_message;

/* JSON texts are NUL-terminated, at most 64 levels deep. */
typedef struct llmcs_chat_params {
    size_t struct_size;
    const llmcs_chat_message *messages; /* [NULL] the conversation, oldest first */
    size_t n_messages;
    const char *tools;     /* [NULL] JSON array of the functions that the model may call, as JSON schemas */
    const char *documents; /* [NULL] JSON array of {"title": ..., "text": ...} */
    const char *variables; /* [NULL] JSON object of further variables of the template: "enable_thinking". They outrank
                              the special tokens, and what else this call would set */
    int32_t add_generation_prompt;  /* [1] end with the beginning of an answer; 0: with the last message */
    int32_t continue_final_message; /* [0] 1: end inside the last message, which the model continues; needs
                                       add_generation_prompt = 0 */
    const char *now; /* [NULL] what strftime_now calls now: "2026-03-05T14:07:09", local time; NULL: the clock's UTC */
} llmcs_chat_params;

LLMCS_API void llmcs_chat_params_init_sized(llmcs_chat_params *params, size_t struct_size);
#define llmcs_chat_params_init(params) llmcs_chat_params_init_sized((params), sizeof *(params))

/* A rendered conversation. Made by the library only, so it may grow at its end. Does not need the llmcs_chat. */
typedef struct llmcs_chat_prompt {
    const char *text; /* UTF-8, NUL-terminated */
    size_t text_bytes;
    const uint8_t *is_template; /* [text_bytes] 1: the byte is the template's; 0: it came from a variable */
} llmcs_chat_prompt;

/* Renders a conversation: the text of Transformers' apply_chat_template(tokenize=False). With messages NULL the
 * template gets only the variables and special tokens; "messages" itself may then be one of the variables.
 * Errors: ARG NOMEM JSON LIMIT UNSUPPORTED TEMPLATE. */
LLMCS_API llmcs_status llmcs_chat_render(const llmcs_chat *chat, const llmcs_chat_params *params,
                                         llmcs_chat_prompt **prompt);
LLMCS_API void llmcs_chat_prompt_free(llmcs_chat_prompt **prompt);

/* Token ids of a rendered prompt, as apply_chat_template(tokenize=True) gives them: no special tokens are added, since
 * the template writes them (no second BOS). ids: [capacity]; with NULL only *n_ids is set. `chat` is the one that
 * rendered the prompt. Errors: ARG NOMEM LIMIT BUFFER. */
LLMCS_API llmcs_status llmcs_chat_encode(const llmcs_chat *chat, const llmcs_tokenizer *tokenizer,
                                         const llmcs_chat_prompt *prompt, int32_t *ids, size_t capacity, size_t *n_ids);

/* Renders a conversation, encodes it with the model's tokenizer and generates the answer, as llmcs_generate does with a
 * prompt. The session keeps the longest prefix that it already holds. generate_params: NULL for the folder's defaults;
 * encode_flags has no effect. Errors: as llmcs_chat_render and llmcs_generate. */
LLMCS_API llmcs_status llmcs_chat_generate(llmcs_session *session, const llmcs_chat *chat,
                                           const llmcs_chat_params *params,
                                           const llmcs_generate_params *generate_params, llmcs_text_fn on_text,
                                           void *user, llmcs_result **result);

#ifdef __cplusplus
}
#endif

#endif
