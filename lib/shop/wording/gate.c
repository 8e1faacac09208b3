/* Compares a generated text with its source texts. */
#include "shop/wording/gate.h"

#include <string.h>
#include <utf8proc.h>

#include "shop/wording/gate_words.h"
#include "shop/wording/lexer.h"

enum { MAX_BYTES = 16384, MAX_HITS = 256, LOOP_TOKENS = 5, LOOP_HAN = 8, LOOP_TIMES = 3, CLAUSE_REACH = 40 };

const char *shop_gate_reason_name(shop_gate_reason reason) {
    static const char *const names[] = {"passed",   "empty",  "cut",  "speaker", "loop",
                                        "language", "number", "link", "name",    "promise"};
    return (unsigned)reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}

typedef struct gate {
    const llmcs_allocator *allocator;
    gate_lexed text;
    gate_lexed *known; /* [n_known] */
    size_t n_known;
    shop_gate_verdict *verdict;
} gate;

/* Sets the verdict; `found` becomes the code points [begin, end) of the text. */
static void refuse(gate *g, shop_gate_reason reason, size_t begin, size_t end) {
    shop_gate_verdict *v = g->verdict;
    size_t n = 0;
    if (v->reason) return;
    v->reason = reason;
    for (size_t i = begin; i < end && n + 5 <= sizeof v->found; i++)
        n += (size_t)utf8proc_encode_char(g->text.code_points[i], (utf8proc_uint8_t *)v->found + n);
    v->found[n] = 0;
}

static bool refused(const gate *g) { return g->verdict->reason != SHOP_GATE_PASSED; }

/* ---- phrases and clauses */

/* Number of tokens that match a phrase of Han characters at token i, or 0. */
static size_t han_phrase_at(const gate_lexed *l, size_t i, const char *phrase) {
    const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)phrase;
    size_t n = 0;
    while (*at) {
        utf8proc_int32_t c;
        const utf8proc_ssize_t len = utf8proc_iterate(at, -1, &c);
        if (len <= 0 || i + n >= l->n_tokens || l->tokens[i + n].kind != GATE_HAN) return 0;
        if (l->code_points[l->tokens[i + n].begin] != c) return 0;
        at += len;
        n++;
    }
    return n;
}

/* True if the token equals the word, or starts with it if the word ends in '*'. */
static bool word_matches(const gate_lexed *l, const gate_token *t, const char *word, size_t n) {
    char token[GATE_WORD_BYTES];
    if (t->kind != GATE_WORD) return false;
    const size_t len = gate_token_word(l, t, token);
    if (word[n - 1] == '*') return len >= n - 1 && !memcmp(token, word, n - 1);
    return len == n && !memcmp(token, word, n);
}

static size_t latin_phrase_at(const gate_lexed *l, size_t i, const char *phrase) {
    size_t n = 0;
    for (const char *at = phrase; *at; n++) {
        const size_t len = strcspn(at, " ");
        if (i + n >= l->n_tokens || !word_matches(l, &l->tokens[i + n], at, len)) return 0;
        at += len + (at[len] == ' ');
    }
    return n;
}

static bool ends_clause(const gate_lexed *l, const gate_token *t) {
    const int32_t c = l->code_points[t->begin];
    return t->kind == GATE_MARK &&
           (c == ',' || c == ';' || c == '.' || c == '!' || c == '?' || c == 0x3002 || c == 0x3001);
}

/* The first token that ends after a code point. */
static size_t token_behind(const gate_lexed *l, size_t position) {
    size_t i = 0, behind = l->n_tokens;
    while (i < behind) {
        const size_t middle = i + (behind - i) / 2;
        if (l->tokens[middle].end <= position)
            i = middle + 1;
        else
            behind = middle;
    }
    return i;
}

/* ---- what a number is said of */

/* True for "after the delivery", "30 days of delivery", 发货后: they give a point in time, not a topic. */
static bool is_reference(const gate_lexed *l, size_t i, size_t n) {
    char word[GATE_WORD_BYTES];
    if (l->tokens[i].kind == GATE_HAN) {
        const gate_token *next = &l->tokens[i + n];
        return i + n < l->n_tokens && next->kind == GATE_HAN &&
               gate_is_han_reference_after(l->code_points[next->begin]);
    }
    for (size_t k = i; k-- > 0 && i - k <= 2 && l->tokens[k].kind == GATE_WORD;) {
        const size_t len = gate_token_word(l, &l->tokens[k], word);
        if (gate_is_reference_before(word, len)) return true;
        if (len != 2 || memcmp(word, "of", 2) != 0 || !k) continue;
        const gate_token *before = &l->tokens[k - 1];
        if (before->kind == GATE_NUMBER) return true;
        return before->kind == GATE_WORD && gate_unit_of_word(word, gate_token_word(l, before, word)) != GATE_UNIT_NONE;
    }
    return false;
}

