/* Actions under faults: the host fails, blocks, answers twice or never; the process is killed at every step; two
 * processes, many threads, a locked store, no memory. No action runs twice, and no reply is untrue. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shop/desk/desk_case.h"

/* ---- a host */

typedef enum host_mode {
    HOST_DONE,
    HOST_FAILED,
    HOST_SILENT,
    HOST_BLOCKS,
    HOST_TWICE,
    HOST_LEAVES,
    HOST_NO_ROWS
} host_mode;

typedef struct host {
    _Atomic host_mode mode;
    atomic_int calls, acts, go_on, second;
    char keys[16][64];
} host;

static void serve(void *user, const llmcs_shop_call_request *r, llmcs_shop_call *call) {
    host *h = user;
    atomic_fetch_add(&h->calls, 1);
    if (!r->is_action) {
        if (h->mode == HOST_BLOCKS)
            while (!h->go_on) usleep(1000);
        (void)llmcs_shop_call_answer(call, LLMCS_ACTION_DONE,
                                     h->mode == HOST_NO_ROWS
                                         ? "[]"
                                         : "[{\"id\":\"PL1001\",\"status\":\"paid\",\"city\":\"Ulm\",\"total\":12.5}]");
        return;
    }
    const int n = atomic_fetch_add(&h->acts, 1);
    snprintf(h->keys[n % 16], 64, "%s", r->key);
    if (h->mode == HOST_SILENT) return;
    if (h->mode == HOST_LEAVES) pthread_exit(NULL);
    if (h->mode == HOST_BLOCKS)
        while (!h->go_on) usleep(1000);
    (void)llmcs_shop_call_answer(call, h->mode == HOST_FAILED ? LLMCS_ACTION_FAILED : LLMCS_ACTION_DONE,
                                 "{\"number\":\"R-7\"}");
    if (h->mode == HOST_TWICE) h->second = llmcs_shop_call_answer(call, LLMCS_ACTION_FAILED, NULL);
}

static const char *const all_calls[] = {"*"}, *const cancel_call[] = {"cancel"};

static void open_host_desk(desk_case *d, host *h, const char *const *calls, double timeout_ms) {
    *h = (host){.mode = HOST_DONE};
    desk_case_make(d);
    d->options.call = serve;
    d->options.call_user = h;
    d->options.host_calls = calls;
    d->options.n_host_calls = 1;
    d->options.call_timeout_ms = timeout_ms;
    SHOP_OK(llmcs_shop_desk_open(d->shop, &d->options, &d->desk));
}

#define ACTIONS_ARE(expected)                                                                                          \
    ck_assert_str_eq(shop_value(d.path,                                                                                \
                                "SELECT coalesce(group_concat(name || ' ' || object || ' ' || state, ', '), '') FROM " \
                                "(SELECT * FROM actions ORDER BY row)"),                                               \
                     expected)

START_TEST(same_flows_over_the_host) {
    desk_case d;
    host h;
    open_host_desk(&d, &h, all_calls, 5000);
    HAS(say(&d, "where is my order PL1001"), "PL1001 is paid");
    HAS(say(&d, "cancel order PL1001"), "You get 12.50 back");
    HAS(say(&d, "yes"), "is cancelled");
    ck_assert_int_eq(d.turn->action_state, LLMCS_ACTION_DONE);
    ck_assert_str_eq(d.turn->action_key, h.keys[0]);
    ck_assert_int_eq(h.acts, 1);
    ORDER_IS("PL1001", "paid"); /* the host keeps its orders elsewhere */
    ACTIONS_ARE("cancel PL1001 DONE");
    h.mode = HOST_NO_ROWS;
    HAS(say(&d, "where is my order PL1001"), "cannot find this order");
    desk_case_close(&d);
}
END_TEST

/* A customer known to the host need not be in the store: the login is enough. */
START_TEST(customer_whom_only_the_host_knows) {
    desk_case d;
    host h;
    open_host_desk(&d, &h, all_calls, 5000);
    HAS(say_as(&d, "new", "newcomer", "where is my order PL1001"), "PL1001 is paid");
    HAS(say_as(&d, "nobody", NULL, "where is my order PL1001"), "log in");
    desk_case_close(&d);
}
END_TEST

