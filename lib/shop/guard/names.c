/* The placeholders of a conversation: an array of values with two hash indexes, by value and by placeholder. */
#include "shop/guard/names.h"

#include <sqlite3.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/hash.h"
#include "shop/guard/vault.h"
#include "shop/store/shared.h"

typedef struct name_item {
    uint32_t kind, number;
    char *value; /* NUL-terminated */
    size_t bytes;
} name_item;

struct llmcs_shop_names {
    llmcs_allocator allocator;
    name_item *items;
    size_t n, capacity;
    uint32_t *by_value, *by_name;   /* [n_slots] index + 1 into items, 0: free; linear probing */
    size_t n_slots;                 /* a power of two, at least twice n; or 0 */
    uint32_t last[SHOP_NAME_KINDS]; /* highest number of each kind */
    llmcs_shop *shop;               /* NULL: in memory only */
    char *customer, *conversation;  /* only with a shop; customer may be NULL */
    size_t n_saved;                 /* items[0..n_saved) are in the vault */
    char printed[SHOP_NAME_BYTES];  /* result of llmcs_shop_names_get */
};

/* ---------------------------------------------------------------------------------------------- placeholders */

static const char *const kind_names[SHOP_NAME_KINDS] = {"NAME", "ADDRESS", "PHONE", "EMAIL", "ID",         "CARD",
                                                        "IBAN", "ORDER",   "PLATE", "LINK",  "COMPANY_ID", "TEXT"};

const char *shop_name_kind(uint32_t kind) { return kind_names[kind]; }

const char *llmcs_shop_pii_name(llmcs_shop_pii kind) {
    return (uint32_t)kind < SHOP_PII_KINDS ? kind_names[kind] : NULL;
}

size_t shop_name_print(uint32_t kind, uint32_t number, char out[SHOP_NAME_BYTES]) {
    sqlite3_snprintf(SHOP_NAME_BYTES, out, "%s_%u", kind_names[kind], number);
    return strlen(out);
}

/* Reads "PHONE_1" from the start of text. */
static size_t parse_bare(const char *text, size_t n, uint32_t *kind, uint32_t *number) {
    for (uint32_t k = 0; k < SHOP_NAME_KINDS; k++) {
        const size_t bytes = strlen(kind_names[k]);
        size_t i = bytes + 1;
        uint32_t value = 0;
        if (n < bytes + 2 || memcmp(text, kind_names[k], bytes) != 0 || text[bytes] != '_') continue;
        for (; i < n && i < bytes + 10 && text[i] >= '0' && text[i] <= '9'; i++)
            value = 10 * value + (uint32_t)(text[i] - '0');
        if (i == bytes + 1 || text[bytes + 1] == '0') continue;
        *kind = k;
        *number = value;
        return i;
    }
    return 0;
}

size_t shop_name_parse(const char *text, size_t text_bytes, uint32_t *kind, uint32_t *number) {
    if (text_bytes < 4 || text[0] != '<') return 0;
    const size_t n = parse_bare(text + 1, text_bytes - 1, kind, number);
    return n && n + 1 < text_bytes && text[n + 1] == '>' ? n + 2 : 0;
}

/* ---------------------------------------------------------------------------------------------------- tables */

