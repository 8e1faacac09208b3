/* Folding, phrases and the function words of a conversation, in English and Chinese. */
#include "shop/desk/words.h"

#include <string.h>
#include <utf8proc.h>

#include "shop/base/han.h"
#include "shop/base/noun.h"
#include "shop/base/utf8.h"

enum { MAX_PLACES = 5, WHOLE_ADDRESS = 5, LEAST_CODE = 4, CONSENT_WORDS = 12 };

/* ---- characters */

int32_t desk_char_at(const char *text, size_t n, size_t i, size_t *len) {
    uint32_t c = 0xfffd;
    *len = i < n ? shop_utf8_decode((const unsigned char *)text + i, n - i, &c) : 1;
    return (int32_t)c;
}

bool desk_is_han(int32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x323af) ||
           c == 0x3007;
}

bool desk_is_letter(int32_t c) {
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const utf8proc_category_t k = utf8proc_category(c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_ME) || k == UTF8PROC_CATEGORY_ND;
}

static bool is_word_char(int32_t c) { return desk_is_letter(c) && !desk_is_han(c); }

/* Returns the character that ends before byte i; 0 at the start. */
static int32_t char_before(const char *text, size_t i) {
    size_t at = i, len;
    if (!i) return 0;
    do at--;
    while (at && ((unsigned char)text[at] & 0xc0) == 0x80);
    return desk_char_at(text, i, at, &len);
}

/* ---- folding */

/* Replaces ill-formed bytes by U+FFFD and control characters by spaces. */
static llmcs_status clean(shop_arena *a, const char *text, size_t n, char **out, size_t *n_out) {
    char *clean_text;
    size_t used = 0, capacity;
    if (!shop_mul(n, 3, &capacity) || !shop_add(capacity, 1, &capacity))
        return shop_fail(LLMCS_NOMEM, "text is too long");
    SHOP_TRY(shop_arena_alloc(a, capacity, 1, &clean_text));
    for (size_t i = 0; i < n;) {
        size_t len;
        int32_t c = desk_char_at(text, n, i, &len);
        i += len;
        if (c < 0x20 || (c >= 0x7f && c < 0xa0)) c = ' ';
        used += (size_t)utf8proc_encode_char(c, (utf8proc_uint8_t *)clean_text + used);
    }
    *out = clean_text;
    *n_out = used;
    return LLMCS_OK;
}

static llmcs_status map_text(shop_arena *a, const char *text, size_t n, utf8proc_option_t options, const char **out,
                             size_t *n_out) {
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)text;
    utf8proc_int32_t *codes;
    const utf8proc_ssize_t capacity = (utf8proc_ssize_t)n; /* enough unless NFKC lengthens the text */
    SHOP_TRY(shop_arena_alloc(a, n + 1, sizeof *codes, &codes));
    utf8proc_ssize_t made = utf8proc_decompose(in, (utf8proc_ssize_t)n, codes, capacity, options);
    if (made > capacity) {
        const utf8proc_ssize_t need = made;
        SHOP_TRY(shop_arena_alloc(a, (size_t)need + 1, sizeof *codes, &codes));
        made = utf8proc_decompose(in, (utf8proc_ssize_t)n, codes, need, options);
    }
    const utf8proc_ssize_t bytes = made < 0 ? made : utf8proc_reencode(codes, made, options);
    if (bytes < 0) return shop_fail(LLMCS_INTERNAL, "text: %s", utf8proc_errmsg(bytes));
    *out = (const char *)codes;
    *n_out = (size_t)bytes;
    return LLMCS_OK;
}

/* Replaces typographic apostrophes ’ and ‘ by ', in place. */
static size_t straighten(char *text, size_t n) {
    size_t to = 0;
    for (size_t i = 0; i < n;) {
        const bool apostrophe = i + 2 < n && !memcmp(text + i, "\xe2\x80", 2) &&
                                ((unsigned char)text[i + 2] == 0x98 || (unsigned char)text[i + 2] == 0x99);
        text[to++] = apostrophe ? '\'' : text[i];
        i += apostrophe ? 3 : 1;
    }
    text[to] = 0;
    return to;
}

llmcs_status desk_words_make(shop_arena *a, const char *text, size_t n, desk_words *words) {
    const utf8proc_option_t plain = UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_IGNORE;
    char *cleaned, *folded;
    size_t n_cleaned;
    SHOP_TRY(clean(a, text, n, &cleaned, &n_cleaned));
    SHOP_TRY(map_text(a, cleaned, n_cleaned, plain, &words->plain, &words->plain_bytes));
    const char *mapped;
    SHOP_TRY(map_text(a, words->plain, words->plain_bytes, plain | UTF8PROC_CASEFOLD, &mapped, &words->folded_bytes));
    SHOP_TRY(shop_arena_alloc(a, words->folded_bytes + 1, 1, &folded));
    memcpy(folded, mapped, words->folded_bytes);
    words->folded_bytes = straighten(folded, words->folded_bytes);
    shop_simplify(folded, words->folded_bytes);
    words->folded = folded;
    return LLMCS_OK;
}

