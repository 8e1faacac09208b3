/* How many cores this process may use: affinity mask and cgroup quota. Linux: Documentation/admin-guide/cgroup-v2.rst
 * (cpu.max), scheduler/sched-bwc.rst (cpu.cfs_quota_us), filesystems/proc.rst (mountinfo), man cgroups(7). Written by
 * hand because Debian's libhwloc-dev knows no CPU quota. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/size.h"
#include "base/status.h"

#define LINE_BYTES 2048 /* a longer line of /proc is skipped */
#define PATH_BYTES 768  /* a longer path counts as unreadable: no bound */
#define NO_BOUND INT_MAX

/* ---- small files of /proc and /sys, without the heap ---- */

typedef struct lines {
    int fd;
    size_t begin, end; /* unread part of buffer */
    char buffer[LINE_BYTES];
} lines;

static bool lines_open(lines *in, const char *root, const char *path) {
    char full[PATH_BYTES];
    in->fd = -1;
    in->begin = in->end = 0;
    if (ll_format(full, sizeof full, "%s%s", root, path) >= PATH_BYTES) return false;
    in->fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return in->fd >= 0;
}

/* The next line without its newline, or NULL at the end. A line that does not fit is skipped. */
static char *lines_next(lines *in) {
    bool skipping = false;
    for (;;) {
        char *start = in->buffer + in->begin;
        char *newline = memchr(start, '\n', in->end - in->begin);
        if (newline) {
            *newline = 0;
            in->begin = (size_t)(newline + 1 - in->buffer);
            if (!skipping) return start;
            skipping = false;
            continue;
        }
        memmove(in->buffer, start, in->end - in->begin);
        in->end -= in->begin;
        in->begin = 0;
        if (in->end == LINE_BYTES) {
            in->end = 0;
            skipping = true;
        }
        ssize_t n = read(in->fd, in->buffer + in->end, LINE_BYTES - in->end);
        if (n <= 0) return NULL; /* these files end with a newline */
        in->end += (size_t)n;
    }
}

static void lines_close(lines *in) {
    if (in->fd >= 0) close(in->fd);
}

/* Splits the next field off *rest, in place; "" at the end. */
static char *next_field(char **rest, char separator) {
    char *word = *rest;
    char *end = strchr(word, separator);
    if (end) *end = 0;
    *rest = end ? end + 1 : word + strlen(word);
    return word;
}

/* Decimal digits only; false for anything else ("max", "-1", ""). */
static bool parse_number(const char *text, uint64_t *value) {
    *value = 0;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || !ll_mul_u64(*value, 10, value)) return false;
        if (!ll_add_u64(*value, (uint64_t)(*text - '0'), value)) return false;
    }
    return true;
}

/* ---- the quota of one control group ---- */

static int quota_cores(const char *quota_text, const char *period_text) {
    uint64_t quota, period;
    if (!parse_number(quota_text, &quota) || !parse_number(period_text, &period) || period == 0) return NO_BOUND;
    uint64_t cores = quota / period;
    return cores < 1 ? 1 : cores > NO_BOUND ? NO_BOUND : (int)cores;
}

static bool first_line(const char *root, const char *folder, const char *name, char *out, size_t size) {
    char path[PATH_BYTES];
    lines in;
    if (ll_format(path, sizeof path, "%s/%s", folder, name) >= PATH_BYTES) return false;
    const char *line = lines_open(&in, root, path) ? lines_next(&in) : NULL;
    bool ok = line && strlen(line) < size;
    if (ok) memcpy(out, line, strlen(line) + 1);
    lines_close(&in);
    return ok;
}

static int group_cores(const char *root, const char *folder, bool v2) {
    char quota[64], period[64];
    if (v2) {
        if (!first_line(root, folder, "cpu.max", quota, sizeof quota)) return NO_BOUND;
        char *rest = quota;
        const char *first = next_field(&rest, ' ');
        return quota_cores(first, rest);
    }
    if (!first_line(root, folder, "cpu.cfs_quota_us", quota, sizeof quota)) return NO_BOUND;
    if (!first_line(root, folder, "cpu.cfs_period_us", period, sizeof period)) return NO_BOUND;
    return quota_cores(quota, period);
}

