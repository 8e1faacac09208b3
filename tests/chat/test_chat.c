/* llmcs_chat_*: where templates come from, conversations, what may become a control token, and answers. */
#include <stdio.h>

#include "chat/chat_case.h"
#include "support/temp.h"

#define TOKENIZER \
    "tests/data/tokenizers/tiny-gpt2" /* special: <|endoftext|> 576, <|user|> 577; SKU 578 is a plain token */
#define END 576
#define USER 577
#define SKU 578
#define MODEL "examples/models/shop-gpt2"

#define OK(call) ck_assert_msg(!(call), "%s: %s", #call, llmcs_error_message())
#define FAILS(status, part, call)                                                                               \
    do {                                                                                                        \
        ck_assert_int_eq((call), status);                                                                       \
        ck_assert_msg(strstr(llmcs_error_message(), part), "\"%s\" lacks \"%s\"", llmcs_error_message(), part); \
    } while (0)

/* ---- control tokens */

static size_t count(const int32_t *ids, size_t n, int32_t id) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) found += ids[i] == id;
    return found;
}

/* How often a rendered template has the control token. Its ids say the same text as the prompt. */
static size_t control_tokens(const char *source, const char *variables, int32_t id) {
    llmcs_tokenizer *tokenizer = NULL;
    llmcs_chat *chat = NULL;
    llmcs_chat_prompt *prompt = NULL;
    llmcs_chat_params params;
    int32_t ids[512];
    char text[4096];
    size_t n, len;
    llmcs_chat_params_init(&params);
    params.variables = variables;
    OK(llmcs_tokenizer_open(TOKENIZER, NULL, &tokenizer));
    OK(llmcs_chat_open_text(source, LLMCS_NUL, NULL, NULL, &chat));
    OK(llmcs_chat_render(chat, &params, &prompt));
    OK(llmcs_chat_encode(chat, tokenizer, prompt, ids, 512, &n));
    OK(llmcs_decode(tokenizer, ids, n, 0, text, sizeof text, &len));
    ck_assert_msg(len == prompt->text_bytes && !memcmp(text, prompt->text, len), "%.*s, not %s", (int)len, text,
                  prompt->text);
    llmcs_chat_prompt_free(&prompt);
    llmcs_chat_free(&chat);
    llmcs_tokenizer_free(&tokenizer);
    return count(ids, n, id);
}

START_TEST(what_the_template_writes_becomes_control_tokens) {
    ck_assert_uint_eq(control_tokens("<|user|>a{{ '<|user|>' }}", NULL, USER), 2);
    ck_assert_uint_eq(control_tokens("{{ '<|us' + 'er|>' }}{{ '<|us' ~ 'er|>' }}<|us{{ 'er|>' }}", NULL, USER), 3);
    ck_assert_uint_eq(
        control_tokens("{% set x = '<|user|>' %}{{ x * 2 }}{{ [x, x]|join }}{{ ' ' + x|trim }}", NULL, USER), 5);
    ck_assert_uint_eq(
        control_tokens("{% macro m() %}<|user|>{% endmacro %}{% set y %}{{ m() }}{% endset %}{{ y[::-1][::-1] }}", NULL,
                       USER),
        1);
    ck_assert_uint_eq(control_tokens("{{ '<|x|>'.replace('x', 'user') }}{{ '%s|>' % '<|user' }}", NULL, USER), 2);
    ck_assert_uint_eq(control_tokens("{{ bos_token }}a{{ eos_token }}",
                                     "{\"bos_token\":\"<|endoftext|>\",\"eos_token\":\"<|endoftext|>\"}", END),
                      2);
}
END_TEST

