/* Opens everything that a store's settings name. */
#include <stdlib.h>
#include <string.h>

#include "shop/base/options.h"
#include "shop/desk/desk.h"

enum { SETTING_BYTES = 65537 };

struct llmcs_shop_service {
    llmcs_allocator allocator;
    llmcs_model *encoder, *reader;
    llmcs_shop *shop;
    llmcs_shop_classifier_slot *intents, *sentiment, *moderation;
    llmcs_shop_rollout *rollout; /* versions of the intents; falls back to the file of the setting */
    struct llmcs_shop_guard *guard;
    llmcs_shop_desk *desk;
    int64_t now; /* setting llmcs.now; 0: the real clock */
    llmcs_log_fn log;
    void *log_user;
    bool lenient;
    char value[SETTING_BYTES]; /* value of the setting being read */
};

static const llmcs_shop_service_options default_options = {
    .struct_size = sizeof default_options, .busy_ms = 5000, .n_readers = 8};

void llmcs_shop_service_options_init_sized(llmcs_shop_service_options *options, size_t struct_size) {
    shop_options_init(options, struct_size, &default_options, sizeof default_options);
}

/* Reads a setting into s->value; "" if it is not set. */
static llmcs_status read_setting(llmcs_shop_service *s, llmcs_shop *shop, const char *key) {
    return llmcs_shop_get_setting(shop, key, s->value, sizeof s->value, NULL);
}

/* Fails with the setting's name in the message; a lenient service only logs it. */
static llmcs_status fail_setting(llmcs_shop_service *s, const char *key, llmcs_status status) {
    char why[600];
    sqlite3_snprintf(sizeof why, why, "setting %s: %s", key, llmcs_error_message());
    if (!s->lenient) return shop_fail(status, "%s", why);
    if (s->log) {
        shop_call *call = shop_callback_begin();
        s->log(s->log_user, LLMCS_LOG_WARN, why);
        shop_callback_end(call);
    }
    return LLMCS_OK;
}

/* ---- parts */

/* Opens in INT8 unless the caller chose a type: it is three times as fast as float16, and the command-line tools
 * compute the store's vectors with it. */
static llmcs_status open_model(const char *path, const llmcs_model_options *given, llmcs_model **model) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    if (given && given->struct_size != sizeof options) return llmcs_model_open(path, given, model);
    if (given) options = *given;
    if (options.weights == LLMCS_WEIGHTS_AUTO) options.weights = LLMCS_WEIGHTS_INT8;
    return llmcs_model_open(path, &options, model);
}

/* The encoder must exist before the store is opened with it, so its setting is read through a separate handle. */
static llmcs_status open_encoder(llmcs_shop_service *s, const char *path, const llmcs_shop_service_options *o) {
    llmcs_shop *shop = NULL;
    llmcs_shop_options options;
    llmcs_shop_options_init(&options);
    options.flags = LLMCS_SHOP_READ_ONLY;
    options.postgres = ""; /* settings are in the file, not on the server */
    options.busy_ms = o->busy_ms;
    options.n_readers = 1;
    options.allocator = &s->allocator;
    llmcs_status status = llmcs_shop_open(path, &options, &shop);
    if (status == LLMCS_UNSUPPORTED) { /* an older version: opening it for writing migrates it */
        options.flags = 0;
        status = llmcs_shop_open(path, &options, &shop);
    }
    if (!status) status = read_setting(s, shop, "llmcs.encoder");
    llmcs_shop_free(&shop);
    SHOP_TRY(status);
    if (!*s->value) return LLMCS_OK;
    status = open_model(s->value, o->model, &s->encoder);
    return status ? fail_setting(s, "llmcs.encoder", status) : LLMCS_OK;
}

static llmcs_status open_store(llmcs_shop_service *s, const char *path, const llmcs_shop_service_options *o) {
    llmcs_shop_options options;
    llmcs_shop_options_init(&options);
    options.encoder = s->encoder;
    options.allocator = &s->allocator;
    options.log = o->log;
    options.log_user = o->log_user;
    options.busy_ms = o->busy_ms;
    options.n_readers = o->n_readers;
    options.postgres = o->postgres;
    return llmcs_shop_open(path, &options, &s->shop);
}