static void find_topics(gate_lexed *l) {
    for (size_t i = 0; i < l->n_tokens; i++) {
        const uint8_t kind = l->tokens[i].kind;
        for (size_t row = 0; row < gate_n_topics && (kind == GATE_WORD || kind == GATE_HAN); row++) {
            const char *phrase = gate_topics[row].phrase;
            if (((unsigned char)*phrase < 0x80) != (kind == GATE_WORD)) continue;
            const size_t n = kind == GATE_WORD ? latin_phrase_at(l, i, phrase) : han_phrase_at(l, i, phrase);
            if (!n) continue;
            if (!is_reference(l, i, n)) l->tokens[i].topic = (uint8_t)(row + 1);
            break;
        }
    }
}

static bool begins_clause(const gate_lexed *l, const gate_token *t) {
    char word[GATE_WORD_BYTES];
    return ends_clause(l, t) || (t->kind == GATE_WORD && gate_joins_clauses(word, gate_token_word(l, t, word)));
}

/* Topics of the clause, or of the sentence, around token `at`. */
static uint32_t topics_around(const gate_lexed *l, size_t at, bool clause) {
    uint32_t topics = 0;
    for (int way = 0; way < 2; way++)
        for (size_t k = 0; k < CLAUSE_REACH && (way ? at + k < l->n_tokens : k <= at); k++) {
            const gate_token *t = &l->tokens[way ? at + k : at - k];
            if (t->sentence != l->tokens[at].sentence || (k && clause && begins_clause(l, t))) break;
            if (t->topic) topics |= (uint32_t)1 << gate_topics[t->topic - 1].topic;
        }
    return topics;
}

static void bind_numbers(gate_lexed *l) {
    find_topics(l);
    for (size_t i = 0; i < l->n_numbers; i++) {
        gate_number *n = &l->numbers[i];
        const size_t at = token_behind(l, n->begin);
        if (at == l->n_tokens) continue;
        n->clause_topics = topics_around(l, at, true);
        n->sentence_topics = topics_around(l, at, false);
    }
}

/* True if two durations, amounts or percentages are about the same topic. The topic is that of the clause, else of the
 * sentence ("We deliver, in most cities, within 3 days"). Without a topic, they may be about anything. */
static bool same_topic(const gate_number *n, const gate_number *with) {
    if (n->unit < GATE_UNIT_TABLE || !gate_unit_counts_one(n->unit)) return true;
    if (n->clause_topics && with->clause_topics) return n->clause_topics & with->clause_topics;
    return !n->sentence_topics || !with->sentence_topics || (n->sentence_topics & with->sentence_topics);
}

/* ---- the text as a whole */

static bool is_one_of(const gate_lexed *l, const gate_token *t, const char *const *words, size_t n_words) {
    char word[GATE_WORD_BYTES];
    const size_t n = gate_token_word(l, t, word);
    for (size_t i = 0; i < n_words; i++)
        if (strlen(words[i]) == n && !memcmp(words[i], word, n)) return true;
    return false;
}

static bool is_mark(const gate_lexed *l, const gate_token *t, int32_t c) {
    return t->kind == GATE_MARK && l->code_points[t->begin] == c;
}

static bool closes_quotation(int32_t c) {
    return c == '"' || c == '\'' || c == ')' || c == 0x201d || c == 0x2019 || c == 0x300d || c == 0x300f || c == 0x300b;
}

/* True if the text ends like a sentence: "Hello.", 好的～, or with an emoji. */
static bool is_complete(const gate_lexed *l) {
    size_t i = l->n_tokens;
    while (i && l->tokens[i - 1].kind == GATE_MARK && closes_quotation(l->code_points[l->tokens[i - 1].begin])) i--;
    if (!i || l->tokens[i - 1].kind != GATE_MARK) return false;
    const int32_t c = l->code_points[l->tokens[i - 1].begin];
    return c == '.' || c == '!' || c == '?' || c == 0x3002 || c == '~' || c >= 0x1f300 || (c >= 0x2600 && c < 0x27c0);
}

