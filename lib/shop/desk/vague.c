/*
 * Detects messages without a subject: a code ("SAVE10"), an attribute alone ("blue", 明天), or function words only
 * ("can you give me another one?", 可以吗). Full-text search and vectors would match them by chance.
 */
#include <string.h>

#include "shop/desk/words.h"

/* Function words and parts of contractions. */
static const char *const english[] = {
    "a",          "about",    "again",     "all",         "also",    "am",        "an",      "and",      "another",
    "any",        "anybody",  "anyone",    "anything",    "are",     "aren",      "as",      "ask",      "at",
    "available",  "be",       "because",   "been",        "but",     "by",        "can",     "cannot",   "cant",
    "come",       "could",    "couldn",    "d",           "dear",    "did",       "didn",    "do",       "does",
    "doesn",      "doing",    "don",       "done",        "dont",    "else",      "even",    "ever",     "every",
    "everything", "for",      "from",      "get",         "gets",    "getting",   "give",    "given",    "gives",
    "go",         "goes",     "going",     "gonna",       "good",    "got",       "had",     "happen",   "happened",
    "happens",    "has",      "have",      "haven",       "having",  "he",        "hello",   "help",     "her",
    "here",       "hey",      "hi",        "him",         "his",     "hmm",       "how",     "i",        "if",
    "im",         "in",       "info",      "information", "instead", "into",      "is",      "isn",      "it",
    "its",        "just",     "know",      "later",       "least",   "less",      "let",     "like",     "ll",
    "look",       "m",        "made",      "make",        "many",    "matter",    "may",     "maybe",    "me",
    "mean",       "means",    "might",     "mind",        "mine",    "more",      "most",    "much",     "must",
    "my",         "need",     "needs",     "no",          "nope",    "not",       "nothing", "now",      "of",
    "off",        "ok",       "okay",      "on",          "once",    "one",       "ones",    "only",     "or",
    "other",      "others",   "our",       "out",         "please",  "pls",       "plz",     "possible", "problem",
    "put",        "question", "questions", "re",          "really",  "regarding", "right",   "s",        "same",
    "say",        "see",      "shall",     "she",         "should",  "show",      "sir",     "so",       "some",
    "somebody",   "someone",  "something", "soon",        "still",   "stuff",     "sure",    "t",        "take",
    "talk",       "tell",     "than",      "that",        "thats",   "the",       "their",   "them",     "then",
    "there",      "these",    "they",      "thing",       "things",  "think",     "this",    "those",    "though",
    "to",         "too",      "try",       "u",           "um",      "up",        "ur",      "us",       "ve",
    "very",       "via",      "want",      "wanted",      "wants",   "was",       "wasn",    "we",       "well",
    "went",       "were",     "what",      "whats",       "when",    "where",     "which",   "who",      "whom",
    "whose",      "why",      "will",      "with",        "won",     "work",      "working", "works",    "would",
    "wouldn",     "y",        "ya",        "yes",         "yet",     "you",       "your",    "yours",    NULL};

/* Colours, sizes and days: attributes of a subject that the message does not name. */
static const char *const attributes[] = {
    "beige",     "bigger", "black",  "blue",    "brown",  "cheaper",  "friday",    "gold",     "green",   "grey",
    "gray",      "large",  "larger", "medium",  "monday", "navy",     "orange",    "pink",     "purple",  "red",
    "saturday",  "silver", "small",  "smaller", "sunday", "thursday", "today",     "tomorrow", "tonight", "tuesday",
    "wednesday", "white",  "xl",     "xs",      "xxl",    "yellow",   "yesterday", NULL};