/* ---- phrases */

/* True if the phrase of m bytes is at byte i, and no word goes on before or after it. */
static bool is_phrase_at(const char *folded, size_t n, const char *phrase, size_t m, size_t i) {
    size_t len;
    if (i + m > n || folded[i] != phrase[0] || memcmp(folded + i, phrase, m) != 0) return false;
    if (is_word_char(desk_char_at(phrase, m, 0, &len)) && is_word_char(char_before(folded, i))) return false;
    return !(is_word_char(char_before(phrase, m)) && i + m < n && is_word_char(desk_char_at(folded, n, i + m, &len)));
}

size_t desk_find_phrase(const char *folded, size_t n, const char *phrase, size_t from) {
    const size_t m = strlen(phrase);
    if (!m) return SIZE_MAX;
    for (size_t i = from; i + m <= n; i++)
        if (is_phrase_at(folded, n, phrase, m, i)) return i;
    return SIZE_MAX;
}

bool desk_has_phrase(const desk_words *w, const char *phrase) {
    return desk_find_phrase(w->folded, w->folded_bytes, phrase, 0) != SIZE_MAX;
}

bool desk_has_any(const desk_words *w, const char *const *phrases) {
    for (; *phrases; phrases++)
        if (desk_has_phrase(w, *phrases)) return true;
    return false;
}

bool desk_has_one(const desk_words *w, const char *const *phrases, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (desk_has_phrase(w, phrases[i])) return true;
    return false;
}

bool desk_begins_with(const char *text, const char *const *strings) {
    for (; *strings; strings++)
        if (!strncmp(text, *strings, strlen(*strings))) return true;
    return false;
}

/* Skips spaces, punctuation, symbols and emoji from byte i. */
static size_t skip_marks(const char *text, size_t n, size_t i) {
    while (i < n) {
        size_t len;
        if (desk_is_letter(desk_char_at(text, n, i, &len))) break;
        i += len;
    }
    return i;
}

/* Returns the length of the longest phrase at byte i, or 0. */
static size_t phrase_at(const char *text, size_t n, size_t i, const char *const *phrases) {
    size_t best = 0;
    for (; *phrases; phrases++) {
        const size_t m = strlen(*phrases);
        if (m > best && is_phrase_at(text, n, *phrases, m, i)) best = m;
    }
    return best;
}

size_t desk_phrase_at(const desk_words *w, size_t i, const char *const *phrases) {
    return phrase_at(w->folded, w->folded_bytes, i, phrases);
}

static const char *const polite[] = {
    "please",    "pls",  "plz",  "thanks", "thank you", "thx",    "sir",    "hi",         "hello",     "hey",
    "dear",      "ah",   "oh",   "um",     "well",      "请",     "谢谢",   "麻烦",       "您好",      "你好",
    "吧",        "啊",   "呀",   "哦",     "嗯",        "了",     "的",     "啦",         "亲",        "哈",
    "呢",        "谢了", "帮我", "我要",   "我想",      "i want", "i need", "can i have", "could you", "can you",
    "would you", "just", "now",  "马上",   "快",        NULL};

bool desk_is_only(const desk_words *w, const char *const *phrases, size_t n) {
    bool found = false;
    for (size_t i = skip_marks(w->folded, w->folded_bytes, 0); i < w->folded_bytes;) {
        size_t step = 0;
        for (size_t k = 0; k < n; k++) {
            const char *one[] = {phrases[k], NULL};
            step = shop_max(step, phrase_at(w->folded, w->folded_bytes, i, one));
        }
        found = found || step;
        if (!step) step = phrase_at(w->folded, w->folded_bytes, i, polite);
        if (!step) return false;
        i = skip_marks(w->folded, w->folded_bytes, i + step);
    }
    return found;
}

size_t desk_count_words(const char *folded, size_t n) {
    size_t words = 0;
    bool inside = false;
    for (size_t i = 0, len; i < n; i += len) {
        const int32_t c = desk_char_at(folded, n, i, &len);
        const bool han = desk_is_han(c), word = c == '\'' || is_word_char(c);
        if (han || (word && !inside)) words++;
        inside = word;
    }
    return words;
}

/* ---- language */

static const char *const everywhere[] = {"ok",  "okay", "hi", "hello", "bye", "app",  "email", "vip",
                                         "sms", "qq",   "xs", "xl",    "xxl", "xxxl", NULL};

