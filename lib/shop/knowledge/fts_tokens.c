/* FTS5's tokenizer, obtained from SQLite through fts5_api. */
#include "shop/knowledge/fts_tokens.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

struct shop_fts_tokens {
    llmcs_allocator allocator;
    pthread_mutex_t lock; /* a tokenizer instance has a buffer of its own */
    fts5_tokenizer methods;
    Fts5Tokenizer *instance;
};

static fts5_api *find_api(shop_connection *c) {
    fts5_api *api = NULL;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(c->db, "SELECT fts5(?1)", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_bind_pointer(stmt, 1, &api, "fts5_api_ptr", NULL) == SQLITE_OK)
        (void)sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return api;
}

llmcs_status shop_fts_tokens_create(const llmcs_allocator *a, shop_connection *c, shop_fts_tokens **tokens) {
    const char *options[] = {"remove_diacritics", "0"};
    shop_fts_tokens *t;
    void *context;
    *tokens = NULL;
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *t, "tokenizer", &t));
    t->allocator = *a;
    fts5_api *api = find_api(c);
    const int code = !api ? SQLITE_ERROR : api->xFindTokenizer(api, "unicode61", &context, &t->methods);
    const int made = code ? code : t->methods.xCreate(context, options, 2, &t->instance);
    if (made || pthread_mutex_init(&t->lock, NULL)) {
        if (t->instance) t->methods.xDelete(t->instance);
        shop_free(a, t);
        return made == SQLITE_NOMEM ? shop_fail(LLMCS_NOMEM, "tokenizer: no memory")
                                    : shop_fail(LLMCS_UNSUPPORTED, "SQLite lacks FTS5's tokenizer unicode61");
    }
    *tokens = t;
    return LLMCS_OK;
}

void shop_fts_tokens_free(shop_fts_tokens **tokens) {
    shop_fts_tokens *t = *tokens;
    *tokens = NULL;
    if (!t) return;
    const llmcs_allocator a = t->allocator;
    t->methods.xDelete(t->instance);
    pthread_mutex_destroy(&t->lock);
    shop_free(&a, t);
}

/* U+4E00 to U+9FA5 exist in every Unicode version that a tokenizer may use. */
bool shop_fts_is_token(const char *word, size_t len) {
    const unsigned char *s = (const unsigned char *)word;
    for (size_t i = 0; i < len;) {
        if ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9')) {
            i++;
            continue;
        }
        if (s[i] < 0xe4 || s[i] > 0xe9 || len - i < 3) return false;
        const unsigned c = (s[i] & 15u) << 12 | (s[i + 1] & 63u) << 6 | (s[i + 2] & 63u);
        if (c < 0x4e00 || c > 0x9fa5) return false;
        i += 3;
    }
    return len > 0;
}

typedef struct receiver {
    shop_fts_token each;
    void *user;
    llmcs_status status;
} receiver;

static int receive(void *user, int flags, const char *token, int len, int begin, int end) {
    receiver *r = user;
    (void)flags, (void)begin, (void)end;
    r->status = r->each(r->user, token, (size_t)len);
    return r->status ? SQLITE_ABORT : SQLITE_OK;
}

llmcs_status shop_fts_tokens_of(shop_fts_tokens *t, const char *text, size_t n, shop_fts_token each, void *user) {
    receiver r = {each, user, LLMCS_OK};
    if (n > INT_MAX) return shop_fail(LLMCS_LIMIT, "text: too long for FTS5");
    pthread_mutex_lock(&t->lock);
    const int code = t->methods.xTokenize(t->instance, &r, FTS5_TOKENIZE_DOCUMENT, text, (int)n, receive);
    pthread_mutex_unlock(&t->lock);
    if (r.status || !code) return r.status;
    return shop_fail(code == SQLITE_NOMEM ? LLMCS_NOMEM : LLMCS_INTERNAL, "tokenizer: %s", sqlite3_errstr(code));
}