START_TEST(host_that_fails_is_not_hidden) {
    desk_case d;
    host h;
    open_host_desk(&d, &h, cancel_call, 5000);
    h.mode = HOST_FAILED;
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "yes"), "did not work");
    LACKS(d.turn->reply, "is cancelled");
    ck_assert_int_eq(d.turn->action_state, LLMCS_ACTION_FAILED);
    h.mode = HOST_DONE; /* a new request gets a new key */
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "yes"), "is cancelled");
    ck_assert_str_ne(h.keys[0], h.keys[1]);
    ACTIONS_ARE("cancel PL1001 FAILED, cancel PL1001 DONE");
    desk_case_close(&d);
}
END_TEST

static void unknown_and_resolved(host_mode mode) {
    desk_case d;
    host h;
    char key[80];
    /* Only a blocking host runs into the timeout. A call that no thread had begun by then has failed. */
    open_host_desk(&d, &h, cancel_call, mode == HOST_BLOCKS ? 500 : 5000);
    h.mode = mode;
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "yes"), "cannot tell whether");
    LACKS(d.turn->reply, "is cancelled");
    ck_assert_int_eq(d.turn->action_state, LLMCS_ACTION_UNKNOWN);
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_HANDOVER);
    ck_assert_str_eq(d.turn->handover_reason, "action_unknown");
    snprintf(key, sizeof key, "%s", d.turn->action_key);
    ACTIONS_ARE("cancel PL1001 UNKNOWN");
    h.go_on = 1;
    h.mode = HOST_DONE;
    /* The same request, in this and another conversation: the outcome is still unknown, so nothing is done. */
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "yes"), "cannot tell whether");
    (void)say_as(&d, "c2", "anna", "取消订单PL1001");
    HAS(say_as(&d, "c2", "anna", "是的"), "无法确认");
    ck_assert_int_eq(h.acts, 1);
    SHOP_OK(llmcs_shop_desk_resolve(d.desk, key, "mia", LLMCS_ACTION_FAILED));
    SHOP_FAILS(llmcs_shop_desk_resolve(d.desk, key, "mia", LLMCS_ACTION_DONE), LLMCS_STATE, "not UNKNOWN");
    for (int i = 0;
         i < 2000 && mode == HOST_BLOCKS && strcmp(shop_value(d.path, "SELECT max(late) FROM actions"), "DONE") != 0;
         i++)
        usleep(10000);
    if (mode == HOST_BLOCKS) ck_assert_str_eq(shop_value(d.path, "SELECT max(late) FROM actions"), "DONE");
    desk_case_close(&d);
}

START_TEST(host_that_blocks_is_unknown) { unknown_and_resolved(HOST_BLOCKS); }
END_TEST
START_TEST(host_that_says_nothing_is_unknown) { unknown_and_resolved(HOST_SILENT); }
END_TEST
START_TEST(host_that_leaves_its_thread_is_unknown) { unknown_and_resolved(HOST_LEAVES); }
END_TEST

START_TEST(second_answer_counts_for_nothing) {
    desk_case d;
    host h;
    open_host_desk(&d, &h, cancel_call, 5000);
    h.mode = HOST_TWICE;
    (void)say(&d, "cancel order PL1001");
    HAS(say(&d, "yes"), "is cancelled");
    for (int i = 0; i < 10000 && !h.second; i++) usleep(1000);
    ck_assert_int_eq(h.second, LLMCS_STATE);
    ACTIONS_ARE("cancel PL1001 DONE");
    desk_case_close(&d);
}
END_TEST

START_TEST(find_without_an_answer_is_said) {
    desk_case d;
    host h;
    static const char *const calls[] = {"o"};
    open_host_desk(&d, &h, calls, 500);
    h.mode = HOST_BLOCKS;
    HAS(say(&d, "where is my order PL1001"), "cannot look that up");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_UNAVAILABLE);
    h.go_on = 1;
    HAS(say(&d, "where is my order PL1001"), "PL1001 is paid");
    desk_case_close(&d);
}
END_TEST

/* ---- killed at every step */

