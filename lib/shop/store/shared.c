/* Connections to the database server that several nodes share: plug-in, pool, transactions, locks, reconnection. */
#include "shop/store/shared.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shop/base/clock.h"
#include "shop/base/hash.h"
#include "shop/guard/audit.h"
#include "shop/guard/keys.h"

#define PLUGIN "libllmcs_shop_postgres.so"

enum {
    CONNINFO_BYTES = 1024,
    WHERE_BYTES = 200,
    TURN_LINKS = 16,      /* connections besides those for readers: each turn holds one */
    FIRST_PAUSE = 100,    /* milliseconds between attempts to connect; doubles after each failure */
    LONGEST_PAUSE = 5000, /* up to this */
    STATEMENT_MS = 5000,  /* time-out of a statement, without its wait for locks */
    IDLE_MS = 60000,      /* time-out of a transaction without statements */
    RETRY_MS = 500,       /* a statement that failed later than this is not retried at once */
    OUTCOME_MS = 5000     /* time to find out whether a COMMIT took effect */
};

/* One connection of the pool. */
typedef struct shared_link {
    shop_connection c;    /* first member, so that a shop_connection * can be cast to shared_link * */
    shop_connection json; /* c.local */
    bool used;
    bool in_turn;    /* between shop_shared_enter and shop_shared_leave */
    double end;      /* deadline of the turn in monotonic milliseconds; 0: none */
    int64_t held;    /* number of the advisory lock on the turn's conversation; 0: none */
    char number[24]; /* of the writing transaction */
} shared_link;

struct shop_shared {
    void *library;
    const shop_remote_driver *driver;
    char *conninfo;
    char where[WHERE_BYTES];
    struct shop_keys *keys; /* of the server's vault and audit */
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t freed;   /* waits on CLOCK_MONOTONIC */
    shared_link **links;    /* [n] NULL: not created yet */
    size_t n;
    double pause;                      /* milliseconds between attempts to connect; 0 after a success */
    double next_try;                   /* no attempt before this time, in monotonic milliseconds */
    char why[SHOP_REMOTE_ERROR_BYTES]; /* error of the last attempt */
};

static int64_t lock_number(shop_lock_kind kind, const char *name) {
    char text[256];
    sqlite3_snprintf(sizeof text, text, "llmcs %d %.220s", (int)kind, name);
    int64_t number;
    const uint64_t hash = shop_xxh64(text, strlen(text));
    memcpy(&number, &hash, sizeof number);
    return number;
}

static int32_t lock_ms(const llmcs_shop *shop) { return shop->busy_ms > 0 ? shop->busy_ms : 1; }

/* ---- the plug-in */

static const shop_remote_driver *find_driver(void *library) {
    const shop_remote_driver *(*entry)(void);
    void *found = dlsym(library, SHOP_REMOTE_ENTRY);
    if (!found) return NULL;
    memcpy(&entry, &found, sizeof entry); /* POSIX: a pointer from dlsym may be a function */
    return entry();
}

static void *open_plugin(void) {
    static const char here = 0; /* an address inside this library */
    char path[1024];            /* if it does not fit, the dynamic linker searches its own folders */
    Dl_info info;
    void *library = NULL;
    if (dladdr(&here, &info) && info.dli_fname) {
        const char *slash = strrchr(info.dli_fname, '/');
        const size_t folder = slash ? (size_t)(slash - info.dli_fname) + 1 : 0;
        if (folder && folder + sizeof PLUGIN <= sizeof path) {
            memcpy(path, info.dli_fname, folder);
            memcpy(path + folder, PLUGIN, sizeof PLUGIN);
            library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        }
    }
    return library ? library : dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
}

static llmcs_status load_plugin(struct shop_shared *s) {
    s->library = open_plugin();
    if (!s->library)
        return shop_fail(LLMCS_UNSUPPORTED, "postgres: cannot load %s (build it with libpq-dev installed): %s", PLUGIN,
                         dlerror());
    s->driver = find_driver(s->library);
    return s->driver
               ? LLMCS_OK
               : shop_fail(LLMCS_UNSUPPORTED, "postgres: %s lacks %s: it belongs to another version of this library",
                           PLUGIN, SHOP_REMOTE_ENTRY);
}