/* True if the text has "User:", "Bot:", 用户: or "<|" anywhere. */
static bool has_speaker(const gate_lexed *l) {
    static const char *const speakers[] = {"user", "bot", "facts", "customer", "assistant", "system", "agent", "human"};
    static const int32_t han[][2] = {{0x7528, 0x6237}, {0x5ba2, 0x670d}, {0x4e8b, 0x5b9e}, {0x52a9, 0x624b}};
    for (size_t i = 0; i + 1 < l->n_tokens; i++) {
        const gate_token *t = &l->tokens[i];
        if (is_mark(l, t, '<') && is_mark(l, t + 1, '|')) return true;
        if (t->kind == GATE_WORD && is_mark(l, t + 1, ':') && is_one_of(l, t, speakers, 8)) return true;
        if (t->kind != GATE_HAN || i + 2 >= l->n_tokens || !is_mark(l, t + 2, ':')) continue;
        for (size_t k = 0; k < 4; k++)
            if (l->code_points[t->begin] == han[k][0] && l->code_points[t[1].begin] == han[k][1]) return true;
    }
    return false;
}

static bool same_tokens(const gate_token *a, const gate_token *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i].hash != b[i].hash || a[i].kind != b[i].kind) return false;
    return true;
}

static bool has_letters(const gate_token *t, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (t[i].kind != GATE_MARK) return true;
    return false;
}

/* True if a sequence of tokens occurs three times, a token four times in a row, or a sentence of four tokens twice. */
static bool repeats_itself(const gate_lexed *l, size_t *begin, size_t *end) {
    const gate_token *t = l->tokens;
    for (size_t i = 0; i < l->n_tokens; i++) {
        size_t times = 1, len = t[i].kind == GATE_HAN ? LOOP_HAN : LOOP_TOKENS, sentence = 0;
        *begin = t[i].begin;
        *end = t[i].end;
        if (i + 4 <= l->n_tokens && t[i].kind != GATE_MARK && same_tokens(t + i, t + i + 1, 1) &&
            same_tokens(t + i, t + i + 2, 2))
            return true;
        while (i + sentence < l->n_tokens && t[i + sentence].sentence == t[i].sentence) sentence++;
        const bool starts = !i || t[i - 1].sentence != t[i].sentence;
        for (size_t j = i + 1; j + len <= l->n_tokens || (starts && j + sentence <= l->n_tokens); j++) {
            if (starts && sentence >= 5 && j + sentence <= l->n_tokens && t[j].sentence != t[j - 1].sentence &&
                same_tokens(t + i, t + j, sentence))
                return true;
            if (j >= i + len && j + len <= l->n_tokens && has_letters(t + i, len) && same_tokens(t + i, t + j, len))
                times++, j += len - 1;
        }
        if (times >= LOOP_TIMES) return true;
    }
    return false;
}

/* ---- what is known */

static bool known_has_token(const gate *g, const gate_token *t) {
    for (size_t k = 0; k < g->n_known; k++)
        for (size_t i = 0; i < g->known[k].n_tokens; i++)
            if (g->known[k].tokens[i].hash == t->hash && g->known[k].tokens[i].kind == t->kind) return true;
    return false;
}

/* True if a known text has these characters in sequence, ignoring spaces and case. */
static bool known_has_characters(const gate *g, const int32_t *c, size_t n) {
    for (size_t k = 0; k < g->n_known; k++) {
        const gate_lexed *l = &g->known[k];
        for (size_t i = 0; i < l->n_code_points; i++) {
            size_t same = 0, at = i;
            while (same < n && at < l->n_code_points) {
                if (l->code_points[at] == ' ')
                    at++;
                else if (c[same] == ' ')
                    same++;
                else if (utf8proc_tolower(l->code_points[at]) == utf8proc_tolower(c[same]))
                    at++, same++;
                else
                    break;
            }
            if (same == n) return true;
        }
    }
    return false;
}