/* True if the word tells the language of the text. A single letter may be a size or a choice. */
static bool is_evidence(const char *t, size_t i, size_t end) {
    return end - i > 1 && !phrase_at(t, end, i, everywhere) && !desk_is_mashed(t + i, end - i);
}

const char *desk_language(const desk_words *w) {
    const char *t = w->folded;
    const size_t n = w->folded_bytes;
    bool letters = false;
    for (size_t i = 0, len; i < n; i += len) {
        const int32_t c = desk_char_at(t, n, i, &len);
        if (desk_is_han(c)) return "zh";
        if (!is_word_char(c)) continue;
        size_t end = i, step;
        bool digits = false;
        for (; end < n; end += step) {
            const int32_t d = desk_char_at(t, n, end, &step);
            if (d != '\'' && !is_word_char(d)) break;
            digits = digits || (d >= '0' && d <= '9');
        }
        if (!digits && is_evidence(t, i, end)) letters = true;
        len = end - i;
    }
    return letters ? "en" : NULL;
}

/* ---- yes and no */

static const char *const yes_words[] = {
    "yes",       "yes please", "yep",        "yeah",       "yup",        "yea",          "sure",
    "of course", "certainly",  "absolutely", "definitely", "correct",    "that's right", "that is right",
    "right",     "confirm",    "confirmed",  "i confirm",  "i agree",    "agreed",       "ok",
    "okay",      "go ahead",   "please do",  "do it",      "no problem", "是",           "是的",
    "对",        "对的",       "好",         "好的",       "好吧",       "可以",         "行",
    "确认",      "确定",       "确认取消",   "确定取消",   "嗯",         "嗯嗯",         "没错",
    "没问题",    "同意",       "当然",       "恩",         "没有问题",   "要得",         "中",
    "得",        "係",         "ja",         "y",          "確認",       "確定",         "對",
    "是啊",      "对啊",       "好啊",       "是呀",       "对呀",       "报吧",         "登记吧",
    NULL};
static const char *const no_words[] = {
    "no",      "nope",    "nah",     "no thanks", "no thank you", "don't",  "dont",   "do not", "please don't",
    "not now", "not yet", "not the", "not that",  "not this",     "never",  "不",     "不是",   "不要",
    "不用",    "不行",    "不对",    "别",        "不了",         "不可以", "不同意", "先不",   "不想",
    "没有",    "否",      "不确定",  "还是不",    "先别",         NULL};
static const char *const giving_up[] = {
    "never mind",        "nevermind", "forget it",   "forget about it", "leave it",      "stop it", "i changed my mind",
    "changed my mind",   "drop it",   "forget that", "scrap that",      "leave it then", "keep it", "keep them",
    "leave it as it is", "算了",      "不用了",      "不弄了",          "不办了",        "没事了",  "先这样",
    "当我没说",          "不取消了",  "不退了",      "不换了",          "不改了",        NULL};
/* Words that make a yes unclear wherever they occur. */
static const char *const doubts[] = {
    "no",    "not",   "n't",     "never",   "nope",    "don't",  "dont", "doesn't", "won't", "can't", "isn't",  "wait",
    "but",   "if",    "unless",  "instead", "except",  "rather", "why",  "how",     "what",  "when",  "which",  "where",
    "who",   "maybe", "perhaps", "other",   "another", "else",   "both", "all",     "also",  "think", "unsure", "later",
    "first", "不",    "别",      "没",      "但",      "可是",   "不过", "如果",    "要是",  "除非",  "先",     "吗",
    "呢",    "么",    "什么",    "怎么",    "为何",    "哪",     "谁",   "另",      "其他",  "换",    "都",     "全部",
    "也",    "再想",  "等",      "考虑",    "或者",    "还是",   "可能", "也许",    NULL};
/* Farewells: "ok thanks, bye" is no confirmation. */
static const char *const farewells[] = {"bye", "goodbye", "good bye", "see you", "cya",  "good night",
                                        "拜",  "拜拜",    "再见",     "回见",    "晚安", NULL};
/* A yes that may only mean "I have read it", above all before thanks. */
static const char *const weak_yes[] = {"ok", "okay", "right", "好", "好的", "好吧", "嗯", "嗯嗯", "恩", "行", NULL};
static const char *const thanks[] = {"thanks", "thank you", "thx",  "ty",   "cheers", "谢谢",
                                     "谢了",   "谢啦",      "多谢", "感谢", NULL};
/* Phrases that contain a word of `doubts` without doubt. */
static const char *const no_doubts[] = {"no problem", "没问题", "没错", "没有问题", "the first one", NULL};
/*
 * Words that may follow a yes. Any other word makes it unclear: "对了，运费多少" and "好贵啊" begin with a yes word,
 * and "do it tomorrow" is no yes for today.
 */