/* ---- connection string */

/* Reads the first line of a file. The file must not be accessible to others. */
static llmcs_status read_conninfo(const llmcs_allocator *a, const char *path, char **conninfo) {
    char text[CONNINFO_BYTES + 2]; /* one byte more than allowed, to notice a line that is too long */
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return shop_fail(LLMCS_IO, "postgres: %s: cannot be opened (errno %d)", path, errno);
    const bool regular = !fstat(fd, &info) && S_ISREG(info.st_mode);
    const bool open_to_others = regular && info.st_mode & 007;
    const ssize_t n = regular && !open_to_others ? read(fd, text, sizeof text - 1) : -1;
    close(fd);
    if (open_to_others)
        return shop_fail(LLMCS_IO, "postgres: %s: mode %03o lets other users access it: run chmod 600", path,
                         (unsigned)info.st_mode & 0777U);
    if (n < 0) return shop_fail(LLMCS_IO, "postgres: %s: cannot be read", path);
    text[n] = 0;
    const size_t len = strcspn(text, "\r\n");
    const llmcs_status status =
        len > CONNINFO_BYTES
            ? shop_fail(LLMCS_LIMIT, "postgres: %s: the first line has more than %d bytes", path, CONNINFO_BYTES)
            : shop_copy_text(a, text, len, "conninfo", conninfo);
    memset(text, 0, sizeof text);
    return status;
}

static llmcs_status find_conninfo(llmcs_shop *shop, const char *given, char **conninfo) {
    static const char prefix[] = "file:";
    char setting[CONNINFO_BYTES + 1] = "";
    *conninfo = NULL;
    if (!given) {
        const llmcs_status status = llmcs_shop_get_setting(shop, "llmcs.postgres", setting, sizeof setting, NULL);
        if (status == LLMCS_BUFFER)
            return shop_fail(LLMCS_LIMIT, "setting llmcs.postgres: more than %d bytes", CONNINFO_BYTES);
        SHOP_TRY(status);
        given = setting;
    }
    if (!*given) return LLMCS_OK;
    if (!strncmp(given, prefix, sizeof prefix - 1))
        return read_conninfo(&shop->allocator, given + sizeof prefix - 1, conninfo);
    return shop_copy_text(&shop->allocator, given, strlen(given), "conninfo", conninfo);
}

/* ---- connecting */

static void disconnect(shared_link *l, bool own) {
    if (l->c.remote) l->c.driver->close(l->c.remote, own);
    l->c.remote = NULL;
    l->c.lost = false;
}

