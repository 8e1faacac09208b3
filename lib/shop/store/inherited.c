/* Lists the files that this process has open, so that its children can refuse them. */
#include "shop/store/inherited.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shop/base/clock.h"

enum { MAX_OPEN = 1024 };

static struct {
    pid_t owner; /* 0: free */
    dev_t device;
    ino_t inode;
} files[MAX_OPEN];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* In a child, the lock may be held by a thread that only the parent has, so this waits one second at most. */
static bool enter(void) {
    const struct timespec deadline = shop_after_ms(CLOCK_REALTIME, 1000);
    return !pthread_mutex_timedlock(&lock, &deadline);
}

llmcs_status shop_inherited_add(const char *path, int *slot) {
    struct stat st;
    llmcs_status status = LLMCS_OK;
    const pid_t self = getpid();
    *slot = -1;
    if (stat(path, &st)) return shop_fail(LLMCS_IO, "%s: not found", path);
    if (!enter())
        return shop_fail(LLMCS_FORK, "%s: the process was forked while another thread opened a store: use exec", path);
    for (int i = 0; i < MAX_OPEN && !status; i++) {
        if (!files[i].owner) {
            if (*slot < 0) *slot = i;
        } else if (files[i].owner != self && files[i].device == st.st_dev && files[i].inode == st.st_ino) {
            status = shop_fail(LLMCS_FORK,
                               "%s: the parent process had this store open when it forked: fork before opening it, or"
                               " use exec",
                               path);
        }
    }
    if (!status && *slot < 0) status = shop_fail(LLMCS_LIMIT, "%s: more than %d stores are open", path, MAX_OPEN);
    if (status) {
        *slot = -1;
    } else {
        files[*slot].owner = self;
        files[*slot].device = st.st_dev;
        files[*slot].inode = st.st_ino;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

void shop_inherited_remove(int slot) {
    if (slot < 0 || files[slot].owner != getpid()) return;
    pthread_mutex_lock(&lock);
    files[slot].owner = 0;
    pthread_mutex_unlock(&lock);
}
