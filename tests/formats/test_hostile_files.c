/* Files that are not what they seem, shards, folders people give by mistake, and files that change: S30 to S47. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "formats/hostile.h"

#define ENTRY(name, begin, end) \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" #end "],\"data_offsets\":[" #begin "," #end "]}"
#define BYTES4 "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}"
#define MODEL "model.safetensors"
#define INDEX "model.safetensors.index.json"

static void check_both(const char *what, llmcs_status expected, const char *needle) {
    for (int mode = 0; mode < 2; mode++) check_open(what, folder, (llmcs_load_mode)mode, expected, expected, needle, 0);
}

static void open_ok(llmcs_load_mode mode, ll_tensors **t) {
    llmcs_allocator a = ll_allocator_default();
    ll_log log = {NULL, NULL};
    ck_assert_msg(ll_tensors_open(&a, &(ll_source){.path = folder}, mode, &log, t) == LLMCS_OK, "%s",
                  llmcs_error_message());
}

/* A file of one F32 tensor "a" with these values, `shift` bytes off alignment. */
static void write_floats(const char *name, const float *values, size_t n, size_t shift) {
    char header[400];
    size_t len = (size_t)snprintf(header, sizeof header,
                                  "{\"a\":{\"dtype\":\"F32\",\"shape\":[%zu],\"data_offsets\":[0,%zu]}}", n, 4 * n);
    while ((len + 8) % 4 != shift) header[len++] = ' ';
    unsigned char *bytes = calloc(1, 8 + len + 4 * n);
    bytes[0] = (unsigned char)len;
    bytes[1] = (unsigned char)(len >> 8);
    memcpy(bytes + 8, header, len);
    memcpy(bytes + 8 + len, values, 4 * n); /* tests run on little-endian hosts; big-endian ones swap below */
    temp_write(folder, name, bytes, 8 + len + 4 * n);
    free(bytes);
}

/* ------------------------------------------------------------------------------------------- special files */

START_TEST(files_of_other_kinds) {
    char path[600];
    snprintf(path, sizeof path, "%s/" MODEL, folder);
    mkdir(path, 0700);
    check_both("S30 folder", LLMCS_IO, "a folder");
    rmdir(path);
    mkfifo(path, 0600);
    alarm(20); /* a blocking open would hang */
    check_both("S31 FIFO", LLMCS_IO, "FIFO");
    alarm(0);
    remove(path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (strlen(path) < sizeof address.sun_path) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        ck_assert_int_eq(bind(s, (struct sockaddr *)&address, sizeof address), 0);
        check_both("S31 socket", LLMCS_IO, MODEL);
    }
    close(s);
    remove(path);
    static const struct {
        const char *target;
        llmcs_status status;
        const char *needle;
    } links[] = {
        {"/proc/self/status", LLMCS_FORMAT, "8 bytes"}, /* S32: regular, of size 0 */
        {"/dev/zero", LLMCS_IO, "device"},              /* S33 */
        {"/dev/full", LLMCS_IO, "device"},
        {"/dev/tty", LLMCS_IO, ""},
        {MODEL, LLMCS_IO, "symbolic links"},   /* S34: a loop */
        {"nowhere", LLMCS_IO, "no such file"}, /* dangling */
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        ck_assert_int_eq(symlink(links[i].target, path), 0);
        check_both(links[i].target, links[i].status, links[i].needle);
        remove(path);
    }
    write_safetensors("blob", strlen(BYTES4), BYTES4, strlen(BYTES4), 4);
    ck_assert_int_eq(symlink("blob", path), 0); /* as in the cache of huggingface_hub */
    check_both("S34 link", LLMCS_OK, "");
}
END_TEST

START_TEST(paths) {
    static char long_path[9000];
    memset(long_path, 'x', sizeof long_path - 1);
    check_open("S34 long name", long_path, LLMCS_LOAD_COPY, LLMCS_IO, LLMCS_IO, "", 0);
    for (size_t i = 0; i + 2 < sizeof long_path; i += 2) memcpy(long_path + i, "a/", 2);
    check_open("S34 long path", long_path, LLMCS_LOAD_COPY, LLMCS_IO, LLMCS_IO, "", 0);
    check_open("empty path", "", LLMCS_LOAD_COPY, LLMCS_ARG, LLMCS_ARG, "empty", 0);
    check_open("absent", "/no/such/folder", LLMCS_LOAD_COPY, LLMCS_IO, LLMCS_IO, "/no/such/folder: no such folder", 0);
    char deep[600], name[240];
    memset(name, 'd', 200);
    name[200] = 0;
    snprintf(deep, sizeof deep, "%s/%s", folder, name);
    mkdir(deep, 0700);
    check_open("long folder", deep, LLMCS_LOAD_COPY, LLMCS_IO, LLMCS_IO, "not the folder of a model", 0);
    strcpy(name + 200, "/" MODEL); /* a long path still leaves bytes of the message for what is wrong */
    write_safetensors(name, 2, "{}", 2, 4);
    check_open("long path", deep, LLMCS_LOAD_COPY, LLMCS_FORMAT, LLMCS_FORMAT, MODEL ": 4 bytes after the last", 0);
}
END_TEST

