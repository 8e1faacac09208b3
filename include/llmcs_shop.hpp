/*
 * llmcs_shop.hpp - libllmcs_shop for C++17 and later: llmcs_shop.h with owners, exceptions and ranges, by the rules of
 * llmcs.hpp. Link -lllmcs_shop -lllmcs.
 *
 *     llmcs::shop::service service("shop.db");             // a store with everything that its settings name
 *     llmcs::shop::desk desk = service.desk();
 *     llmcs::shop::message message;
 *     message.conversation = "web-17";
 *     message.customer = "c042";                           // from your login, never from the text
 *     message.text = "Where is my order?";
 *     std::cout << desk.say(message).reply();
 *
 * Contents: store, knowledge (ask), classifier, guard, recommend, wording; llmcs_shop_desk.hpp, included at the end, is
 * the desk and the service. The rest of llmcs_shop.h is called by its C functions with store::native().
 *
 * Structs with std::string members (entry, product, message ...) own their texts; "" stands for C's NULL. Structs that
 * end in _params or _options are the C ones with defaults; set_* functions keep a copy of what they are given, and keep
 * models and other objects alive.
 */
#ifndef LLMCS_SHOP_HPP
#define LLMCS_SHOP_HPP

#include <set>

#include "llmcs.hpp"
#include "llmcs_shop.h"