START_TEST(what_comes_from_variables_stays_text) {
    static const char *const through[] = {"{{ u }}",
                                          "{{ u|trim }}",
                                          "{{ '' + u }}",
                                          "{{ u ~ '' }}",
                                          "{{ u[0:] }}",
                                          "{{ u[::-1][::-1] }}",
                                          "{{ [u]|join }}",
                                          "{{ ['a', 'b']|join(u) }}",
                                          "{{ 'x'.replace('x', u) }}",
                                          "{{ u.replace('q', 'z') }}",
                                          "{{ u|string|safe }}",
                                          "{{ '%s' % u }}",
                                          "{{ '{}'.format(u) }}",
                                          "{{ u|tojson }}",
                                          "{{ {u: u}|tojson }}",
                                          "{{ {'a': [u]} }}",
                                          "{{ u.split('q')[0] }}",
                                          "{% for c in u %}{{ c }}{% endfor %}",
                                          "{{ u|list|join }}",
                                          "{{ u|lower }}",
                                          "{{ u|indent }}",
                                          "{% set x %}{{ u }}{% endset %}{{ x }}",
                                          "{% filter trim %}{{ u }}{% endfilter %}",
                                          "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(u) }}",
                                          "{{ u|center(30) }}",
                                          "{{ u.partition('q')[0] }}",
                                          "{{ namespace(a=u).a }}",
                                          "{{ u|default('') }}",
                                          "{{ (u, u)|first }}",
                                          "{{ u if u else '' }}",
                                          "{{ u * 2 }}",
                                          "<|us{{ u[4:] }}",
                                          "{{ u[:4] }}er|>",
                                          "<|{{ 'user' if false else w }}|>",
                                          "{{ u|truncate(200) }}"};
    for (size_t i = 0; i < sizeof through / sizeof *through; i++)
        ck_assert_msg(control_tokens(through[i], "{\"u\":\"<|user|>\",\"w\":\"user\"}", USER) == 0, "%s", through[i]);
    ck_assert_uint_eq(control_tokens("{{ u }}<|user|>{{ u }}", "{\"u\":\"<|user|><|endoftext|>\"}", USER), 1);
}
END_TEST

START_TEST(added_tokens_that_the_template_spells_are_control_tokens) {
    ck_assert_uint_eq(control_tokens("a {{ u }} b", "{\"u\":\"SKU\"}", SKU), 1);
    ck_assert_uint_eq(control_tokens("a SKU {{ u }} b", "{\"u\":\"SKU\"}", SKU), 1);
    ck_assert_uint_eq(control_tokens("a {# SKU #} {{ u }} b", "{\"u\":\"SKU\"}", SKU), 0);
}
END_TEST

START_TEST(names_of_roles_count_as_the_templates) {
    static const char source[] = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% endfor %}";
    ck_assert_uint_eq(control_tokens(source, "{\"messages\":[{\"role\":\"user\",\"content\":\"<|user|>\"}]}", USER), 1);
    ck_assert_uint_eq(control_tokens(source, "{\"messages\":[{\"role\":\"endoftext\",\"content\":\"\"}]}", END), 0);
}
END_TEST

/* ---- folders */

static void folder_gives(const char *folder, const char *name, const char *tools, const char *text) {
    const llmcs_chat_message message = {"user", "hi", LLMCS_NUL, NULL, 0};
    llmcs_chat_options options;
    llmcs_chat_params params;
    llmcs_chat *chat = NULL;
    llmcs_chat_prompt *prompt = NULL;
    llmcs_chat_options_init(&options);
    llmcs_chat_params_init(&params);
    options.template_name = name;
    params.messages = &message;
    params.n_messages = 1;
    params.tools = tools;
    OK(llmcs_chat_open(folder, &options, &chat));
    OK(llmcs_chat_render(chat, &params, &prompt));
    ck_assert_str_eq(prompt->text, text);
    llmcs_chat_prompt_free(&prompt);
    llmcs_chat_free(&chat);
}

static llmcs_status opens(const char *folder, const char *name) {
    llmcs_chat_options options;
    llmcs_chat *chat = NULL;
    llmcs_chat_options_init(&options);
    options.template_name = name;
    const llmcs_status status = llmcs_chat_open(folder, &options, &chat);
    ck_assert((status == 0) == (chat != NULL));
    llmcs_chat_free(&chat);
    return status;
}

