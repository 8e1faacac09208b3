/* Finds names of people by cues next to them: 我叫王小明, 王女士, "my name is Ann Lee", "Dr. Lee". */
#include "shop/guard/find.h"

/* ---------------------------------------------------------------------------------------------------- Chinese */

/* The end of a surname at i with one or two more characters, up to a stop word; i if there is none. */
static size_t chinese_name_end(const shop_text_view *view, const shop_hits *hits, size_t i) {
    const size_t surname = shop_hit_len(hits, i, SHOP_LEX_SURNAME);
    if (!surname) return i;
    size_t end = i + surname;
    while (end < i + surname + 2 && shop_is_han_at(view, end) &&
           !shop_hit_len(hits, end, SHOP_LEX_STOP | SHOP_LEX_TITLE | SHOP_LEX_JOB))
        end++;
    return end > i + surname || shop_hit_len(hits, end, SHOP_LEX_TITLE) ? end : i;
}

/* The end of a name of Han parts joined by middle dots: 阿卜杜拉·买买提. */
static size_t dotted_name_end(const shop_text_view *view, size_t i) {
    size_t end = i, n_dots = 0;
    while (end < view->n && end - i < 24) {
        if (shop_is_han_at(view, end)) {
            end++;
        } else if ((view->at[end].code == 0xb7 || view->at[end].code == 0x2022 || view->at[end].code == 0x30fb) &&
                   end > i && shop_is_han_at(view, end + 1)) {
            end++;
            n_dots++;
        } else {
            break;
        }
    }
    return n_dots && end - i < 24 ? end : i;
}

/* After 我叫 the name extends to a mark, a space, a digit or a stop word. 我是 often precedes other things, so there
 * the name must reach the end of the sentence. */
static llmcs_status find_chinese_after(const shop_text_view *view, const shop_hits *hits, const shop_hit *cue,
                                       shop_findings *f) {
    size_t i = cue->end;
    while (i < view->n &&
           (view->at[i].kind == SHOP_CHAR_SPACE || view->at[i].code == ':' || view->at[i].code == '"' ||
            view->at[i].code == 0x662f || view->at[i].code == 0x4e3a) &&
           i - cue->end < 4)
        i++;
    if (!shop_is_han_at(view, i)) return LLMCS_OK;
    size_t end = dotted_name_end(view, i);
    if (end == i) end = chinese_name_end(view, hits, i);
    if (end == i) return LLMCS_OK;
    const bool weak = cue->end - cue->begin == 2 && view->at[cue->begin + 1].code == 0x662f; /* 我是 */
    if (weak && shop_is_han_at(view, end) && !shop_hit_len(hits, end, SHOP_LEX_STOP)) return LLMCS_OK;
    return shop_find_add(f, i, end, LLMCS_PII_NAME, SHOP_BY_CUE, "name word");
}

/* Before 先生 there is a surname or a full name. Takes the shortest text that begins with a surname, or the full name
 * if nothing precedes it. 经理 and the like are part of many words, so before them nothing else may precede the name.
 */
static llmcs_status find_before_title(const shop_text_view *view, const shop_hits *hits, const shop_hit *title,
                                      shop_findings *f) {
    size_t found = title->begin;
    for (size_t n = 1; n <= 4 && n <= title->begin; n++) {
        const size_t begin = title->begin - n;
        if (!shop_is_han_at(view, begin)) break;
        const size_t surname = shop_hit_len(hits, begin, SHOP_LEX_SURNAME);
        if (!surname || n > surname + 2 || n < surname) continue;
        const bool alone = !begin || view->at[begin - 1].kind != SHOP_CHAR_HAN;
        if (alone || (found == title->begin && title->tags & SHOP_LEX_TITLE)) found = begin;
    }
    if (found == title->begin) return LLMCS_OK;
    return shop_find_add(f, found, title->begin, LLMCS_PII_NAME, SHOP_BY_CUE, "title");
}