/* The n-th write of the process: it exits there, or the write fails with `code`, once or from then on. */
static struct {
    atomic_long calls; /* includes the desk's threads */
    long exit_at, fail_at;
    int code;
    bool after;
    atomic_bool fired;
    char effects[TEMP_PATH_BYTES + 16];
} fatal = {.exit_at = -1, .fail_at = -1};

static sqlite3_vfs *real_vfs;
typedef struct fatal_file {
    sqlite3_file base;
    sqlite3_file *real;
} fatal_file;
#define REAL(f) (((fatal_file *)(f))->real)
#define METHODS(f) REAL(f)->pMethods

static int step_of_life(void) {
    const long n = fatal.calls++;
    if (n == fatal.exit_at) _exit(9);
    if (fatal.fail_at < 0 || n < fatal.fail_at || (n > fatal.fail_at && !fatal.after)) return SQLITE_OK;
    fatal.fired = true;
    return fatal.code;
}

static int x_close(sqlite3_file *f) {
    const int code = METHODS(f)->xClose(REAL(f));
    free(REAL(f));
    return code;
}
static int x_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return METHODS(f)->xRead(REAL(f), p, n, at); }
static int x_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) {
    const int code = step_of_life();
    return code ? code : METHODS(f)->xWrite(REAL(f), p, n, at);
}
static int x_truncate(sqlite3_file *f, sqlite3_int64 n) {
    const int code = step_of_life();
    return code ? code : METHODS(f)->xTruncate(REAL(f), n);
}
static int x_sync(sqlite3_file *f, int flags) {
    const int code = step_of_life();
    return code ? code : METHODS(f)->xSync(REAL(f), flags);
}
static int x_size(sqlite3_file *f, sqlite3_int64 *n) { return METHODS(f)->xFileSize(REAL(f), n); }
static int x_lock(sqlite3_file *f, int l) { return METHODS(f)->xLock(REAL(f), l); }
static int x_unlock(sqlite3_file *f, int l) { return METHODS(f)->xUnlock(REAL(f), l); }
static int x_reserved(sqlite3_file *f, int *l) { return METHODS(f)->xCheckReservedLock(REAL(f), l); }
static int x_control(sqlite3_file *f, int op, void *p) { return METHODS(f)->xFileControl(REAL(f), op, p); }
static int x_sector(sqlite3_file *f) { return METHODS(f)->xSectorSize(REAL(f)); }
static int x_device(sqlite3_file *f) { return METHODS(f)->xDeviceCharacteristics(REAL(f)); }
static int x_map(sqlite3_file *f, int page, int n, int extend, void volatile **p) {
    return METHODS(f)->xShmMap(REAL(f), page, n, extend, p);
}
static int x_shm_lock(sqlite3_file *f, int at, int n, int flags) { return METHODS(f)->xShmLock(REAL(f), at, n, flags); }
static void x_barrier(sqlite3_file *f) { METHODS(f)->xShmBarrier(REAL(f)); }
static int x_unmap(sqlite3_file *f, int remove) { return METHODS(f)->xShmUnmap(REAL(f), remove); }
static const sqlite3_io_methods fatal_methods = {
    2,         x_close,  x_read,   x_write, x_truncate, x_sync,    x_size,  x_lock, x_unlock, x_reserved,
    x_control, x_sector, x_device, x_map,   x_shm_lock, x_barrier, x_unmap, NULL,   NULL};

static int x_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
    fatal_file *file = (fatal_file *)f;
    (void)v;
    file->base.pMethods = NULL;
    file->real = calloc(1, (size_t)real_vfs->szOsFile);
    const int code = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
    if (code)
        free(file->real);
    else
        file->base.pMethods = &fatal_methods;
    return code;
}