static const char *const after_yes[] = {
    "cancel",       "return", "exchange", "change", "send",  "report", "submit",  "it",     "that", "this",
    "them",         "one",    "order",    "parcel", "the",   "my",     "for",     "me",     "to",   "go",
    "ahead",        "on",     "with",     "i",      "am",    "i'm",    "im",      "sure",   "want", "would",
    "like",         "is",     "it's",     "its",    "very",  "much",   "exactly", "do",     "back", "a",
    "refund",       "fine",   "good",     "great",  "thats", "that's", "alright", "then",   "just", "so",
    "let's",        "lets",   "register", "log",    "up",    "have",   "perfect", "course", "of",   "request",
    "登记",         "弄",     "退货",     "退款",   "换货",  "地址",   "订单",    "取消",   "退",   "换",
    "改",           "寄",     "这个",     "那个",   "这样",  "这单",   "这",      "那",     "单",   "就",
    "它",           "给",     "我",       "您",     "你",    "提交",   "申请",    "办理",   "办",   "处理",
    "继续",         "报",     "转",       "一下",   "要",    "吧",     "滴",      "哒",     "噢",   "确",
    "来",           "去",     "到",       "帮",     "请",    "谢",     "退掉",    "把",     "掉",   "then",
    "go ahead and", NULL};
/* Words that make "cancel it then" or 那就退吧 a yes. */
static const char *const agreeing[] = {"it", "this", "that", "them", "then", "go ahead and", "吧", "那就", "就", NULL};

static bool only_digits(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return true;
}

/* Counts the words after byte i, except polite words, yes words and `allowed`. With `allowed`, codes such as an order
 * number do not count either. */
static size_t words_left(const desk_words *w, size_t i, const char *const *allowed) {
    size_t words = 0;
    const char *t = w->folded;
    const size_t n = w->folded_bytes;
    for (i = skip_marks(t, n, i); i < n;) {
        size_t step = phrase_at(t, n, i, polite), len;
        if (!step) step = phrase_at(t, n, i, yes_words);
        if (!step && allowed) step = phrase_at(t, n, i, allowed);
        if (!step) {
            const int32_t c = desk_char_at(t, n, i, &len);
            bool digit = c >= '0' && c <= '9';
            for (step = len; !desk_is_han(c) && i + step < n; step += len) {
                const int32_t next = desk_char_at(t, n, i + step, &len);
                if (!is_word_char(next)) break;
                digit = digit || (next >= '0' && next <= '9');
            }
            const bool code = digit && (step >= LEAST_CODE || !only_digits(t + i, step)); /* "14" is no code */
            words += !(allowed && code);
        }
        i = skip_marks(t, n, i + step);
    }
    return words;
}

static bool has_doubt(const desk_words *w) {
    for (size_t k = 0; doubts[k]; k++) {
        for (size_t at = desk_find_phrase(w->folded, w->folded_bytes, doubts[k], 0); at != SIZE_MAX;
             at = desk_find_phrase(w->folded, w->folded_bytes, doubts[k], at + 1)) {
            bool excused = false;
            for (size_t e = 0; no_doubts[e] && !excused; e++) {
                const size_t m = strlen(no_doubts[e]);
                for (size_t back = 0; back < m && back <= at && !excused; back++)
                    excused =
                        phrase_at(w->folded, w->folded_bytes, at - back, (const char *[]){no_doubts[e], NULL}) > back;
            }
            if (!excused) return true;
        }
    }
    return false;
}

/* Returns the first word that is not polite. */
static size_t first_word(const desk_words *w) {
    const char *t = w->folded;
    size_t i = skip_marks(t, w->folded_bytes, 0), step;
    while (i < w->folded_bytes && !phrase_at(t, w->folded_bytes, i, yes_words) &&
           (step = phrase_at(t, w->folded_bytes, i, polite)))
        i = skip_marks(t, w->folded_bytes, i + step);
    return i;
}

static bool has_question_mark(const desk_words *w) {
    return memchr(w->folded, '?', w->folded_bytes) != NULL; /* NFKC maps ？ to ? */
}

bool desk_has_doubt(const desk_words *w) { return has_question_mark(w) || has_doubt(w) || desk_has_any(w, farewells); }

/* Phrases that agree at the end of a message: "a normal one then, go ahead". */
static const char *const consents[] = {"go ahead", "go for it", "do it",      "do that",    "please do",
                                       "就这样吧", "就这样办",  "就这么办",   "帮我登记",   "帮我提交",
                                       "登记吧",   "提交吧",    "帮我登记吧", "帮我提交吧", NULL};

/* True if a consent is followed only by polite words and no other action precedes it: "send it to my office, go ahead"
 * is no yes. */
