/* Creates and frees an assistant; rewrites texts by its model or by rules. */
#include "shop/assist/assistant.h"

#include <string.h>

#include "shop/assist/protect.h"
#include "shop/assist/rewrite.h"
#include "shop/base/options.h"
#include "shop/learn/feedback.h"
#include "shop/store/rows.h"

static const llmcs_shop_assistant_options default_options = {.struct_size = sizeof(llmcs_shop_assistant_options)};

void llmcs_shop_assistant_options_init_sized(llmcs_shop_assistant_options *options, size_t struct_size) {
    shop_options_init(options, struct_size, &default_options, sizeof default_options);
}

llmcs_status llmcs_shop_assistant_create(llmcs_shop *shop, const llmcs_shop_assistant_options *options,
                                         llmcs_shop_assistant **assistant) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_assistant_options o = default_options;
    llmcs_shop_assistant *made;
    if (!assistant) return shop_fail(LLMCS_ARG, "assistant is NULL");
    *assistant = NULL;
    if (shop) SHOP_TRY(shop_check(shop));
    if (options)
        SHOP_TRY(shop_options_in(&o, sizeof o, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_assistant_options, allocator),
                                 options, "llmcs_shop_assistant_options"));
    const llmcs_allocator a = shop_allocator_or_default(o.allocator ? o.allocator : shop ? &shop->allocator : NULL);
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *made, "assistant", &made));
    *made = (llmcs_shop_assistant){.shop = shop, .guard = o.guard, .a = a};
    const bool none = !o.wording_model && (!o.wording || !*o.wording || !strcmp(o.wording, "templates"));
    const llmcs_status status =
        none ? LLMCS_OK : shop_wording_create(o.wording, o.wording_model, &made->a, &made->wording);
    if (status)
        llmcs_shop_assistant_free(&made);
    else
        *assistant = made;
    return status;
}

void llmcs_shop_assistant_free(llmcs_shop_assistant **assistant) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_assistant *x = assistant ? *assistant : NULL;
    if (!x) return;
    const llmcs_allocator a = x->a;
    *assistant = NULL;
    shop_wording_free(&x->wording);
    shop_free(&a, x);
}

/* ---- rewrite */

/* An llmcs_shop_rewritten and its text. */
typedef struct rewritten {
    llmcs_shop_rewritten head; /* first member: the caller's pointer points to it */
    llmcs_allocator a;
    char *text;
} rewritten;

/* *out: the model's rewrite, or NULL if it changes a protected part or, for SHORTER, is not shorter. */
static llmcs_status rewrite_by_model(llmcs_shop_assistant *x, const char *text, size_t n, llmcs_shop_style style,
                                     bool chinese, char **out, size_t *n_out) {
    static const char *const wishes[2][2] = {{"Say this more politely.", "Say this in fewer words."},
                                             {"请说得更礼貌一些。", "请说得更简短一些。"}};
    shop_wording_request r;
    shop_wording_reply *reply = NULL;
    if (!x->wording) return LLMCS_OK;
    shop_wording_request_init(&r);
    r.entry = text;
    r.entry_bytes = n;
    r.user = wishes[chinese][style];
    r.lang = chinese ? "zh" : "en";
    SHOP_TRY(shop_word(x->wording, &r, &reply));
    llmcs_status status = LLMCS_OK;
    const bool good = reply->source == SHOP_WORDED && shop_keeps_protected(text, n, reply->text, reply->text_bytes) &&
                      (style == LLMCS_STYLE_POLITER || reply->text_bytes < n);
    if (good) status = shop_copy_text(&x->a, reply->text, reply->text_bytes, "rewriting", out);
    *n_out = reply->text_bytes;
    shop_wording_reply_free(&reply);
    return status;
}

static llmcs_status rewrite(llmcs_shop_assistant *x, const char *text, size_t n, llmcs_shop_style style, bool chinese,
                            rewritten *r) {
    size_t n_out = 0;
    if (x) SHOP_TRY(rewrite_by_model(x, text, n, style, chinese, &r->text, &n_out));
    r->head.by_model = r->text != NULL;
    if (!r->text) SHOP_TRY(shop_rewrite_by_rules(&r->a, text, n, style, chinese, &r->text, &n_out));
    r->head.text = r->text;
    r->head.text_bytes = n_out;
    r->head.changed = n != n_out || memcmp(text, r->text, n) != 0;
    return LLMCS_OK;
}

llmcs_status llmcs_shop_rewrite(llmcs_shop_assistant *assistant, const char *text, size_t text_bytes,
                                llmcs_shop_style style, const char *lang, llmcs_shop_rewritten **out) {
    SHOP_PUBLIC_CALL;
    const llmcs_allocator a = assistant ? assistant->a : shop_allocator_or_default(NULL);
    rewritten *r;
    if (!text || !out) return shop_fail(LLMCS_ARG, "text, rewritten: NULL is not valid");
    *out = NULL;
    if ((unsigned)style > LLMCS_STYLE_SHORTER)
        return shop_fail(LLMCS_ARG, "style: %d is not valid (0 to 1)", (int)style);
    if (lang) SHOP_TRY(shop_check_lang(lang));
    if (text_bytes == LLMCS_NUL) text_bytes = strlen(text);
    if (text_bytes > SHOP_TEXT_BYTES)
        return shop_fail(LLMCS_LIMIT, "text: %lld bytes, expected at most %d", (long long)text_bytes, SHOP_TEXT_BYTES);
    const bool chinese = !strncmp(lang ? lang : shop_lang_of(text, text_bytes), "zh", 2);
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *r, "rewriting", &r));
    r->a = a;
    const llmcs_status status = rewrite(assistant, text, text_bytes, style, chinese, r);
    llmcs_shop_rewritten *head = &r->head;
    if (status)
        llmcs_shop_rewritten_free(&head);
    else
        *out = head;
    return status;
}

void llmcs_shop_rewritten_free(llmcs_shop_rewritten **out) {
    SHOP_PUBLIC_CALL;
    rewritten *r = out ? (rewritten *)*out : NULL;
    if (!r) return;
    const llmcs_allocator a = r->a;
    *out = NULL;
    shop_free(&a, r->text);
    shop_free(&a, r);
}
