/* Reads or creates the master key and derives the other keys. */
#include "shop/guard/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shop/guard/random.h"

/* A key file: this line, 64 hex digits, a line end. */
#define HEAD "llmcs-shop key 1\n"
enum { HEAD_BYTES = sizeof HEAD - 1, FILE_BYTES = HEAD_BYTES + 2 * SHOP_KEY_BYTES + 1 };
enum { WRAP_KEY = 1, SIGN_KEY = 2 };
static const char context[crypto_kdf_CONTEXTBYTES] = {'l', 'l', 'm', 'c', 's', 'h', 'o', 'p'};

_Static_assert(SHOP_KEY_BYTES == crypto_kdf_KEYBYTES && SHOP_KEY_BYTES == crypto_sign_SEEDBYTES &&
                   SHOP_PUBLIC_KEY_BYTES == crypto_sign_PUBLICKEYBYTES &&
                   SHOP_SECRET_KEY_BYTES == crypto_sign_SECRETKEYBYTES,
               "sizes of libsodium's keys");

static llmcs_status join(const llmcs_allocator *a, const char *path, const char *end, char **joined) {
    const size_t n = strlen(path), m = strlen(end) + 1;
    SHOP_TRY(shop_alloc(a, n + m, 1, "path of the key", joined));
    memcpy(*joined, path, n);
    memcpy(*joined + n, end, m);
    return LLMCS_OK;
}

llmcs_status shop_keys_create(const llmcs_allocator *a, const char *store, const uint8_t *master, const char *file,
                              shop_keys **keys) {
    shop_keys *k;
    *keys = NULL;
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *k, "keys", &k));
    k->allocator = a;
    llmcs_status status = join(a, file ? file : store, file ? "" : ".key", &k->file);
    if (!status && pthread_mutex_init(&k->lock, NULL)) {
        shop_free(a, k->file);
        status = shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    if (status) {
        shop_free(a, k);
        return status;
    }
    k->given = master != NULL;
    if (master) memcpy(k->master, master, sizeof k->master);
    *keys = k;
    return LLMCS_OK;
}

void shop_keys_free(shop_keys **keys) {
    shop_keys *k = *keys;
    if (!k) return;
    const llmcs_allocator *a = k->allocator;
    *keys = NULL;
    pthread_mutex_destroy(&k->lock);
    shop_free(a, k->file);
    sodium_memzero(k, sizeof *k);
    shop_free(a, k);
}

/* ---- the key file */

