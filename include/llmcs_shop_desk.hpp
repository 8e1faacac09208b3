/*
 * llmcs_shop_desk.hpp - the part of llmcs_shop.hpp for the dialogue desk and the service. llmcs_shop.hpp includes it.
 *
 *     llmcs::shop::desk_options options;
 *     options.set_flows_path("flows.json").set_guard(guard);
 *     options.host_call = [](const llmcs::shop::host_call &call) {                    // your order system
 *         call.answer(LLMCS_ACTION_DONE, "[{\"id\":\"A1\",\"status\":\"shipped\"}]");
 *     };
 *     llmcs::shop::desk desk(store, options);
 */
#include "llmcs_shop.hpp" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_DESK_HPP
#define LLMCS_SHOP_DESK_HPP

namespace llmcs {
inline namespace LLMCS_CPP {
namespace shop {

/* A find or an action that the desk wants of the host; valid while the host's function runs. */
class host_call {
   public:
    host_call(const llmcs_shop_call_request &wanted, llmcs_shop_call *call) noexcept : wanted_(&wanted), call_(call) {}
    std::string_view name() const noexcept { return wanted_->name; }
    bool is_action() const noexcept { return wanted_->is_action != 0; }
    std::string_view key() const noexcept { return wanted_->key; }
    std::string_view customer() const noexcept { return wanted_->customer; }
    /* "": the slot is not filled. */
    std::string_view slot(std::string_view name) const noexcept {
        for (std::size_t i = 0; i < wanted_->n_slots; i++)
            if (name == wanted_->slots[i].name) return wanted_->slots[i].value;
        return "";
    }
    const llmcs_shop_call_request *operator->() const noexcept { return wanted_; }
    /* Once. rows_json: for a find an array of objects; for an action an object of facts, or "". */
    void answer(llmcs_shop_action_state state, const std::string &rows_json = "") const {
        check(llmcs_shop_call_answer(call_, state, detail::or_null(rows_json, "rows_json")));
    }

   private:
    const llmcs_shop_call_request *wanted_;
    llmcs_shop_call *call_;
};

struct desk_options : llmcs_shop_desk_options {
    /* Answers finds and actions, on threads of the desk, several at a time. What it throws goes to on_error; the call
     * then has no answer: a find FAILED, an action is UNKNOWN and a person has to look. */
    std::function<void(const shop::host_call &)> host_call;
    std::function<void(std::exception_ptr)> on_error;

    desk_options() : llmcs_shop_desk_options() {
        llmcs_shop_desk_options_init_sized(this, sizeof(llmcs_shop_desk_options));
    }
    desk_options &set_flows_path(std::string path) {
        return flows_path = kept_->keep_string("flows_path", std::move(path)), *this;
    }
    desk_options &set_flows_json(std::string json) {
        return flows_json = kept_->keep_string("flows_json", std::move(json)), *this;
    }
    desk_options &set_wording(std::string folder) {
        return wording = kept_->keep_string("wording", std::move(folder)), *this;
    }
    /* Swapped at any time. */
    desk_options &set_intents(const classifier_slot &slot) {
        return kept_->share("intents", slot.owner()), intents = slot.need(), *this;
    }
    desk_options &set_sentiment(const classifier_slot &slot) {
        return kept_->share("sentiment", slot.owner()), sentiment = slot.need(), *this;
    }
    desk_options &set_guard(const shop::guard &g) { return kept_->share("guard", g.shared()), guard = g.need(), *this; }
    /* Names of finds and actions that host_call answers; "*": all. */
    desk_options &set_host_calls(const std::vector<std::string> &names) {
        const auto &kept = kept_->keep("host_calls", llmcs::detail::strings(names, "host_calls"));
        return host_calls = kept.data(), n_host_calls = kept.size(), *this;
    }

   private:
    friend class desk;
    friend class service;
    std::shared_ptr<llmcs::detail::kept> kept_ = std::make_shared<llmcs::detail::kept>();
};

namespace detail {
/* The host's functions, as long as a desk may call them. */
struct host {
    explicit host(const desk_options &o) : answer(o.host_call), on_error(o.on_error) {}
    std::function<void(const host_call &)> answer;
    std::function<void(std::exception_ptr)> on_error;
    static void call(void *user, const llmcs_shop_call_request *wanted, llmcs_shop_call *c) {
        const auto *self = static_cast<const host *>(user);
        try {
            self->answer(host_call(*wanted, c));
        } catch (...) {
            const std::exception_ptr thrown = llmcs::detail::caught();
            try {
                if (self->on_error) self->on_error(thrown);
            } catch (...) { /* a function that reports errors has nobody to report its own to */
            }
        }
    }
    llmcs_shop_desk_options native(const desk_options &o) {
        llmcs_shop_desk_options filled = o;
        if (answer) filled.call = call, filled.call_user = this;
        return filled;
    }
};
}  // namespace detail

/* A customer's message. */
struct message {
    std::string conversation; /* an id of the host's choice */
    std::string customer;     /* from the host's login; "": not logged in */
    std::string id;           /* the same id in a conversation gives the same reply; "": none */
    std::string text;
    std::string lang;       /* of the reply; "": that of the text */
    double deadline_ms = 0; /* 0: the desk's */
    std::optional<cancel_flag> cancel;
};

/* A reply and what was done. Owns all it shows. */
class turn {
   public:
    explicit turn(llmcs_shop_turn *made) noexcept : handle_(made) {}
    std::string_view reply() const { return {need()->reply, need()->reply_bytes}; }
    llmcs_shop_desk_route route() const { return need()->route; }
    std::string_view route_name() const { return llmcs_shop_desk_route_name(route()); }
    llmcs_shop_expects expects() const { return need()->expects; }
    std::string_view action() const { return need()->action; }
    llmcs_shop_action_state action_state() const { return need()->action_state; }
    list<llmcs_shop_citation> citations() const { return {need()->citations, need()->n_citations}; }
    std::vector<std::string_view> products() const { return {need()->products, need()->products + need()->n_products}; }
    const llmcs_shop_turn *operator->() const { return need(); }

   private:
    const llmcs_shop_turn *need() const { return llmcs::detail::need(handle_, "turn"); }
    llmcs::detail::owner<llmcs_shop_turn, llmcs_shop_turn_free> handle_;
};

class history {
   public:
    explicit history(llmcs_shop_history *made) noexcept : handle_(made) {}
    list<llmcs_shop_history_turn> turns() const { return {need()->turns, need()->n_turns}; }
    std::string_view status() const { return need()->status; }
    const llmcs_shop_history *operator->() const { return need(); }

   private:
    const llmcs_shop_history *need() const { return llmcs::detail::need(handle_, "history"); }
    llmcs::detail::owner<llmcs_shop_history, llmcs_shop_history_free> handle_;
};

/* Any number of threads may call it; turns of one conversation run in the order of their calls. */
class desk {
   public:
    desk(const store &of, const desk_options &options) {
        struct state {
            std::shared_ptr<llmcs_shop> of;
            std::shared_ptr<llmcs::detail::kept> kept;
            std::unique_ptr<detail::host> host; /* all freed after the desk */
            llmcs::detail::owner<llmcs_shop_desk, llmcs_shop_desk_free> native;
        };
        auto made = std::make_shared<state>();
        made->of = of.shared();
        made->kept = options.kept_;
        made->host = std::make_unique<detail::host>(options);
        const llmcs_shop_desk_options native = made->host->native(options);
        llmcs_shop_desk *opened = nullptr;
        check(llmcs_shop_desk_open(of.need(), &native, &opened));
        made->native.reset(opened);
        handle_ = std::shared_ptr<llmcs_shop_desk>(made, opened);
    }
    /* One that belongs to something else, which it keeps alive. */
    explicit desk(std::shared_ptr<llmcs_shop_desk> handle) noexcept : handle_(std::move(handle)) {}

    /* Answers a message. */
    turn say(const message &m) {
        const llmcs_shop_message native = natively(m);
        llmcs_shop_turn *made = nullptr;
        check(llmcs_shop_desk_say(need(), &native, &made));
        return turn(made);
    }
    /* on_text gets the reply in pieces, after the gate; what it throws is thrown when the turn is stored. */
    template <typename OnText>
    turn say(const message &m, OnText &&on_text) {
        llmcs::detail::guarded<std::remove_reference_t<OnText>> guard(on_text);
        llmcs_shop_message native = natively(m);
        native.on_text = guard.on_text;
        native.on_text_user = &guard;
        llmcs_shop_turn *made = nullptr;
        const llmcs_status status = llmcs_shop_desk_say(need(), &native, &made);
        turn t(made);
        guard.rethrow();
        check(status);
        return t;
    }

    void take_over(const std::string &conversation, const std::string &agent) {
        check(llmcs_shop_desk_take_over(need(), c("conversation", conversation), c("agent", agent)));
    }
    /* A person's reply. */
    void reply(const std::string &conversation, const std::string &agent, std::string_view text) {
        check(llmcs_shop_desk_reply(need(), c("conversation", conversation), c("agent", agent),
                                    llmcs::detail::bytes_of(text), text.size()));
    }
    /* agent: who does it, for the audit; "": the host. */
    void hand_back(const std::string &conversation, const std::string &agent = {}) {
        check(llmcs_shop_desk_hand_back_by(need(), c("conversation", conversation), by(agent)));
    }
    void close(const std::string &conversation, const std::string &agent = {}) {
        check(llmcs_shop_desk_close_by(need(), c("conversation", conversation), by(agent)));
    }
    /* A person has found out what became of an action that is UNKNOWN. */
    void resolve(const std::string &key, const std::string &agent, llmcs_shop_action_state state) {
        check(llmcs_shop_desk_resolve(need(), c("key", key), c("agent", agent), state));
    }
    /* The turns after number `after`, at most k; after < 0: the last k. unmask: for a person who may read the texts as
     * their owner does. */
    shop::history history(const std::string &conversation, std::int64_t after = -1, std::size_t k = 100,
                          bool unmask = false) const {
        llmcs_shop_history *found = nullptr;
        check(llmcs_shop_desk_history(need(), c("conversation", conversation), after, k, unmask, &found));
        return shop::history(found);
    }

    llmcs_shop_desk *native() const noexcept { return handle_.get(); }
    desk(desk &&) noexcept = default;
    desk &operator=(desk &&) noexcept = default;

   private:
    llmcs_shop_desk *need() const { return llmcs::detail::need(handle_, "desk"); }
    static const char *c(const char *what, const std::string &text) { return llmcs::detail::c_string(text, what); }
    static const char *by(const std::string &agent) { return agent.empty() ? nullptr : c("agent", agent); }
    static llmcs_shop_message natively(const message &m) {
        llmcs_shop_message native;
        llmcs_shop_message_init(&native);
        native.conversation = c("conversation", m.conversation);
        native.customer = detail::or_null(m.customer, "customer");
        native.id = detail::or_null(m.id, "id");
        native.text = m.text.data();
        native.text_bytes = m.text.size();
        native.lang = detail::or_null(m.lang, "lang");
        native.deadline_ms = m.deadline_ms;
        if (m.cancel) native.cancel = m.cancel->native();
        return native;
    }
    std::shared_ptr<llmcs_shop_desk> handle_;
};

struct service_options : llmcs_shop_service_options {
    llmcs::detail::log_function on_log;
    std::optional<llmcs::model_options> of_models; /* of the encoder and the tagger */
    std::optional<desk_options> of_desk;           /* its paths, classifiers and guard replace the settings */
    service_options() : llmcs_shop_service_options() {
        llmcs_shop_service_options_init_sized(this, sizeof(llmcs_shop_service_options));
    }
};

/* A store with everything that its settings name. Its parts share it. */
class service {
   public:
    explicit service(const std::string &store_path, const service_options &options = {})
        : state_(std::make_shared<state>()) {
        llmcs_shop_desk_options of_desk;
        llmcs_shop_service_options filled = options;
        if (options.of_models) filled.model = &*options.of_models;
        if (options.of_desk) {
            state_->kept = options.of_desk->kept_;
            state_->host = std::make_unique<detail::host>(*options.of_desk);
            of_desk = state_->host->native(*options.of_desk);
            filled.desk = &of_desk;
        }
        llmcs::detail::with_callbacks(
            filled, options.on_log, nullptr,
            [&](const llmcs_shop_service_options &native, const std::shared_ptr<llmcs::detail::log_sink> &sink) {
                llmcs_shop_service *opened = nullptr;
                const llmcs_status status =
                    llmcs_shop_service_open(llmcs::detail::c_string(store_path, "store_path"), &native, &opened);
                state_->log = sink;
                state_->native.reset(opened);
                return status;
            });
    }
    shop::store store() const { return shop::store(part(llmcs_shop_service_shop(need()), "store")); }
    shop::desk desk() const { return shop::desk(part(llmcs_shop_service_desk(need()), "desk")); }
    /* These throw bad_state where the settings name none. */
    shop::guard guard() const { return shop::guard(part(llmcs_shop_service_guard(need()), "guard")); }
    classifier_slot intents() const { return classifier_slot(part(llmcs_shop_service_intents(need()), "intents")); }

    llmcs_shop_service *native() const noexcept { return state_ ? state_->native.get() : nullptr; }
    service(service &&) noexcept = default;
    service &operator=(service &&) noexcept = default;

   private:
    struct state {
        std::shared_ptr<llmcs::detail::kept> kept;
        std::unique_ptr<detail::host> host;
        std::shared_ptr<llmcs::detail::log_sink> log; /* all freed after the service */
        llmcs::detail::owner<llmcs_shop_service, llmcs_shop_service_free> native;
    };
    llmcs_shop_service *need() const { return llmcs::detail::need(state_, "service")->native.get(); }
    template <typename Part>
    std::shared_ptr<Part> part(Part *native_part, const char *what) const {
        if (!native_part)
            throw bad_state(std::string("this service has no ") + what + ": its store's settings name none");
        return std::shared_ptr<Part>(state_, native_part);
    }
    std::shared_ptr<state> state_;
};

}  // namespace shop
}  // namespace LLMCS_CPP
}  // namespace llmcs
#endif