/* S35, in a child that gave up root, if we are root. */
START_TEST(no_permission) {
    temp_write(folder, MODEL, "x", 1);
    chmod(temp_path(folder, MODEL), 0);
    chmod(folder, 0755);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534)) _exit(99);
        llmcs_allocator a = ll_allocator_default();
        ll_log log = {NULL, NULL};
        ll_tensors *t;
        llmcs_status st = ll_tensors_open(&a, &(ll_source){.path = folder}, LLMCS_LOAD_COPY, &log, &t);
        _exit(st == LLMCS_IO && strstr(llmcs_error_message(), "permission denied") ? 0 : 1);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}
END_TEST

START_TEST(no_descriptor_left) {
    write_safetensors(MODEL, strlen(BYTES4), BYTES4, strlen(BYTES4), 4);
    struct rlimit before, none;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int fd = open("/dev/null", O_RDONLY);
    close(fd); /* the lowest free number */
    none = before;
    none.rlim_cur = (rlim_t)fd;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    llmcs_allocator a = ll_allocator_default();
    ll_log log = {NULL, NULL};
    ll_tensors *t;
    llmcs_status st = ll_tensors_open(&a, &(ll_source){.path = folder}, LLMCS_LOAD_COPY, &log, &t);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(st, LLMCS_IO);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "too many open files"));
}
END_TEST

/* S43: a sparse file of 4 TB opens at once; nothing is read or allocated for it. */
START_TEST(sparse_file) {
    char header[200];
    uint64_t n = (uint64_t)1 << 42;
    size_t len = (size_t)snprintf(header, sizeof header,
                                  "{\"a\":{\"dtype\":\"F32\",\"shape\":[%llu],\"data_offsets\":[0,%llu]}}",
                                  (unsigned long long)(n / 4), (unsigned long long)n);
    write_safetensors(MODEL, len, header, len, 0);
    if (truncate(temp_path(folder, MODEL), (off_t)(8 + len + n))) {
        suite_skip("a sparse file of 4 TB", "this file system has none");
        return;
    }
    ll_tensors *t;
    open_ok(LLMCS_LOAD_COPY, &t);
    float last = 1;
    const ll_tensor *a = ll_tensors_at(t, 0);
    ck_assert_int_eq(ll_tensors_read_f32(t, a, a->n_elements - 1, 1, &last), LLMCS_OK);
    ck_assert(last == 0);
    ll_tensors_close(&t);
    check_open("4 TB", folder, LLMCS_LOAD_COPY, LLMCS_OK, LLMCS_OK, "", len);
}
END_TEST

/* ------------------------------------------------------------------------------------------------- mistakes */

START_TEST(folders_given_by_mistake) {
    static const struct {
        const char *files[3];
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {{"config.json", "pytorch_model.bin"}, LLMCS_UNSUPPORTED, "safe_serialization=True"},
        {{"config.json", "pytorch_model.bin.index.json"}, LLMCS_UNSUPPORTED, "save_pretrained"},
        {{"config.json", "tf_model.h5"}, LLMCS_UNSUPPORTED, "from_tf=True"},
        {{"config.json", "flax_model.msgpack"}, LLMCS_UNSUPPORTED, "from_flax=True"},
        {{"adapter_config.json", "adapter_model.safetensors"}, LLMCS_UNSUPPORTED, "adapter"},
        {{"config.json"}, LLMCS_IO, "no weights"},
        {{"README.md"}, LLMCS_IO, "not the folder of a model"},
        {{NULL}, LLMCS_IO, "not the folder of a model"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int k = 0; k < 3 && cases[i].files[k]; k++) temp_write_text(folder, cases[i].files[k], "{}");
        check_both("mistake", cases[i].status, cases[i].needle);
        for (int k = 0; k < 3 && cases[i].files[k]; k++) remove(temp_path(folder, cases[i].files[k]));
    }
}
END_TEST