namespace llmcs {
inline namespace LLMCS_CPP {
namespace shop {

inline std::string_view version() { return llmcs_shop_version(); }

namespace detail {
using namespace llmcs::detail;

/* Name and value pairs as C takes them. */
template <typename Pair>
class pairs {
   public:
    explicit pairs(const std::vector<std::pair<std::string, std::string>> &given) : values_(given) {
        for (const auto &one : values_)
            pointers_.push_back({c_string(one.first, "name"), c_string(one.second, "value")});
    }
    pairs(pairs &&) noexcept = default;
    const Pair *data() const noexcept { return pointers_.data(); }
    std::size_t size() const noexcept { return pointers_.size(); }

   private:
    std::vector<std::pair<std::string, std::string>> values_;
    std::vector<Pair> pointers_;
};

inline const char *or_null(const std::string &text, const char *what) { return c_string_or_null(text, what); }

/* A text that C writes with a NUL byte: fill(buffer, capacity, &bytes) says its size, then writes it. */
template <typename Fill>
std::string with_nul(Fill fill) {
    std::size_t bytes = 0;
    llmcs_status status = fill(nullptr, 0, &bytes);
    std::string text;
    /* Another thread may have changed the text since its size was asked. */
    while (status == LLMCS_BUFFER || (status == LLMCS_OK && bytes > text.size())) {
        text.assign(bytes + 1, '\0');
        status = fill(&text[0], text.size(), &bytes);
        if (status == LLMCS_OK) break;
    }
    check(status);
    text.resize(bytes);
    return text;
}

}  // namespace detail

using slots = std::vector<std::pair<std::string, std::string>>;

/* ------------------------------------------------------------------------------------------------- store */
struct store_options : llmcs_shop_options {
    /* Called from any thread while the store is open; what it throws is thrown by the constructor, or dropped. */
    llmcs::detail::log_function on_log;

    store_options() : llmcs_shop_options() { llmcs_shop_options_init_sized(this, sizeof(llmcs_shop_options)); }
    store_options &set_encoder(const model &m) { return encoder = m.need(), encoder_ = m.state(), *this; }
    store_options &set_key_file(std::string path) {
        return key_file = kept_.keep_string("key_file", std::move(path)), *this;
    }
    store_options &create() { return flags |= LLMCS_SHOP_CREATE, *this; }

   private:
    friend class store;
    std::shared_ptr<llmcs::detail::model_state> encoder_;
    llmcs::detail::kept kept_;
};

/* A row that was not stored. */
struct refused {
    std::size_t row = 0;
    llmcs_status status = LLMCS_OK;
    std::string reason;
};
struct stored {
    std::size_t n_stored = 0;
    std::vector<refused> refused_rows;
};

struct product_text {
    std::string lang, title, description, attributes; /* attributes: a JSON object */
};
struct product {
    std::string id;
    std::vector<product_text> texts;
    std::string category, brand, currency;
    double price = 0;
    std::int64_t stock = -1; /* negative: not known */
    std::vector<std::string> tags;
};
struct customer {
    std::string id, name, lang;
    std::int64_t since = 0;
};
struct event {
    std::string customer, item, type;
    std::int64_t time = 0;
};
struct order_item {
    std::string item;
    std::int64_t quantity = 1;
    double price = 0;
};
struct order {
    std::string id, customer, status;
    std::int64_t time = 0;
    std::vector<order_item> items;
    double total = -1; /* negative: the sum of the items */
    std::string currency, carrier, tracking, city;
};
/* A question with its answer; {name} in the answer is a slot. */
struct entry {
    std::string id, lang;
    std::vector<std::string> questions;
    std::string answer;
    std::vector<std::string> tags;
    std::int64_t valid_from = 0, valid_until = 0;
};

/* ------------------------------------------------------------------------------------------------- ask */
struct ask_params : llmcs_shop_ask_params {
    ask_params() : llmcs_shop_ask_params() { llmcs_shop_ask_params_init_sized(this, sizeof(llmcs_shop_ask_params)); }
    ask_params &set_lang(std::string code) { return lang = kept_.keep_string("lang", std::move(code)), *this; }
    ask_params &set_tags(const std::vector<std::string> &any) {
        const auto &kept = kept_.keep("tags", llmcs::detail::strings(any, "tags"));
        return tags = kept.data(), n_tags = kept.size(), *this;
    }
    ask_params &set_slots(const shop::slots &values) {
        const auto &kept = kept_.keep("slots", detail::pairs<llmcs_shop_slot>(values));
        return slots = kept.data(), n_slots = kept.size(), *this;
    }
    ask_params &set_reranker(const model &m) { return kept_.share("reranker", m.state()), reranker = m.need(), *this; }
    /* The session must outlive the call, which is the one that it runs. */
    ask_params &set_writer(session &s) { return writer = s.native(), *this; }

   private:
    llmcs::detail::kept kept_;
};

/* An answer of the knowledge base, with what it stands on. Owns all it shows. */
class answer {
   public:
    explicit answer(llmcs_shop_answer *made) noexcept : handle_(made) {}
    llmcs_shop_route route() const { return need()->route; }
    std::string_view route_name() const { return llmcs_shop_route_name(route()); }
    std::string_view text() const { return {need()->text, need()->text_bytes}; }
    double probability() const { return need()->probability; }
    list<llmcs_shop_citation> citations() const { return {need()->citations, need()->n_citations}; }
    list<llmcs_shop_candidate> candidates() const { return {need()->candidates, need()->n_candidates}; }
    const llmcs_shop_answer *operator->() const { return need(); }

   private:
    const llmcs_shop_answer *need() const { return llmcs::detail::need(handle_, "answer"); }
    llmcs::detail::owner<llmcs_shop_answer, llmcs_shop_answer_free> handle_;
};

struct calibrate_params : llmcs_shop_calibrate_params {
    llmcs::detail::progress_function on_progress;
    calibrate_params() : llmcs_shop_calibrate_params() {
        llmcs_shop_calibrate_params_init_sized(this, sizeof(llmcs_shop_calibrate_params));
    }
};
/* A question and the entry that answers it; id "": none does. */
struct labelled {
    std::string text, lang, id;
};

/* --------------------------------------------------------------------------------------------- recommend */
struct recommend_params : llmcs_shop_recommend_params {
    recommend_params() : llmcs_shop_recommend_params() {
        llmcs_shop_recommend_params_init_sized(this, sizeof(llmcs_shop_recommend_params));
    }
    /* One of the three. */
    recommend_params &for_customer(std::string id) {
        return customer = kept_.keep_string("customer", std::move(id)), *this;
    }
    recommend_params &next_to(std::string id) { return item = kept_.keep_string("item", std::move(id)), *this; }
    recommend_params &for_text(std::string words) {
        return text = kept_.keep_string("text", std::move(words)), text_bytes = LLMCS_NUL, *this;
    }
    recommend_params &set_lang(std::string code) { return lang = kept_.keep_string("lang", std::move(code)), *this; }
    recommend_params &set_categories(const std::vector<std::string> &any) {
        return set("categories", any, &categories, &n_categories);
    }
    recommend_params &set_tags_all(const std::vector<std::string> &all) {
        return set("tags_all", all, &tags_all, &n_tags_all);
    }
    recommend_params &set_tags_any(const std::vector<std::string> &any) {
        return set("tags_any", any, &tags_any, &n_tags_any);
    }
    recommend_params &set_tags_none(const std::vector<std::string> &none) {
        return set("tags_none", none, &tags_none, &n_tags_none);
    }
    recommend_params &set_exclude(const std::vector<std::string> &ids) {
        return set("exclude", ids, &exclude, &n_exclude);
    }

   private:
    recommend_params &set(const char *field, const std::vector<std::string> &values, const char *const **data,
                          std::size_t *n) {
        const auto &kept = kept_.keep(field, llmcs::detail::strings(values, field));
        return *data = kept.data(), *n = kept.size(), *this;
    }
    llmcs::detail::kept kept_;
};

/* Products, best first. Owns all it shows. */
class recommendations {
   public:
    explicit recommendations(llmcs_shop_recommendations *made) noexcept : handle_(made) {}
    std::size_t size() const { return items().size(); }
    const llmcs_shop_recommendation &operator[](std::size_t i) const { return items()[i]; }
    list<llmcs_shop_recommendation> items() const { return {need()->items, need()->n_items}; }
    list<llmcs_shop_recommendation>::iterator begin() const { return items().begin(); }
    list<llmcs_shop_recommendation>::iterator end() const { return items().end(); }

   private:
    const llmcs_shop_recommendations *need() const { return llmcs::detail::need(handle_, "recommendations"); }
    llmcs::detail::owner<llmcs_shop_recommendations, llmcs_shop_recommendations_free> handle_;
};

/* The result of erasing a customer. Owns all its data. */
class forgotten {
   public:
    explicit forgotten(llmcs_shop_forgotten *made) noexcept : handle_(made) {}
    bool known() const { return need()->known != 0; }
    list<llmcs_shop_forgotten_item> items() const { return {need()->items, need()->n_items}; }

   private:
    const llmcs_shop_forgotten *need() const { return llmcs::detail::need(handle_, "report"); }
    llmcs::detail::owner<llmcs_shop_forgotten, llmcs_shop_forgotten_free> handle_;
};

/* A store of entries, products, customers, events and orders. Any number of threads may use it. */
class store {
   public:
    explicit store(const std::string &path, const store_options &options = {}) {
        struct state {
            std::shared_ptr<llmcs::detail::model_state> encoder;
            std::shared_ptr<llmcs::detail::log_sink> log; /* both freed after the store */
            llmcs::detail::owner<llmcs_shop, llmcs_shop_free> native;
        };
        auto made = std::make_shared<state>();
        made->encoder = options.encoder_;
        llmcs::detail::with_callbacks(
            static_cast<const llmcs_shop_options &>(options), options.on_log, nullptr,
            [&](const llmcs_shop_options &native, const std::shared_ptr<llmcs::detail::log_sink> &sink) {
                llmcs_shop *opened = nullptr;
                const llmcs_status status = llmcs_shop_open(llmcs::detail::c_string(path, "path"), &native, &opened);
                made->log = sink;
                made->native.reset(opened);
                return status;
            });
        handle_ = std::shared_ptr<llmcs_shop>(made, made->native.get());
    }
    /* One that belongs to something else, which it keeps alive. */
    explicit store(std::shared_ptr<llmcs_shop> handle) noexcept : handle_(std::move(handle)) {}

    llmcs_shop_info info() const {
        llmcs_shop_info filled = {};
        filled.struct_size = sizeof filled;
        check(llmcs_shop_get_info(need(), &filled));
        return filled;
    }

    /* Each stores all rows that are valid, in one transaction, and names the others. */
    stored put(const std::vector<entry> &rows) {
        return put_rows<llmcs_shop_entry>(rows, llmcs_shop_put_entries, [](const entry &e, strings_of &kept) {
            llmcs_shop_entry row = {};
            row.id = c("id", e.id), row.lang = c("lang", e.lang), row.answer = c("answer", e.answer);
            row.questions = kept.add(e.questions, "questions"), row.n_questions = e.questions.size();
            row.tags = kept.add(e.tags, "tags"), row.n_tags = e.tags.size();
            row.valid_from = e.valid_from, row.valid_until = e.valid_until;
            return row;
        });
    }
    stored put(const std::vector<product> &rows) {
        std::deque<std::vector<llmcs_shop_product_text>> all_texts;
        return put_rows<llmcs_shop_product>(rows, llmcs_shop_put_products, [&](const product &p, strings_of &kept) {
            auto &texts = all_texts.emplace_back();
            for (const product_text &t : p.texts)
                texts.push_back({c("lang", t.lang), c("title", t.title), n("description", t.description),
                                 n("attributes", t.attributes)});
            llmcs_shop_product row = {};
            row.id = c("id", p.id), row.texts = texts.data(), row.n_texts = texts.size();
            row.category = n("category", p.category), row.brand = n("brand", p.brand);
            row.price = p.price, row.currency = n("currency", p.currency), row.stock = p.stock;
            row.tags = kept.add(p.tags, "tags"), row.n_tags = p.tags.size();
            return row;
        });
    }
    stored put(const std::vector<customer> &rows) {
        return put_rows<llmcs_shop_customer>(rows, llmcs_shop_put_customers, [](const customer &p, strings_of &) {
            llmcs_shop_customer row = {};
            row.id = c("id", p.id), row.name = n("name", p.name), row.lang = n("lang", p.lang), row.since = p.since;
            return row;
        });
    }
    stored put(const std::vector<event> &rows) {
        return put_rows<llmcs_shop_event>(rows, llmcs_shop_put_events, [](const event &e, strings_of &) {
            llmcs_shop_event row = {};
            row.customer = c("customer", e.customer), row.item = c("item", e.item), row.type = c("type", e.type);
            row.time = e.time;
            return row;
        });
    }
    stored put(const std::vector<order> &rows) {
        std::deque<std::vector<llmcs_shop_order_item>> all_items;
        return put_rows<llmcs_shop_order>(rows, llmcs_shop_put_orders, [&](const order &o, strings_of &) {
            auto &items = all_items.emplace_back();
            for (const order_item &i : o.items) items.push_back({c("item", i.item), i.quantity, i.price});
            llmcs_shop_order row = {};
            row.id = c("id", o.id), row.customer = c("customer", o.customer), row.status = c("status", o.status);
            row.time = o.time, row.items = items.data(), row.n_items = items.size(), row.total = o.total;
            row.currency = n("currency", o.currency), row.carrier = n("carrier", o.carrier);
            row.tracking = n("tracking", o.tracking), row.city = n("city", o.city);
            return row;
        });
    }
    /* lang "": all languages. How many were not retired before. */
    std::size_t retire_entry(const std::string &id, const std::string &lang = "") {
        std::size_t n_retired = 0;
        check(llmcs_shop_retire_entry(need(), c("id", id), n("lang", lang), &n_retired));
        return n_retired;
    }
    /* A text that a citation names. */
    std::string entry_text(const llmcs_shop_citation &of) const {
        return detail::with_nul([&](char *text, std::size_t capacity, std::size_t *bytes) {
            return llmcs_shop_entry_text(need(), of.id, of.lang, of.version, of.text_index, text, capacity, bytes);
        });
    }

    /* Answers a question from the entries, asks back, or abstains. */
    answer ask(std::string_view question, const ask_params &params = {}) const {
        llmcs_shop_answer *found = nullptr;
        check(llmcs_shop_ask(need(), llmcs::detail::bytes_of(question), question.size(), &params, &found));
        return answer(found);
    }
    llmcs_shop_calibration calibrate(const std::vector<labelled> &questions, const calibrate_params &params = {}) {
        std::vector<llmcs_shop_labelled> rows;
        for (const labelled &q : questions) rows.push_back({c("text", q.text), n("lang", q.lang), n("id", q.id)});
        llmcs_shop_calibration found = {};
        found.struct_size = sizeof found;
        llmcs::detail::with_callbacks(
            static_cast<const llmcs_shop_calibrate_params &>(params), nullptr, params.on_progress,
            [&](const llmcs_shop_calibrate_params &native, const std::shared_ptr<llmcs::detail::log_sink> &) {
                return llmcs_shop_calibrate(need(), rows.data(), rows.size(), &native, &found);
            });
        return found;
    }
    recommendations recommend(const recommend_params &params) const {
        llmcs_shop_recommendations *found = nullptr;
        check(llmcs_shop_recommend(need(), &params, &found));
        return recommendations(found);
    }

    void set_setting(const std::string &key, const std::string &value) {
        check(llmcs_shop_set_setting(need(), c("key", key), c("value", value)));
    }
    void remove_setting(const std::string &key) { check(llmcs_shop_set_setting(need(), c("key", key), nullptr)); }
    /* "": there is none. */
    std::string setting(const std::string &key) const {
        return detail::with_nul([&](char *text, std::size_t capacity, std::size_t *bytes) {
            return llmcs_shop_get_setting(need(), c("key", key), text, capacity, bytes);
        });
    }
    /* Makes the vectors that are missing; on_progress(float) may stop it: what was done stays done. */
    template <typename OnProgress>
    void update_vectors(OnProgress &&on_progress) {
        llmcs::detail::guarded<std::remove_reference_t<OnProgress>> guard(on_progress);
        const llmcs_status status = llmcs_shop_update_vectors(need(), guard.on_progress, &guard);
        guard.rethrow();
        check(status);
    }
    void update_vectors() { check(llmcs_shop_update_vectors(need(), nullptr, nullptr)); }

    /* Erases a customer. actor: who does it, for the audit. */
    forgotten forget(const std::string &customer_id, const std::string &actor,
                     llmcs_shop_role role = LLMCS_SHOP_SUPERVISOR) {
        llmcs_shop_forget_params params;
        llmcs_shop_forget_params_init(&params);
        params.role = role;
        params.actor = c("actor", actor);
        llmcs_shop_forgotten *report = nullptr;
        check(llmcs_shop_forget(need(), c("customer", customer_id), &params, &report));
        return forgotten(report);
    }
    llmcs_shop_audit_report verify_audit() const {
        llmcs_shop_audit_report report = {};
        report.struct_size = sizeof report;
        check(llmcs_shop_audit_verify(need(), nullptr, &report));
        return report;
    }

    llmcs_shop *native() const noexcept { return handle_.get(); }
    llmcs_shop *need() const { return llmcs::detail::need(handle_, "store"); }
    const std::shared_ptr<llmcs_shop> &shared() const noexcept { return handle_; }
    store(store &&) noexcept = default;
    store &operator=(store &&) noexcept = default;

   private:
    /* Arrays of strings of rows, until the rows are put. */
    class strings_of {
       public:
        const char *const *add(const std::vector<std::string> &values, const char *what) {
            if (values.empty()) return nullptr;
            return kept_.emplace_back(values, what).data();
        }

       private:
        std::deque<llmcs::detail::strings> kept_;
    };
    static const char *c(const char *what, const std::string &text) { return llmcs::detail::c_string(text, what); }
    static const char *n(const char *what, const std::string &text) { return detail::or_null(text, what); }

    template <typename Native, typename Row, typename Put, typename Convert>
    stored put_rows(const std::vector<Row> &rows, Put put_all, Convert convert) {
        strings_of kept;
        std::deque<Native> natives;
        std::vector<const Native *> pointers;
        for (const Row &row : rows) {
            natives.push_back(convert(row, kept));
            natives.back().struct_size = sizeof(Native);
            pointers.push_back(&natives.back());
        }
        stored result;
        collector to = {&result, nullptr};
        const llmcs_status status =
            put_all(need(), pointers.data(), pointers.size(), collector::refuse, &to, &result.n_stored);
        if (to.thrown) std::rethrow_exception(to.thrown);
        check(status);
        return result;
    }
    struct collector {
        stored *result;
        std::exception_ptr thrown;
        static void refuse(void *user, std::size_t row, llmcs_status status, const char *reason) {
            auto *self = static_cast<collector *>(user);
            try {
                self->result->refused_rows.push_back({row, status, reason});
            } catch (...) {
                self->thrown = std::current_exception();
            }
        }
    };
    std::shared_ptr<llmcs_shop> handle_;
};

/* -------------------------------------------------------------------------------------------- classifier */
struct example {
    std::string_view text;
    std::string label;
};

struct train_params : llmcs_shop_train_params {
    llmcs::detail::progress_function on_progress;
    train_params() : llmcs_shop_train_params() {
        llmcs_shop_train_params_init_sized(this, sizeof(llmcs_shop_train_params));
    }
    train_params &set_encoder(const model &m) { return encoder = m.need(), encoder_ = m.state(), *this; }
    train_params &set_encoder_path(std::string path) {
        return encoder_path = kept_.keep_string("encoder_path", std::move(path)), *this;
    }
    train_params &set_oos_label(std::string label) {
        return oos_label = kept_.keep_string("oos_label", std::move(label)), *this;
    }

   private:
    friend class classifier;
    std::shared_ptr<llmcs::detail::model_state> encoder_;
    llmcs::detail::kept kept_;
};

struct predict_params : llmcs_shop_predict_params {
    predict_params() : llmcs_shop_predict_params() {
        llmcs_shop_predict_params_init_sized(this, sizeof(llmcs_shop_predict_params));
    }
    predict_params &set_cancel(const cancel_flag &flag) {
        return kept_.share("cancel", flag.owner()), cancel = flag.native(), *this;
    }

   private:
    llmcs::detail::kept kept_;
};

/* Predictions of texts, in their order. Keeps the classifier, which owns labels and examples. */
class predictions {
   public:
    predictions(llmcs_shop_predictions *made, std::shared_ptr<const llmcs_shop_classifier> of) noexcept
        : of_(std::move(of)), handle_(made) {}
    std::size_t size() const { return items().size(); }
    const llmcs_shop_prediction &operator[](std::size_t i) const { return items()[i]; }
    list<llmcs_shop_prediction> items() const {
        const llmcs_shop_predictions *all = llmcs::detail::need(handle_, "predictions");
        return {all->items, all->n};
    }
    list<llmcs_shop_prediction>::iterator begin() const { return items().begin(); }
    list<llmcs_shop_prediction>::iterator end() const { return items().end(); }

   private:
    std::shared_ptr<const llmcs_shop_classifier> of_; /* freed after the predictions */
    llmcs::detail::owner<llmcs_shop_predictions, llmcs_shop_predictions_free> handle_;
};

/* Sorts texts into classes. Never changes, so any number of threads use it. */
class classifier {
   public:
    static classifier train(const std::vector<example> &examples, const train_params &params = {}) {
        std::vector<llmcs_shop_example> rows;
        for (const example &e : examples)
            rows.push_back({llmcs::detail::bytes_of(e.text), e.text.size(), llmcs::detail::c_string(e.label, "label")});
        llmcs_shop_classifier *made = nullptr;
        llmcs::detail::with_callbacks(
            static_cast<const llmcs_shop_train_params &>(params), nullptr, params.on_progress,
            [&](const llmcs_shop_train_params &native, const std::shared_ptr<llmcs::detail::log_sink> &) {
                return llmcs_shop_classifier_train(rows.data(), rows.size(), &native, &made);
            });
        return classifier(made, params.encoder_);
    }
    /* encoder: the one that it was trained with, or nullptr. */
    static classifier open(const std::string &path, const model *encoder = nullptr) {
        llmcs_shop_classifier_options options;
        llmcs_shop_classifier_options_init(&options);
        if (encoder) options.encoder = encoder->need();
        llmcs_shop_classifier *made = nullptr;
        check(llmcs_shop_classifier_open(llmcs::detail::c_string(path, "path"), &options, &made));
        return classifier(made, encoder ? encoder->state() : nullptr);
    }
    /* Takes over a reference; `owner` is what the classifier needs to live. */
    classifier(llmcs_shop_classifier *made, const std::shared_ptr<const void> &owner)
        : owner_(owner), handle_(made, [owner](llmcs_shop_classifier *c) { llmcs_shop_classifier_free(&c); }) {}

    void save(const std::string &path) const {
        check(llmcs_shop_classifier_save(need(), llmcs::detail::c_string(path, "path")));
    }
    /* Strings of the info belong to the classifier. */
    llmcs_shop_classifier_info info() const {
        llmcs_shop_classifier_info filled = {};
        filled.struct_size = sizeof filled;
        check(llmcs_shop_classifier_get_info(need(), &filled));
        return filled;
    }
    std::string_view label(std::int32_t id) const {
        const char *name = llmcs_shop_classifier_label(need(), id);
        return name ? name : "";
    }
    predictions predict(const texts &many, const predict_params &params = {}) const {
        llmcs_shop_predictions *found = nullptr;
        check(llmcs_shop_classifier_predict(need(), many.data(), many.size(), &params, &found));
        return predictions(found, handle_);
    }

    llmcs_shop_classifier *native() const noexcept { return handle_.get(); }
    llmcs_shop_classifier *need() const { return llmcs::detail::need(handle_, "classifier"); }
    std::shared_ptr<llmcs_shop_classifier> shared() const noexcept { return handle_; }
    const std::shared_ptr<const void> &owner() const noexcept { return owner_; }
    classifier(classifier &&) noexcept = default;
    classifier &operator=(classifier &&) noexcept = default;

   private:
    std::shared_ptr<const void> owner_;
    std::shared_ptr<llmcs_shop_classifier> handle_;
};

/* The classifier in use: requests get it, a trainer swaps it, in any thread at any time. Keeps the encoders of all
 * classifiers that were in it. */
class classifier_slot {
   public:
    classifier_slot() : state_(std::make_shared<state>()) {
        llmcs_shop_classifier_slot *made = nullptr;
        check(llmcs_shop_classifier_slot_create(nullptr, &made));
        state_->native = std::shared_ptr<llmcs_shop_classifier_slot>(
            made, [](llmcs_shop_classifier_slot *s) { llmcs_shop_classifier_slot_free(&s); });
    }
    explicit classifier_slot(const classifier &first) : classifier_slot() { swap(first); }
    /* One that belongs to something else, which it keeps alive. */
    explicit classifier_slot(std::shared_ptr<llmcs_shop_classifier_slot> handle) : state_(std::make_shared<state>()) {
        state_->native = std::move(handle);
    }
    /* nullopt: there is none. */
    std::optional<classifier> get() const {
        llmcs_shop_classifier *now = llmcs_shop_classifier_slot_get(need());
        if (!now) return std::nullopt;
        return classifier(now, state_);
    }
    void swap(const classifier &next) {
        const std::lock_guard<std::mutex> lock(llmcs::detail::need(state_, "slot")->mutex);
        /* One that came out of this slot already keeps it alive; the other way round would be for ever. */
        if (next.owner() && next.owner() != state_) state_->encoders.insert(next.owner());
        check(llmcs_shop_classifier_slot_swap(need(), next.need()));
    }
    llmcs_shop_classifier_slot *native() const noexcept { return state_ ? state_->native.get() : nullptr; }
    llmcs_shop_classifier_slot *need() const { return llmcs::detail::need(state_, "slot")->native.get(); }
    std::shared_ptr<const void> owner() const noexcept { return state_; }
    classifier_slot(classifier_slot &&) noexcept = default;
    classifier_slot &operator=(classifier_slot &&) noexcept = default;

   private:
    struct state {
        std::mutex mutex;
        std::set<std::shared_ptr<const void>> encoders; /* freed after the slot */
        std::shared_ptr<llmcs_shop_classifier_slot> native;
    };
    std::shared_ptr<state> state_;
};

/* ------------------------------------------------------------------------------------------------- guard */
struct guard_options : llmcs_shop_guard_options {
    guard_options() : llmcs_shop_guard_options() {
        llmcs_shop_guard_options_init_sized(this, sizeof(llmcs_shop_guard_options));
    }
    guard_options &set_tagger(std::string path) {
        return tagger_path = kept_->keep_string("tagger_path", std::move(path)), *this;
    }
    guard_options &set_order_pattern(std::string pattern) {
        return order_pattern = kept_->keep_string("order_pattern", std::move(pattern)), *this;
    }
    guard_options &set_words(std::string path) {
        return words_path = kept_->keep_string("words_path", std::move(path)), *this;
    }
    guard_options &set_moderation(const classifier &c) {
        return kept_->share("moderation", c.shared()), moderation = c.need(), *this;
    }

   private:
    friend class guard;
    std::shared_ptr<llmcs::detail::kept> kept_ = std::make_shared<llmcs::detail::kept>();
};

/* Which placeholder stands for which value, in one conversation. One thread at a time. */
class names {
   public:
    /* In memory until they are destroyed. */
    names() : handle_(make(nullptr, nullptr, nullptr)) {}
    /* In the store's vault, encrypted; customer "": under a key of the conversation. */
    names(const store &of, const std::string &customer_id, const std::string &conversation)
        : of_(of.shared()),
          handle_(make(of.need(), detail::or_null(customer_id, "customer"),
                       llmcs::detail::c_string(conversation, "conversation"))) {}
    /* Puts values back for their owner's eyes. */
    std::string unmask(std::string_view masked) {
        return detail::with_nul([&](char *text, std::size_t capacity, std::size_t *bytes) {
            return llmcs_shop_unmask(need(), llmcs::detail::bytes_of(masked), masked.size(), text, capacity, bytes);
        });
    }
    std::size_t size() const { return llmcs_shop_names_count(need()); }
    llmcs_shop_names *need() const { return llmcs::detail::need(handle_, "names"); }

   private:
    using handle = llmcs::detail::owner<llmcs_shop_names, llmcs_shop_names_free>;
    static handle make(llmcs_shop *of, const char *customer_id, const char *conversation) {
        return llmcs::detail::made<handle>([&](llmcs_shop_names **made) {
            return llmcs_shop_names_create(of, customer_id, conversation, nullptr, made);
        });
    }
    std::shared_ptr<llmcs_shop> of_; /* closed after the names */
    handle handle_;
};

class masked {
   public:
    explicit masked(llmcs_shop_masked *made) noexcept : handle_(made) {}
    std::string_view text() const { return {need()->text, need()->text_bytes}; }
    list<llmcs_shop_masked_span> spans() const { return {need()->spans, need()->n_spans}; }

   private:
    const llmcs_shop_masked *need() const { return llmcs::detail::need(handle_, "masked text"); }
    llmcs::detail::owner<llmcs_shop_masked, llmcs_shop_masked_free> handle_;
};

/* Whether a text may pass, and why not. Rules in reasons live as long as the guard. */
class verdict {
   public:
    explicit verdict(llmcs_shop_verdict *made) noexcept : handle_(made) {}
    llmcs_shop_check_action action() const { return need()->action; }
    std::string_view action_name() const { return llmcs_shop_check_action_name(action()); }
    std::string_view label() const { return need()->label; }
    double score() const { return need()->score; }
    list<llmcs_shop_reason> reasons() const { return {need()->reasons, need()->n_reasons}; }

   private:
    const llmcs_shop_verdict *need() const { return llmcs::detail::need(handle_, "verdict"); }
    llmcs::detail::owner<llmcs_shop_verdict, llmcs_shop_verdict_free> handle_;
};

/* Masks personal data and checks texts. Never changes, so any number of threads use it. */
class guard {
   public:
    explicit guard(const guard_options &options = {}) {
        llmcs_shop_guard *made = nullptr;
        check(llmcs_shop_guard_create(&options, &made));
        handle_ = std::shared_ptr<const llmcs_shop_guard>(made, [kept = options.kept_](const llmcs_shop_guard *g) {
            auto *own = const_cast<llmcs_shop_guard *>(g);
            llmcs_shop_guard_free(&own);
        });
    }
    /* One that belongs to something else, which it keeps alive. */
    explicit guard(std::shared_ptr<const llmcs_shop_guard> handle) noexcept : handle_(std::move(handle)) {}

    /* With placeholders that `of` can put back. */
    masked mask(std::string_view text, names &of) const { return masked_with(text, of.need()); }
    /* A search alone: placeholders cannot be put back. */
    masked mask(std::string_view text) const { return masked_with(text, nullptr); }
    verdict check_text(std::string_view text, llmcs_shop_direction direction = LLMCS_SHOP_IN) const {
        llmcs_shop_check_params params;
        llmcs_shop_check_params_init(&params);
        params.direction = direction;
        llmcs_shop_verdict *found = nullptr;
        check(llmcs_shop_check(need(), llmcs::detail::bytes_of(text), text.size(), &params, &found));
        return verdict(found);
    }
    const llmcs_shop_guard *native() const noexcept { return handle_.get(); }
    const llmcs_shop_guard *need() const { return llmcs::detail::need(handle_, "guard"); }
    const std::shared_ptr<const llmcs_shop_guard> &shared() const noexcept { return handle_; }
    guard(guard &&) noexcept = default;
    guard &operator=(guard &&) noexcept = default;

   private:
    masked masked_with(std::string_view text, llmcs_shop_names *of) const {
        llmcs_shop_masked *found = nullptr;
        check(llmcs_shop_mask(need(), of, llmcs::detail::bytes_of(text), text.size(), nullptr, &found));
        return masked(found);
    }
    std::shared_ptr<const llmcs_shop_guard> handle_;
};

/* ----------------------------------------------------------------------------------------------- wording */
struct gate_verdict {
    bool passed = false;
    std::string reason, found;
};
/* Whether a generated text says only what facts (key "": the value stands alone) say. lang "": any. */
inline gate_verdict gate(std::string_view text, const std::vector<std::pair<std::string, std::string>> &facts,
                         const std::string &lang = "") {
    std::vector<llmcs_shop_fact> rows;
    for (const auto &one : facts)
        rows.push_back({detail::or_null(one.first, "key"), llmcs::detail::c_string(one.second, "value")});
    llmcs_shop_gate_verdict filled = {};
    filled.struct_size = sizeof filled;
    check(llmcs_shop_gate(llmcs::detail::bytes_of(text), text.size(), rows.data(), rows.size(),
                          detail::or_null(lang, "lang"), &filled));
    return {filled.passed != 0, filled.reason, filled.found};
}

}  // namespace shop
}  // namespace LLMCS_CPP
}  // namespace llmcs

#include "llmcs_shop_desk.hpp"

#endif