static uint64_t hash_value(uint32_t kind, const char *value, size_t bytes) {
    return shop_xxh64(value, bytes) ^ (kind + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_name(uint32_t kind, uint32_t number) {
    const uint32_t key[2] = {kind, number};
    return shop_xxh64(key, sizeof key);
}

/* The slot of the value, or the free slot for it. */
static size_t value_slot(const llmcs_shop_names *names, uint32_t kind, const char *value, size_t bytes) {
    size_t slot = (size_t)hash_value(kind, value, bytes) & (names->n_slots - 1);
    for (; names->by_value[slot]; slot = (slot + 1) & (names->n_slots - 1)) {
        const name_item *item = &names->items[names->by_value[slot] - 1];
        if (item->kind == kind && item->bytes == bytes && memcmp(item->value, value, bytes) == 0) break;
    }
    return slot;
}

static size_t name_slot(const llmcs_shop_names *names, uint32_t kind, uint32_t number) {
    size_t slot = (size_t)hash_name(kind, number) & (names->n_slots - 1);
    for (; names->by_name[slot]; slot = (slot + 1) & (names->n_slots - 1)) {
        const name_item *item = &names->items[names->by_name[slot] - 1];
        if (item->kind == kind && item->number == number) break;
    }
    return slot;
}

/* Rebuilds the tables at twice the size. */
static llmcs_status grow_tables(llmcs_shop_names *names) {
    const llmcs_allocator *a = &names->allocator;
    const size_t n_slots = names->n_slots ? 2 * names->n_slots : 64;
    uint32_t *by_value, *by_name;
    SHOP_TRY(shop_alloc_zero(a, n_slots, sizeof *by_value, "names", &by_value));
    const llmcs_status status = shop_alloc_zero(a, n_slots, sizeof *by_name, "names", &by_name);
    if (status) {
        shop_free(a, by_value);
        return status;
    }
    shop_free(a, names->by_value);
    shop_free(a, names->by_name);
    names->by_value = by_value;
    names->by_name = by_name;
    names->n_slots = n_slots;
    for (size_t i = 0; i < names->n; i++) {
        const name_item *item = &names->items[i];
        by_value[value_slot(names, item->kind, item->value, item->bytes)] = (uint32_t)i + 1;
        by_name[name_slot(names, item->kind, item->number)] = (uint32_t)i + 1;
    }
    return LLMCS_OK;
}

static llmcs_status add_item(llmcs_shop_names *names, uint32_t kind, uint32_t number, const char *value, size_t bytes) {
    const llmcs_allocator *a = &names->allocator;
    name_item item = {.kind = kind, .number = number, .bytes = bytes};
    if (names->n >= UINT32_MAX / 4) return shop_fail(LLMCS_LIMIT, "names: more than %u values", UINT32_MAX / 4);
    if (2 * (names->n + 1) > names->n_slots) SHOP_TRY(grow_tables(names));
    SHOP_TRY(shop_grow(a, &names->items, names->n, &names->capacity, names->n + 1, sizeof item, "names"));
    SHOP_TRY(shop_copy_text(a, value, bytes, "names", &item.value));
    names->by_value[value_slot(names, kind, value, bytes)] = (uint32_t)names->n + 1;
    names->by_name[name_slot(names, kind, number)] = (uint32_t)names->n + 1;
    names->items[names->n++] = item;
    if (number > names->last[kind]) names->last[kind] = number;
    return LLMCS_OK;
}

llmcs_status shop_names_find_or_add(llmcs_shop_names *names, uint32_t kind, const char *value, size_t value_bytes,
                                    uint32_t *number) {
    if (names->n_slots) {
        const uint32_t found = names->by_value[value_slot(names, kind, value, value_bytes)];
        if (found) {
            *number = names->items[found - 1].number;
            return LLMCS_OK;
        }
    }
    if (names->last[kind] >= SHOP_NAME_MAX_NUMBER)
        return shop_fail(LLMCS_LIMIT, "names: all numbers for %s placeholders are in use", kind_names[kind]);
    *number = names->last[kind] + 1;
    return add_item(names, kind, *number, value, value_bytes);
}

const char *shop_names_value(const llmcs_shop_names *names, uint32_t kind, uint32_t number, size_t *value_bytes) {
    if (!names->n_slots) return NULL;
    const uint32_t found = names->by_name[name_slot(names, kind, number)];
    if (!found) return NULL;
    *value_bytes = names->items[found - 1].bytes;
    return names->items[found - 1].value;
}

/* ----------------------------------------------------------------------------------------------------- vault */

static llmcs_status add_loaded(void *user, const char *name, const char *value, size_t value_bytes) {
    llmcs_shop_names *names = user;
    uint32_t kind, number;
    size_t known_bytes;
    const size_t name_bytes = strlen(name);
    if (!name_bytes || parse_bare(name, name_bytes, &kind, &number) != name_bytes)
        return shop_fail(LLMCS_FORMAT, "names: '%.40s' in the store is not a placeholder", name);
    if (shop_names_value(names, kind, number, &known_bytes)) return LLMCS_OK;
    return add_item(names, kind, number, value, value_bytes);
}

/* Loads the names that are in the vault but not in memory. All names in memory must be saved. */
static llmcs_status load(llmcs_shop_names *names) {
    shop_connection *c;
    SHOP_TRY(shop_shared_read_begin(names->shop, NULL, &c));
    const llmcs_status status =
        shop_vault_load(names->shop, c, names->customer, names->conversation, add_loaded, names);
    shop_shared_read_end(names->shop, c);
    names->n_saved = names->n;
    return status;
}

static void free_item(const llmcs_allocator *a, name_item *item) {
    explicit_bzero(item->value, item->bytes);
    shop_free(a, item->value);
}

/* Removes the names that could not be saved to the vault. */
static void drop_unsaved(llmcs_shop_names *names) {
    while (names->n > names->n_saved) free_item(&names->allocator, &names->items[--names->n]);
    memset(names->last, 0, sizeof names->last);
    memset(names->by_value, 0, names->n_slots * sizeof *names->by_value);
    memset(names->by_name, 0, names->n_slots * sizeof *names->by_name);
    for (size_t i = 0; i < names->n; i++) {
        const name_item *item = &names->items[i];
        names->by_value[value_slot(names, item->kind, item->value, item->bytes)] = (uint32_t)i + 1;
        names->by_name[name_slot(names, item->kind, item->number)] = (uint32_t)i + 1;
        if (item->number > names->last[item->kind]) names->last[item->kind] = item->number;
    }
}

static llmcs_status put_unsaved(llmcs_shop_names *names, shop_connection *c, bool *taken) {
    for (size_t i = names->n_saved; i < names->n; i++) {
        const name_item *item = &names->items[i];
        char name[SHOP_NAME_BYTES];
        shop_name_print(item->kind, item->number, name);
        const llmcs_status status =
            shop_vault_put(names->shop, c, names->customer, names->conversation, name, item->value, item->bytes);
        *taken = status == LLMCS_BUSY;
        SHOP_TRY(status);
    }
    return LLMCS_OK;
}

llmcs_status shop_names_save(llmcs_shop_names *names, bool *taken) {
    shop_connection *c;
    *taken = false;
    if (!names->shop || names->n_saved == names->n) return LLMCS_OK;
    llmcs_status status = shop_shared_write_begin(names->shop, NULL, &c);
    if (!status) status = shop_shared_write_end(names->shop, c, put_unsaved(names, c, taken));
    if (status)
        drop_unsaved(names);
    else
        names->n_saved = names->n;
    return *taken ? load(names) : status;
}

/* ------------------------------------------------------------------------------------------------------- API */

static llmcs_status open_vault(llmcs_shop_names *n, llmcs_shop *shop, const char *customer, const char *conversation) {
    SHOP_TRY(shop_check(shop));
    n->shop = shop;
    if (customer) SHOP_TRY(shop_copy_text(&n->allocator, customer, strlen(customer), "names", &n->customer));
    SHOP_TRY(shop_copy_text(&n->allocator, conversation, strlen(conversation), "names", &n->conversation));
    return load(n);
}

llmcs_status llmcs_shop_names_create(llmcs_shop *shop, const char *customer, const char *conversation,
                                     const llmcs_allocator *allocator, llmcs_shop_names **names) {
    SHOP_PUBLIC_CALL;
    const llmcs_allocator a = shop_allocator_or_default(allocator);
    llmcs_shop_names *n;
    if (!names) return shop_fail(LLMCS_ARG, "names_create: names is NULL");
    *names = NULL;
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *n, "names", &n));
    n->allocator = a;
    const llmcs_status status =
        shop ? open_vault(n, shop, customer, conversation ? conversation : "default") : LLMCS_OK;
    if (status)
        llmcs_shop_names_free(&n);
    else
        *names = n;
    return status;
}