/* IO during the pause after a failed attempt. */
static llmcs_status check_pause(struct shop_shared *s) {
    const double now = shop_now_ms();
    llmcs_status status = LLMCS_OK;
    pthread_mutex_lock(&s->lock);
    if (now < s->next_try)
        status = shop_fail(LLMCS_IO, "%s: %s (next attempt in %d ms)", s->where, s->why, (int)(s->next_try - now) + 1);
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* Sets the pause before the next attempt. failure: NULL after a success. */
static void record_attempt(struct shop_shared *s, const shop_remote_error *failure) {
    pthread_mutex_lock(&s->lock);
    s->pause = !failure ? 0 : s->pause > 0 ? s->pause * 2 : FIRST_PAUSE;
    if (s->pause > LONGEST_PAUSE) s->pause = LONGEST_PAUSE;
    s->next_try = failure ? shop_now_ms() + s->pause : 0;
    if (failure) memcpy(s->why, failure->text, sizeof s->why);
    pthread_mutex_unlock(&s->lock);
}

/* Time left to the deadline, at least 1 ms so that the failing call sets its message; 0: no deadline. */
static double left_ms(const shared_link *l) {
    const double left = l->end - shop_now_ms();
    return l->end <= 0 ? 0 : left > 1 ? left : 1;
}

/* Locks the conversation again after reconnecting. The lost session still holds the lock until the server notices that
 * its client is gone (tcp_keepalives_idle, tcp_user_timeout); a turn waits only as long as its deadline allows. */
static llmcs_status relock_conversation(llmcs_shop *shop, shared_link *l, shop_remote_error *error) {
    char sql[200];
    const double left = left_ms(l), wait = left > 0 && left < lock_ms(shop) ? left : lock_ms(shop);
    sqlite3_snprintf(sizeof sql, sql, "BEGIN; SET LOCAL lock_timeout = %d; SELECT pg_advisory_lock(%lld); COMMIT",
                     (int)wait, (long long)l->held);
    const llmcs_status status = l->c.driver->execute(l->c.remote, sql, NULL, 0, error);
    if (status == LLMCS_BUSY)
        sqlite3_snprintf(sizeof error->text, error->text,
                         "reconnected, but the server still keeps the lost session, which locks the conversation: gave"
                         " up after %d ms; lower the server's tcp_keepalives_idle or tcp_user_timeout",
                         (int)wait);
    return status;
}

/* Sets the session's parameters, and relocks the conversation if the lost session had locked it. */
static llmcs_status begin_session(llmcs_shop *shop, shared_link *l, shop_remote_error *error) {
    char sql[500];
    sqlite3_snprintf(sizeof sql, sql,
                     "SET search_path = llmcs, pg_temp; SET client_min_messages = error; SET lock_timeout = %d;"
                     " SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d",
                     lock_ms(shop), lock_ms(shop) + STATEMENT_MS, IDLE_MS);
    const llmcs_status status = l->c.driver->execute(l->c.remote, sql, NULL, 0, error);
    return !status && l->held ? relock_conversation(shop, l, error) : status;
}

/* Time-out for an answer. A turn gets RETRY_MS more than its deadline, so that it can still store its results. */
static double answer_ms(const llmcs_shop *shop, const shared_link *l) {
    const double left = left_ms(l);
    if (left <= 0) return lock_ms(shop) + STATEMENT_MS + 1000.0;
    return (left > RETRY_MS ? left : RETRY_MS) + RETRY_MS;
}

/* at_once: ignores the pause after a failed attempt. */
static llmcs_status connect_link(llmcs_shop *shop, shared_link *l, bool at_once) {
    struct shop_shared *s = shop->shared;
    shop_remote_error error;
    const shop_remote_options options = {.allocator = &shop->allocator,
                                         .conninfo = s->conninfo,
                                         .any_server = shop->read_only,
                                         .wait_ms = answer_ms(shop, l),
                                         .connect_ms = left_ms(l)};
    if (!at_once) SHOP_TRY(check_pause(s));
    llmcs_status status = s->driver->connect(&options, &l->c.remote, &error);
    if (!status) status = begin_session(shop, l, &error);
    /* A lock held by a lost session, or a deadline too short to connect, does not mean that the server is down. */
    const bool too_short = options.connect_ms > 0 && options.connect_ms < RETRY_MS;
    if (!status || (error.lost && !too_short)) record_attempt(s, status ? &error : NULL);
    if (!status) return LLMCS_OK;
    disconnect(l, true);
    return shop_fail(status, "%s: %s", s->where, error.text);
}

/* ---- the pool */

static llmcs_status make_link(llmcs_shop *shop, shared_link **link) {
    struct shop_shared *s = shop->shared;
    shared_link *l;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *l, "connection", &l));
    const llmcs_status status = shop_connection_open(&l->json, ":memory:", SHOP_ACCESS_CREATE, 0);
    if (status) {
        shop_free(&shop->allocator, l);
        return status;
    }
    l->c.path = s->where;
    l->c.keys = s->keys;
    l->c.driver = s->driver;
    l->c.local = &l->json;
    l->used = true;
    *link = l;
    return LLMCS_OK;
}