START_TEST(files_given_for_folders) {
    static const struct {
        const char *bytes;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"GGUF\3......", LLMCS_UNSUPPORTED, "version"},
        {"PK\3\4", LLMCS_IO, "zip archive"},
        {"", LLMCS_IO, "give the folder it is in"},
        {"\x40\1\1\1\1\1\1\1{", LLMCS_IO, "give the folder it is in"},
        {"version https://git-lfs.github.com/spec/v1\n", LLMCS_IO, "git lfs pull"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        temp_write_text(folder, "model.gguf", cases[i].bytes);
        char path[600];
        snprintf(path, sizeof path, "%s/model.gguf", folder);
        check_open(cases[i].bytes, path, LLMCS_LOAD_COPY, cases[i].status, cases[i].status, cases[i].needle, 0);
        snprintf(path, sizeof path, "%s/model.gguf/x", folder);
        check_open("below a file", path, LLMCS_LOAD_COPY, LLMCS_IO, LLMCS_IO, "no such folder", 0);
    }
}
END_TEST

/* --------------------------------------------------------------------------------------------------- shards */

#define SHARD1 "model-00001-of-00002.safetensors"
#define SHARD2 "model-00002-of-00002.safetensors"

static void write_shard(const char *name, const char *tensor) {
    char header[200];
    size_t len = (size_t)snprintf(header, sizeof header,
                                  "{\"%s\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", tensor);
    write_safetensors(name, len, header, len, 4);
}

START_TEST(good_shards) {
    write_shard(SHARD1, "a");
    write_shard(SHARD2, "b");
    temp_write_text(folder, INDEX,
                    "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"" SHARD1 "\",\"b\":\"" SHARD2 "\"}}");
    check_both("two shards", LLMCS_OK, "");
    ll_tensors *t;
    open_ok(LLMCS_LOAD_COPY, &t);
    ck_assert_uint_eq(ll_tensors_count(t), 2);
    ck_assert_ptr_nonnull(strstr(ll_tensors_path(t, ll_tensors_find(t, "b")), SHARD2));
    ll_tensors_close(&t);
    temp_write_text(folder, INDEX, "{\"weight_map\":{\"b\":\"" SHARD2 "\"}}"); /* the other is not needed */
    check_both("one of two shards", LLMCS_OK, "");
    temp_write_text(folder, MODEL, "x"); /* a single file goes before the index, as in Transformers */
    check_both("both", LLMCS_FORMAT, "8 bytes");
}
END_TEST