void llmcs_shop_names_free(llmcs_shop_names **names) {
    if (!names || !*names) return;
    llmcs_shop_names *n = *names;
    const llmcs_allocator a = n->allocator;
    *names = NULL;
    for (size_t i = 0; i < n->n; i++) free_item(&a, &n->items[i]);
    shop_free(&a, n->customer);
    shop_free(&a, n->conversation);
    shop_free(&a, n->items);
    shop_free(&a, n->by_value);
    shop_free(&a, n->by_name);
    shop_free(&a, n);
}

llmcs_status llmcs_shop_names_set(llmcs_shop_names *names, const char *name, const char *value, size_t value_bytes) {
    SHOP_PUBLIC_CALL;
    uint32_t kind, number;
    size_t known_bytes;
    bool taken;
    if (!names || !name || !value) return shop_fail(LLMCS_ARG, "names_set: an argument is NULL");
    const size_t name_bytes = strnlen(name, SHOP_NAME_BYTES);
    if (parse_bare(name, name_bytes, &kind, &number) != name_bytes || !name_bytes)
        return shop_fail(LLMCS_ARG, "names_set: '%.40s' is not a placeholder; expected a kind, _ and a number: PHONE_1",
                         name);
    if (value_bytes == LLMCS_NUL) value_bytes = strlen(value);
    if (!value_bytes || value_bytes > SHOP_VALUE_BYTES)
        return shop_fail(LLMCS_ARG, "names_set: %s: %lld bytes, expected 1 to %d", name, (long long)value_bytes,
                         SHOP_VALUE_BYTES);
    const char *known = shop_names_value(names, kind, number, &known_bytes);
    if (known && (known_bytes != value_bytes || memcmp(known, value, value_bytes) != 0))
        return shop_fail(LLMCS_ARG, "names_set: %s already stands for another value", name);
    if (known) return LLMCS_OK;
    if (names->n_slots && names->by_value[value_slot(names, kind, value, value_bytes)])
        return shop_fail(LLMCS_ARG, "names_set: the value of %s already has another placeholder", name);
    SHOP_TRY(add_item(names, kind, number, value, value_bytes));
    const llmcs_status status = shop_names_save(names, &taken);
    return status || !taken
               ? status
               : shop_fail(LLMCS_BUSY, "names_set: another process has set %s; its value is now loaded", name);
}