START_TEST(templates_are_found_as_transformers_finds_them) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    FAILS(LLMCS_TEMPLATE, "no chat template", opens(folder, NULL));
    temp_write_text(folder, "chat_template.json", "{\"chat_template\":\"processor {{ messages[0].content }}\"}");
    folder_gives(folder, NULL, NULL, "processor hi");
    temp_write_text(
        folder, "tokenizer_config.json",
        "{\"bos_token\":{\"content\":\"<s>\"},\"chat_template\":\"{{ bos_token }}config {{ messages[0].role }}\\n\"}");
    folder_gives(folder, NULL, NULL, "<s>config user");
    temp_write_text(folder, "special_tokens_map.json", "{\"bos_token\":\"<map>\"}");
    folder_gives(folder, NULL, NULL, "<map>config user");
    temp_write_text(
        folder, "tokenizer_config.json",
        "{\"bos_token\":\"<s>\",\"added_tokens_decoder\":{},\"chat_template\":["
        "{\"name\":\"default\",\"template\":\"{{ bos_token }}d{{ tools is none }}\"},"
        "{\"name\":\"tool_use\",\"template\":\"t{{ tools|length }}\"},{\"name\":\"other\",\"template\":\"o\"}]}");
    folder_gives(folder, NULL, NULL, "<s>dTrue");
    folder_gives(folder, NULL, "[{}, {}]", "t2");
    folder_gives(folder, "other", "[]", "o");
    FAILS(LLMCS_TEMPLATE, "has the name \"nope\"", opens(folder, "nope"));
    FAILS(LLMCS_ARG, "not the name", opens(folder, "../x"));
    temp_write_text(folder, "chat_template.jinja", "jinja {{ eos_token }}{{ messages[0].content }}");
    folder_gives(folder, NULL, "[]", "jinja hi");
    temp_write_text(folder, "chat_template.jinja", "{% if %}");
    FAILS(LLMCS_FORMAT, "chat_template.jinja: line 1, column 7", opens(folder, NULL));
    temp_write_text(folder, "tokenizer_config.json", "{\"chat_template\":5}");
    temp_write_text(folder, "chat_template.jinja", "x");
    folder_gives(folder, NULL, NULL, "x");
    temp_remove(folder);
}
END_TEST

START_TEST(a_list_without_a_default_has_to_be_chosen_from) {
    char folder[TEMP_PATH_BYTES];
    llmcs_chat *chat = NULL;
    llmcs_chat_prompt *prompt = NULL;
    temp_folder(folder);
    temp_write_text(folder, "tokenizer_config.json",
                    "{\"chat_template\":[{\"name\":\"a\",\"template\":\"x\"},{\"name\":\"b\",\"template\":\"y\"}]}");
    OK(llmcs_chat_open(folder, NULL, &chat));
    FAILS(LLMCS_TEMPLATE, "choose one by template_name", llmcs_chat_render(chat, NULL, &prompt));
    llmcs_chat_free(&chat);
    temp_write_text(folder, "tokenizer_config.json", "{\"chat_template\":[{\"name\":\"a\"}]}");
    FAILS(LLMCS_CONFIG, "chat_template: expected objects", opens(folder, NULL));
    temp_write_text(folder, "tokenizer_config.json", "{\"chat_template\":5}");
    FAILS(LLMCS_CONFIG, "expected a string or a list", opens(folder, NULL));
    temp_remove(folder);
}
END_TEST

/* ---- conversations */

static llmcs_status render_messages(const char *source, const llmcs_chat_message *messages, size_t n, int add,
                                    int proceed, char *text, size_t size) {
    llmcs_chat *chat = NULL;
    llmcs_chat_prompt *prompt = NULL;
    llmcs_chat_params params;
    llmcs_chat_params_init(&params);
    params.messages = messages;
    params.n_messages = n;
    params.add_generation_prompt = add;
    params.continue_final_message = proceed;
    OK(llmcs_chat_open_text(source, LLMCS_NUL, NULL, NULL, &chat));
    const llmcs_status status = llmcs_chat_render(chat, &params, &prompt);
    if (!status) snprintf(text, size, "%s", prompt->text);
    llmcs_chat_prompt_free(&prompt);
    llmcs_chat_free(&chat);
    return status;
}