static llmcs_status open_classifier(llmcs_shop_service *s, const char *key, llmcs_shop_classifier_slot **slot) {
    llmcs_shop_classifier *classifier = NULL;
    llmcs_shop_classifier_options options;
    SHOP_TRY(read_setting(s, s->shop, key));
    if (!*s->value) return LLMCS_OK;
    llmcs_shop_classifier_options_init(&options);
    options.allocator = &s->allocator;
    llmcs_status status = llmcs_shop_classifier_open(s->value, &options, &classifier);
    llmcs_shop_classifier_info info = {.struct_size = sizeof info};
    if (!status) status = llmcs_shop_classifier_get_info(classifier, &info);
    if (!status && info.n_embedding && s->encoder) { /* it needs the encoder: open it again with one */
        llmcs_shop_classifier_free(&classifier);
        options.encoder = s->encoder;
        status = llmcs_shop_classifier_open(s->value, &options, &classifier);
    }
    if (!status) status = llmcs_shop_classifier_slot_create(classifier, slot);
    llmcs_shop_classifier_free(&classifier);
    return status ? fail_setting(s, key, status) : LLMCS_OK;
}

static llmcs_status open_guard(llmcs_shop_service *s) {
    llmcs_shop_guard_options options;
    char *pattern = NULL;
    llmcs_shop_guard_options_init(&options);
    options.allocator = &s->allocator;
    SHOP_TRY(read_setting(s, s->shop, "llmcs.order_pattern"));
    if (*s->value) SHOP_TRY(shop_copy_text(&s->allocator, s->value, strlen(s->value), "pattern", &pattern));
    options.order_pattern = pattern;
    llmcs_status status = read_setting(s, s->shop, "llmcs.tagger");
    if (!status && *s->value) options.tagger_path = s->value;
    llmcs_shop_classifier *moderation = s->moderation ? llmcs_shop_classifier_slot_get(s->moderation) : NULL;
    options.moderation = moderation;
    if (!status) status = llmcs_shop_guard_create(&options, &s->guard);
    if (status && options.tagger_path && s->lenient && status != LLMCS_NOMEM) {
        status = fail_setting(s, "llmcs.tagger", status);
        options.tagger_path = NULL;
        if (!status) status = llmcs_shop_guard_create(&options, &s->guard);
    }
    llmcs_shop_classifier_free(&moderation);
    shop_free(&s->allocator, pattern);
    return status;
}

static llmcs_status open_reader(llmcs_shop_service *s, const llmcs_shop_service_options *o) {
    SHOP_TRY(read_setting(s, s->shop, "llmcs.reader"));
    if (!*s->value) return LLMCS_OK;
    const llmcs_status status = open_model(s->value, o->model, &s->reader);
    return status ? fail_setting(s, "llmcs.reader", status) : LLMCS_OK;
}

static int64_t setting_now(void *user) { return ((const llmcs_shop_service *)user)->now; }

static llmcs_status open_desk(llmcs_shop_service *s, const llmcs_shop_service_options *o) {
    llmcs_shop_desk_options d;
    char *flows = NULL;
    llmcs_shop_desk_options_init(&d);
    if (o->desk)
        SHOP_TRY(shop_options_in(&d, sizeof d, SHOP_SIZE_UP_TO_POINTER(llmcs_shop_desk_options, allocator), o->desk,
                                 "llmcs_shop_desk_options"));
    SHOP_TRY(read_setting(s, s->shop, "llmcs.now"));
    s->now = strtoll(s->value, NULL, 10);
    if (s->now > 0 && !d.now) {
        d.now = setting_now;
        d.now_user = s;
    }
    const bool own_intents = !d.intents;
    if (own_intents) d.intents = s->rollout ? llmcs_shop_rollout_slot(s->rollout) : s->intents;
    if (!d.sentiment) d.sentiment = s->sentiment;
    if (!d.guard) d.guard = s->guard;
    if (!d.reader) d.reader = s->reader;
    if (!d.flows_path && !d.flows_json) {
        SHOP_TRY(read_setting(s, s->shop, "llmcs.flows"));
        if (*s->value) SHOP_TRY(shop_copy_text(&s->allocator, s->value, strlen(s->value), "path", &flows));
        d.flows_path = flows;
    }
    llmcs_status status = d.wording ? LLMCS_OK : read_setting(s, s->shop, "llmcs.wording");
    if (!status && !d.wording && *s->value) d.wording = s->value;
    if (!status) {
        status = llmcs_shop_desk_open(s->shop, &d, &s->desk);
        if (status && s->lenient && d.reader && !strncmp(llmcs_error_message(), "reader: ", 8)) { /* other labels */
            SHOP_TRY(fail_setting(s, "llmcs.reader", status));
            d.reader = NULL;
            status = llmcs_shop_desk_open(s->shop, &d, &s->desk);
        }
        /* A lenient service continues without flows or wording: entries and templates still answer. */
        if (status && s->lenient && status != LLMCS_NOMEM) {
            SHOP_TRY(fail_setting(s, flows ? "llmcs.flows or llmcs.wording" : "llmcs.wording", status));
            d.wording = NULL;
            status = llmcs_shop_desk_open(s->shop, &d, &s->desk);
            d.flows_path = d.flows_json = NULL;
            d.host_calls = NULL;
            d.n_host_calls = 0;
            if (status) status = llmcs_shop_desk_open(s->shop, &d, &s->desk);
        }
    }
    if (!status && own_intents) s->desk->rollout = s->rollout;
    shop_free(&s->allocator, flows);
    return status;
}

