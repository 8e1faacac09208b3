/* The quota is read from a folder that looks like / of several kinds of machine. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cpu.h"
#include "support/suite.h"
#include "support/temp.h"

static char root[TEMP_PATH_BYTES];

static void make_root(void) { temp_folder(root); }

static void run_in_root(const char *command, const char *argument) {
    char line[1024];
    ck_assert_int_lt(snprintf(line, sizeof line, command, root, argument), (int)sizeof line);
    ck_assert_int_eq(system(line), 0);
}

static void remove_root(void) { temp_remove(root); }

static void put(const char *path, const char *text) {
    char full[512], parent[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path), path);
    run_in_root("mkdir -p '%s%s'", parent);
    FILE *f = fopen(full, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

#define MOUNT_PROC "22 1 0:21 / /proc rw - proc proc rw\n"
#define MOUNT_V2 MOUNT_PROC "30 1 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define MOUNT_V1                                                                \
    MOUNT_PROC                                                                  \
    "31 1 0:27 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n" \
    "32 1 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 master:2 - cgroup cgroup rw,cpu,cpuacct\n"

static void machine_v2(const char *group) {
    char line[4096];
    snprintf(line, sizeof line, "0::%s\n", group);
    put("/proc/self/cgroup", line);
    put("/proc/self/mountinfo", MOUNT_V2);
}

static void machine_v1(const char *group) {
    char lines[512];
    snprintf(lines, sizeof lines, "9:cpuset:/\n4:cpu,cpuacct:%s\n1:name=systemd:/x\n0::/\n", group);
    put("/proc/self/cgroup", lines);
    put("/proc/self/mountinfo", MOUNT_V1);
}

START_TEST(v2_quotas_are_rounded_down_to_at_least_one) {
    static const struct {
        const char *text;
        int cores;
    } cases[] = {{"50000 100000\n", 1},
                 {"100000 100000\n", 1},
                 {"199999 100000\n", 1},
                 {"200000 100000\n", 2},
                 {"765000 100000\n", 7},
                 {"1000 1000\n", 1},
                 {"6400000 100000\n", 64},
                 {"max 100000\n", 0},
                 {"max\n", 0},
                 {"0 100000\n", 1},
                 {"200000 0\n", 0},
                 {"200000\n", 0},
                 {"\n", 0},
                 {"", 0},
                 {"-1 100000\n", 0},
                 {"2e5 100000\n", 0},
                 {"99999999999999999999999 100000\n", 0},
                 {"18446744073709551615 1\n", INT_MAX}};
    machine_v2("/");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("/sys/fs/cgroup/cpu.max", cases[i].text);
        int cores = ll_cpu_quota(root);
        if (cases[i].cores == INT_MAX && cores == 0) continue; /* more cores than an int: no bound */
        ck_assert_msg(cores == cases[i].cores, "%s gave %d, not %d", cases[i].text, cores, cases[i].cores);
    }
}
END_TEST

