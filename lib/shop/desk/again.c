/*
 * Replies that were given before. A customer who asks something else, or says that the reply did not help, does not
 * get it again: the next likely entry answers, or a person.
 */
#include <string.h>

#include "shop/desk/desk.h"

/* Lowest probabilities of an entry that answers in place of the one just given. A follow-up mostly wants what that
 * one says, so it must be likely, unless the customer says that it did not help. */
static const double least_next = 0.45, least_else = 0.25;

enum { GIVEN_TURNS = 3 }; /* turns after which an entry may be given again */

/* True for a reply that says what the desk knows and asks or does nothing. */
static bool only_informs(const desk_turn *t) {
    const bool fits =
        t->out.route == LLMCS_DESK_FLOW || t->out.route == LLMCS_DESK_ENTRY || t->out.route == LLMCS_DESK_FILLED;
    return fits && t->reply.n && !t->handed_over && !t->act.key && !t->c->n_frames && !t->c->retry &&
           t->out.expects == LLMCS_EXPECTS_ANYTHING && !desk_gives_up(&t->words) && !desk_is_no(&t->words);
}

/* *same: the reply is the last one, as it is stored. */
static llmcs_status is_same(desk_turn *t, bool *same) {
    const char *reply;
    *same = false;
    SHOP_TRY(desk_mask(t, desk_buffer_text(&t->reply), &reply));
    SHOP_TRY(desk_mask_values(t, reply, &reply));
    const size_t n = strlen(reply);
    *same = !strncmp(t->c->last_reply, reply, n) && (!t->c->last_reply[n] || t->c->repeats);
    return LLMCS_OK;
}

/* True if the reply is one entry that was given a few turns before. */
static bool is_given(const desk_turn *t) {
    const desk_conversation *c = t->c;
    return t->out.route == LLMCS_DESK_ENTRY && t->out.n_citations == 1 && c->given &&
           !strcmp(t->citations[0]->id, c->given) && c->n_turns < c->given_at + GIVEN_TURNS;
}

/* "I can't find that button", "tried it already", "can't you do it for me?": what was said did not help. */
static bool did_not_help(const desk_words *w) {
    static const char *const words[] = {"can't find",
                                        "cant find",
                                        "cannot find",
                                        "can not find",
                                        "couldn't find",
                                        "couldnt find",
                                        "don't see",
                                        "dont see",
                                        "do not see",
                                        "can't see",
                                        "cant see",
                                        "not there",
                                        "isn't there",
                                        "isnt there",
                                        "there's no",
                                        "theres no",
                                        "there is no",
                                        "there isn't",
                                        "there isnt",
                                        "no such",
                                        "doesn't work",
                                        "doesnt work",
                                        "does not work",
                                        "didn't work",
                                        "didnt work",
                                        "did not work",
                                        "not working",
                                        "won't let me",
                                        "wont let me",
                                        "still nothing",
                                        "still no",
                                        "still doesn't",
                                        "still doesnt",
                                        "already tried",
                                        "tried that",
                                        "tried everything",
                                        "i tried",
                                        "did that",
                                        "did all that",
                                        "already did",
                                        "i know",
                                        "you said that",
                                        "you told me",
                                        "you already",
                                        "no help",
                                        "not helpful",
                                        "doesn't help",
                                        "doesnt help",
                                        "does not help",
                                        "didn't help",
                                        "didnt help",
                                        "not what i",
                                        "that's not it",
                                        "thats not it",
                                        "that is not it",
                                        "neither",
                                        "can you just",
                                        "could you just",
                                        "can you do it",
                                        "could you do it",
                                        "can't you do",
                                        "cant you do",
                                        "do it for me",
                                        "change it for me",
                                        "fix it for me",
                                        "you do it",
                                        "can you not",
                                        "找不到",
                                        "没找到",
                                        "找不着",
                                        "没有这个",
                                        "没这个",
                                        "没有那个",
                                        "没看到",
                                        "没看见",
                                        "看不到",
                                        "看不见",
                                        "点不了",
                                        "点不动",
                                        "点不进",
                                        "打不开",
                                        "进不去",
                                        "没反应",
                                        "没用",
                                        "不管用",
                                        "不好使",
                                        "用不了",
                                        "还是不行",
                                        "还是没",
                                        "还是一样",
                                        "试过了",
                                        "弄过了",
                                        "弄不了",
                                        "弄不来",
                                        "我知道",
                                        "说过了",
                                        "讲过了",
                                        "不是这个",
                                        "不是问这",
                                        "没帮",
                                        "帮我弄",
                                        "帮我改",
                                        "帮我办",
                                        "帮我处理",
                                        "帮我操作",
                                        "帮我搞",
                                        "给我弄",
                                        "给我改",
                                        "给我办",
                                        "你帮我",
                                        "你们帮我",
                                        "直接帮",
                                        "你来弄",
                                        "你直接",
                                        NULL};
    return desk_has_any(w, words);
}