static bool ends_in_consent(const desk_words *w) {
    static const char *const after[] = {"then", "with", "it", "that", NULL};
    if (desk_count_words(w->folded, w->folded_bytes) > CONSENT_WORDS || desk_names_action(w)) return false;
    for (size_t k = 0; consents[k]; k++)
        for (size_t at = desk_find_phrase(w->folded, w->folded_bytes, consents[k], 0); at != SIZE_MAX;
             at = desk_find_phrase(w->folded, w->folded_bytes, consents[k], at + 1))
            if (!words_left(w, at + strlen(consents[k]), after)) return true;
    return false;
}

bool desk_consents(const desk_words *w) { return !desk_has_doubt(w) && ends_in_consent(w); }

bool desk_is_yes(const desk_words *w) {
    /* "great, then do it": the yes follows. */
    static const char *const glad[] = {"great", "good",   "perfect", "cool", "alright", "all right",
                                       "fine",  "lovely", "nice",    "then", "so",      "hmm",
                                       "hm",    "那就",   "那",      "行吧", NULL};
    static const char *const hesitation[] = {"hmm", "hm", NULL};
    static const char *const whole[] = {"要", "要的", "需要"}; /* 要我取消吗 */
    if (desk_is_only(w, whole, sizeof whole / sizeof *whole)) return true;
    size_t at = first_word(w), step;
    while (at < w->folded_bytes && (step = phrase_at(w->folded, w->folded_bytes, at, glad)))
        at = skip_marks(w->folded, w->folded_bytes, at + step);
    if (desk_has_doubt(w)) return false;
    if (ends_in_consent(w)) return true;
    const size_t yes = phrase_at(w->folded, w->folded_bytes, at, yes_words);
    if (!yes) return false;
    if ((desk_has_any(w, thanks) || desk_has_any(w, hesitation)) &&
        phrase_at(w->folded, w->folded_bytes, at, weak_yes) == yes)
        return false;
    return !words_left(w, at + yes, after_yes);
}

/* Returns the length without the marks at the end. */
static size_t trim_marks(const char *text, size_t n) {
    size_t end = 0, len;
    for (size_t i = 0; i < n; i += len)
        if (desk_is_letter(desk_char_at(text, n, i, &len))) end = i + len;
    return end;
}

size_t desk_skip_preamble(const desk_words *w) {
    static const char *const words[] = {"no",     "nope",      "not that", "sorry", "great",  "good", "perfect", "fine",
                                        "thanks", "thank you", "yes",      "yeah",  "ok",     "okay", "sure",    "well",
                                        "right",  "actually",  "wait",     "oh",    "不是",   "不对", "不",      "是的",
                                        "对",     "对的",      "好",       "好的",  "好吧",   "行",   "可以",    "嗯",
                                        "谢谢",   "等等",      "等一下",   "哦",    "没问题", NULL};
    const char *t = w->folded;
    size_t at = 0, step;
    while ((step = phrase_at(t, w->folded_bytes, at, words))) {
        const size_t end = at + step, next = skip_marks(t, w->folded_bytes, end);
        const bool latin = (unsigned char)t[end - 1] < 0x80;
        if (next == end || next == w->folded_bytes || (latin && t[end] == ' ')) break; /* "no 5 Mill Lane" */
        at = next;
    }
    return at;
}

llmcs_status desk_beside_yes(shop_arena *a, const desk_words *w, desk_words *rest) {
    const char *t = w->folded;
    size_t at = first_word(w), end = trim_marks(t, w->folded_bytes), step;
    const size_t begin = at;
    *rest = (desk_words){.plain = "", .folded = ""};
    if (w->plain_bytes != w->folded_bytes) return LLMCS_OK;
    while (at < end && (step = phrase_at(t, end, at, yes_words))) {
        const size_t next = skip_marks(t, end, at + step);
        if (next == at + step) break; /* 好大 is no yes */
        at = next;
    }
    for (size_t k = 0; at > begin && yes_words[k]; k++) {
        const size_t n = strlen(yes_words[k]);
        if (end < at + n + 1 || desk_find_phrase(t, end, yes_words[k], end - n) != end - n) continue;
        const size_t before = trim_marks(t, end - n);
        if (before < end - n && before > at) end = before, k = (size_t)-1;
    }
    return at > begin && end > at ? desk_words_make(a, w->plain + at, end - at, rest) : LLMCS_OK;
}

bool desk_names_action(const desk_words *w) {
    static const char *const verbs[] = {"cancel", "return", "exchange", "change", "send", "refund", "back",
                                        "退",     "换",     "改",       "取消",   "寄",   NULL};
    return desk_has_any(w, verbs);
}