static const char *const chinese[] = {
    "能不能", "可不可以", "行不行",   "好不好", "是不是", "有没有", "怎么样", "怎么办", "为什么", "多少钱", "什么样",
    "这样子", "不好意思", "请问一下", "问一下", "我们",   "你们",   "您们",   "他们",   "它们",   "大家",   "这个",
    "那个",   "这些",     "那些",     "哪个",   "哪些",   "这样",   "那样",   "这种",   "那种",   "东西",   "怎么",
    "怎样",   "什么",     "为啥",     "咋样",   "咋办",   "多少",   "可以",   "能否",   "是否",   "可能",   "需要",
    "想要",   "帮忙",     "帮帮",     "请问",   "麻烦",   "劳驾",   "一下",   "一个",   "一些",   "一点",   "有点",
    "问题",   "知道",     "好用",     "现在",   "另外",   "别的",   "其他",   "其它",   "还有",   "然后",   "接着",
    "后来",   "谢谢",     "客服",     "在吗",   "在不",   "真的",   "告诉",   "看看",   "试试",   "说说",   "以后",
    "之后",   "而且",     "但是",     "可是",   "不过",   "如果",   "要是",   "所以",   "因为",   "今天",   "明天",
    "昨天",   "后天",     "周一",     "周二",   "周三",   "周四",   "周五",   "周六",   "周日",   "红色",   "蓝色",
    "黑色",   "白色",     "绿色",     "黄色",   "灰色",   "粉色",   "紫色",   "棕色",   "橙色",   "我",     "你",
    "您",     "他",       "她",       "它",     "咱",     "这",     "那",     "哪",     "啥",     "咋",     "几",
    "能",     "行",       "好",       "吗",     "呢",     "吧",     "啊",     "呀",     "嘛",     "么",     "哦",
    "嗯",     "哈",       "的",       "了",     "着",     "过",     "是",     "不",     "没",     "有",     "在",
    "还",     "再",       "就",       "都",     "也",     "很",     "太",     "要",     "想",     "给",     "帮",
    "请",     "问",       "说",       "讲",     "来",     "去",     "用",     "做",     "弄",     "搞",     "会",
    "得",     "个",       "些",       "点",     "和",     "跟",     "对",     "把",     "被",     "让",     "从",
    "到",     "又",       "才",       "亲",     "谁",     "看",     "只",     "比",     "里",     "上",     "下",
    NULL};

enum { CODE_BYTES = 5, CODE_LETTERS = 2, CODE_DIGITS = 2 };

/* True for letters mixed with digits, as in a coupon or tax number; "110v" and "a4" are too short. */
static bool is_code(const char *word, size_t n) {
    size_t letters = 0, digits = 0;
    for (size_t i = 0; i < n; i++) {
        letters += word[i] >= 'a' && word[i] <= 'z';
        digits += word[i] >= '0' && word[i] <= '9';
    }
    return n >= CODE_BYTES && letters >= CODE_LETTERS && digits >= CODE_DIGITS;
}

/* codes: true if every word is a code. Otherwise: true if every word is a function word, an attribute or a code. */
static bool has_only(const desk_words *w, bool codes) {
    const char *text = w->folded;
    size_t len;
    for (size_t i = 0, n = w->folded_bytes; i < n; i += len) {
        const int32_t c = desk_char_at(text, n, i, &len);
        if (!desk_is_letter(c)) continue;
        if (desk_is_han(c)) {
            len = codes ? 0 : desk_phrase_at(w, i, chinese);
        } else {
            size_t end = i, step;
            for (; end < n; end += step) {
                const int32_t next = desk_char_at(text, n, end, &step);
                if (desk_is_han(next) || (!desk_is_letter(next) && next != '-' && next != '_')) break;
            }
            len = end - i;
            const bool small =
                !codes && (desk_phrase_at(w, i, english) == len || desk_phrase_at(w, i, attributes) == len);
            if (!small && !is_code(text + i, len)) return false;
        }
        if (!len) return false;
    }
    return true;
}

bool desk_names_nothing(const desk_words *w) { return has_only(w, false); }

bool desk_is_code(const desk_words *w) { return has_only(w, true); }