static llmcs_status check_file(const char *path, int fd) {
    struct stat st;
    if (fstat(fd, &st)) return shop_fail(LLMCS_IO, "%s: cannot be read (errno %d)", path, errno);
    if (!S_ISREG(st.st_mode)) return shop_fail(LLMCS_FORMAT, "%s: not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return shop_fail(LLMCS_IO, "%s: belongs to another user: change its owner with chown", path);
    if (st.st_mode & 077)
        return shop_fail(
            LLMCS_IO,
            "%s: mode %03o lets other users access it: run chmod 600, and use a new key if they may have read it", path,
            (unsigned)(st.st_mode & 0777));
    if (st.st_size != FILE_BYTES)
        return shop_fail(LLMCS_FORMAT, "%s: %lld bytes, expected %d for a key file", path, (long long)st.st_size,
                         FILE_BYTES);
    return LLMCS_OK;
}

static llmcs_status read_file(const char *path, uint8_t master[SHOP_KEY_BYTES], bool *found) {
    char text[FILE_BYTES + 1] = {0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    *found = fd >= 0;
    if (fd < 0 && errno == ENOENT) return LLMCS_OK;
    if (fd < 0) return shop_fail(LLMCS_IO, "%s: cannot be opened (errno %d)", path, errno);
    llmcs_status status = check_file(path, fd);
    if (!status && read(fd, text, FILE_BYTES) != FILE_BYTES) status = shop_fail(LLMCS_IO, "%s: cannot be read", path);
    close(fd);
    if (!status && text[FILE_BYTES - 1] == '\n') text[FILE_BYTES - 1] = 0;
    if (!status && (memcmp(text, HEAD, HEAD_BYTES) != 0 || !shop_unhex(text + HEAD_BYTES, master, SHOP_KEY_BYTES)))
        status = shop_fail(LLMCS_FORMAT, "%s: expected the line \"llmcs-shop key 1\" and 64 hex digits", path);
    sodium_memzero(text, sizeof text);
    return status;
}

/* Makes the rename durable. */
static void sync_folder(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
    const int fd = open(slash ? (*path ? path : "/") : ".", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (slash) *slash = '/';
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

static llmcs_status write_file(const shop_keys *k, const char *temporary, const uint8_t master[SHOP_KEY_BYTES]) {
    char text[FILE_BYTES + 1];
    memcpy(text, HEAD, HEAD_BYTES);
    shop_hex(master, SHOP_KEY_BYTES, text + HEAD_BYTES);
    text[FILE_BYTES - 1] = '\n';
    /* Any old file was left by a crash: the store is locked while a key is created. */
    (void)unlink(temporary);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool written = fd >= 0 && write(fd, text, FILE_BYTES) == FILE_BYTES && !fsync(fd);
    int error = errno;
    if (fd >= 0) close(fd);
    sodium_memzero(text, sizeof text);
    if (written && !rename(temporary, k->file)) {
        sync_folder(k->file);
        return LLMCS_OK;
    }
    if (written) error = errno; /* of rename */
    if (fd >= 0) (void)unlink(temporary);
    return shop_fail(error == ENOSPC ? LLMCS_NOSPACE : LLMCS_IO,
                     "%s: the key cannot be written (errno %d): make its folder writable, or pass master_key", k->file,
                     error);
}

static llmcs_status make_file(const shop_keys *k, uint8_t master[SHOP_KEY_BYTES]) {
    char *temporary;
    SHOP_TRY(shop_random_bytes(master, SHOP_KEY_BYTES));
    SHOP_TRY(join(k->allocator, k->file, ".tmp", &temporary));
    const llmcs_status status = write_file(k, temporary, master);
    shop_free(k->allocator, temporary);
    return status;
}

/* ---- derived keys */

llmcs_status shop_keys_public(shop_connection *c, uint8_t key[SHOP_PUBLIC_KEY_BYTES], bool *known) {
    shop_query q;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT value FROM settings WHERE key = 'llmcs.audit_key'", ""));
    SHOP_TRY(shop_query_next(&q));
    *known = q.has_row;
    const bool valid = !q.has_row || shop_unhex(shop_query_text(&q, 0, &n), key, SHOP_PUBLIC_KEY_BYTES);
    shop_query_end(&q);
    return valid ? LLMCS_OK : shop_fail(LLMCS_FORMAT, "%s: setting llmcs.audit_key: expected 64 hex digits", c->path);
}

static void derive(shop_keys *k, const uint8_t master[SHOP_KEY_BYTES]) {
    uint8_t seed[crypto_sign_SEEDBYTES];
    crypto_kdf_derive_from_key(k->wrap, sizeof k->wrap, WRAP_KEY, context, master);
    crypto_kdf_derive_from_key(seed, sizeof seed, SIGN_KEY, context, master);
    crypto_sign_seed_keypair(k->public_key, k->secret_key, seed);
    sodium_memzero(seed, sizeof seed);
}

static llmcs_status make_ready(shop_keys *k, shop_connection *c, bool may_create) {
    uint8_t master[SHOP_KEY_BYTES], named[SHOP_PUBLIC_KEY_BYTES];
    bool found = k->given, known;
    if (k->ready) return LLMCS_OK;
    SHOP_TRY(shop_crypto_ready());
    SHOP_TRY(shop_keys_public(c, named, &known));
    llmcs_status status = LLMCS_OK;
    if (k->given)
        memcpy(master, k->master, sizeof master);
    else
        status = read_file(k->file, master, &found);
    if (!status && !found && known)
        status =
            shop_fail(LLMCS_STATE, "%s: not found: it holds the key of %s: restore it from a backup", k->file, c->path);
    if (!status && !found && !may_create)
        status =
            shop_fail(LLMCS_STATE, "%s: the store has no key yet: the first write that needs one creates it", c->path);
    if (!status && !found) status = make_file(k, master);
    if (!status) {
        derive(k, master);
        k->ready = !known || !memcmp(named, k->public_key, sizeof named);
        if (!k->ready)
            status = shop_fail(LLMCS_STATE, "%s: not the key that %s was created with: restore that key",
                               k->given ? "master_key" : k->file, c->path);
    }
    if (k->ready) sodium_memzero(k->master, sizeof k->master);
    sodium_memzero(master, sizeof master);
    return status;
}

static llmcs_status get_keys(shop_connection *c, bool may_create, const shop_keys **keys) {
    shop_keys *k = c->keys;
    if (!k) return shop_fail(LLMCS_STATE, "%s: opened without keys", c->path);
    pthread_mutex_lock(&k->lock);
    const llmcs_status status = make_ready(k, c, may_create);
    pthread_mutex_unlock(&k->lock);
    *keys = k;
    return status;
}

llmcs_status shop_keys_read(shop_connection *c, const shop_keys **keys) { return get_keys(c, false, keys); }

llmcs_status shop_keys_write(shop_connection *c, const shop_keys **keys) {
    uint8_t named[SHOP_PUBLIC_KEY_BYTES];
    char hex[2 * SHOP_PUBLIC_KEY_BYTES + 1];
    bool known;
    SHOP_TRY(get_keys(c, true, keys));
    /* Checked every time: the transaction that stored the key's name may have been rolled back. */
    SHOP_TRY(shop_keys_public(c, named, &known));
    if (known && memcmp(named, (*keys)->public_key, sizeof named) != 0) /* another node came first with its own key */
        return shop_fail(LLMCS_STATE, "%s: not the key that %s was created with: copy that key here",
                         (*keys)->given ? "master_key" : (*keys)->file, c->path);
    if (known) return LLMCS_OK;
    shop_hex((*keys)->public_key, SHOP_PUBLIC_KEY_BYTES, hex);
    return shop_change(c, "INSERT INTO settings VALUES('llmcs.audit_key', ?1)", "s", hex);
}