/* ------------------------------------------------------------------------------------------------------ Latin */

static bool is_latin(const shop_text_view *view, size_t i) {
    return i < view->n && view->at[i].kind == SHOP_CHAR_LETTER;
}

/* The end of the word at i: letters, inner apostrophes and dashes, and the dot after an initial. */
static size_t word_end(const shop_text_view *view, size_t i) {
    size_t end = i;
    while (is_latin(view, end) ||
           (end > i && end + 1 < view->n && is_latin(view, end + 1) &&
            (view->at[end].code == '\'' || view->at[end].code == 0x2019 || view->at[end].code == '-')))
        end++;
    if (end - i == 1 && end < view->n && view->at[end].code == '.') end++;
    return end;
}

static bool is_capital(const shop_text_view *view, size_t i) {
    const uint32_t c = view->at[i].code;
    if (c < 0x80) return c >= 'A' && c <= 'Z';
    return view->at[i].kind == SHOP_CHAR_LETTER && (c < 0x250 ? (c >= 0xc0 && c <= 0xde) || c % 2 == 0 : true);
}

/* van, de, bin: lower-case words inside names. */
static bool is_particle(const shop_text_view *view, size_t begin, size_t end) {
    static const char *const particles[] = {"van", "von", "de", "der", "den", "da", "di",
                                            "del", "la",  "le", "bin", "al",  NULL};
    for (const char *const *p = particles; *p; p++) {
        size_t n = 0;
        while ((*p)[n] && begin + n < end && view->at[begin + n].code == (uint32_t)(*p)[n]) n++;
        if (!(*p)[n] && begin + n == end) return true;
    }
    return false;
}

/* Words that may be capitalised after a name without being part of it. */
static bool is_common_word(const shop_text_view *view, size_t begin, size_t end) {
    static const char *const words[] = {
        "and",      "i",         "i'm",     "i'd",    "my",       "the",    "please",  "thanks",   "thank",    "hi",
        "hello",    "or",        "from",    "your",   "you",      "we",     "this",    "is",       "in",       "on",
        "at",       "not",       "it",      "he",     "she",      "they",   "a",       "an",       "to",       "for",
        "customer", "sir",       "madam",   "team",   "support",  "all",    "about",   "what",     "how",      "with",
        "calling",  "regarding", "order",   "there",  "everyone", "so",     "no",      "yes",      "service",  "sirs",
        "friend",   "but",       "because", "click",  "press",    "choose", "select",  "open",     "go",       "see",
        "repair",   "return",    "edit",    "delete", "cancel",   "track",  "invoice", "checkout", "register", NULL};
    for (const char *const *w = words; *w; w++) {
        size_t n = 0;
        while ((*w)[n] && begin + n < end && shop_ascii_lower(view->at[begin + n].code) == (uint32_t)(*w)[n]) n++;
        if (!(*w)[n] && begin + n == end) return true;
    }
    return false;
}

/* After a word of more than three letters, a full stop ends the sentence; after "Dr." or "B." it need not. */
static bool ends_sentence(const shop_text_view *view, size_t end) {
    size_t begin = end;
    if (!end || view->at[end - 1].code != '.') return false;
    while (begin && view->at[begin - 1].code != ' ') begin--;
    return end - begin > 4;
}

/* The end of up to four capitalised words at i; any_case: of up to two words if none is capitalised. */
static size_t latin_name_end(const shop_text_view *view, size_t i, bool any_case) {
    enum { MOST = 4 };
    const bool capital = is_latin(view, i) && is_capital(view, i);
    size_t end = i, at = i, n = 0;
    if (!is_latin(view, i) || (!capital && !any_case)) return i;
    while (n < (capital ? MOST : 2) && is_latin(view, at)) {
        const size_t next = word_end(view, at);
        if (is_common_word(view, at, next)) break;
        const bool particle = n && is_particle(view, at, next);
        if (capital && !is_capital(view, at) && !particle) break;
        if (!particle) {
            end = next;
            n++;
        }
        at = next;
        if (at >= view->n || view->at[at].code != ' ' || ends_sentence(view, at)) break;
        at++;
    }
    /* "Mr. B." ends a sentence */
    if (end > i && view->at[end - 1].code == '.' && (n < 2 || ends_sentence(view, end))) end--;
    return end;
}