static void install_fatal_vfs(void) {
    static sqlite3_vfs vfs;
    if (real_vfs) return;
    ck_assert_int_eq(sqlite3_initialize(), SQLITE_OK);
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs;
    vfs.zName = "fatal";
    vfs.szOsFile = sizeof(fatal_file);
    vfs.xOpen = x_open;
    ck_assert_int_eq(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
}

/* The host's effect is one byte in a file. It may die before the effect, after it, or after answering. */
static void serve_fatal(void *user, const llmcs_shop_call_request *r, llmcs_shop_call *call) {
    (void)user;
    if (!r->is_action) return;
    (void)step_of_life();
    FILE *f = fopen(fatal.effects, "a");
    if (f) {
        fputs("x", f);
        fclose(f);
    }
    (void)step_of_life();
    (void)llmcs_shop_call_answer(call, LLMCS_ACTION_DONE, NULL);
    (void)step_of_life();
}

static llmcs_status say_yes(const char *path, bool by_host, llmcs_shop_desk **desk, llmcs_shop **shop,
                            llmcs_shop_turn **turn) {
    static desk_case clock = {.now = DESK_NOW};
    llmcs_shop_desk_options o;
    llmcs_shop_message m;
    SHOP_TRY(try_open_shop(path, 0, shop));
    llmcs_shop_desk_options_init(&o);
    o.flows_json = desk_flows_text();
    o.now = case_now;
    o.now_user = &clock;
    if (by_host) {
        o.call = serve_fatal;
        o.host_calls = cancel_call;
        o.n_host_calls = 1;
        o.call_timeout_ms = 10000;
    }
    SHOP_TRY(llmcs_shop_desk_open(*shop, &o, desk));
    llmcs_shop_message_init(&m);
    m.conversation = "c1";
    m.customer = "anna";
    m.text = "yes";
    m.id = "the-yes";
    return llmcs_shop_desk_say(*desk, &m, turn);
}

/* Returns the child's exit status: 9 if it died on the way, 0 if the turn was completed. */
static int try_in_child(const char *path, bool by_host, long exit_at) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        llmcs_shop *shop = NULL;
        llmcs_shop_desk *desk = NULL;
        llmcs_shop_turn *turn = NULL;
        fatal.calls = 0;
        fatal.exit_at = exit_at;
        const llmcs_status status = say_yes(path, by_host, &desk, &shop, &turn);
        _exit(status ? 8 : 0);
    }
    int how = 0;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static size_t count_effects(void) {
    FILE *f = fopen(fatal.effects, "r");
    size_t n = 0;
    while (f && fgetc(f) != EOF) n++;
    if (f) fclose(f);
    return n;
}

static void copy_file(const char *from, const char *to) {
    char command[8 * TEMP_PATH_BYTES];
    snprintf(command, sizeof command, "cp %s %s && rm -f %s-wal %s-shm", from, to, to, to);
    ck_assert_int_eq(system(command), 0);
}

/* After a crash the same message, sent repeatedly, leads to one consistent outcome. */
static void check_after_death(const char *path, bool by_host, long exit_at) {
    llmcs_shop *shop = NULL;
    llmcs_shop_desk *desk = NULL;
    llmcs_shop_turn *turn = NULL;
    fatal.exit_at = -1;
    for (int again = 0; again < 40; again++) {
        SHOP_OK(say_yes(path, by_host, &desk, &shop, &turn));
        const bool in_progress = strstr(turn->reply, "still being processed") != NULL;
        const bool done = strstr(turn->reply, "is cancelled") != NULL;
        const bool unknown = strstr(turn->reply, "cannot tell whether") != NULL;
        char state[4096];
        snprintf(state, sizeof state, "%s", shop_value(path, "SELECT coalesce(group_concat(state), '') FROM actions"));
        ck_assert_msg(done + unknown + in_progress == 1, "step %ld: %s", exit_at, turn->reply);
        if (done) ck_assert_msg(!strcmp(state, "DONE"), "step %ld: said done, is %s", exit_at, state);
        if (done && !by_host)
            ck_assert_str_eq(shop_value(path, "SELECT status FROM orders WHERE id = 'PL1001'"), "cancelled");
        if (done && by_host) ck_assert_uint_eq(count_effects(), 1);
        if (unknown) ck_assert_msg(by_host && !strcmp(state, "UNKNOWN"), "step %ld: %s", exit_at, state);
        llmcs_shop_turn_free(&turn);
        llmcs_shop_desk_free(&desk);
        llmcs_shop_free(&shop);
        if (!in_progress) break;
        ck_assert_msg(again < 39, "step %ld: still in progress", exit_at);
        /* That reply is stored under its message id, so after the timeout the customer asks in a new message. */
        shop_sql(path,
                 "UPDATE actions SET deadline = 1; DELETE FROM turns WHERE message_id = 'the-yes';"
                 "UPDATE conversations SET turns = (SELECT coalesce(max(number), 0) FROM turns)");
    }
    ck_assert_uint_le(count_effects(), 1);
}