/* Gives a number without a unit the unit named before it: "return days: 30". */
static void infer_units(gate_lexed *l) {
    for (size_t i = 0; i < l->n_tokens; i++) {
        const gate_token *t = &l->tokens[i];
        if (t->kind != GATE_NUMBER || l->numbers[t->number].unit) continue;
        for (size_t j = i; j-- > 0 && i - j <= 4;) {
            const gate_token *before = &l->tokens[j];
            char word[GATE_WORD_BYTES];
            if (before->sentence != t->sentence || before->kind == GATE_NUMBER) break;
            if (before->kind != GATE_WORD) continue;
            const uint32_t unit = gate_unit_of_word(word, gate_token_word(l, before, word));
            if (!unit) continue;
            l->numbers[t->number].unit = unit;
            break;
        }
    }
}

/* ---- language */

/* Texts in other languages than Chinese may have only a few Han characters, from a known text (a name). */
static void check_language(gate *g, const char *lang) {
    const gate_lexed *l = &g->text;
    if (!lang || !*lang) return;
    if (!strncmp(lang, "zh", 2)) {
        if (!l->n_han) refuse(g, SHOP_GATE_LANGUAGE, 0, 0);
        return;
    }
    if (l->n_han * 2 > l->n_letters) refuse(g, SHOP_GATE_LANGUAGE, 0, 0);
    for (size_t i = 0; i < l->n_tokens && !refused(g); i++) {
        size_t end = i;
        if (l->tokens[i].kind != GATE_HAN) continue;
        while (end + 1 < l->n_tokens && l->tokens[end + 1].kind == GATE_HAN &&
               l->tokens[end + 1].begin == l->tokens[end].end)
            end++;
        const size_t begin = l->tokens[i].begin, stop = l->tokens[end].end;
        if (!known_has_characters(g, l->code_points + begin, stop - begin)) refuse(g, SHOP_GATE_LANGUAGE, begin, stop);
        i = end;
    }
}

/* ---- numbers, codes, links */

/* True if an amount is a limit ("from 99 yuan") rather than a price. */
static bool is_limit(const gate_lexed *l, const gate_number *n) {
    char word[GATE_WORD_BYTES];
    const size_t i = token_behind(l, n->begin);
    for (size_t k = i; k-- > 0 && i - k <= 4 && !ends_clause(l, &l->tokens[k]);) {
        const gate_token *t = &l->tokens[k];
        if (t->kind == GATE_NUMBER) break;
        if (t->kind == GATE_HAN && gate_is_han_limit(l->code_points[t->begin])) return true;
        if (t->kind == GATE_WORD && gate_is_limit_before(word, gate_token_word(l, t, word))) return true;
    }
    for (size_t k = i; k < l->n_tokens && k - i <= 4 && !ends_clause(l, &l->tokens[k]); k++) {
        const gate_token *t = &l->tokens[k];
        if (t->kind == GATE_HAN && gate_is_han_limit(l->code_points[t->begin])) return true;
        if (t->kind == GATE_WORD && gate_is_limit_after(word, gate_token_word(l, t, word))) return true;
    }
    return false;
}

static bool number_is_known(const gate *g, const gate_number *n) {
    const bool limit = gate_unit_is_money(n->unit) && is_limit(&g->text, n);
    for (size_t k = 0; k < g->n_known; k++)
        for (size_t i = 0; i < g->known[k].n_numbers; i++) {
            const gate_number *with = &g->known[k].numbers[i];
            if (with->value != n->value || (with->unit && n->unit && with->unit != n->unit)) continue;
            if (!same_topic(n, with)) continue;
            if (!with->unit || !gate_unit_is_money(n->unit) || is_limit(&g->known[k], with) == limit) return true;
        }
    return false;
}

static void check_numbers(gate *g) {
    const gate_lexed *l = &g->text;
    for (size_t i = 0; i < l->n_numbers && !refused(g); i++)
        if (!number_is_known(g, &l->numbers[i])) refuse(g, SHOP_GATE_NUMBER, l->numbers[i].begin, l->numbers[i].end);
    for (size_t i = 0; i < l->n_tokens && !refused(g); i++) {
        const gate_token *t = &l->tokens[i];
        if ((t->kind != GATE_CODE && t->kind != GATE_LINK) || known_has_token(g, t)) continue;
        refuse(g, t->kind == GATE_LINK ? SHOP_GATE_LINK : SHOP_GATE_NUMBER, t->begin, t->end);
    }
}

/* ---- names */