START_TEST(bad_indexes) {
    static const struct {
        const char *index;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"", LLMCS_JSON, INDEX},
        {"[]", LLMCS_FORMAT, "weight_map"},
        {"{}", LLMCS_FORMAT, "weight_map"},
        {"{\"weight_map\":{}}", LLMCS_FORMAT, "weight_map"},
        {"{\"weight_map\":[]}", LLMCS_FORMAT, "weight_map"},
        {"{\"weight_map\":null}", LLMCS_FORMAT, "weight_map"},
        {"{\"weight_map\":{\"a\":\"x.safetensors\"},\"weight_map\":{}}", LLMCS_FORMAT, "twice"},
        {"{\"weight_map\":{\"a\":7}}", LLMCS_FORMAT, "\"a\""},
        {"{\"weight_map\":{\"a\":null}}", LLMCS_FORMAT, "\"a\""},
        {"{\"weight_map\":{\"a\":[\"x.safetensors\"]}}", LLMCS_FORMAT, "\"a\""},
        {"{\"weight_map\":{\"a\":\"\"}}", LLMCS_FORMAT, "plain file name"},
        {"{\"weight_map\":{\"a\":\".\"}}", LLMCS_FORMAT, "plain file name"},
        {"{\"weight_map\":{\"a\":\"..\"}}", LLMCS_FORMAT, "plain file name"},
        {"{\"weight_map\":{\"a\":\"../x.safetensors\"}}", LLMCS_FORMAT, "../x.safetensors"},
        {"{\"weight_map\":{\"a\":\"/etc/x.safetensors\"}}", LLMCS_FORMAT, "/etc/x.safetensors"},
        {"{\"weight_map\":{\"a\":\"a/../b.safetensors\"}}", LLMCS_FORMAT, "a/../b.safetensors"},
        {"{\"weight_map\":{\"a\":\"sub/x.safetensors\"}}", LLMCS_FORMAT, "plain file name"},
        {"{\"weight_map\":{\"a\":\"..\\\\x.safetensors\"}}", LLMCS_FORMAT, "plain file name"},
        {"{\"weight_map\":{\"a\":\"x.safetensors\\u0000\"}}", LLMCS_FORMAT, "plain file name"},
        {"{\"weight_map\":{\"a\":\"x\\u0000.safetensors\"}}", LLMCS_FORMAT, "plain file name"},
        {"{\"weight_map\":{\"a\":\"pytorch_model.bin\"}}", LLMCS_FORMAT, ".safetensors"},
        {"{\"weight_map\":{\"a\":\"" INDEX "\"}}", LLMCS_FORMAT, ".safetensors"},
        {"{\"weight_map\":{\"a\":\"gone.safetensors\"}}", LLMCS_IO, "gone.safetensors"},
        {"{\"weight_map\":{\"a\":\"" SHARD1 "\",\"b\":\"" SHARD1 "\"}}", LLMCS_FORMAT, "\"b\" is not in"},
        {"{\"weight_map\":{\"a\":\"" SHARD2 "\",\"b\":\"" SHARD1 "\"}}", LLMCS_FORMAT, "is not in"},
        {"{\"weight_map\":{\"c\":\"" SHARD1 "\"}}", LLMCS_FORMAT, "\"c\" is not in"},
        {"{\"weight_map\":{\"a\":\"" SHARD1 "\",\"a2\":\"twin.safetensors\"}}", LLMCS_FORMAT, "two shards"},
        {"{\"weight_map\":{\"a\":\"" SHARD1 "\",\"x\":\"bad.safetensors\"}}", LLMCS_FORMAT, "bad.safetensors"},
        {"{\"weight_map\":{\"a\":\"" SHARD1 "\"},}", LLMCS_JSON, "byte"},
        {"version https://git-lfs.github.com/spec/v1\n", LLMCS_FORMAT, "git lfs pull"},
    };
    write_shard(SHARD1, "a");
    write_shard(SHARD2, "b");
    write_shard("twin.safetensors", "a");
    temp_write_text(folder, "bad.safetensors", "xx");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        temp_write_text(folder, INDEX, cases[i].index);
        check_both(cases[i].index, cases[i].status, cases[i].needle);
    }
    size_t max = 5000000, at;
    char *big = temp_alloc(max); /* a hundred thousand shards */
    at = (size_t)sprintf(big, "{\"weight_map\":{\"a\":\"" SHARD1 "\"");
    for (int i = 0; i < 100000; i++) at += (size_t)sprintf(big + at, ",\"t%d\":\"s%d.safetensors\"", i, i);
    strcpy(big + at, "}}");
    temp_write_text(folder, INDEX, big);
    check_open("100,000 shards", folder, LLMCS_LOAD_COPY, LLMCS_LIMIT, LLMCS_LIMIT, "100001 tensors", at);
    at = (size_t)sprintf(big, "{\"weight_map\":{\"a\":\"" SHARD1 "\"");
    for (int i = 0; i < 600; i++) {
        char name[40];
        snprintf(name, sizeof name, "s%d.safetensors", i);
        char tensor[40];
        snprintf(tensor, sizeof tensor, "t%d", i);
        write_shard(name, tensor);
        at += (size_t)sprintf(big + at, ",\"%s\":\"%s\"", tensor, name);
    }
    strcpy(big + at, "}}");
    temp_write_text(folder, INDEX, big);
    check_open("600 shards", folder, LLMCS_LOAD_COPY, LLMCS_LIMIT, LLMCS_LIMIT, "512 shards", 20 * at);
    free(big);
}
END_TEST

/* --------------------------------------------------------------------------------------------- data and change */

/* S40, S41: any alignment and any bits load. */
START_TEST(values_of_any_kind_at_any_alignment) {
    float values[] = {0.0f, -0.0f, 1.5f, NAN, INFINITY, -INFINITY, 1e-45f, -3.4e38f};
    float out[8];
    for (size_t shift = 0; shift < 4; shift++)
        for (int mode = 0; mode < 2; mode++) {
            ll_tensors *t;
            write_floats(MODEL, values, 8, shift);
            open_ok((llmcs_load_mode)mode, &t);
            ck_assert_uint_eq(ll_tensors_at(t, 0)->offset % 4, shift);
            ck_assert_int_eq(ll_tensors_read_f32(t, ll_tensors_at(t, 0), 0, 8, out), LLMCS_OK);
            ck_assert_mem_eq(out, values, sizeof values);
            ll_tensors_close(&t);
        }
}
END_TEST