size_t llmcs_shop_names_count(const llmcs_shop_names *names) { return names ? names->n : 0; }

const char *llmcs_shop_names_get(llmcs_shop_names *names, size_t index, const char **value, size_t *value_bytes) {
    if (!names || index >= names->n) return NULL;
    const name_item *item = &names->items[index];
    if (value) *value = item->value;
    if (value_bytes) *value_bytes = item->bytes;
    shop_name_print(item->kind, item->number, names->printed);
    return names->printed;
}

/* ---------------------------------------------------------------------------------------------------- unmask */

/* Copies what fits into `out`; adds n to *total. */
static void put_bytes(char *out, size_t capacity, size_t *total, const char *bytes, size_t n) {
    if (out && *total < capacity && n) memcpy(out + *total, bytes, shop_min(n, capacity - *total));
    *total += n;
}

llmcs_status llmcs_shop_unmask(llmcs_shop_names *names, const char *text, size_t text_bytes, char *out, size_t capacity,
                               size_t *out_bytes) {
    SHOP_PUBLIC_CALL;
    size_t total = 0, copied = 0;
    bool loaded = !names || !names->shop || names->n > names->n_saved;
    if (!names || !out_bytes || (!text && text_bytes)) return shop_fail(LLMCS_ARG, "unmask: an argument is NULL");
    if (!text) text = "";
    if (text_bytes == LLMCS_NUL) text_bytes = strlen(text);
    for (size_t i = 0; i < text_bytes;) {
        uint32_t kind, number;
        size_t value_bytes;
        const char *next = memchr(text + i, '<', text_bytes - i);
        if (!next) break;
        i = (size_t)(next - text);
        const size_t bytes = shop_name_parse(next, text_bytes - i, &kind, &number);
        const char *value = bytes ? shop_names_value(names, kind, number, &value_bytes) : NULL;
        if (bytes && !value && !loaded) { /* another process may have masked it meanwhile */
            SHOP_TRY(load(names));
            loaded = true;
            value = shop_names_value(names, kind, number, &value_bytes);
        }
        if (!value) {
            i++;
            continue;
        }
        if (value_bytes > (size_t)PTRDIFF_MAX - total - text_bytes)
            return shop_fail(LLMCS_LIMIT, "unmask: the result exceeds the address space");
        put_bytes(out, capacity, &total, text + copied, i - copied);
        put_bytes(out, capacity, &total, value, value_bytes);
        copied = i += bytes;
    }
    put_bytes(out, capacity, &total, text + copied, text_bytes - copied);
    *out_bytes = total;
    if (!out || capacity <= total)
        return shop_fail(LLMCS_BUFFER, "unmask: the text has %lld bytes without its NUL, the buffer %lld",
                         (long long)total, out ? (long long)capacity : 0);
    out[total] = 0;
    return LLMCS_OK;
}