static void killed_at_every_step(bool by_host) {
    desk_case d;
    char prepared[TEMP_PATH_BYTES + 16];
    install_fatal_vfs();
    fatal.exit_at = -1;
    desk_case_open(&d);
    HAS(say(&d, "cancel order PL1001"), "Cancel order PL1001?");
    llmcs_shop_turn_free(&d.turn);
    llmcs_shop_desk_free(&d.desk);
    llmcs_shop_free(&d.shop);
    snprintf(prepared, sizeof prepared, "%s/prepared.db", d.folder);
    copy_file(d.path, prepared);
    snprintf(fatal.effects, sizeof fatal.effects, "%s/effects", d.folder);
    const long step = (long)suite_step(7);
    for (long at = 0;; at += step) {
        copy_file(prepared, d.path);
        (void)unlink(fatal.effects);
        const int how = try_in_child(d.path, by_host, at);
        ck_assert_msg(how == 9 || how == 0, "step %ld: status %d", at, how);
        check_after_death(d.path, by_host, at);
        if (how == 0 && getenv("DESK_SHOW")) fprintf(stderr, "  alive after step %ld\n", at);
        if (how == 0) break;
        ck_assert_int_lt(at, 2000);
    }
    desk_case_close(&d);
}

START_TEST(killed_at_every_step_of_a_statement) { killed_at_every_step(false); }
END_TEST
START_TEST(killed_at_every_step_of_a_host_call) { killed_at_every_step(true); }
END_TEST

/* ---- a disk that fails or is full at every step */

static void disk_fails_at_every_step(int code, bool after) {
    desk_case d;
    char prepared[TEMP_PATH_BYTES + 16];
    install_fatal_vfs();
    fatal.exit_at = fatal.fail_at = -1;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    llmcs_shop_turn_free(&d.turn);
    llmcs_shop_desk_free(&d.desk);
    llmcs_shop_free(&d.shop);
    snprintf(prepared, sizeof prepared, "%s/prepared.db", d.folder);
    copy_file(d.path, prepared);
    fatal.effects[0] = 0;
    long n = 0;
    for (fatal.fired = true; fatal.fired; n += after ? 5 : 2 * (long)suite_step(7) + 1) {
        llmcs_shop *shop = NULL;
        llmcs_shop_desk *desk = NULL;
        llmcs_shop_turn *turn = NULL;
        copy_file(prepared, d.path);
        fatal.calls = 0;
        fatal.fired = false;
        fatal.fail_at = n;
        fatal.code = code;
        fatal.after = after;
        const llmcs_status status = say_yes(d.path, false, &desk, &shop, &turn);
        const bool done = turn && strstr(turn->reply, "Order PL1001 is cancelled.");
        ck_assert_msg(done || !turn || turn->route == LLMCS_DESK_UNAVAILABLE, "step %ld: %s", n, turn->reply);
        ck_assert_msg(!status || fatal.fired, "step %ld: %s", n, llmcs_error_message());
        fatal.fail_at = -1;
        llmcs_shop_turn_free(&turn);
        llmcs_shop_desk_free(&desk);
        llmcs_shop_free(&shop);
        const bool cancelled =
            !strcmp(shop_value(d.path, "SELECT status FROM orders WHERE id = 'PL1001'"), "cancelled");
        const bool recorded = !strcmp(shop_value(d.path, "SELECT count(*) FROM actions WHERE state = 'DONE'"), "1");
        ck_assert_msg(cancelled == recorded && (!done || cancelled), "step %ld: said %d, is %d, recorded %d", n, done,
                      cancelled, recorded);
        check_after_death(d.path, false, n);
        ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM actions"), "1");
    }
    ck_assert_int_gt(n, 10);
    desk_case_close(&d);
}

START_TEST(disk_full_once) { disk_fails_at_every_step(SQLITE_FULL, false); }
END_TEST
START_TEST(disk_full_from_there_on) { disk_fails_at_every_step(SQLITE_FULL, true); }
END_TEST
START_TEST(disk_error_once) { disk_fails_at_every_step(SQLITE_IOERR_WRITE, false); }
END_TEST