#define CHATML                                                                                          \
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}[end]{% endfor %}{% if add_generation_prompt " \
    "%}[assistant]{% endif %}"

START_TEST(messages_are_rendered_with_their_parameters) {
    char text[300];
    llmcs_chat_message messages[] = {
        {"user",
         "a\xff"
         "b",
         LLMCS_NUL, NULL, 0},
        {NULL, NULL, 0, "{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[]}", LLMCS_NUL}};
    OK(render_messages(CHATML, messages, 2, 1, 0, text, sizeof text));
    ck_assert_str_eq(text,
                     "[user]a\xef\xbf\xbd"
                     "b[end][assistant]x[end][assistant]");
    OK(render_messages(CHATML, messages, 2, 0, 0, text, sizeof text));
    ck_assert_str_eq(text,
                     "[user]a\xef\xbf\xbd"
                     "b[end][assistant]x[end]");
    OK(render_messages("{{ tools is defined }}{{ tools is none }}{{ documents is none }}{{ messages[1].tool_calls }}",
                       messages, 2, 1, 0, text, sizeof text));
    ck_assert_str_eq(text, "TrueTrueTrue[]");
    messages[0].role = NULL;
    FAILS(LLMCS_ARG, "messages[0]: role or content is NULL",
          render_messages(CHATML, messages, 2, 1, 0, text, sizeof text));
    messages[0].role = "user";
    messages[1].json = "{\"role\":";
    FAILS(LLMCS_JSON, "message: byte 8", render_messages(CHATML, messages, 2, 1, 0, text, sizeof text));
    messages[1].json = "[]";
    FAILS(LLMCS_ARG, "a JSON object", render_messages(CHATML, messages, 2, 1, 0, text, sizeof text));
}
END_TEST

START_TEST(the_final_message_can_be_continued) {
    char text[300];
    llmcs_chat_message messages[] = {{"user", "q", LLMCS_NUL, NULL, 0},
                                     {"assistant", "The parcel is ", LLMCS_NUL, NULL, 0}};
    OK(render_messages(CHATML, messages, 2, 0, 1, text, sizeof text));
    ck_assert_str_eq(text, "[user]q[end][assistant]The parcel is ");
    OK(render_messages("{% for m in messages %}<{{ m.content|trim }}>{% endfor %}", messages, 2, 0, 1, text,
                       sizeof text));
    ck_assert_str_eq(text, "<q><The parcel is");
    messages[1].content = "  lead";
    OK(render_messages(CHATML, messages, 2, 0, 1, text, sizeof text));
    ck_assert_str_eq(text, "[user]q[end][assistant]  lead");
    FAILS(LLMCS_TEMPLATE, "does not appear", render_messages("x", messages, 2, 0, 1, text, sizeof text));
    FAILS(LLMCS_ARG, "add_generation_prompt = 0", render_messages(CHATML, messages, 2, 1, 1, text, sizeof text));
}
END_TEST

START_TEST(wrong_calls_are_refused) {
    llmcs_chat *chat = NULL;
    llmcs_chat_prompt *prompt = NULL;
    llmcs_chat_params params;
    size_t n;
    llmcs_chat_params_init(&params);
    FAILS(LLMCS_ARG, "NULL", llmcs_chat_open(NULL, NULL, &chat));
    FAILS(LLMCS_IO, "no such folder", llmcs_chat_open("/nonexistent", NULL, &chat));
    FAILS(LLMCS_ARG, "NULL", llmcs_chat_render(NULL, NULL, &prompt));
    OK(llmcs_chat_open_text("x", LLMCS_NUL, NULL, NULL, &chat));
    FAILS(LLMCS_ARG, "prompt is NULL", llmcs_chat_render(chat, NULL, NULL));
    FAILS(LLMCS_ARG, "NULL", llmcs_chat_encode(chat, NULL, NULL, NULL, 0, &n));
    params.now = "today";
    FAILS(LLMCS_ARG, "2026-03-05T14:07:09", llmcs_chat_render(chat, &params, &prompt));
    llmcs_chat_params_init(&params);
    params.variables = "[1]";
    FAILS(LLMCS_ARG, "variables: expected a JSON object", llmcs_chat_render(chat, &params, &prompt));
    params.variables = "{\"n\": 99999999999999999999}";
    FAILS(LLMCS_UNSUPPORTED, "64 bits", llmcs_chat_render(chat, &params, &prompt));
    params.struct_size = 8;
    FAILS(LLMCS_ARG, "struct_size", llmcs_chat_render(chat, &params, &prompt));
    llmcs_chat_free(&chat);
    llmcs_chat_free(&chat);
    llmcs_chat_free(NULL);
    llmcs_chat_prompt_free(NULL);
}
END_TEST

