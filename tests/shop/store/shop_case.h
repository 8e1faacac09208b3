/* Stores in temporary folders. */
#ifndef TESTS_SHOP_STORE_SHOP_CASE_H
#define TESTS_SHOP_STORE_SHOP_CASE_H

#include <stdio.h>
#include <string.h>

#include "shop/store/store.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

#define SHOP_OK(call)                                                                         \
    do {                                                                                      \
        const llmcs_status status_ = (call);                                                  \
        ck_assert_msg(!status_, "%s: %s", llmcs_status_name(status_), llmcs_error_message()); \
    } while (0)

/* The call fails with this status and its message holds `words`. */
#define SHOP_FAILS(call, expected, words)                                                                           \
    do {                                                                                                            \
        const llmcs_status status_ = (call);                                                                        \
        ck_assert_msg(status_ == (expected), "%s: %s", llmcs_status_name(status_), llmcs_error_message());          \
        ck_assert_msg(strstr(llmcs_error_message(), words) != NULL, "%s: no \"%s\"", llmcs_error_message(), words); \
    } while (0)

static inline llmcs_status try_open_shop(const char *path, uint32_t flags, llmcs_shop **shop) {
    llmcs_shop_options options;
    llmcs_shop_options_init(&options);
    options.flags = flags;
    options.busy_ms = 50;
    return llmcs_shop_open(path, &options, shop);
}

static inline llmcs_shop *open_shop(const char *path, uint32_t flags) {
    llmcs_shop *shop = NULL;
    SHOP_OK(try_open_shop(path, flags, &shop));
    return shop;
}

static inline llmcs_shop_info shop_info(llmcs_shop *shop) {
    llmcs_shop_info info = {.struct_size = sizeof info};
    SHOP_OK(llmcs_shop_get_info(shop, &info));
    return info;
}

/* The first column of the first row as text, through a connection of sqlite3's own; valid until the next call. */
static inline const char *shop_value(const char *path, const char *sql) {
    static char text[4096];
    sqlite3 *db;
    sqlite3_stmt *stmt;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    const int code = sqlite3_step(stmt);
    ck_assert_msg(code == SQLITE_ROW || code == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    const char *found = code == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "no row";
    snprintf(text, sizeof text, "%s", found ? found : "NULL");
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return text;
}

static inline void shop_sql(const char *path, const char *sql) {
    sqlite3 *db;
    char *why = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
    sqlite3_close(db);
}

/* Refusals as "row STATUS reason\n". */
typedef struct refusal_text {
    char text[4096];
} refusal_text;

static inline void keep_refusal(void *user, size_t row, llmcs_status status, const char *reason) {
    refusal_text *t = user;
    const size_t n = strlen(t->text);
    snprintf(t->text + n, sizeof t->text - n, "%zu %s %s\n", row, llmcs_status_name(status), reason);
}

static inline llmcs_shop_product simple_product(const char *id, const llmcs_shop_product_text *text) {
    return (llmcs_shop_product){.struct_size = sizeof(llmcs_shop_product),
                                .id = id,
                                .texts = text,
                                .n_texts = 1,
                                .price = 9.5,
                                .currency = "CNY",
                                .stock = 3};
}

#endif