/* The smallest quota of folder (the process's group) and its parents, up to the mount point, its first mount_len bytes.
 */
static int least_quota(const char *root, char *folder, size_t mount_len, bool v2) {
    int least = NO_BOUND;
    for (;;) {
        int cores = group_cores(root, folder, v2);
        if (cores < least) least = cores;
        char *slash = strrchr(folder, '/');
        if (!slash || strlen(folder) <= mount_len || (size_t)(slash - folder) < mount_len) return least;
        *slash = 0;
    }
}

/* ---- where the control group is ---- */

static bool has_word(const char *list, const char *word) { /* comma separated */
    size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ',') && (at[n] == 0 || at[n] == ',')) return true;
    return false;
}

/* This process's group in the v2 hierarchy ("0::/path"), or v1's of the cpu controller ("4:cpu,cpuacct:/path"). */
static bool find_group(const char *root, bool v2, char group[PATH_BYTES]) {
    lines in;
    bool found = false;
    char *line;
    if (!lines_open(&in, root, "/proc/self/cgroup")) return false;
    while (!found && (line = lines_next(&in))) {
        const char *id = next_field(&line, ':');
        const char *controllers = next_field(&line, ':');
        found = v2 ? strcmp(id, "0") == 0 && !*controllers : has_word(controllers, "cpu");
        if (found && strlen(line) < PATH_BYTES) memcpy(group, line, strlen(line) + 1);
    }
    lines_close(&in);
    return found && strlen(line) < PATH_BYTES;
}

/* The group's path relative to the mounted subtree of the hierarchy; "" if it lies outside. */
static const char *path_below_mount(const char *group, const char *mounted) {
    size_t n = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);
    if (strncmp(group, mounted, n) != 0 || (group[n] != '/' && group[n] != 0)) return "";
    return strcmp(group + n, "/") == 0 ? "" : group + n;
}

/* One line of mountinfo: "36 35 98:0 /mounted /mount/point rw,... [optional fields] - type source options". */
static bool parse_mount(char *line, bool v2, char **mounted, char **mount_point) {
    for (int i = 0; i < 3; i++) next_field(&line, ' ');
    *mounted = next_field(&line, ' ');
    *mount_point = next_field(&line, ' ');
    char *type = strstr(line, " - ");
    if (!type) return false;
    type += 3;
    const char *name = next_field(&type, ' ');
    next_field(&type, ' ');
    return v2 ? strcmp(name, "cgroup2") == 0 : strcmp(name, "cgroup") == 0 && has_word(type, "cpu");
}

static int hierarchy_cores(const char *root, bool v2) {
    char group[PATH_BYTES] = "", folder[PATH_BYTES];
    lines in;
    int least = NO_BOUND;
    char *line, *mounted, *mount_point;
    if (!find_group(root, v2, group)) return NO_BOUND;
    if (!lines_open(&in, root, "/proc/self/mountinfo")) return NO_BOUND;
    while ((line = lines_next(&in))) {
        if (!parse_mount(line, v2, &mounted, &mount_point)) continue;
        if (ll_format(folder, sizeof folder, "%s%s", mount_point, path_below_mount(group, mounted)) < PATH_BYTES)
            least = least_quota(root, folder, strlen(mount_point), v2);
        break;
    }
    lines_close(&in);
    return least;
}

int ll_cpu_quota(const char *root) {
    int v2 = hierarchy_cores(root, true), v1 = hierarchy_cores(root, false);
    int least = v2 < v1 ? v2 : v1;
    return least == NO_BOUND ? 0 : least;
}

int ll_cpu_usable(void) {
    unsigned long mask[8192 / (8 * sizeof(unsigned long))] = {0}; /* the kernel's NR_CPUS is at most 8192 */
    int cores = 0, quota = ll_cpu_quota("");
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) == 0)
        for (size_t i = 0; i < sizeof mask / sizeof *mask; i++) cores += __builtin_popcountl(mask[i]);
    if (cores < 1) cores = 1;
    return quota && quota < cores ? quota : cores;
}