/* Cues after which a name is certain even without capitals. */
static bool promises_name(const shop_text_view *view, const shop_hit *cue) {
    size_t n_spaces = 0;
    for (size_t i = cue->begin; i < cue->end; i++) n_spaces += view->at[i].kind == SHOP_CHAR_SPACE;
    return n_spaces == 2 && shop_ascii_lower(view->at[cue->begin].code) == 'm'; /* my name is */
}

static llmcs_status find_latin_after(const shop_text_view *view, const shop_hits *hits, const shop_hit *cue,
                                     shop_findings *f) {
    const bool title = (cue->tags & SHOP_LEX_TITLE_AFTER) != 0;
    size_t i = cue->end;
    while (i < view->n && i - cue->end < 4 &&
           (view->at[i].kind == SHOP_CHAR_SPACE || view->at[i].code == ',' || view->at[i].code == ':' ||
            (title && view->at[i].code == '.')))
        i++;
    const size_t inner = shop_hit_len(hits, i, SHOP_LEX_TITLE_AFTER); /* "this is Mrs. Lee" is found at Mrs. */
    if (inner && !title) return LLMCS_OK;
    const size_t end = latin_name_end(view, i, promises_name(view, cue));
    return end > i ? shop_find_add(f, i, end, LLMCS_PII_NAME, SHOP_BY_CUE, title ? "title" : "name word") : LLMCS_OK;
}

/* A common given name and a family name, both with a capital: "Sarah Miller". */
static llmcs_status find_common_name(const shop_text_view *view, const shop_hits *hits, const shop_hit *forename,
                                     shop_findings *f) {
    const size_t next = forename->end + 1;
    if (!is_capital(view, forename->begin) || next >= view->n || view->at[forename->end].code != ' ' ||
        !is_latin(view, next) || !is_capital(view, next))
        return LLMCS_OK;
    size_t end = word_end(view, next);
    if (end - next == 2 && view->at[end - 1].code == '.' && end + 1 < view->n && view->at[end].code == ' ' &&
        is_latin(view, end + 1) && is_capital(view, end + 1)) /* a middle initial */
        end = word_end(view, end + 1);
    else if (!shop_hit_len(hits, next, SHOP_LEX_FAMILY))
        return LLMCS_OK;
    return shop_find_add(f, forename->begin, end, LLMCS_PII_NAME, SHOP_BY_CUE, "common name");
}

/* ----------------------------------------------------------------------------------------------------- search */

llmcs_status shop_find_people(const shop_text_view *view, const shop_hits *hits, shop_findings *f) {
    for (size_t h = 0; h < hits->n; h++) {
        const shop_hit *hit = &hits->items[h];
        const bool han = view->at[hit->begin].kind == SHOP_CHAR_HAN;
        if (hit->tags & (SHOP_LEX_TITLE | SHOP_LEX_JOB)) SHOP_TRY(find_before_title(view, hits, hit, f));
        if (han && hit->tags & SHOP_LEX_NAME_AFTER) SHOP_TRY(find_chinese_after(view, hits, hit, f));
        if (!han && hit->tags & (SHOP_LEX_NAME_AFTER | SHOP_LEX_TITLE_AFTER)) {
            SHOP_TRY(find_latin_after(view, hits, hit, f));
            if (hit->tags & SHOP_LEX_NAME_AFTER && shop_is_han_at(view, hit->end + 1))
                SHOP_TRY(find_chinese_after(view, hits, hit, f));
        }
        if (!han && hit->tags & SHOP_LEX_FORENAME) SHOP_TRY(find_common_name(view, hits, hit, f));
    }
    return LLMCS_OK;
}