static llmcs_status acquire(llmcs_shop *shop, double wait_ms, shared_link **link) {
    struct shop_shared *s = shop->shared;
    const struct timespec deadline = shop_after_ms(CLOCK_MONOTONIC, wait_ms);
    size_t i;
    *link = NULL;
    pthread_mutex_lock(&s->lock);
    for (bool late = false;;) {
        for (i = 0; i < s->n && s->links[i] && s->links[i]->used; i++) continue;
        if (i < s->n || late) break;
        late = pthread_cond_timedwait(&s->freed, &s->lock, &deadline) != 0;
    }
    llmcs_status status = LLMCS_OK;
    if (i == s->n)
        status = shop_fail(LLMCS_BUSY, "%s: all %lld connections are in use", s->where, (long long)s->n);
    else if (!s->links[i])
        status = make_link(shop, &s->links[i]);
    if (!status) {
        *link = s->links[i];
        (*link)->used = true;
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

static void release(llmcs_shop *shop, shared_link *l) {
    struct shop_shared *s = shop->shared;
    pthread_mutex_lock(&s->lock);
    l->used = false;
    pthread_cond_signal(&s->freed);
    pthread_mutex_unlock(&s->lock);
}

/* Runs the first statements of a transaction or turn. Nothing can be lost yet, so if the connection turns out to be
 * broken, it reconnects and retries once, unless the failure took longer than RETRY_MS. */
static llmcs_status begin_on(llmcs_shop *shop, shared_link *l, const char *sql, char *text, size_t capacity) {
    shop_remote_error error;
    llmcs_status status = LLMCS_OK;
    const double begin = shop_now_ms();
    for (int attempt = 0; attempt < 2; attempt++) {
        if (l->c.lost) disconnect(l, true);
        if (!l->c.remote) SHOP_TRY(connect_link(shop, l, attempt > 0));
        l->c.driver->set_wait(l->c.remote, answer_ms(shop, l));
        status = l->c.driver->execute(l->c.remote, sql, text, capacity, &error);
        if (!status) return LLMCS_OK;
        status = shop_remote_failed(&l->c, &error);
        if (!l->c.lost) break;
        disconnect(l, true);
        if (shop_now_ms() - begin > RETRY_MS) break;
    }
    return status;
}

static void roll_back(shared_link *l) {
    shop_remote_error error;
    if (!l->c.remote) return;
    if (l->c.lost || l->c.driver->execute(l->c.remote, "ROLLBACK", NULL, 0, &error)) disconnect(l, true);
}

static void release_unless_in_turn(llmcs_shop *shop, shared_link *l) {
    if (!l->in_turn) release(shop, l);
}

/* link: the turn's connection, or NULL for any from the pool. */
static llmcs_status get_link(llmcs_shop *shop, shop_connection *link, shared_link **l) {
    if (link) {
        *l = (shared_link *)link;
        return LLMCS_OK;
    }
    return acquire(shop, shop->busy_ms, l);
}

/* ---- turns */

llmcs_status shop_shared_enter(llmcs_shop *shop, const char *conversation, double wait_ms, shop_connection **link) {
    shared_link *l;
    char sql[200];
    *link = NULL;
    if (!shop->shared) return LLMCS_OK;
    const bool limited = wait_ms >= 0;
    if (!limited || wait_ms > lock_ms(shop)) wait_ms = lock_ms(shop);
    if (wait_ms < 1) wait_ms = 1;
    const double begin = shop_now_ms();
    SHOP_TRY(acquire(shop, wait_ms, &l));
    l->end = limited ? begin + wait_ms : 0;
    const int64_t number = lock_number(SHOP_LOCK_CONVERSATION, conversation);
    sqlite3_snprintf(sizeof sql, sql, "BEGIN; SET LOCAL lock_timeout = %d; SELECT pg_advisory_lock(%lld); COMMIT",
                     (int)wait_ms, (long long)number);
    const llmcs_status status = begin_on(shop, l, sql, NULL, 0);
    if (status) {
        roll_back(l);
        l->end = 0;
        if (l->c.remote) l->c.driver->set_wait(l->c.remote, answer_ms(shop, l));
        release(shop, l);
        return status;
    }
    l->held = number;
    l->in_turn = true;
    *link = &l->c;
    return LLMCS_OK;
}

void shop_shared_leave(llmcs_shop *shop, shop_connection *link) {
    shared_link *l = (shared_link *)link;
    shop_remote_error error;
    char sql[80];
    if (!l) return;
    sqlite3_snprintf(sizeof sql, sql, "SELECT pg_advisory_unlock(%lld)", (long long)l->held);
    l->held = 0;
    l->in_turn = false;
    l->end = 0;
    /* Ending the session also releases its locks. */
    if (l->c.remote && (l->c.lost || l->c.driver->execute(l->c.remote, sql, NULL, 0, &error))) disconnect(l, true);
    if (l->c.remote) l->c.driver->set_wait(l->c.remote, answer_ms(shop, l));
    release(shop, l);
}

/* ---- transactions */

llmcs_status shop_shared_read_begin(llmcs_shop *shop, shop_connection *link, shop_connection **c) {
    shared_link *l;
    if (!shop->shared) return shop_read_begin(shop, c);
    SHOP_TRY(get_link(shop, link, &l));
    const llmcs_status status = begin_on(shop, l, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL, 0);
    if (status)
        release_unless_in_turn(shop, l);
    else
        *c = &l->c;
    return status;
}

void shop_shared_read_end(llmcs_shop *shop, shop_connection *c) {
    if (!c->driver) {
        shop_read_end(shop, c);
        return;
    }
    roll_back((shared_link *)c);
    release_unless_in_turn(shop, (shared_link *)c);
}

static llmcs_status write_begin(llmcs_shop *shop, shop_connection *link, bool alone, shop_connection **c) {
    shared_link *l;
    char sql[300];
    if (shop->read_only)
        return shop_fail(LLMCS_STATE, "%s: the store was opened with LLMCS_SHOP_READ_ONLY", shop->path);
    SHOP_TRY(get_link(shop, link, &l));
    sqlite3_snprintf(sizeof sql, sql,
                     "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock%s(%lld);"
                     " SELECT pg_current_xact_id()::text",
                     alone ? "" : "_shared", (long long)lock_number(SHOP_LOCK_STORE, ""));
    const llmcs_status status = begin_on(shop, l, sql, l->number, sizeof l->number);
    if (status) {
        roll_back(l);
        release_unless_in_turn(shop, l);
        return status;
    }
    l->c.audit_grew = false;
    *c = &l->c;
    return LLMCS_OK;
}

llmcs_status shop_shared_write_begin(llmcs_shop *shop, shop_connection *link, shop_connection **c) {
    return shop->shared ? write_begin(shop, link, false, c) : shop_write_begin(shop, c);
}

llmcs_status shop_shared_write_alone(llmcs_shop *shop, shop_connection **c) {
    return shop->shared ? write_begin(shop, NULL, true, c) : shop_write_begin(shop, c);
}

/* Asks the server whether a COMMIT that got no answer took effect. */
static llmcs_status ask_outcome(llmcs_shop *shop, shared_link *l) {
    char sql[120], state[24];
    shop_remote_error error;
    sqlite3_snprintf(sizeof sql, sql, "SELECT coalesce(pg_xact_status('%.20s'::xid8), '')", l->number);
    do {
        const struct timespec pause = {0, 50000000};
        if (l->c.lost) disconnect(l, true);
        state[0] = 0;
        if ((l->c.remote || !connect_link(shop, l, true)) &&
            l->c.driver->execute(l->c.remote, sql, state, sizeof state, &error))
            (void)shop_remote_failed(&l->c, &error);
        if (!strcmp(state, "committed")) return LLMCS_OK;
        if (!strcmp(state, "aborted"))
            return shop_fail(LLMCS_IO, "%s: the connection was lost before COMMIT: nothing was stored", l->c.path);
        (void)nanosleep(&pause, NULL);
    } while (shop_now_ms() < l->end);
    return shop_fail(LLMCS_PENDING,
                     "%s: the connection was lost during COMMIT: it is not known whether the changes were stored",
                     l->c.path);
}

/* Takes up to OUTCOME_MS even if the turn's deadline has passed. Does not relock the conversation, which the lost
 * session may hold for long: the turn stores nothing afterwards. */
static llmcs_status find_outcome(llmcs_shop *shop, shared_link *l) {
    const double end = l->end;
    const int64_t held = l->held;
    l->end = shop_now_ms() + OUTCOME_MS;
    l->held = 0;
    const llmcs_status status = ask_outcome(shop, l);
    l->end = end;
    l->held = held;
    return status;
}

static llmcs_status commit(llmcs_shop *shop, shared_link *l) {
    shop_remote_error error;
    char tag[24];
    const llmcs_status status = l->c.driver->execute(l->c.remote, "COMMIT", tag, sizeof tag, &error);
    if (!status && !strcmp(tag, "COMMIT")) return LLMCS_OK;
    if (!status) return shop_fail(LLMCS_INTERNAL, "%s: COMMIT returned %s", l->c.path, tag);
    (void)shop_remote_failed(&l->c, &error);
    return l->c.lost ? find_outcome(shop, l) : status;
}

llmcs_status shop_shared_write_end(llmcs_shop *shop, shop_connection *c, llmcs_status status) {
    if (!c->driver) return shop_write_end(shop, c, status);
    shared_link *l = (shared_link *)c;
    if (!status && c->audit_grew) status = shop_audit_sign(c);
    if (status)
        roll_back(l);
    else
        status = commit(shop, l);
    release_unless_in_turn(shop, l);
    return status;
}

llmcs_status shop_lock(shop_connection *c, shop_lock_kind kind, const char *name) {
    if (!c->driver) return LLMCS_OK;
    return shop_change(c, "SELECT pg_advisory_xact_lock(?1)", "i", lock_number(kind, name));
}

/* ---- open and close */

static llmcs_status init_pool(llmcs_shop *shop, struct shop_shared *s) {
    s->n = shop->n_readers + TURN_LINKS;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, s->n, sizeof(void *), "connections", &s->links));
    if (!pthread_mutex_init(&s->lock, NULL)) {
        if (shop_cond_init(&s->freed)) return LLMCS_OK;
        pthread_mutex_destroy(&s->lock);
    }
    shop_free(&shop->allocator, s->links);
    return shop_fail(LLMCS_THREAD, "a lock could not be created");
}