/* Names are capitalised words except common words and labels ("Nib: fine."); in Chinese texts, all Latin words. */
static void check_latin_name(gate *g, size_t i, bool chinese) {
    const gate_lexed *l = &g->text;
    const gate_token *t = &l->tokens[i];
    char word[GATE_WORD_BYTES];
    if (!t->capital && !chinese) return;
    const size_t n = gate_token_word(l, t, word);
    if (chinese && n == 2 && !memcmp(word, "ok", 2)) return;
    if (gate_month(word, n, t->capital)) return; /* compared as a date */
    const bool starts = !i || l->tokens[i - 1].sentence != t->sentence;
    if (!chinese && (gate_is_common_word(word, n) || (starts && i + 1 < l->n_tokens && is_mark(l, t + 1, ':')))) return;
    if (!known_has_token(g, t)) refuse(g, SHOP_GATE_NAME, t->begin, t->end);
}

/* Names are also text in quotation marks or 《》, listed firms and places, and 王先生. */
static void check_han_names(gate *g) {
    static const char *const titles[] = {"先生", "女士", "小姐", "老师", "经理"};
    const gate_lexed *l = &g->text;
    for (size_t i = 0; i < l->n_tokens && !refused(g); i++) {
        const gate_token *t = &l->tokens[i];
        const int32_t c = l->code_points[t->begin];
        if (t->kind == GATE_MARK && (c == 0x300a || c == 0x300c || c == 0x300e || c == 0x201c)) {
            size_t end = i + 1;
            while (end < l->n_tokens && !closes_quotation(l->code_points[l->tokens[end].begin])) end++;
            if (end > i + 1 && end < l->n_tokens &&
                !known_has_characters(g, l->code_points + t->end, l->tokens[end].begin - t->end))
                refuse(g, SHOP_GATE_NAME, t->end, l->tokens[end].begin);
        }
        if (t->kind != GATE_HAN) continue;
        for (size_t k = 0; k < gate_n_names_zh && !refused(g); k++) {
            const size_t n = han_phrase_at(l, i, gate_names_zh[k]);
            if (n && !known_has_characters(g, l->code_points + t->begin, n))
                refuse(g, SHOP_GATE_NAME, t->begin, l->tokens[i + n - 1].end);
        }
        for (size_t k = 0; k < 5 && !refused(g); k++)
            if (i && l->tokens[i - 1].kind == GATE_HAN && han_phrase_at(l, i, titles[k]) &&
                !known_has_characters(g, l->code_points + l->tokens[i - 1].begin, 3))
                refuse(g, SHOP_GATE_NAME, l->tokens[i - 1].begin, l->tokens[i + 1].end);
    }
}

static void check_names(gate *g, const char *lang) {
    const bool chinese = lang && *lang ? !strncmp(lang, "zh", 2) : g->text.n_han > g->text.n_letters / 4;
    for (size_t i = 0; i < g->text.n_tokens && !refused(g); i++)
        if (g->text.tokens[i].kind == GATE_WORD) check_latin_name(g, i, chinese);
    if (!refused(g)) check_han_names(g);
}

/* ---- promises */

/* A promise word in the text. */
typedef struct hit {
    size_t row; /* of both tables, English first */
    size_t token, n_tokens;
    uint32_t sentence;
    bool denied, conditional;
    bool bound; /* must come with the number or condition of the fact */
} hit;

static bool is_negation(const gate_lexed *l, const gate_token *t) {
    char word[GATE_WORD_BYTES];
    if (t->kind == GATE_HAN) return gate_is_han_negation(l->code_points[t->begin]);
    return t->kind == GATE_WORD && gate_is_negation(word, gate_token_word(l, t, word));
}

/* True if a negation precedes within four tokens of the clause, or follows as a value: "refund: no". */
static bool is_denied(const gate_lexed *l, const hit *h) {
    for (size_t i = h->token; i-- > 0 && h->token - i <= 4;) {
        if (ends_clause(l, &l->tokens[i])) break;
        if (is_negation(l, &l->tokens[i])) return true;
    }
    const size_t next = h->token + h->n_tokens;
    return next + 1 < l->n_tokens && is_mark(l, &l->tokens[next], ':') && is_negation(l, &l->tokens[next + 1]);
}

static bool is_conditional(const gate_lexed *l, uint32_t sentence) {
    for (size_t i = 0; i < l->n_tokens; i++) {
        const gate_token *t = &l->tokens[i];
        char word[GATE_WORD_BYTES];
        if (t->sentence != sentence) continue;
        if (t->kind == GATE_WORD && gate_is_condition(word, gate_token_word(l, t, word))) return true;
        for (size_t k = 0; t->kind == GATE_HAN && k < gate_n_conditions_zh; k++)
            if (han_phrase_at(l, i, gate_conditions_zh[k])) return true;
    }
    return false;
}