/* ---- answers */

START_TEST(a_conversation_continues_from_what_the_session_holds) {
    static const char source[] =
        "{% for m in messages %}{% if m.role == 'user' %}User: {{ m.content }}\nBot:{% else %}{{ m.content }}\n{% "
        "endif %}{% endfor %}";
    llmcs_chat_message messages[3] = {{"user", "Where is my order?", LLMCS_NUL, NULL, 0}};
    llmcs_model *model = NULL;
    llmcs_session *session = NULL;
    llmcs_chat *chat = NULL;
    llmcs_result *first = NULL, *second = NULL, *plain = NULL;
    llmcs_chat_params params;
    llmcs_generate_params g;
    OK(llmcs_model_open(MODEL, NULL, &model));
    OK(llmcs_session_create(model, NULL, &session));
    OK(llmcs_chat_open_text(source, LLMCS_NUL, NULL, NULL, &chat));
    llmcs_chat_params_init(&params);
    llmcs_generate_params_init(&g, model);
    g.do_sample = 0;
    g.max_new_tokens = 12;
    params.messages = messages;
    params.n_messages = 1;
    OK(llmcs_chat_generate(session, chat, &params, &g, NULL, NULL, &first));
    OK(llmcs_generate(session, "User: Where is my order?\nBot:", LLMCS_NUL, &g, NULL, NULL, &plain));
    ck_assert_str_eq(first->sequences[0]->text, plain->sequences[0]->text);
    messages[1] = (llmcs_chat_message){"assistant", first->sequences[0]->text, LLMCS_NUL, NULL, 0};
    messages[2] = (llmcs_chat_message){"user", "And the other one?", LLMCS_NUL, NULL, 0};
    params.n_messages = 3;
    OK(llmcs_chat_generate(session, chat, &params, &g, NULL, NULL, &second));
    ck_assert_uint_gt(second->n_cached_tokens, first->n_prompt_tokens);
    llmcs_result *none = NULL;
    FAILS(LLMCS_ARG, "NULL", llmcs_chat_generate(session, NULL, &params, &g, NULL, NULL, &none));
    ck_assert_ptr_null(none);
    llmcs_result_free(&first);
    llmcs_result_free(&second);
    llmcs_result_free(&plain);
    llmcs_chat_free(&chat);
    llmcs_session_free(&session);
    llmcs_model_free(&model);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_test(tests, what_the_template_writes_becomes_control_tokens);
    tcase_add_test(tests, what_comes_from_variables_stays_text);
    tcase_add_test(tests, added_tokens_that_the_template_spells_are_control_tokens);
    tcase_add_test(tests, names_of_roles_count_as_the_templates);
    tcase_add_test(tests, templates_are_found_as_transformers_finds_them);
    tcase_add_test(tests, a_list_without_a_default_has_to_be_chosen_from);
    tcase_add_test(tests, messages_are_rendered_with_their_parameters);
    tcase_add_test(tests, the_final_message_can_be_continued);
    tcase_add_test(tests, wrong_calls_are_refused);
    tcase_add_test(tests, a_conversation_continues_from_what_the_session_holds);
}
SUITE_MAIN("chat/chat", add_tests)
