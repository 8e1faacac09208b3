/* Finds control tokens and forged lines in a view. */
#include "shop/guard/tokens.h"

#include <string.h>

static const shop_word_section injection = {"injection", LLMCS_SHOP_BLOCK, 1, true};

/* True if the view has `text` (ASCII, lower case) at `at`; ignores case. */
static bool has_text(const shop_text_view *view, size_t at, const char *text) {
    for (size_t i = 0; text[i]; i++)
        if (at + i >= view->n || shop_ascii_lower(view->at[at + i].code) != (uint32_t)(unsigned char)text[i])
            return false;
    return true;
}

static llmcs_status add(const llmcs_allocator *a, const shop_text_view *view, size_t begin, size_t end,
                        shop_word_scratch *s) {
    SHOP_TRY(shop_grow(a, &s->hits, s->n, &s->capacity, s->n + 1, sizeof *s->hits, "words of a text"));
    s->hits[s->n++] = (shop_word_hit){&injection, view->at[begin].begin, view->at[end - 1].end};
    return LLMCS_OK;
}

/* Length of the control token at `at`, or 0. */
static size_t token_length(const shop_text_view *view, size_t at) {
    static const char *const tokens[] = {
        "[inst]",          "[/inst]",      "<<sys>>",          "<</sys>>",        "</s>",           "<s>",
        "<bos>",           "<eos>",        "<start_of_turn>",  "<end_of_turn>",   "<system>",       "</system>",
        "<assistant>",     "</assistant>", "<tool_call>",      "<tool_response>", "[system]",       "[/system]",
        "### instruction", "### response", "### system",       "### human",       "### assistant",  "### user",
        "###instruction",  "###system",    "[system message]", "<instructions>",  "</instructions>"};
    const uint32_t first = view->at[at].code;
    if (first != '<' && first != '[' && first != '#') return 0;
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        if (has_text(view, at, tokens[i])) return strlen(tokens[i]);
    /* <|anything|> */
    if (!has_text(view, at, "<|")) return 0;
    for (size_t i = at + 2; i < view->n && i < at + 34; i++) {
        if (has_text(view, i, "|>")) return i + 2 - at;
        if (view->at[i].kind == SHOP_CHAR_SPACE || view->at[i].code == '<') break;
    }
    return 0;
}

/* Speakers' names at the start of a line. `first`: also at the start of the text, where the others may be harmless. */
static const struct {
    const char *name; /* ASCII */
    bool first;
} voices[] = {{"bot", true},           {"assistant", true},      {"chatbot", true},
              {"system prompt", true}, {"system message", true}, {"system", false},
              {"user", false},         {"human", false},         {"facts", false},
              {"instructions", false}, {"instruction", false}};

/* The same in Chinese, as code points. */
static const struct {
    uint32_t name[5];
    bool first;
} han_voices[] = {{{0x7cfb, 0x7edf, 0x63d0, 0x793a}, true}, /* 系统提示 */
                  {{0x7cfb, 0x7edf, 0x6d88, 0x606f}, true}, /* 系统消息 */
                  {{0x673a, 0x5668, 0x4eba}, true},         /* 机器人 */
                  {{0x52a9, 0x624b}, false},                /* 助手 */
                  {{0x7cfb, 0x7edf}, false},                /* 系统 */
                  {{0x7528, 0x6237}, false},                /* 用户 */
                  {{0x4e8b, 0x5b9e}, false},                /* 事实 */
                  {{0x6307, 0x4ee4}, false}};               /* 指令 */

static size_t skip_spaces(const shop_text_view *view, size_t i) {
    while (i < view->n && (view->at[i].code == ' ' || view->at[i].code == '\t')) i++;
    return i;
}

/* The end of a speaker's name and colon at `at`, or 0. */
static size_t voice_end(const shop_text_view *view, size_t at, bool first) {
    for (size_t i = 0; i < sizeof voices / sizeof *voices; i++) {
        if ((first && !voices[i].first) || !has_text(view, at, voices[i].name)) continue;
        const size_t end = skip_spaces(view, at + strlen(voices[i].name));
        if (end < view->n && view->at[end].code == ':') return end + 1;
    }
    for (size_t i = 0; i < sizeof han_voices / sizeof *han_voices; i++) {
        size_t n = 0;
        while (han_voices[i].name[n] && at + n < view->n && view->at[at + n].code == han_voices[i].name[n]) n++;
        if (han_voices[i].name[n] || (first && !han_voices[i].first)) continue;
        const size_t end = skip_spaces(view, at + n);
        if (end < view->n && view->at[end].code == ':') return end + 1;
    }
    return 0;
}

/* True after a line end, or after the two characters \ and n. */
static bool begins_line(const shop_text_view *view, size_t at) {
    if (!at) return false;
    const uint32_t before = view->at[at - 1].code;
    if (before == '\n' || before == '\r' || before == 0x2028 || before == 0x2029) return true;
    return at > 1 && before == 'n' && view->at[at - 2].code == '\\';
}

/* Skips quotes, bullets and bold marks. */
static size_t skip_marks(const shop_text_view *view, size_t i) {
    while (i < view->n && (view->at[i].code == ' ' || view->at[i].code == '\t' || view->at[i].code == '*' ||
                           view->at[i].code == '>' || view->at[i].code == '#' || view->at[i].code == '-'))
        i++;
    return i;
}

llmcs_status shop_find_control_tokens(const llmcs_allocator *a, const shop_text_view *view, bool starts_text,
                                      shop_word_scratch *s) {
    for (size_t i = 0; i < view->n; i++) {
        const uint32_t code = view->at[i].code;
        const size_t length = code == '<' || code == '[' || code == '#' ? token_length(view, i) : 0;
        if (length) SHOP_TRY(add(a, view, i, i + length, s));
        const bool first = !i && starts_text;
        if (!first && !begins_line(view, i)) continue;
        const size_t begin = skip_marks(view, i), end = begin < view->n ? voice_end(view, begin, first) : 0;
        if (end) SHOP_TRY(add(a, view, begin, end, s));
    }
    return LLMCS_OK;
}
