/* A thread for each engine: tells listeners that their requests have news. */
#include "generate.h"

void *events_follow(void *served_model) {
    const served *m = served_model;
    pthread_setname_np(pthread_self(), "events");
    while (true) {
        llmcs_engine_event event = {.struct_size = sizeof event};
        const llmcs_status status = llmcs_engine_next(m->engine, -1, &event);
        if (status == LLMCS_PENDING) continue;
        if (status) break; /* the engine was stopped and all events are reported */
        listener *l = event.user;
        l->on_event(l, event.finished != 0);
    }
    return NULL;
}