/* Removes the reply's first n bytes and its first citation. */
static void keep_rest(desk_turn *t, size_t n) {
    while (n < t->reply.n && t->reply.text[n] == '\n') n++;
    memmove(t->reply.text, t->reply.text + n, t->reply.n - n);
    desk_buffer_cut(&t->reply, t->reply.n - n);
    t->out.n_citations--;
    for (size_t i = 0; i < t->out.n_citations; i++) {
        llmcs_shop_citation *c = (llmcs_shop_citation *)t->citations[i + 1];
        c->reply_begin -= n;
        c->reply_end -= n;
        t->citations[i] = c;
    }
}

/* Returns the entry that the reader finds likely besides the one given: in a part of the message, or in all of it. */
static const char *next_entry(desk_turn *t, bool helped) {
    const char *entry = NULL;
    double best = helped ? least_next : least_else;
    for (size_t i = 0; i < t->n_parts; i++) {
        if (!t->meanings[i].next || t->meanings[i].next_score < best) continue;
        entry = t->meanings[i].next->entry;
        best = t->meanings[i].next_score;
    }
    if (!entry && t->next_entry && t->next_score >= best) entry = t->next_entry, best = t->next_score;
    if (entry) t->out.probability = best;
    return entry;
}

/* Replaces the entry by the next one that fits the message, if there is one. *found: there was. */
static llmcs_status say_next(desk_turn *t, bool helped, bool *found) {
    const size_t n = t->reply.n;
    const double probability = t->out.probability;
    *found = false;
    const char *next = next_entry(t, helped);
    if (next) SHOP_TRY(desk_say_entry(t, next, found));
    *found = *found && t->out.n_citations == 2;
    if (*found)
        keep_rest(t, n);
    else
        t->out.probability = probability;
    return LLMCS_OK;
}

llmcs_status desk_avoid_repetition(desk_turn *t) {
    bool same = false, found;
    if (!only_informs(t)) return LLMCS_OK;
    const bool given = is_given(t);
    if (!given) SHOP_TRY(is_same(t, &same));
    if (!given && !same) return LLMCS_OK;
    const bool helped = !did_not_help(&t->words);
    if (given) {
        SHOP_TRY(say_next(t, helped, &found));
        if (found) return LLMCS_OK;
    }
    if (helped) return LLMCS_OK;
    desk_buffer_cut(&t->reply, 0);
    t->out.n_citations = 0;
    return desk_hand_over(t, "no_help", 0, NULL, NULL);
}

llmcs_status desk_mark_repetition(desk_turn *t) {
    const int before = t->c->repeats;
    bool same = false;
    if (only_informs(t) && strcmp(t->c->status, "waiting") != 0) SHOP_TRY(is_same(t, &same));
    t->c->repeats = same ? before + 1 : 0;
    if (!same) return LLMCS_OK;
    desk_new_line(t);
    return desk_say_sentence(t, before ? DESK_SAME_AGAIN : DESK_ALL_I_KNOW);
}