bool desk_is_acknowledgement(const desk_words *w) {
    size_t n = 0;
    while (weak_yes[n]) n++;
    return desk_is_only(w, weak_yes, n);
}

bool desk_agrees(const desk_words *w) {
    if (desk_has_doubt(w) || desk_has_any(w, giving_up)) return false;
    return desk_has_any(w, agreeing) && !words_left(w, first_word(w), after_yes);
}

/* Begin with a no, but give a reason: "not what I expected", 不喜欢这颜色. */
static const char *const dislikes[] = {"not what",  "not as", "not the right", "not the same", "don't like",
                                       "dont like", "不喜欢", "不好看",        "不合适",       "不合身",
                                       "不适合",    "不够",   "不太喜欢",      "不太合适",     NULL};

bool desk_is_no(const desk_words *w) {
    if (desk_is_yes(w) || has_question_mark(w)) return false;
    static const char *const hesitation[] = {"hmm", "hm", "actually", "wait", "er",     "sorry", "uh", "oops", "ok",
                                             "呃",  "额", "唔",       "等等", "等一下", "哎",    "那", "还是", NULL};
    const size_t n = w->folded_bytes;
    size_t at = first_word(w), step;
    while (at < n && (step = phrase_at(w->folded, n, at, hesitation))) at = skip_marks(w->folded, n, at + step);
    if (phrase_at(w->folded, n, at, no_doubts) || phrase_at(w->folded, n, at, dislikes)) return false;
    return phrase_at(w->folded, n, at, no_words) > 0 || desk_has_any(w, giving_up);
}

bool desk_gives_up(const desk_words *w) {
    static const char *const whole[] = {"stop", "quit", "停", "不办"};
    if (desk_is_only(w, whole, sizeof whole / sizeof *whole)) return true;
    const size_t at = first_word(w);
    const size_t no = phrase_at(w->folded, w->folded_bytes, at, no_words);
    return desk_has_any(w, giving_up) || (no && !words_left(w, at + no, NULL) && !has_question_mark(w));
}

/* ---- others */

bool desk_is_question(const desk_words *w) {
    static const char *const words[] = {
        "what",     "how",       "when",     "where",  "why",    "which", "who",  "can you", "could you", "do you",
        "is there", "are there", "does it",  "吗",     "呢",     "什么",  "怎么", "多少",    "几",        "哪",
        "为什么",   "能不能",    "可不可以", "有没有", "是不是", "多久",  "多长", "咋",      NULL};
    return has_question_mark(w) || desk_has_any(w, words);
}

bool desk_is_address(const desk_words *w) {
    static const char *const words[] = {"street", "st",       "road",   "rd",       "avenue", "ave",  "lane", "drive",
                                        "square", "building", "block",  "flat",     "apt",    "unit", "room", "floor",
                                        "suite",  "village",  "po box", "district", "county", NULL};
    static const char *const han[] = {"路", "街", "巷", "弄", "小区", "大厦", "号楼", "栋",   "单元",
                                      "室", "省", "镇", "村", "区",   "公寓", "花园", "广场", NULL};
    const size_t n = desk_count_words(w->folded, w->folded_bytes);
    bool digit = false;
    /* A digit after a letter belongs to a code. */
    for (size_t i = 0; i < w->folded_bytes; i++) {
        const bool here = w->folded[i] >= '0' && w->folded[i] <= '9';
        const char before = i ? w->folded[i - 1] : ' ';
        digit = digit || (here && !(before >= 'a' && before <= 'z') && !(before >= '0' && before <= '9'));
    }
    for (size_t i = 0; han[i]; i++)
        if (strstr(w->folded, han[i])) return n >= 4 && !has_question_mark(w);
    return !has_question_mark(w) && n >= 2 && (desk_has_any(w, words) || (digit && n >= 3 && !desk_is_question(w)));
}

bool desk_is_whole_address(const desk_words *w) {
    bool digit = false;
    for (size_t i = 0; i < w->folded_bytes; i++) digit = digit || (w->folded[i] >= '0' && w->folded[i] <= '9');
    return digit && desk_is_address(w) && desk_count_words(w->folded, w->folded_bytes) >= WHOLE_ADDRESS;
}

bool desk_changes_mind(const desk_words *w) {
    static const char *const words[] = {"actually",    "instead",    "wait",    "rather",     "on second thought",
                                        "forget that", "never mind", "hold on", "scrap that", "还是",
                                        "算了",        "等等",       "等一下",  "不对",       "先不",
                                        "改主意",      NULL};
    return desk_has_any(w, words);
}