/* True if the promise `row` is at token i. */
static bool promise_at(const gate_lexed *l, size_t i, size_t row, hit *h) {
    const bool english = row < gate_n_promises_en;
    if (l->tokens[i].kind != (english ? GATE_WORD : GATE_HAN)) return false;
    const char *phrase = english ? gate_promises_en[row] : gate_promises_zh[row - gate_n_promises_en];
    const bool bound = *phrase == '!';
    const size_t n = english ? latin_phrase_at(l, i, phrase + bound) : han_phrase_at(l, i, phrase + bound);
    *h = (hit){.row = row, .token = i, .n_tokens = n, .sentence = l->tokens[i].sentence, .bound = bound};
    return n > 0 && !(english && i && word_matches(l, &l->tokens[i - 1], "feel", 4)); /* "feel free" */
}

static bool has_numbers(const gate_lexed *l, uint32_t sentence) {
    for (size_t i = 0; i < l->n_numbers; i++)
        if (l->numbers[i].sentence == sentence) return true;
    return false;
}

/* True if the two sentences have a number in common. */
static bool shares_number(const gate_lexed *a, uint32_t of_a, const gate_lexed *b, uint32_t of_b) {
    for (size_t i = 0; i < b->n_numbers; i++)
        for (size_t j = 0; j < a->n_numbers && b->numbers[i].sentence == of_b; j++)
            if (a->numbers[j].sentence == of_a && a->numbers[j].value == b->numbers[i].value) return true;
    return false;
}

/* True if a known sentence makes the same promise with the same polarity. If that sentence has numbers, the text must
 * name one of them; if it has only a condition, the text must have a condition too. */
static bool promise_is_known(const gate *g, const hit *h) {
    for (size_t k = 0; k < g->n_known; k++) {
        const gate_lexed *l = &g->known[k];
        for (size_t i = 0; i < l->n_tokens; i++) {
            hit with;
            if (!promise_at(l, i, h->row, &with) || is_denied(l, &with) != h->denied) continue;
            if (!h->bound) return true;
            if (has_numbers(l, with.sentence) ? shares_number(&g->text, h->sentence, l, with.sentence)
                                              : h->conditional || !is_conditional(l, with.sentence))
                return true;
        }
    }
    return false;
}

/* True if a known text has the word with the same polarity. */
static bool promise_is_said(const gate *g, const hit *h) {
    for (size_t k = 0; k < g->n_known; k++)
        for (size_t i = 0; i < g->known[k].n_tokens; i++) {
            hit with;
            if (promise_at(&g->known[k], i, h->row, &with) && is_denied(&g->known[k], &with) == h->denied) return true;
        }
    return false;
}

static void check_promises(gate *g) {
    const gate_lexed *l = &g->text;
    for (size_t i = 0; i < l->n_tokens && !refused(g); i++)
        for (size_t row = 0; row < gate_n_promises_en + gate_n_promises_zh && !refused(g); row++) {
            hit h;
            if (!promise_at(l, i, row, &h)) continue;
            h.denied = is_denied(l, &h);
            h.conditional = is_conditional(l, h.sentence);
            if (!promise_is_known(g, &h))
                refuse(g, SHOP_GATE_PROMISE, l->tokens[i].begin, l->tokens[i + h.n_tokens - 1].end);
        }
}

/* ---- what must be said */

static llmcs_status lex_known(gate *g, const shop_gate_text *known, size_t n_known) {
    SHOP_TRY(shop_alloc_zero(g->allocator, n_known, sizeof *g->known, "known texts", &g->known));
    for (; g->n_known < n_known; g->n_known++) {
        SHOP_TRY(gate_lex(g->allocator, known[g->n_known].text, known[g->n_known].text_bytes, &g->known[g->n_known]));
        infer_units(&g->known[g->n_known]);
        bind_numbers(&g->known[g->n_known]);
    }
    return LLMCS_OK;
}

static void free_gate(gate *g) {
    for (size_t i = 0; i < g->n_known; i++) gate_lexed_free(&g->known[i]);
    shop_free(g->allocator, g->known);
    gate_lexed_free(&g->text);
}

/* Counts the content words and Han characters of `needed` that occur in the known text. *total: their number in
 * `needed`. */