/* Versions trained and promoted in the store replace the file. */
static llmcs_status open_rollout(llmcs_shop_service *s) {
    llmcs_shop_classifier *fallback = s->intents ? llmcs_shop_classifier_slot_get(s->intents) : NULL;
    const llmcs_status status = llmcs_shop_rollout_create(s->shop, "intents", fallback, &s->rollout);
    llmcs_shop_classifier_free(&fallback);
    return status ? fail_setting(s, "versions of intents", status) : LLMCS_OK;
}

static llmcs_status open_all(llmcs_shop_service *s, const char *path, const llmcs_shop_service_options *o) {
    SHOP_TRY(open_encoder(s, path, o));
    SHOP_TRY(open_store(s, path, o));
    SHOP_TRY(open_classifier(s, "llmcs.intents", &s->intents));
    SHOP_TRY(open_rollout(s));
    SHOP_TRY(open_classifier(s, "llmcs.sentiment", &s->sentiment));
    SHOP_TRY(open_classifier(s, "llmcs.moderation", &s->moderation));
    SHOP_TRY(open_guard(s));
    SHOP_TRY(open_reader(s, o));
    return open_desk(s, o);
}

llmcs_status llmcs_shop_service_open(const char *store_path, const llmcs_shop_service_options *options,
                                     llmcs_shop_service **service) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_service_options o = default_options;
    llmcs_shop_service *s;
    if (!service) return shop_fail(LLMCS_ARG, "service is NULL");
    *service = NULL;
    if (!store_path || !*store_path) return shop_fail(LLMCS_ARG, "store_path is %s", store_path ? "empty" : "NULL");
    if (options)
        SHOP_TRY(shop_options_in(&o, sizeof o, SHOP_SIZE_UP_TO(llmcs_shop_service_options, n_readers), options,
                                 "llmcs_shop_service_options"));
    const llmcs_allocator a = shop_allocator_or_default(o.allocator);
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *s, "service", &s));
    s->allocator = a;
    s->log = o.log;
    s->log_user = o.log_user;
    s->lenient = o.lenient != 0;
    const llmcs_status status = open_all(s, store_path, &o);
    if (status)
        llmcs_shop_service_free(&s);
    else
        *service = s;
    return status;
}

void llmcs_shop_service_free(llmcs_shop_service **service) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_service *s = service ? *service : NULL;
    if (!s) return;
    *service = NULL;
    const llmcs_allocator a = s->allocator;
    llmcs_shop_desk_free(&s->desk);
    llmcs_shop_rollout_free(&s->rollout);
    llmcs_shop_guard_free(&s->guard);
    llmcs_shop_classifier_slot_free(&s->intents);
    llmcs_shop_classifier_slot_free(&s->sentiment);
    llmcs_shop_classifier_slot_free(&s->moderation);
    llmcs_shop_free(&s->shop);
    llmcs_model_free(&s->reader);
    llmcs_model_free(&s->encoder);
    shop_free(&a, s);
}

llmcs_shop *llmcs_shop_service_shop(llmcs_shop_service *s) { return s ? s->shop : NULL; }
llmcs_shop_desk *llmcs_shop_service_desk(llmcs_shop_service *s) { return s ? s->desk : NULL; }
const struct llmcs_shop_guard *llmcs_shop_service_guard(llmcs_shop_service *s) { return s ? s->guard : NULL; }
llmcs_shop_classifier_slot *llmcs_shop_service_intents(llmcs_shop_service *s) {
    return !s ? NULL : s->rollout ? llmcs_shop_rollout_slot(s->rollout) : s->intents;
}