bool desk_refers_back(const desk_words *w) {
    static const char *const words[] = {
        "it",   "them", "that",     "this",     "that one", "this one", "the same", "same order", "它",
        "这个", "这单", "那个",     "那单",     "该",       "刚才",     "这笔",     "那笔",       "此",
        "这件", "那件", "取消了吗", "取消了没", "取消成功", "成功了吗", "成功没",   NULL};
    static const char *const others[] = {"other", "another", "others", "另外", "另一", "别的", "其他", NULL};
    return desk_has_any(w, words) && !desk_has_any(w, others);
}

size_t desk_ordinal(const desk_words *w, size_t n) {
    static const char *const words[][6] = {{"1", "first", "one", "第一", "一", "头一"},
                                           {"2", "second", "two", "第二", "二", "两"},
                                           {"3", "third", "three", "第三", "三", ""},
                                           {"4", "fourth", "four", "第四", "四", ""},
                                           {"5", "fifth", "five", "第五", "五", ""}};
    static const char *const fill[] = {"the", "number", "no",    "one",    "option", "个", "那个", "那",
                                       "号",  "单",     "order", "please", "选",     "要", NULL};
    static const char *const last[] = {"last", "最后", NULL};
    if (desk_count_words(w->folded, w->folded_bytes) > 5) return 0;
    if (desk_has_any(w, last)) return n;
    for (size_t k = 0; k < 5 && k < n; k++)
        for (size_t v = 0; v < 6; v++) {
            const char *word = words[k][v];
            const size_t at = *word ? desk_find_phrase(w->folded, w->folded_bytes, word, 0) : SIZE_MAX;
            if (at == SIZE_MAX) continue;
            /* nothing else may be said */
            const char *allowed[sizeof fill / sizeof *fill + 2] = {word};
            memcpy(allowed + 1, fill, sizeof fill);
            if (desk_is_only(w, allowed, sizeof fill / sizeof *fill)) return k + 1;
        }
    return 0;
}

static const char *const places[MAX_PLACES][10] = {
    {"the first", "first one", "1st", "number 1", "number one", "第一", "第1", "头一个", NULL},
    {"the second", "second one", "2nd", "number 2", "number two", "第二", "第2", NULL},
    {"the third", "third one", "3rd", "number 3", "number three", "第三", "第3", NULL},
    {"the fourth", "fourth one", "4th", "number 4", "number four", "第四", "第4", NULL},
    {"the fifth", "fifth one", "5th", "number 5", "number five", "第五", "第5", NULL}};

/* True if "5th" at byte at is a day: "since the 5th", "on the 3rd". */
static bool is_day_at(const desk_words *w, size_t at) {
    static const char *const before[] = {"since", "on", "from", "by", "until", "till", "before", "after"};
    size_t end = at;
    while (end && w->folded[end - 1] == ' ') end--;
    if (end >= 4 && !memcmp(w->folded + end - 4, " the", 4)) end -= 4;
    for (size_t k = 0; k < sizeof before / sizeof *before; k++) {
        const size_t n = strlen(before[k]);
        if (end >= n && desk_find_phrase(w->folded, end, before[k], end - n) == end - n) return true;
    }
    return false;
}

/* True if one of the place's words is in the text and is no day. */
static bool has_place(const desk_words *w, const char *const *words) {
    for (size_t k = 0; words[k]; k++)
        for (size_t at = desk_find_phrase(w->folded, w->folded_bytes, words[k], 0); at != SIZE_MAX;
             at = desk_find_phrase(w->folded, w->folded_bytes, words[k], at + 1))
            if (words[k][0] < '0' || words[k][0] > '9' || !is_day_at(w, at)) return true;
    return false;
}

bool desk_names_place(const desk_words *w, size_t i) { return i < MAX_PLACES && has_place(w, places[i]); }

size_t desk_place_named(const desk_words *w, size_t n) {
    static const char *const last[] = {"the last one", "last one", "最后一个", "最后那个", "最后一款", NULL};
    if (n && desk_has_any(w, last)) return n;
    for (size_t i = 0; i < n && i < MAX_PLACES; i++)
        if (has_place(w, places[i])) return i + 1;
    return 0;
}

/* ---- overlap */

/* Words too common to distinguish products or orders. */
static const char *const common[] = {"the",  "and",  "for",   "with",  "you",   "are",   "have", "any",  "your", "this",
                                     "that", "what", "how",   "does",  "can",   "order", "item", "size", "buy",  "want",
                                     "need", "much", "stock", "there", "about", "one",   "订单", "商品", "有货", "多少",
                                     "什么", "这个", "那个",  "请问",  "还有",  "适合",  "推荐", NULL};

/* Returns where a word that is not Han, in singular or plural, begins in the text; *end: its end. SIZE_MAX if absent.
 */