static size_t count_shared(const gate *g, const gate_lexed *needed, size_t *total) {
    size_t shared = 0;
    *total = 0;
    for (size_t i = 0; i < needed->n_tokens; i++) {
        const gate_token *t = &needed->tokens[i];
        char word[GATE_WORD_BYTES];
        const bool counts = t->kind == GATE_HAN ||
                            (t->kind == GATE_WORD && !gate_is_common_word(word, gate_token_word(needed, t, word)));
        if (!counts) continue;
        ++*total;
        shared += known_has_token(g, t);
    }
    return shared;
}

/* Here g->text is the needed text, and the wording is the only known text. */
static void check_coverage(gate *g) {
    size_t total;
    const gate_lexed *needed = &g->text;
    for (size_t i = 0; i < needed->n_numbers && !refused(g); i++)
        if (!number_is_known(g, &needed->numbers[i]))
            refuse(g, SHOP_GATE_MISSING, needed->numbers[i].begin, needed->numbers[i].end);
    for (size_t i = 0; i < needed->n_tokens && !refused(g); i++) {
        const gate_token *t = &needed->tokens[i];
        if ((t->kind == GATE_CODE || t->kind == GATE_LINK) && !known_has_token(g, t))
            refuse(g, SHOP_GATE_MISSING, t->begin, t->end);
        for (size_t row = 0; row < gate_n_promises_en + gate_n_promises_zh && !refused(g); row++) {
            hit h;
            if (!promise_at(needed, i, row, &h)) continue;
            h.denied = is_denied(needed, &h);
            if ((h.denied || h.bound) && !promise_is_said(g, &h))
                refuse(g, SHOP_GATE_MISSING, t->begin, needed->tokens[i + h.n_tokens - 1].end);
        }
    }
    if (!refused(g) && count_shared(g, needed, &total) * 2 < total) refuse(g, SHOP_GATE_MISSING, 0, 0);
}

llmcs_status shop_gate_covers(const llmcs_allocator *a, const char *text, size_t text_bytes, const char *needed,
                              size_t needed_bytes, shop_gate_verdict *verdict) {
    gate g = {.allocator = a, .text = {.allocator = a}, .verdict = verdict};
    const shop_gate_text known = {text, text_bytes};
    *verdict = (shop_gate_verdict){.reason = SHOP_GATE_PASSED};
    llmcs_status status = gate_lex(a, needed, needed_bytes, &g.text);
    if (!status) status = lex_known(&g, &known, 1);
    if (!status) check_coverage(&g);
    free_gate(&g);
    return status;
}

/* ---- the gate */

static void check_form(gate *g) {
    const gate_lexed *l = &g->text;
    size_t begin, end;
    if (l->broken || has_speaker(l))
        refuse(g, SHOP_GATE_SPEAKER, 0, 0);
    else if (!has_letters(l->tokens, l->n_tokens))
        refuse(g, SHOP_GATE_EMPTY, 0, 0);
    else if (!is_complete(l))
        refuse(g, SHOP_GATE_CUT, 0, 0);
    else if (repeats_itself(l, &begin, &end))
        refuse(g, SHOP_GATE_LOOP, begin, end);
}

static llmcs_status compare(gate *g, const char *text, size_t text_bytes, const shop_gate_text *known, size_t n_known,
                            const char *lang) {
    SHOP_TRY(gate_lex(g->allocator, text, text_bytes, &g->text));
    check_form(g);
    if (refused(g)) return LLMCS_OK;
    bind_numbers(&g->text);
    SHOP_TRY(lex_known(g, known, n_known));
    check_language(g, lang);
    if (!refused(g)) check_numbers(g);
    if (!refused(g)) check_promises(g);
    if (!refused(g)) check_names(g, lang);
    return LLMCS_OK;
}

llmcs_status shop_gate(const llmcs_allocator *a, const char *text, size_t text_bytes, const shop_gate_text *known,
                       size_t n_known, const char *lang, shop_gate_verdict *verdict) {
    gate g = {.allocator = a, .text = {.allocator = a}, .verdict = verdict};
    *verdict = (shop_gate_verdict){.reason = SHOP_GATE_PASSED};
    if (text_bytes > MAX_BYTES) {
        verdict->reason = SHOP_GATE_CUT;
        return LLMCS_OK;
    }
    const llmcs_status status = compare(&g, text, text_bytes, known, n_known, lang);
    free_gate(&g);
    return status;
}
