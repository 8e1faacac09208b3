/*
 * Several questions in one message: "is it dishwasher safe? and gift wrap please", 多久发 周三到得了吗. The reader
 * reads the message as a whole and each part of it; what a part surely asks and the reply leaves open is answered, too.
 */
#include <string.h>

#include "shop/desk/decide.h"

/* Lowest probabilities: of a part's label, and of the acts of a question. */
static const double sure_part = 0.7, surely_asked = 0.7;

enum { LEAST_HAN = 3 };

/* True for a space or comma between Han characters at byte i: Chinese messages separate sentences by them. */
static bool is_gap(const desk_words *w, size_t i, size_t *len) {
    size_t step, next = i;
    if (!strncmp(w->plain + i, "，", strlen("，")))
        *len = strlen("，");
    else if (w->plain[i] == ' ' || w->plain[i] == ',')
        *len = 1;
    else
        return false;
    while (next < w->plain_bytes && !desk_is_letter(desk_char_at(w->plain, w->plain_bytes, next, &step))) next += step;
    return next < w->plain_bytes && desk_is_han(desk_char_at(w->plain, w->plain_bytes, next, &step));
}

static size_t count_han(const desk_words *w, size_t begin, size_t end) {
    size_t n = 0;
    for (size_t i = begin, len; i < end; i += len) n += desk_is_han(desk_char_at(w->plain, end, i, &len));
    return n;
}

/* Splits the span at gaps, each part with a few Han characters; adds the parts. */
static void split_span(const desk_words *w, desk_span span, desk_span parts[DESK_MAX_PARTS], size_t *n) {
    size_t begin = span.begin;
    for (size_t i = span.begin, len; i < span.end; i += len) {
        (void)desk_char_at(w->plain, span.end, i, &len);
        size_t gap;
        if (*n + 1 >= DESK_MAX_PARTS || !is_gap(w, i, &gap)) continue;
        len = gap;
        if (count_han(w, begin, i) < LEAST_HAN || count_han(w, i + gap, span.end) < LEAST_HAN) continue;
        parts[(*n)++] = (desk_span){begin, i};
        begin = i + gap;
    }
    if (*n < DESK_MAX_PARTS) parts[(*n)++] = (desk_span){begin, span.end};
}

llmcs_status desk_read_parts(desk_turn *t) {
    desk_span sentences[DESK_MAX_PARTS];
    t->n_parts = 0;
    if (!t->desk->reader) return LLMCS_OK;
    const size_t n = desk_split(&t->words, sentences);
    for (size_t i = 0; i < n; i++) split_span(&t->words, sentences[i], t->parts, &t->n_parts);
    if (t->n_parts < 2) t->n_parts = 0;
    return desk_read_meanings(t, t->parts, t->n_parts, t->meanings);
}

/* True for a part that surely asks something. */
static bool is_asked(const desk_meaning *m) {
    return m->kind == DESK_MEANS_INTENT && m->score >= sure_part &&
           m->acts[DESK_ACT_ASK] + m->acts[DESK_ACT_FOLLOW] >= surely_asked;
}

/* True for a reply that says what the desk knows: another answer may follow. */
static bool may_go_on(const desk_turn *t) {
    const llmcs_shop_desk_route route = t->out.route;
    return t->reply.n && !t->handed_over && !t->act.key && !t->c->n_frames && !t->c->n_choices && !t->c->retry &&
           t->out.expects == LLMCS_EXPECTS_ANYTHING &&
           (route == LLMCS_DESK_ENTRY || route == LLMCS_DESK_FLOW || route == LLMCS_DESK_RECOMMEND ||
            route == LLMCS_DESK_FILLED);
}

llmcs_status desk_answer_parts(desk_turn *t) {
    for (size_t i = 0; i < t->n_parts && may_go_on(t); i++) {
        const char *entry = is_asked(&t->meanings[i]) ? desk_entry_of(t, &t->meanings[i]) : NULL;
        bool found;
        if (!entry || (t->c->entry && !strcmp(entry, t->c->entry))) continue;
        SHOP_TRY(desk_say_entry(t, entry, &found));
    }
    return LLMCS_OK;
}