/* Creates or checks the tables, and checks that this node has the same key as the others. */
static llmcs_status prepare(llmcs_shop *shop) {
    shared_link *l;
    uint8_t key[SHOP_PUBLIC_KEY_BYTES];
    const struct shop_keys *keys;
    bool known = false;
    SHOP_TRY(acquire(shop, shop->busy_ms, &l));
    llmcs_status status = connect_link(shop, l, true);
    if (!status) status = shop_shared_schema(&l->c, shop->read_only);
    if (!status) status = shop_keys_public(&l->c, key, &known);
    if (!status && known) status = shop_keys_read(&l->c, &keys);
    if (l->c.lost) disconnect(l, true);
    release(shop, l);
    return status;
}

llmcs_status shop_shared_open(llmcs_shop *shop, const char *given, const uint8_t *master_key, const char *key_file) {
    struct shop_shared *s;
    char *conninfo;
    shop_remote_error error;
    SHOP_TRY(find_conninfo(shop, given, &conninfo));
    if (!conninfo) return LLMCS_OK;
    llmcs_status status = shop_alloc_zero(&shop->allocator, 1, sizeof *s, "postgres", &s);
    if (!status) {
        s->conninfo = conninfo;
        status = init_pool(shop, s);
        if (status) shop_free(&shop->allocator, s);
    }
    if (status) {
        shop_free(&shop->allocator, conninfo);
        return status;
    }
    shop->shared = s;
    SHOP_TRY(load_plugin(s));
    if (s->driver->describe(conninfo, s->where, sizeof s->where, &error))
        return shop_fail(error.status, "postgres: %s", error.text);
    SHOP_TRY(shop_keys_create(&shop->allocator, shop->path, master_key, key_file, &s->keys));
    return prepare(shop);
}

void shop_shared_close(llmcs_shop *shop) {
    struct shop_shared *s = shop->shared;
    const bool own = shop->owner == getpid();
    if (!s) return;
    shop->shared = NULL;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->links[i]) continue;
        disconnect(s->links[i], own);
        shop_connection_close(&s->links[i]->json);
        shop_free(&shop->allocator, s->links[i]);
    }
    if (own) {
        pthread_cond_destroy(&s->freed);
        pthread_mutex_destroy(&s->lock);
    }
    shop_keys_free(&s->keys);
    memset(s->conninfo, 0, strlen(s->conninfo));
    shop_free(&shop->allocator, s->conninfo);
    shop_free(&shop->allocator, s->links);
    if (s->library) dlclose(s->library);
    shop_free(&shop->allocator, s);
}
