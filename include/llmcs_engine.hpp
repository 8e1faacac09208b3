/*
 * llmcs_engine.hpp - the part of llmcs.hpp for services: many conversations at once. llmcs.hpp includes it.
 *
 *     llmcs::engine engine(model);
 *     llmcs::request request = engine.submit("Where is my parcel?", params);          // from any thread
 *     std::cout << request.wait().text();
 *     for (const std::string &piece : engine.stream("And my refund?", params)) std::cout << piece;
 *
 * A thread per request waits; an event loop polls engine.fd(), then calls next() and request::read(). A request may be
 * used by one thread at a time, except cancel(). Requests and streams may outlive their engine: it ends them.
 */
#include "llmcs.hpp" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_ENGINE_HPP
#define LLMCS_ENGINE_HPP

#include "llmcs_generate.hpp"

namespace llmcs {
inline namespace LLMCS_CPP {

struct engine_options : llmcs_engine_options {
    engine_options() : llmcs_engine_options() { llmcs_engine_options_init_sized(this, sizeof(llmcs_engine_options)); }
};

/* What an engine does with a request besides the result. Callbacks run on the thread that makes steps and delay
 * everyone's next step; false, or an exception, ends the request, and request::wait throws the exception. */
struct submit_options {
    std::int32_t priority = 0; /* higher first */
    std::function<bool(std::string_view)> on_text;
    std::function<bool(std::int32_t)> on_token;
};

class request {
   public:
    /* Waits for the result; once finished, each call makes a new one. Throws what a callback threw. */
    result wait() { return *wait_for(-1); }
    /* nullopt: not finished within so many milliseconds. */
    std::optional<result> wait_for(double timeout_ms) {
        llmcs_result *made = nullptr;
        const llmcs_status status = llmcs_request_wait(need(), timeout_ms, &made);
        if (status == LLMCS_PENDING) return std::nullopt;
        const std::string message = status == LLMCS_OK ? "" : llmcs_error_message();
        result all(made);
        state_->watch->rethrow();
        if (status != LLMCS_OK) throw_error(status, message);
        return all;
    }
    /* Text that arrived since the last call; never waits. *finished: no more will come. */
    std::string read(bool *finished = nullptr) {
        int ended = 0;
        std::size_t n = 0;
        check(llmcs_request_read(need(), nullptr, 0, &n, &ended));
        std::string text(n, '\0');
        /* More may have come since: what fits is enough, but the end is only true of what was read. */
        if (n) check(llmcs_request_read(need(), &text[0], text.size(), &n, &ended));
        text.resize(n);
        if (finished) *finished = ended != 0;
        return text;
    }
    /* Ids of the new tokens from number `first` on, as far as they are there; never waits. */
    std::vector<std::int32_t> tokens(std::size_t first = 0) {
        std::vector<std::int32_t> ids(n_tokens_after(first));
        std::size_t n = 0;
        check(llmcs_request_tokens(need(), first, ids.size(), ids.data(), nullptr, nullptr, &n));
        return ids;
    }
    /* Their log-probabilities, which need params.logprobs. */
    std::vector<float> logprobs(std::size_t first = 0) {
        std::vector<float> values(n_tokens_after(first));
        std::size_t n = 0;
        float none = 0; /* NULL would not ask for them, so that a request without them were not refused */
        check(llmcs_request_tokens(need(), first, values.size(), nullptr, values.empty() ? &none : values.data(),
                                   nullptr, &n));
        return values;
    }
    /* From any thread or signal handler: ends with the text so far. */
    void cancel() const noexcept {
        if (state_) llmcs_request_cancel(state_->native.get());
    }
    /* To compare with engine_event::request. */
    llmcs_request *native() const noexcept { return state_ ? state_->native.get() : nullptr; }

    request(request &&) noexcept = default;
    request &operator=(request &&) noexcept = default;

   private:
    friend class engine;
    request() = default;
    /* The callbacks of a request. Shared with a callback that runs, which may be what destroys the request. */
    struct watcher {
        explicit watcher(const submit_options &o) : on_text(o.on_text), on_token(o.on_token) {}
        template <typename F, typename Arg>
        static int run(const std::shared_ptr<watcher> &self, const F &f, Arg arg) {
            try {
                if (f(arg)) return 0;
            } catch (...) {
                const std::exception_ptr thrown = detail::caught();
                const std::lock_guard<std::mutex> lock(self->mutex);
                if (!self->thrown) self->thrown = thrown;
            }
            return 1;
        }
        static int text(void *user, const char *text, std::size_t n) {
            const std::shared_ptr<watcher> self = static_cast<watcher *>(user)->self.lock();
            return run(self, self->on_text, std::string_view(text, n));
        }
        static int token(void *user, std::int32_t id) {
            const std::shared_ptr<watcher> self = static_cast<watcher *>(user)->self.lock();
            return run(self, self->on_token, id);
        }
        void rethrow() {
            const std::lock_guard<std::mutex> lock(mutex);
            if (thrown) std::rethrow_exception(thrown);
        }
        std::weak_ptr<watcher> self;
        std::function<bool(std::string_view)> on_text;
        std::function<bool(std::int32_t)> on_token;
        std::mutex mutex;
        std::exception_ptr thrown;
    };
    struct state {
        std::shared_ptr<detail::model_state> model;
        std::shared_ptr<watcher> watch; /* freed after the request */
        detail::owner<llmcs_request, llmcs_request_free> native;
    };
    llmcs_request *need() const { return detail::need(state_, "request")->native.get(); }
    std::size_t n_tokens_after(std::size_t first) const {
        std::size_t n = 0;
        check(llmcs_request_tokens(need(), first, SIZE_MAX, nullptr, nullptr, nullptr, &n));
        return n;
    }
    std::shared_ptr<state> state_;
};

/* A request with something new: request::native() says which. finished: no more will come. */
struct engine_event {
    llmcs_request *request = nullptr;
    bool finished = false;
};

class engine {
   public:
    explicit engine(const model &m, const engine_options &options = {}) : model_(m.state()) {
        llmcs_engine *made = nullptr;
        check(llmcs_engine_create(m.need(), &options, &made));
        handle_.reset(made);
    }

    /* Queues a request and returns at once. Throws queue_full: come later. */
    request submit(std::string_view prompt, const generate_params &params, const submit_options &options = {}) {
        return submitted(options, [&](const llmcs_submit_options &native, llmcs_request **made) {
            return llmcs_engine_submit(need(), detail::bytes_of(prompt), prompt.size(), &params, &native, made);
        });
    }
    request submit_ids(ids_view ids, const generate_params &params, const submit_options &options = {}) {
        return submitted(options, [&](const llmcs_submit_options &native, llmcs_request **made) {
            return llmcs_engine_submit_ids(need(), ids.data(), ids.size(), &params, &native, made);
        });
    }
    /* Pieces of one request, with a thread that waits for it; services with many streams use on_text, or next() and
     * request::read(). Throws queue_full here, other failures where the stream is read. */
    llmcs::stream stream(std::string_view prompt, const generate_params &params, std::int32_t priority = 0) {
        struct relay { /* where pieces go once the stream is there; those that are earlier wait */
            std::mutex mutex;
            std::string early;
            std::function<bool(std::string_view)> push;
        };
        auto to = std::make_shared<relay>();
        submit_options options;
        options.priority = priority;
        options.on_text = [to](std::string_view piece) {
            const std::lock_guard<std::mutex> lock(to->mutex);
            if (to->push) return to->push(piece);
            to->early += piece;
            return true;
        };
        auto running = std::make_shared<request>(submit(prompt, params, options));
        auto work = [to, running](auto push) {
            {
                const std::lock_guard<std::mutex> lock(to->mutex);
                if (!to->early.empty()) push(to->early);
                to->push = push;
            }
            return running->wait();
        };
        return llmcs::stream(std::move(work), [running] { running->cancel(); });
    }

    /* For event loops: readable while next() has an event. Lives as long as the engine. */
    int fd() const { return llmcs_engine_fd(need()); }
    /* nullopt: no event within so many milliseconds (negative: no limit). Throws bad_state once the engine was stopped
     * and no event is left. */
    std::optional<engine_event> next(double timeout_ms) {
        llmcs_engine_event event = {};
        event.struct_size = sizeof event;
        const llmcs_status status = llmcs_engine_next(need(), timeout_ms, &event);
        if (status == LLMCS_PENDING) return std::nullopt;
        check(status);
        engine_event found;
        found.request = event.request;
        found.finished = event.finished != 0;
        return found;
    }
    /* With LLMCS_ENGINE_NO_THREAD: one step on this thread; false: there was nothing to do. */
    bool step() {
        int progressed = 0;
        check(llmcs_engine_step(need(), &progressed));
        return progressed != 0;
    }
    /* Ends every request, and next() in every thread. The destructor waits for the threads inside calls. */
    void stop() { check(llmcs_engine_stop(need())); }
    llmcs_engine_stats stats() const {
        llmcs_engine_stats filled = {};
        filled.struct_size = sizeof filled;
        check(llmcs_engine_get_stats(need(), &filled));
        return filled;
    }

    llmcs_engine *native() const noexcept { return handle_.get(); }
    engine(engine &&) noexcept = default;
    engine &operator=(engine &&) noexcept = default;

   private:
    llmcs_engine *need() const { return detail::need(handle_, "engine"); }
    template <typename Submit>
    request submitted(const submit_options &options, Submit submit) {
        llmcs_submit_options native;
        llmcs_submit_options_init(&native);
        auto state = std::make_shared<request::state>();
        state->model = model_;
        state->watch = std::make_shared<request::watcher>(options);
        state->watch->self = state->watch;
        native.priority = options.priority;
        native.user = state->watch.get();
        if (options.on_text) native.on_text = request::watcher::text;
        if (options.on_token) native.on_token = request::watcher::token;
        llmcs_request *made = nullptr;
        check(submit(native, &made));
        state->native.reset(made);
        request r;
        r.state_ = std::move(state);
        return r;
    }
    std::shared_ptr<detail::model_state> model_; /* freed after the engine */
    detail::owner<llmcs_engine, llmcs_engine_free> handle_;
};

/* The q-quantile of a histogram of llmcs_engine_stats. */
inline double quantile(const llmcs_histogram &histogram, double q) { return llmcs_histogram_quantile(&histogram, q); }

/* How many conversations of n_tokens an engine would hold. */
inline llmcs_engine_plan_info plan_engine(const std::string &path, std::size_t n_tokens,
                                          const model_options &options = {}, const engine_options &of_engine = {}) {
    llmcs_engine_plan_info needed = {};
    needed.struct_size = sizeof needed;
    check(llmcs_engine_plan(detail::c_string(path, "path"), &options, &of_engine, n_tokens, &needed));
    return needed;
}

}  // namespace LLMCS_CPP
}  // namespace llmcs
#endif