/* S36, S38: in copy mode a file that became shorter, or was written over, is CHANGED, never a signal. */
START_TEST(files_that_change) {
    float values[4096], out[4096];
    for (int i = 0; i < 4096; i++) values[i] = (float)i;
    char path[600];
    snprintf(path, sizeof path, "%s/" MODEL, folder);
    ll_tensors *t;
    write_floats(MODEL, values, 4096, 0);
    open_ok(LLMCS_LOAD_COPY, &t);
    ck_assert_int_eq(truncate(path, 5000), 0);
    ck_assert_int_eq(ll_tensors_read_f32(t, ll_tensors_at(t, 0), 0, 4096, out), LLMCS_CHANGED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), MODEL));
    ck_assert_int_eq(ll_tensors_read_f32(t, ll_tensors_at(t, 0), 0, 1000, out), LLMCS_OK);
    ck_assert_int_eq(ll_tensors_check_unchanged(t), LLMCS_CHANGED);
    ll_tensors_close(&t);
    for (int mode = 0; mode < 2; mode++) { /* longer */
        write_floats(MODEL, values, 4096, 0);
        open_ok((llmcs_load_mode)mode, &t);
        ck_assert_int_eq(ll_tensors_check_unchanged(t), LLMCS_OK);
        ck_assert_int_eq(truncate(path, 50000), 0);
        ck_assert_int_eq(ll_tensors_check_unchanged(t), LLMCS_CHANGED);
        ll_tensors_close(&t);
    }
}
END_TEST

/* S37, S47: a new file by rename, and a second reader that is closed, change nothing for the first. */
START_TEST(replaced_and_shared_files) {
    float values[100], other[100] = {0}, out[100];
    for (int i = 0; i < 100; i++) values[i] = (float)i;
    for (int mode = 0; mode < 2; mode++) {
        ll_tensors *first, *second;
        write_floats(MODEL, values, 100, 0);
        open_ok((llmcs_load_mode)mode, &first);
        open_ok((llmcs_load_mode)mode, &second);
        write_floats("new", other, 100, 0);
        ck_assert_int_eq(rename(temp_path(folder, "new"), temp_path(folder, MODEL)), 0);
        ck_assert_int_eq(ll_tensors_read_f32(second, ll_tensors_at(second, 0), 0, 100, out), LLMCS_OK);
        ll_tensors_close(&second);
        ck_assert_int_eq(ll_tensors_read_f32(first, ll_tensors_at(first, 0), 0, 100, out), LLMCS_OK);
        ck_assert_mem_eq(out, values, sizeof values);
        ck_assert_int_eq(ll_tensors_check_unchanged(first), LLMCS_OK);
        ll_tensors_close(&first);
    }
}
END_TEST

START_TEST(every_failing_allocation_of_shards) {
    write_shard(SHARD1, "a");
    write_shard(SHARD2, "b");
    temp_write_text(folder, INDEX, "{\"weight_map\":{\"\\u0061\":\"" SHARD1 "\",\"b\":\"" SHARD2 "\"}}");
    for (int after = 0; after < 2; after++)
        for (long n = 0;; n++) {
            fail_alloc f;
            fail_alloc_init(&f);
            f.fail_at = n;
            f.fail_after = after;
            llmcs_allocator a = fail_alloc_get(&f);
            ll_log log = {NULL, NULL};
            ll_tensors *t;
            llmcs_status st = ll_tensors_open(&a, &(ll_source){.path = folder}, LLMCS_LOAD_COPY, &log, &t);
            bool reached = f.calls > n;
            ck_assert_int_eq(st, reached ? LLMCS_NOMEM : LLMCS_OK);
            ll_tensors_close(&t);
            ck_assert_int_eq(f.live, 0);
            if (!reached) break;
        }
    /* the mistakes' messages need memory as well */
    remove(temp_path(folder, INDEX));
    for (long n = 0; n < 12; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        ll_log log = {NULL, NULL};
        ll_tensors *t;
        ck_assert_int_eq(ll_tensors_open(&a, &(ll_source){.path = folder}, LLMCS_LOAD_COPY, &log, &t),
                         f.calls > n ? LLMCS_NOMEM : LLMCS_IO);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, files_of_other_kinds);
    tcase_add_test(t, paths);
    tcase_add_test(t, no_permission);
    tcase_add_test(t, no_descriptor_left);
    tcase_add_test(t, sparse_file);
    tcase_add_test(t, folders_given_by_mistake);
    tcase_add_test(t, files_given_for_folders);
    tcase_add_test(t, good_shards);
    tcase_add_test(t, bad_indexes);
    tcase_add_test(t, values_of_any_kind_at_any_alignment);
    tcase_add_test(t, files_that_change);
    tcase_add_test(t, replaced_and_shared_files);
    tcase_add_test(t, every_failing_allocation_of_shards);
}

SUITE_MAIN("formats/hostile_files", add)