START_TEST(the_least_quota_above_a_nested_group_counts) {
    machine_v2("/shop.slice/app.service/worker");
    put("/sys/fs/cgroup/shop.slice/cpu.max", "300000 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 3);
    put("/sys/fs/cgroup/shop.slice/app.service/worker/cpu.max", "max 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 3);
    put("/sys/fs/cgroup/shop.slice/app.service/cpu.max", "150000 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 1);
    put("/sys/fs/cgroup/shop.slice/app.service/cpu.max", "450000 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 3);
    put("/sys/fs/cgroup/shop.slice/app.service/worker/cpu.max", "200000 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 2);
}
END_TEST

START_TEST(v1_quotas_are_read) {
    machine_v1("/docker/abc");
    ck_assert_int_eq(ll_cpu_quota(root), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "250000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 0); /* no period */
    put("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 2);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "-1\n");
    ck_assert_int_eq(ll_cpu_quota(root), 0);
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "450000\n");
    put("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "50000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 9);
    put("/sys/fs/cgroup/cpuset/cpu.cfs_quota_us", "100000\n"); /* another controller's hierarchy */
    ck_assert_int_eq(ll_cpu_quota(root), 9);
}
END_TEST

/* In a container without a cgroup namespace the group's path is the host's, and the mount shows only its end. */
START_TEST(a_hierarchy_mounted_in_part_is_understood) {
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/abc/inner\n");
    put("/proc/self/mountinfo", "32 1 0:28 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpuacct,cpu\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "400000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 4);
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 2);
    put("/proc/self/cgroup", "4:cpu,cpuacct:/elsewhere\n"); /* not under what is mounted: its root then */
    ck_assert_int_eq(ll_cpu_quota(root), 4);
    put("/proc/self/cgroup", "4:cpu,cpuacct:/docker/abcdef\n"); /* a name that only begins alike */
    ck_assert_int_eq(ll_cpu_quota(root), 4);
}
END_TEST

START_TEST(both_versions_at_once_take_the_smaller) {
    put("/proc/self/cgroup", "4:cpu:/one\n0::/two\n");
    put("/proc/self/mountinfo", "31 1 0:27 / /c1 rw - cgroup cgroup rw,cpu\n32 1 0:28 / /c2 rw - cgroup2 c rw\n");
    put("/c1/one/cpu.cfs_quota_us", "500000\n");
    put("/c1/one/cpu.cfs_period_us", "100000\n");
    put("/c2/two/cpu.max", "700000 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 5);
    put("/c2/two/cpu.max", "300000 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 3);
}
END_TEST

START_TEST(what_cannot_be_read_is_no_bound) {
    static char longer[4000];
    ck_assert_int_eq(ll_cpu_quota(root), 0);
    ck_assert_int_eq(ll_cpu_quota("/no/such/root"), 0);
    put("/proc/self/cgroup", "garbage\n\n:::\n0::\n");
    put("/proc/self/mountinfo", "1\n\n - \n1 2 3 4 5 6\n");
    ck_assert_int_eq(ll_cpu_quota(root), 0);
    memset(longer, 'g', sizeof longer - 1);
    longer[0] = '/';
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    for (size_t len = 700; len < sizeof longer; len = len * 9 / 8) { /* groups that do not fit a path or a line */
        longer[len] = 0;
        machine_v2(longer);
        int cores = ll_cpu_quota(root);
        ck_assert_msg(cores == (len < 750 ? 1 : 0), "a group of %zu bytes gave %d", len, cores);
        longer[len] = 'g';
    }
}
END_TEST

START_TEST(a_long_mount_line_is_passed_over) {
    char lines[8192] = "7 1 0:3 / /";
    size_t at = strlen(lines);
    memset(lines + at, 'm', 5000);
    strcpy(lines + at + 5000, " rw - overlay overlay rw\n" MOUNT_V2);
    machine_v2("/");
    put("/proc/self/mountinfo", lines);
    put("/sys/fs/cgroup/cpu.max", "500000 100000\n");
    ck_assert_int_eq(ll_cpu_quota(root), 5);
}
END_TEST

START_TEST(affinity_bounds_the_cores) {
    cpu_set_t all, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    int usable = ll_cpu_usable();
    ck_assert_int_ge(usable, 1);
    ck_assert_int_le(usable, CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(ll_cpu_usable(), 1);
}
END_TEST

/* Against the kernel's own list of features. */
static bool listed(const char *feature) {
    char line[8192], word[64];
    FILE *f = fopen("/proc/cpuinfo", "r");
    bool found = false;
    snprintf(word, sizeof word, " %s ", feature);
    while (f && !found && fgets(line, sizeof line, f)) {
        size_t len = strcspn(line, "\n");
        snprintf(line + len, sizeof line - len, " ");
        found = (strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0) && strstr(line, word);
    }
    if (f) fclose(f);
    return found;
}

START_TEST(features_are_those_the_kernel_lists) {
    ll_cpu cpu = ll_cpu_detect();
#if defined(__x86_64__)
    if (!listed("sse2")) {
        suite_skip("features of the processor", "/proc/cpuinfo lists none");
        return;
    }
    ck_assert_int_eq(cpu.avx2_fma_f16c, listed("avx2") && listed("fma") && listed("f16c"));
    bool avx512 = listed("avx512f") && listed("avx512bw") && listed("avx512vl") && listed("avx512dq");
    ck_assert_int_eq(cpu.avx512, avx512);
    ck_assert_int_eq(cpu.avx512_vnni, avx512 && listed("avx512_vnni"));
    ck_assert_int_eq(cpu.amx_int8, listed("amx_tile") && listed("amx_int8"));
    ck_assert_int_eq(cpu.avx_vnni, cpu.avx2_fma_f16c && listed("avx_vnni"));
    ck_assert(!cpu.neon && !cpu.dotprod && !cpu.i8mm);
#elif defined(__aarch64__)
    ck_assert(cpu.neon && !cpu.avx2_fma_f16c && !cpu.avx512);
    if (!listed("asimd")) { /* qemu's user emulation shows the host's file */
        suite_skip("features of the processor", "/proc/cpuinfo is another processor's");
        return;
    }
    ck_assert_int_eq(cpu.dotprod, listed("asimddp"));
    ck_assert_int_eq(cpu.i8mm, listed("i8mm"));
#else
    (void)cpu;
    suite_skip("features of the processor", "this family has none that are tested");
#endif
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, make_root, remove_root);
    tcase_add_test(t, v2_quotas_are_rounded_down_to_at_least_one);
    tcase_add_test(t, the_least_quota_above_a_nested_group_counts);
    tcase_add_test(t, v1_quotas_are_read);
    tcase_add_test(t, a_hierarchy_mounted_in_part_is_understood);
    tcase_add_test(t, both_versions_at_once_take_the_smaller);
    tcase_add_test(t, what_cannot_be_read_is_no_bound);
    tcase_add_test(t, a_long_mount_line_is_passed_over);
    tcase_add_test(t, affinity_bounds_the_cores);
    tcase_add_test(t, features_are_those_the_kernel_lists);
}

SUITE_MAIN("base/cores", add)