static size_t find_noun(const desk_words *text, const char *word, size_t n, size_t *end) {
    const char *const t = text->folded;
    for (size_t i = 0, len = 1; i < text->folded_bytes; i = *end) {
        *end = i;
        while (*end < text->folded_bytes && is_word_char(desk_char_at(t, text->folded_bytes, *end, &len))) *end += len;
        if (*end > i && shop_same_noun(t + i, *end - i, word, n)) return i;
        if (*end == i) *end += len;
    }
    return SIZE_MAX;
}

/* True if the text has the word, a noun also in singular or plural; sets its marks. */
static bool find_marked(const desk_words *text, const char *word, size_t n, bool *marks) {
    size_t at = desk_find_phrase(text->folded, text->folded_bytes, word, 0), end = at + n, len;
    if (at == SIZE_MAX && !desk_is_han(desk_char_at(word, n, 0, &len))) at = find_noun(text, word, n, &end);
    if (at == SIZE_MAX) return false;
    if (marks) memset(marks + at, true, (end - at) * sizeof *marks);
    return true;
}

double desk_overlap(shop_arena *a, const desk_words *text, const char *line, size_t *n_common) {
    desk_words words;
    *n_common = 0;
    if (desk_words_make(a, line, strlen(line), &words)) return 0;
    return desk_overlap_marked(text, &words, n_common, NULL);
}

double desk_overlap_marked(const desk_words *text, const desk_words *line, size_t *n_common, bool *marks) {
    size_t all = 0, found = 0;
    for (size_t i = 0, len; i < line->folded_bytes; i += len) {
        const int32_t c = desk_char_at(line->folded, line->folded_bytes, i, &len);
        size_t end = i + len, step;
        if (!desk_is_letter(c)) continue;
        if (desk_is_han(c)) {
            if (end >= line->folded_bytes || !desk_is_han(desk_char_at(line->folded, line->folded_bytes, end, &step)))
                continue;
            end += step;
        } else {
            for (; end < line->folded_bytes; end += step)
                if (!is_word_char(desk_char_at(line->folded, line->folded_bytes, end, &step))) break;
            len = end - i;
            if (len < 3) continue;
        }
        char word[64];
        const size_t n = end - i;
        if (n >= sizeof word) continue;
        memcpy(word, line->folded + i, n);
        word[n] = 0;
        if (phrase_at(word, n, 0, common) == n) continue;
        all++;
        if (find_marked(text, word, n, marks)) found++;
    }
    *n_common = found;
    return all ? (double)found / (double)all : 0;
}

/* ---- parts */

/* Returns the length of a separator of parts at byte i of plain text, or 0. */
static size_t part_ends(const desk_words *w, size_t i) {
    static const char *const marks[] = {"? ", "! ", ". ", "。", "?", "!", "；", ";", "、另", NULL};
    static const char *const joints[] = {", and also", ", also", " and also ", ". also", ",另外",    ",还有",  ",顺便",
                                         ",对了",      "另外,",  "还有,",      "顺便",   " oh and ", ", and ", NULL};
    /* "... and what does it cost" begins another question. */
    static const char *const questions[] = {"what", "how", "when",  "where", "who ", "which",
                                            "can ", "do ", "does ", "is ",   "are ", NULL};
    const char *text = w->plain + i;
    if (!strncmp(text, " and ", 5) && desk_begins_with(text + 5, questions)) return 5;
    for (size_t k = 0; marks[k]; k++)
        if (!strncmp(text, marks[k], strlen(marks[k]))) return strlen(marks[k]);
    for (size_t k = 0; joints[k]; k++)
        if (!strncmp(text, joints[k], strlen(joints[k]))) return strlen(joints[k]);
    return 0;
}

static bool is_long_enough(const desk_words *w, size_t begin, size_t end) {
    const size_t words = desk_count_words(w->plain + begin, end - begin);
    bool han = false;
    for (size_t i = begin, len; i < end; i += len) han = desk_is_han(desk_char_at(w->plain, end, i, &len)) || han;
    return words >= (han ? 3 : 2);
}

size_t desk_split(const desk_words *w, desk_span parts[DESK_MAX_PARTS]) {
    size_t n = 0, begin = 0;
    for (size_t i = 0, len; i < w->plain_bytes; i += len) {
        (void)desk_char_at(w->plain, w->plain_bytes, i, &len);
        const size_t mark = part_ends(w, i);
        if (!mark || n + 1 >= DESK_MAX_PARTS || !is_long_enough(w, begin, i)) continue;
        parts[n++] = (desk_span){begin, i + mark};
        begin = i + mark;
        len = mark;
    }
    if (begin < w->plain_bytes) {
        if (n && !is_long_enough(w, begin, w->plain_bytes))
            parts[n - 1].end = w->plain_bytes;
        else
            parts[n++] = (desk_span){begin, w->plain_bytes};
    }
    return n;
}
