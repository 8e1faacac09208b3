/* Corrections of an address before the customer confirms it: a number of it, or the whole. */
#include <string.h>

#include "shop/desk/desk.h"

enum {
    WHOLE_ADDRESS = 6,     /* words of a complete address */
    CORRECTION_WORDS = 16, /* of a message that corrects a number */
    MOST_NUMBERS = 3
};

typedef struct number_at {
    size_t begin, n; /* bytes of its digits */
} number_at;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Finds the numbers of a text, at most MOST_NUMBERS. Returns how many there are, at most that and one more. */
static size_t find_numbers(const char *text, size_t n, number_at *numbers) {
    size_t count = 0;
    for (size_t i = 0; i < n && count <= MOST_NUMBERS; i++) {
        if (!is_digit(text[i])) continue;
        size_t end = i;
        while (end < n && is_digit(text[end])) end++;
        if (count < MOST_NUMBERS) numbers[count] = (number_at){i, end - i};
        count++;
        i = end;
    }
    return count;
}

/* Returns where the address has exactly this number, or SIZE_MAX if it is not there once. */
static size_t find_number(const char *address, const char *number, size_t n) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; address[i]; i++) {
        if (strncmp(address + i, number, n) != 0 || is_digit(address[i + n]) || (i && is_digit(address[i - 1])))
            continue;
        if (found != SIZE_MAX) return SIZE_MAX;
        found = i;
    }
    return found;
}

/* Returns where the address has a number with the unit that follows the new one, if there is one such: 36号 for 38号.
 */
static size_t find_unit(const char *address, const char *unit, number_at *old) {
    static const char *const units[] = {"号楼", "号", "栋", "幢", "单元", "楼", "室", "层"};
    size_t found = 0;
    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        const size_t n = strlen(units[k]);
        if (strncmp(unit, units[k], n) != 0) continue;
        for (const char *at = strstr(address, units[k]); at; at = strstr(at + n, units[k])) {
            size_t digits = 0;
            while (digits < (size_t)(at - address) && is_digit(at[-1 - (ptrdiff_t)digits])) digits++;
            if (!digits) continue;
            *old = (number_at){(size_t)(at - address) - digits, digits};
            found++;
        }
        return found == 1 ? old->begin : SIZE_MAX;
    }
    return SIZE_MAX;
}

/* 门牌是38号不是36号, "flat 9, not 7", 应该是38号: puts the new number in place of the old one. *value: the address,
 * NULL if the message does not say which number is meant. */
static llmcs_status replace_number(desk_turn *t, const char *address, const char **value) {
    const char *text = t->words.folded;
    number_at numbers[MOST_NUMBERS], old;
    const size_t n = find_numbers(text, t->words.folded_bytes, numbers);
    const number_at *new_number = &numbers[0];
    *value = NULL;
    if (n < 1 || n > 2) return LLMCS_OK;
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < n && n == 2; i++) {
        const size_t place = find_number(address, text + numbers[i].begin, numbers[i].n);
        if (place == SIZE_MAX) continue;
        if (at != SIZE_MAX) return LLMCS_OK; /* both are in it */
        at = place;
        old = (number_at){place, numbers[i].n};
        new_number = &numbers[1 - i];
    }
    if (n == 1) at = find_unit(address, text + numbers[0].begin + numbers[0].n, &old);
    if (at == SIZE_MAX) return LLMCS_OK;
    desk_buffer b = {.allocator = &t->desk->allocator};
    desk_put(&b, address, old.begin);
    desk_put(&b, text + new_number->begin, new_number->n);
    desk_puts(&b, address + old.begin + old.n);
    llmcs_status status = b.status;
    if (!status) status = shop_arena_copy(t->arena, desk_buffer_text(&b), b.n, value);
    desk_buffer_free(&b);
    return status;
}

static bool has_digit(const desk_words *w) {
    for (size_t i = 0; i < w->folded_bytes; i++)
        if (is_digit(w->folded[i])) return true;
    return false;
}

/* True if the message says that the address, or a part of it, is wrong: a cue, or words such as 改成 and a number. */
static bool says_wrong(const desk_turn *t, const desk_slot *slot) {
    static const char *const cues[] = {"wait", "sorry", "typo", "oops", "wrong", "mistake", "i meant", "i mean", "写错",
                                       "打错", "说错",  "填错", "输错", "错了",  "应该是",  "不对",    NULL};
    if (desk_has_any(&t->words, cues)) return true;
    for (size_t k = 0; k < slot->n_lead; k++) /* 改成505 */
        if (!strncmp(t->words.folded, slot->lead[k], strlen(slot->lead[k])) && has_digit(&t->words)) return true;
    return false;
}

/* True if two numbers stand against each other: 38号不是36号, "7, not 9". */
static bool contrasts(const desk_words *w) {
    static const char *const words[] = {"not", "instead of", "isn't", "不是", "而是", NULL};
    return desk_has_any(w, words);
}

llmcs_status desk_correct_address(desk_turn *t, desk_frame *frame, bool *corrected) {
    const size_t words = desk_count_words(t->words.folded, t->words.folded_bytes);
    for (size_t i = 0; i < t->flows->n_slots; i++) {
        const desk_slot *slot = &t->flows->slots[i];
        const char *value = NULL;
        if (!t->flows->flows[frame->flow].uses[i] || !frame->slots[i] || slot->type != DESK_SLOT_ADDRESS) continue;
        if (desk_is_question(&t->words)) continue;
        const bool wrong = says_wrong(t, slot);
        if ((wrong || contrasts(&t->words)) && words <= CORRECTION_WORDS)
            SHOP_TRY(replace_number(t, frame->slots[i], &value));
        if (!value && desk_is_address(&t->words) && words >= WHOLE_ADDRESS && !contrasts(&t->words))
            SHOP_TRY(desk_value_find(t, (int)i, &t->words, true, &value));
        if (!value && !wrong) continue;
        desk_set_slot(frame, (int)i, value);
        *corrected = true;
    }
    return LLMCS_OK;
}