/* ---- locked, no memory */

START_TEST(locked_store_is_said) {
    desk_case d;
    sqlite3 *other;
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    ck_assert_int_eq(sqlite3_open(d.path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    HAS(say(&d, "yes"), "cannot look that up");
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_UNAVAILABLE);
    ck_assert_int_eq(d.turn->number, 0);
    HAS(say_as(&d, "c5", "anna", "what does delivery cost"), "Shipping costs 10 CNY.");
    HAS(say_as(&d, "c5", "anna", "thanks"), "You are welcome");
    HAS(say_as(&d, "c6", "anna", "我要退货"), "暂时无法");
    ck_assert_int_eq(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    ORDER_IS("PL1001", "paid");
    HAS(say(&d, "yes"), "is cancelled");
    ORDER_IS("PL1001", "cancelled");
    desk_case_close(&d);
}
END_TEST

START_TEST(every_allocation_may_fail) {
    static const char *const texts[] = {"cancel order PL1001", "what does delivery cost", "yes",
                                        "12 Canal Street? 改一下收货地址 PL1003", "human please"};
    desk_case d;
    fail_alloc f;
    llmcs_shop_message m;
    desk_case_make(&d);
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    f.fail_at = -1;
    d.options.allocator = &a;
    for (long n = 0, opened = 0; !opened; n += 3) { /* opening the desk */
        f.calls = 0;
        f.fail_at = n;
        const llmcs_status status = llmcs_shop_desk_open(d.shop, &d.options, &d.desk);
        ck_assert_msg(status == LLMCS_OK || status == LLMCS_NOMEM, "%s", llmcs_error_message());
        ck_assert_int_eq(status == LLMCS_OK, d.desk != NULL);
        if (status) ck_assert_int_eq(f.live, 0);
        opened = status == LLMCS_OK;
    }
    f.fail_at = -1;
    const long live = f.live;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (long n = 0, done = 0; !done; n++) {
            llmcs_shop_turn *turn = NULL;
            llmcs_shop_message_init(&m);
            m.conversation = "c1";
            m.customer = "anna";
            m.text = texts[i];
            f.calls = 0;
            f.fail_at = n;
            const llmcs_status status = llmcs_shop_desk_say(d.desk, &m, &turn);
            f.fail_at = -1;
            ck_assert_msg(status == LLMCS_OK || status == LLMCS_NOMEM, "%s: %s", texts[i], llmcs_error_message());
            done = status == LLMCS_OK;
            llmcs_shop_turn_free(&turn);
            ck_assert_int_eq(f.live, live);
        }
    ACTIONS_ARE("cancel PL1001 DONE");
    desk_case_close(&d);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

/* ---- threads and processes */

enum { N_TALKERS = 6, N_ROUNDS = 12 };

typedef struct talker {
    desk_case *d;
    int number;
    bool shared; /* all in one conversation */
    atomic_int *wrong;
} talker;

static void *talk(void *user) {
    talker *t = user;
    for (int i = 0; i < N_ROUNDS; i++) {
        static const char *const texts[] = {"where is my order PL1002", "我的包裹PL1002到哪了",
                                            "what does delivery cost", "thanks"};
        static const char *const words[] = {"on its way", "正在发往", "10 CNY", "welcome"};
        llmcs_shop_message m;
        llmcs_shop_turn *turn = NULL;
        char conversation[40], id[40];
        snprintf(conversation, sizeof conversation, t->shared ? "shared" : "t%d", t->number);
        snprintf(id, sizeof id, "%d-%d", t->number, i);
        llmcs_shop_message_init(&m);
        m.conversation = conversation;
        m.customer = "anna";
        m.id = id;
        m.text = texts[i % 4];
        if (llmcs_shop_desk_say(t->d->desk, &m, &turn) || !strstr(turn->reply, words[i % 4]) || !turn->number)
            atomic_fetch_add(t->wrong, 1);
        llmcs_shop_turn_free(&turn);
    }
    return NULL;
}

static void talk_at_once(bool shared) {
    desk_case d;
    pthread_t threads[N_TALKERS];
    talker talkers[N_TALKERS];
    atomic_int wrong = 0;
    desk_case_make(&d);
    llmcs_shop_free(&d.shop); /* a store that waits longer for other writers */
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.busy_ms = 60000;
    SHOP_OK(llmcs_shop_open(d.path, &o, &d.shop));
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    for (int i = 0; i < N_TALKERS; i++) {
        talkers[i] = (talker){&d, i, shared, &wrong};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, talk, &talkers[i]), 0);
    }
    for (int i = 0; i < N_TALKERS; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(atoi(shop_value(d.path, "SELECT count(*) FROM turns")), N_TALKERS * N_ROUNDS);
    ck_assert_int_eq(atoi(shop_value(d.path, "SELECT sum(turns) FROM conversations")), N_TALKERS * N_ROUNDS);
    desk_case_close(&d);
}

START_TEST(conversations_at_once) { talk_at_once(false); }
END_TEST
START_TEST(one_conversation_in_sequence) { talk_at_once(true); }
END_TEST

static void *talk_once(void *user) {
    talker *t = user;
    llmcs_shop_message m;
    llmcs_shop_turn *turn = NULL;
    char conversation[40];
    snprintf(conversation, sizeof conversation, "k%d", t->number);
    llmcs_shop_message_init(&m);
    m.conversation = conversation;
    m.customer = "anna";
    m.text = t->number % 2 ? "where is my order PL1002" : "订单PL1002到哪了";
    if (llmcs_shop_desk_say(t->d->desk, &m, &turn) || !strstr(turn->reply, t->number % 2 ? "on its way" : "正在发往"))
        atomic_fetch_add(t->wrong, 1);
    llmcs_shop_turn_free(&turn);
    return NULL;
}

START_TEST(thousand_conversations_at_once) {
    enum { N_ALL = 1000 };
    desk_case d;
    pthread_attr_t attributes;
    atomic_int wrong = 0;
    const int n = N_ALL / (int)suite_step(10);
    pthread_t *threads = temp_alloc(N_ALL * sizeof *threads);
    talker *talkers = temp_alloc(N_ALL * sizeof *talkers);
    desk_case_make(&d);
    llmcs_shop_free(&d.shop);
    llmcs_shop_options o;
    llmcs_shop_options_init(&o);
    o.busy_ms = 120000;
    SHOP_OK(llmcs_shop_open(d.path, &o, &d.shop));
    SHOP_OK(llmcs_shop_desk_open(d.shop, &d.options, &d.desk));
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 512 * 1024);
    for (int i = 0; i < n; i++) {
        talkers[i] = (talker){&d, i, false, &wrong};
        ck_assert_int_eq(pthread_create(&threads[i], &attributes, talk_once, &talkers[i]), 0);
    }
    for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    ck_assert_int_eq(wrong, 0);
    ck_assert_int_eq(atoi(shop_value(d.path, "SELECT count(*) FROM turns")), n);
    free(threads);
    free(talkers);
    desk_case_close(&d);
}
END_TEST

START_TEST(hundred_thousand_messages_in_one_conversation) {
    desk_case d;
    desk_case_open(&d);
    HAS(say(&d, "where is my order PL1003"), "PL1003 is paid");
    shop_sql(d.path,
             "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
             " INSERT INTO turns(conversation, number, message_id, time, lang, text, reply, route, intent, detail)"
             " SELECT row, i, 'm' || i, 1, 'en', 'hello', 'hi', 'smalltalk', '', '{}' FROM n, conversations;"
             "UPDATE conversations SET turns = 100000");
    HAS(say(&d, "cancel it please"), "Cancel order PL1003?");
    ck_assert_int_eq(d.turn->number, 100001);
    HAS(say(&d, "yes"), "is cancelled");
    if (!suite_emulated(NULL) && !suite_sanitized()) ck_assert_double_lt(d.turn->ms.load, 100);
    llmcs_shop_history *h = NULL;
    SHOP_OK(llmcs_shop_desk_history(d.desk, "c1", -1, 2, 0, &h));
    ck_assert_int_eq(h->turns[1]->number, 100002);
    ck_assert_int_eq(h->n_all, 100002);
    llmcs_shop_history_free(&h);
    desk_case_close(&d);
}
END_TEST

/* ---- a person in the middle of a turn */

static void *say_slowly(void *user) {
    talker *t = user;
    (void)say(t->d, "where is my order PL1001");
    return NULL;
}

START_TEST(person_takes_over_in_the_middle_of_a_turn) {
    desk_case d;
    host h;
    pthread_t thread;
    talker t = {.d = &d};
    static const char *const calls[] = {"o"};
    open_host_desk(&d, &h, calls, 20000);
    (void)say(&d, "thanks");
    h.mode = HOST_BLOCKS;
    ck_assert_int_eq(pthread_create(&thread, NULL, say_slowly, &t), 0);
    while (!h.calls) usleep(1000);
    SHOP_OK(llmcs_shop_desk_take_over(d.desk, "c1", "mia"));
    h.go_on = 1;
    pthread_join(thread, NULL);
    ck_assert_int_eq(d.turn->route, LLMCS_DESK_SILENT);
    ck_assert_str_eq(d.turn->reply, "");
    ck_assert_str_eq(shop_value(d.path, "SELECT status || turns FROM conversations"), "person2");
    desk_case_close(&d);
}
END_TEST

START_TEST(two_processes_act_once) {
    enum { N_CHILDREN = 4 };
    desk_case d;
    pid_t children[N_CHILDREN];
    desk_case_open(&d);
    (void)say(&d, "cancel order PL1001");
    llmcs_shop_turn_free(&d.turn);
    llmcs_shop_desk_free(&d.desk);
    llmcs_shop_free(&d.shop);
    for (int i = 0; i < N_CHILDREN; i++) {
        children[i] = fork();
        if (children[i]) continue;
        llmcs_shop *shop = NULL;
        llmcs_shop_desk *desk = NULL;
        llmcs_shop_turn *turn = NULL;
        /* A busy store is reported, and nothing is done. Once it is free, all replies agree. */
        for (int again = 0; again < 100; again++) {
            if (say_yes(d.path, false, &desk, &shop, &turn)) _exit(1);
            const bool done = turn->number > 0;
            const bool right = strstr(turn->reply, "Order PL1001 is cancelled.") != NULL;
            llmcs_shop_turn_free(&turn);
            llmcs_shop_desk_free(&desk);
            llmcs_shop_free(&shop);
            if (done) _exit(right ? 0 : 2);
            usleep(20000);
        }
        _exit(3);
    }
    for (int i = 0; i < N_CHILDREN; i++) {
        int how = 0;
        ck_assert_int_eq(waitpid(children[i], &how, 0), children[i]);
        ck_assert_msg(WIFEXITED(how) && WEXITSTATUS(how) == 0, "child %d: %d", i, WEXITSTATUS(how));
    }
    ACTIONS_ARE("cancel PL1001 DONE");
    ck_assert_str_eq(shop_value(d.path, "SELECT count(*) FROM turns WHERE message_id = 'the-yes'"), "1");
    desk_case_close(&d);
}
END_TEST

static void add(TCase *t) {
    tcase_set_timeout(t, 300);
    tcase_add_test(t, same_flows_over_the_host);
    tcase_add_test(t, customer_whom_only_the_host_knows);
    tcase_add_test(t, host_that_fails_is_not_hidden);
    tcase_add_test(t, host_that_blocks_is_unknown);
    tcase_add_test(t, host_that_says_nothing_is_unknown);
    tcase_add_test(t, host_that_leaves_its_thread_is_unknown);
    tcase_add_test(t, second_answer_counts_for_nothing);
    tcase_add_test(t, find_without_an_answer_is_said);
    tcase_add_test(t, killed_at_every_step_of_a_statement);
    tcase_add_test(t, killed_at_every_step_of_a_host_call);
    tcase_add_test(t, disk_full_once);
    tcase_add_test(t, disk_full_from_there_on);
    tcase_add_test(t, disk_error_once);
    tcase_add_test(t, locked_store_is_said);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, conversations_at_once);
    tcase_add_test(t, one_conversation_in_sequence);
    tcase_add_test(t, thousand_conversations_at_once);
    tcase_add_test(t, hundred_thousand_messages_in_one_conversation);
    tcase_add_test(t, person_takes_over_in_the_middle_of_a_turn);
    tcase_add_test(t, two_processes_act_once);
}

SUITE_MAIN("shop/desk/acts", add)
