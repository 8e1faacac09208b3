/* Finds e-mail addresses, and links that hold a secret or identify a person. The search starts at rare characters: @
 * and the colon of "://". */
#include <string.h>

#include "shop/guard/find.h"

/* ----------------------------------------------------------------------------------------------------- e-mail */

static bool is_local(const shop_view_char *c) {
    return shop_is_word_char(c) || (c->code < 0x80 && c->code && strchr(".!#$%&'*+-/=?^_`{|}~", (int)c->code));
}

static bool is_domain(const shop_view_char *c) { return shop_is_word_char(c) || c->code == '-'; }

/* The start of the local part before @, or `at`. */
static size_t local_begin(const shop_text_view *view, size_t at) {
    enum { LONGEST = 64 };
    size_t begin = at;
    while (begin && at - begin < LONGEST && is_local(&view->at[begin - 1])) begin--;
    /* In "?to=a@b.c" the address begins after the = sign. */
    for (size_t i = at; i-- > begin;)
        if (view->at[i].code < 0x80 && view->at[i].code && strchr("=`/?&{|}", (int)view->at[i].code) && i + 1 < at) {
            begin = i + 1;
            break;
        }
    while (begin < at && !shop_is_word_char(&view->at[begin]) && view->at[begin].code != '_') begin++;
    return begin < at && view->at[at - 1].code != '.' ? begin : at;
}

/* The end of the domain after @, or `from`: labels of letters, digits and dashes, the last of at least 2 letters. */
static size_t domain_end(const shop_text_view *view, size_t from) {
    size_t i = from, end = from, n_labels = 0;
    while (i < view->n) {
        const size_t begin = i;
        bool letters = true;
        while (i < view->n && is_domain(&view->at[i]) && i - begin < 64) {
            letters = letters && view->at[i].kind == SHOP_CHAR_LETTER;
            i++;
        }
        if (i == begin || view->at[begin].code == '-' || i - begin >= 64) break;
        if (++n_labels >= 2 && letters && i - begin >= 2) end = i;
        if (i >= view->n || view->at[i].code != '.') break;
        i++;
    }
    return end;
}

/* --------------------------------------------------------------------------------------------------------- links */

static bool is_link_char(const shop_view_char *c) {
    return c->code > ' ' && c->code < 0x7f && !strchr("<>\"`{}|\\^", (int)c->code);
}

/* Compares without case. */
static bool is_word(const shop_text_view *view, size_t begin, size_t end, const char *word) {
    for (; begin < end && *word; begin++, word++)
        if (shop_ascii_lower(view->at[begin].code) != (uint32_t)*word) return false;
    return begin == end && !*word;
}

/* Names of parameters whose values grant access or identify a person. */
static bool is_secret_name(const shop_text_view *view, size_t begin, size_t end) {
    static const char *const names[] = {"token",         "access_token", "id_token",
                                        "refresh_token", "auth",         "authorization",
                                        "key",           "api_key",      "apikey",
                                        "appkey",        "secret",       "client_secret",
                                        "sig",           "sign",         "signature",
                                        "session",       "sessionid",    "session_id",
                                        "sid",           "ticket",       "code",
                                        "otp",           "password",     "passwd",
                                        "pwd",           "pass",         "jwt",
                                        "hash",          "user",         "username",
                                        "userid",        "user_id",      "uid",
                                        "openid",        "unionid",      "email",
                                        "mail",          "phone",        "mobile",
                                        "tel",           "order",        "orderid",
                                        "order_id",      "orderno",      "order_no",
                                        "name",          "account",      "reset",
                                        "invite",        "credential",   "x-amz-signature",
                                        "jsessionid",    "phpsessid",    NULL};
    for (const char *const *n = names; *n; n++)
        if (is_word(view, begin, end, *n)) return true;
    return false;
}

/* True for a key rather than a title: at least 20 characters with both letters and digits, and few dashes. */
static bool is_random(const shop_text_view *view, size_t begin, size_t end) {
    size_t n_digits = 0, n_letters = 0, n_dashes = 0;
    for (size_t i = begin; i < end; i++) {
        n_digits += view->at[i].kind == SHOP_CHAR_DIGIT;
        n_letters += view->at[i].kind == SHOP_CHAR_LETTER;
        n_dashes += view->at[i].code == '-';
    }
    return end - begin >= 20 && n_digits >= 4 && n_letters >= 4 && n_dashes * 7 < end - begin;
}

/* rest: the character after "://". end: the end of the link. */
static bool has_secret(const shop_text_view *view, size_t rest, size_t end) {
    size_t i = rest;
    for (; i < end && view->at[i].code != '/' && view->at[i].code != '?' && view->at[i].code != '#'; i++)
        if (view->at[i].code == '@' && i > rest) return true; /* https://user:password@host */
    bool parameters = false;
    while (i < end) {
        const uint32_t before = view->at[i++].code; /* the separator */
        parameters = parameters || before == '?' || before == '#' || before == ';';
        const size_t begin = i;
        size_t equals = 0;
        while (i < end && !strchr("/?#&;", (int)view->at[i].code)) {
            if (view->at[i].code == '=' && !equals) equals = i;
            i++;
        }
        if (equals && parameters && i > equals + 1 &&
            (is_secret_name(view, begin, equals) || is_random(view, equals + 1, i)))
            return true;
        if (!equals && is_random(view, begin, i)) return true;
    }
    return false;
}

/* The first character of the scheme before "://", or `colon`. */
static size_t scheme_begin(const shop_text_view *view, size_t colon) {
    static const char *const schemes[] = {"https", "http", "ftp", "wss", "ws", NULL};
    for (const char *const *s = schemes; *s; s++) {
        const size_t n = strlen(*s);
        if (colon >= n && is_word(view, colon - n, colon, *s) &&
            (colon == n || !shop_is_word_char(&view->at[colon - n - 1])))
            return colon - n;
    }
    return colon;
}

static llmcs_status find_link(const shop_text_view *view, size_t colon, size_t *end, shop_findings *f) {
    const size_t begin = scheme_begin(view, colon), rest = colon + 3;
    *end = colon + 1;
    if (begin == colon || rest >= view->n || view->at[colon + 1].code != '/' || view->at[colon + 2].code != '/')
        return LLMCS_OK;
    size_t i = rest;
    while (i < view->n && is_link_char(&view->at[i])) i++;
    while (i > rest && strchr(".,;:!?'\")]", (int)view->at[i - 1].code)) i--; /* belongs to the sentence */
    if (i > rest) *end = i;
    return i > rest && has_secret(view, rest, i) ? shop_find_add(f, begin, i, LLMCS_PII_LINK, SHOP_BY_FORMAT, "link")
                                                 : LLMCS_OK;
}

llmcs_status shop_find_links(const shop_text_view *view, shop_findings *f) {
    size_t link_end = 0; /* end of the last link; no link is searched inside it, but addresses are */
    for (size_t i = 0; i < view->n; i++) {
        const uint32_t c = view->at[i].code;
        if (c == ':' && i >= link_end) {
            const size_t n = f->n;
            SHOP_TRY(find_link(view, i, &link_end, f));
            if (f->n > n) i = link_end - 1;
        } else if (c == '@') {
            const size_t begin = local_begin(view, i), end = domain_end(view, i + 1);
            if (begin < i && end > i + 1)
                SHOP_TRY(shop_find_add(f, begin, end, LLMCS_PII_EMAIL, SHOP_BY_FORMAT, "e-mail"));
        }
    }
    return LLMCS_OK;
}
