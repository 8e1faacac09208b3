/*
 * llmcs_generate.hpp - the part of llmcs.hpp for generated text: parameters, results, streams, sessions, memory plan.
 * llmcs.hpp includes it.
 *
 *     llmcs::session session(model);
 *     llmcs::result all = session.generate("Hello, I am");                      // the folder's defaults
 *     session.generate("Hello, I am", params, [](std::string_view piece) { std::cout << piece; });
 *     for (const std::string &piece : session.stream("Hello, I am", params)) std::cout << piece;
 */
#include "llmcs.hpp" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_GENERATE_HPP
#define LLMCS_GENERATE_HPP

#include "llmcs_text.hpp"

namespace llmcs {
inline namespace LLMCS_CPP {

/* -------------------------------------------------------------------------------------------- parameters */
/* Fields are those of llmcs_generate_params; lists have a set_ function, which copies what it is given. */
struct generate_params : llmcs_generate_params {
    /* The folder's defaults (generation_config.json). */
    explicit generate_params(const model &m) : llmcs_generate_params() {
        check(llmcs_generate_params_init_sized(this, sizeof(llmcs_generate_params), m.need()));
        kept_.share("model", m.state()); /* lists point into it */
    }
    /* Those of Transformers where no folder says anything. */
    static generate_params defaults() { return generate_params(); }

    template <typename Range = std::initializer_list<std::string_view>>
    generate_params &set_stop_strings(const Range &texts) {
        const auto &kept = kept_.keep("stop_strings", detail::strings(texts, "stop_strings"));
        return stop_strings = kept.data(), n_stop_strings = kept.size(), *this;
    }
    /* An empty list: nothing ends a text but its length. */
    generate_params &set_eos_token_id(std::vector<std::int32_t> ids) {
        static const std::int32_t none = -1;
        const auto &kept = kept_.keep("eos_token_id", std::move(ids));
        return eos_token_id = kept.empty() ? &none : kept.data(), n_eos_token_id = kept.size(), *this;
    }
    generate_params &set_logit_bias(std::vector<llmcs_logit_bias> bias) {
        const auto &kept = kept_.keep("logit_bias", std::move(bias));
        return logit_bias = kept.data(), n_logit_bias = kept.size(), *this;
    }
    generate_params &set_bad_words_ids(std::vector<std::vector<std::int32_t>> words) {
        const auto &kept = kept_.keep("bad_words_ids", id_lists(std::move(words)));
        return bad_words_ids = kept.lists.data(), n_bad_words_ids = kept.lists.size(), *this;
    }
    generate_params &set_prompt_lookup_ids(std::vector<std::int32_t> ids) {
        const llmcs_ids kept = keep_ids("prompt_lookup_ids", std::move(ids));
        return prompt_lookup_ids = kept.ids, n_prompt_lookup_ids = kept.n_ids, *this;
    }
    generate_params &set_suppress_tokens(std::vector<std::int32_t> ids) {
        return suppress_tokens = keep_ids("suppress_tokens", std::move(ids)), *this;
    }
    generate_params &set_negative_prompt_ids(std::vector<std::int32_t> ids) {
        return negative_prompt_ids = keep_ids("negative_prompt_ids", std::move(ids)), *this;
    }
    generate_params &set_decoder_input_ids(std::vector<std::int32_t> ids) {
        return decoder_input_ids = keep_ids("decoder_input_ids", std::move(ids)), *this;
    }
    generate_params &set_grammar(const llmcs::grammar &g) {
        return kept_.share("grammar", g.shared()), grammar = g.native(), *this;
    }
    /* For sessions; requests have request::cancel, streams end with finish() or when they are destroyed. */
    generate_params &set_cancel(const cancel_flag &flag) {
        return kept_.share("cancel", flag.owner()), cancel = flag.native(), *this;
    }
    generate_params &set_source_lang(std::string code) {
        return source_lang = kept_.keep_string("source_lang", std::move(code)), *this;
    }
    generate_params &set_target_lang(std::string code) {
        return target_lang = kept_.keep_string("target_lang", std::move(code)), *this;
    }

   private:
    struct id_lists {
        explicit id_lists(std::vector<std::vector<std::int32_t>> given) : values(std::move(given)) {
            for (const auto &ids : values) lists.push_back({ids.data(), ids.size()});
        }
        std::vector<std::vector<std::int32_t>> values;
        std::vector<llmcs_ids> lists;
    };
    generate_params() : llmcs_generate_params() {
        check(llmcs_generate_params_init_sized(this, sizeof(llmcs_generate_params), nullptr));
    }
    llmcs_ids keep_ids(std::string_view field, std::vector<std::int32_t> ids) {
        const auto &kept = kept_.keep(field, std::move(ids));
        return {kept.data(), kept.size()};
    }
    detail::kept kept_;
};

/* ------------------------------------------------------------------------------------------------ result */
/* One generated text; shows what its result owns. */
class sequence {
   public:
    explicit sequence(const llmcs_sequence &s) noexcept : s_(&s) {}
    std::string_view text() const noexcept { return {s_->text, s_->text_bytes}; }
    ids_view ids() const noexcept { return {s_->ids, s_->n_ids}; }
    /* Empty unless params.logprobs was set. */
    view<const float> logprobs() const noexcept { return {s_->logprobs, s_->logprobs ? s_->n_ids : 0}; }
    /* params.top_logprobs of them for each token, best first. */
    view<const llmcs_top_token> top_logprobs() const noexcept {
        return {s_->top_logprobs, s_->top_logprobs ? s_->n_ids * s_->n_top_logprobs : 0};
    }
    float score() const noexcept { return s_->score; }
    llmcs_finish_reason finish_reason() const noexcept { return s_->finish_reason; }
    std::string_view finish_reason_name() const noexcept { return llmcs_finish_reason_name(s_->finish_reason); }

   private:
    const llmcs_sequence *s_;
};

/* What a call generated: one sequence or several. Owns all of it. */
class result {
   public:
    explicit result(llmcs_result *made) noexcept : handle_(made) {}
    std::size_t size() const { return need()->n_sequences; }
    sequence operator[](std::size_t i) const { return sequence(*need()->sequences[i]); }
    std::string_view text() const { return (*this)[0].text(); }
    ids_view ids() const { return (*this)[0].ids(); }
    llmcs_finish_reason finish_reason() const { return (*this)[0].finish_reason(); }
    /* Counts and times: n_prompt_tokens, prompt_ms ... */
    const llmcs_result *operator->() const { return need(); }

   private:
    const llmcs_result *need() const { return detail::need(handle_, "result"); }
    detail::owner<llmcs_result, llmcs_result_free> handle_;
};

/* ------------------------------------------------------------------------------------------------ stream */
/*
 * Pieces of text as they are generated: an input range, read once. Generation runs on a thread of the stream and does
 * not wait for the reader. A failure is thrown where the reader would get the next piece. Destroying the stream stops
 * the generation and waits for it, a layer of the model at most.
 *
 *     llmcs::stream pieces = session.stream(prompt, params);
 *     for (const std::string &piece : pieces) if (!send(piece)) break;
 *     llmcs::result all = pieces.finish();                                      // stops what is left, if anything is
 */
class stream {
   public:
    class iterator {
       public:
        using iterator_category = std::input_iterator_tag;
        using value_type = std::string;
        using difference_type = std::ptrdiff_t;
        using pointer = const std::string *;
        using reference = const std::string &;
        iterator() noexcept = default; /* the end */
        reference operator*() const { return stream_->piece_; }
        pointer operator->() const { return &stream_->piece_; }
        iterator &operator++() {
            if (!stream_->next()) stream_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &a, const iterator &b) { return a.stream_ == b.stream_; }
        friend bool operator!=(const iterator &a, const iterator &b) { return a.stream_ != b.stream_; }

       private:
        friend class stream;
        explicit iterator(stream *s) noexcept : stream_(s) {}
        stream *stream_ = nullptr;
    };

    iterator begin() { return next() ? iterator(this) : iterator(); }
    iterator end() noexcept { return {}; }

    /* The next piece, or nullopt after the last one. */
    std::optional<std::string> read() { return next() ? std::optional<std::string>(piece_) : std::nullopt; }

    /* Stops the generation if it still runs, and returns the text so far with its reason; pieces that were not read
     * are in it, too. Once. Throws llmcs::cancelled if there is no token yet. */
    result finish() {
        detail::need(state_, "stream")->join(true);
        if (std::exception_ptr thrown = std::exchange(state_->thrown, nullptr)) std::rethrow_exception(thrown);
        if (!state_->made) throw bad_state("this stream has given its result away");
        result all = std::move(*state_->made);
        state_->made.reset();
        return all;
    }

    /* work(push) generates on the stream's thread. push(piece) is false when the stream was stopped. cancel() ends it
     * early; not called after work has returned. */
    template <typename Work>
    stream(Work work, std::function<void()> cancel) : state_(std::make_unique<state>()) {
        state *s = state_.get();
        s->cancel = std::move(cancel);
        s->thread = std::thread([s, work = std::move(work)]() mutable { s->run(work); });
    }
    stream(stream &&) noexcept = default;
    stream &operator=(stream &&) noexcept = default;

   private:
    struct state {
        std::mutex mutex;
        std::condition_variable arrived;
        std::deque<std::string> pieces;
        bool done = false, stopped = false;
        std::exception_ptr thrown;
        std::optional<result> made;
        std::function<void()> cancel;
        std::thread thread;

        bool push(std::string_view piece) {
            const std::lock_guard<std::mutex> lock(mutex);
            if (stopped) return false;
            pieces.emplace_back(piece);
            arrived.notify_one();
            return true;
        }
        template <typename Work>
        void run(Work &work) {
            std::exception_ptr failed;
            std::optional<result> all;
            try {
                all.emplace(work([this](std::string_view piece) { return push(piece); }));
            } catch (...) {
                failed = std::current_exception();
            }
            const std::lock_guard<std::mutex> lock(mutex);
            done = true;
            made = std::move(all);
            thrown = std::move(failed);
            arrived.notify_one();
        }
        void join(bool stop) {
            if (!thread.joinable()) return;
            if (stop) {
                const std::lock_guard<std::mutex> lock(mutex);
                if (!done && !stopped) {
                    stopped = true;
                    cancel();
                }
            }
            thread.join();
        }
        ~state() { join(true); }
    };
    bool next() {
        state *s = detail::need(state_, "stream");
        std::unique_lock<std::mutex> lock(s->mutex);
        s->arrived.wait(lock, [s] { return s->done || !s->pieces.empty(); });
        if (!s->pieces.empty()) {
            piece_ = std::move(s->pieces.front());
            s->pieces.pop_front();
            return true;
        }
        lock.unlock();
        s->join(false);
        if (std::exception_ptr thrown = std::exchange(s->thrown, nullptr)) std::rethrow_exception(thrown);
        return false;
    }
    std::unique_ptr<state> state_;
    std::string piece_;
};

/* ----------------------------------------------------------------------------------------------- session */
/* log p of a continuation. */
using score_result = llmcs_score_result;

struct choice {
    std::size_t best = 0;
    std::vector<score_result> scores;
};

/* The tokens of one conversation with their keys and values. One call at a time. */
class session {
   public:
    /* n_ctx: most tokens; 0: the model's, at most LLMCS_DEFAULT_N_CTX. */
    explicit session(const model &m, std::int32_t n_ctx = 0) {
        llmcs_session_options options;
        llmcs_session_options_init(&options);
        options.n_ctx = n_ctx;
        llmcs_session *made = nullptr;
        check(llmcs_session_create(m.need(), &options, &made));
        adopt(made, m.state());
    }

    /* Continues the prompt with the folder's defaults, or with params; on_text(std::string_view) gets each piece. */
    result generate(std::string_view prompt) { return generate_with(prompt, nullptr); }
    result generate(std::string_view prompt, const generate_params &params) { return generate_with(prompt, &params); }
    template <typename OnText>
    result generate(std::string_view prompt, const generate_params &params, OnText &&on_text) {
        detail::guarded<std::remove_reference_t<OnText>> guard(on_text);
        return call(&guard, [&](llmcs_result **made) {
            return llmcs_generate(need(), detail::bytes_of(prompt), prompt.size(), &params, guard.on_text, &guard,
                                  made);
        });
    }
    /* The same from token ids; on_token(std::int32_t). */
    result generate_ids(ids_view ids, const generate_params &params) {
        return call<no_guard>(nullptr, [&](llmcs_result **made) {
            return llmcs_generate_ids(need(), ids.data(), ids.size(), &params, nullptr, nullptr, made);
        });
    }
    template <typename OnToken>
    result generate_ids(ids_view ids, const generate_params &params, OnToken &&on_token) {
        detail::guarded<std::remove_reference_t<OnToken>> guard(on_token);
        return call(&guard, [&](llmcs_result **made) {
            return llmcs_generate_ids(need(), ids.data(), ids.size(), &params, guard.on_token, &guard, made);
        });
    }
    /* Continues a conversation that the chat template writes down. */
    result chat(const llmcs::chat &c, const conversation &talk, const chat_params &params = {}) {
        const llmcs_chat_params native = c.with_messages(talk, params);
        return call<no_guard>(nullptr, [&](llmcs_result **made) {
            return llmcs_chat_generate(need(), c.need(), &native, nullptr, nullptr, nullptr, made);
        });
    }
    template <typename OnText>
    result chat(const llmcs::chat &c, const conversation &talk, const chat_params &params,
                const generate_params &generate, OnText &&on_text) {
        const llmcs_chat_params native = c.with_messages(talk, params);
        detail::guarded<std::remove_reference_t<OnText>> guard(on_text);
        return call(&guard, [&](llmcs_result **made) {
            return llmcs_chat_generate(need(), c.need(), &native, &generate, guard.on_text, &guard, made);
        });
    }
    /* Pieces as they come. The session must not be used otherwise until the stream has ended or is destroyed. */
    llmcs::stream stream(std::string_view prompt, const generate_params &params) {
        if (params.cancel)
            throw invalid_argument(
                "cancel is set: a stream has a flag of its own, finish() and its destruction end it");
        const cancel_flag stop;
        generate_params own(params);
        own.set_cancel(stop);
        auto work = [kept = state_, s = need(), own, text = std::string(prompt)](auto push) {
            detail::guarded<decltype(push)> guard(push);
            return call(&guard, [&](llmcs_result **made) {
                return llmcs_generate(s, text.data(), text.size(), &own, guard.on_text, &guard, made);
            });
        };
        return llmcs::stream(std::move(work), [stop] { stop.cancel(); });
    }

    /* Appends tokens and evaluates them. */
    void eval(ids_view ids, llmcs_want_logits want = LLMCS_LOGITS_LAST, const call_limits &limits = {}) {
        check(llmcs_session_eval_within(need(), ids.data(), ids.size(), want, &limits));
    }
    /* Encodes the source of an encoder-decoder. */
    void encode(ids_view ids, const call_limits &limits = {}) {
        check(llmcs_session_encode_within(need(), ids.data(), ids.size(), &limits, nullptr));
    }
    /* [rows, vocab_size] of the last eval; belongs to the session, until its next call. */
    view<const float> logits() {
        const float *first = nullptr;
        std::size_t rows = 0;
        check(llmcs_session_logits(need(), &first, &rows));
        return {first, rows * vocab_size()};
    }
    std::vector<float> next_distribution(const generate_params &params) {
        std::vector<float> probabilities(vocab_size());
        check(llmcs_next_distribution(need(), &params, probabilities.data()));
        return probabilities;
    }
    std::vector<std::int32_t> tokens() {
        std::size_t n = 0;
        check(llmcs_session_tokens(need(), nullptr, 0, &n));
        std::vector<std::int32_t> ids(n);
        check(llmcs_session_tokens(need(), ids.data(), n, &n));
        return ids;
    }
    void rewind(std::size_t n_tokens) { check(llmcs_session_rewind(need(), n_tokens)); }
    /* Both continue independently. */
    session fork() {
        llmcs_session *copy = nullptr;
        check(llmcs_session_fork(need(), &copy));
        session made;
        made.adopt(copy, state_->model);
        return made;
    }
    std::vector<std::uint8_t> save() {
        return detail::filled<std::vector<std::uint8_t>>([&](std::uint8_t *bytes, std::size_t n, std::size_t *needed) {
            return llmcs_session_save(need(), bytes, n, needed);
        });
    }
    void restore(view<const std::uint8_t> bytes) { check(llmcs_session_restore(need(), bytes.data(), bytes.size())); }

    score_result score(std::string_view prompt, std::string_view continuation, const call_limits &limits = {}) {
        score_result found;
        check(llmcs_score_within(need(), detail::bytes_of(prompt), prompt.size(), detail::bytes_of(continuation),
                                 continuation.size(), &limits, &found));
        return found;
    }
    template <typename Range = std::initializer_list<std::string_view>>
    choice choose(std::string_view prompt, const Range &candidates, bool per_token = false,
                  const call_limits &limits = {}) {
        const detail::strings all(candidates, "candidates");
        choice found;
        found.scores.resize(all.size());
        check(llmcs_choose_within(need(), detail::bytes_of(prompt), prompt.size(), all.data(), all.size(), per_token,
                                  &limits, found.scores.data(), &found.best));
        return found;
    }

    /* From any thread or signal handler: the running call, or else the next one, ends with what it has. A cancel_flag
     * in the parameters ends its own call only. */
    void cancel() const noexcept {
        if (state_) llmcs_session_cancel(state_->native.get());
    }

    llmcs_session *native() const noexcept { return state_ ? state_->native.get() : nullptr; }
    session(session &&) noexcept = default;
    session &operator=(session &&) noexcept = default;

   private:
    struct handle {
        std::shared_ptr<detail::model_state> model; /* freed after the session */
        detail::owner<llmcs_session, llmcs_session_free> native;
    };
    using no_guard = detail::guarded<detail::progress_function>;
    session() = default;
    void adopt(llmcs_session *made, const std::shared_ptr<detail::model_state> &of) {
        detail::owner<llmcs_session, llmcs_session_free> owned(made);
        state_ = std::make_shared<handle>();
        state_->model = of;
        state_->native = std::move(owned);
    }
    llmcs_session *need() const { return detail::need(state_, "session")->native.get(); }
    std::size_t vocab_size() const {
        llmcs_model_info info = {};
        info.struct_size = sizeof info;
        check(llmcs_model_get_info(detail::need(state_, "session")->model->handle.get(), &info));
        return static_cast<std::size_t>(info.vocab_size);
    }
    result generate_with(std::string_view prompt, const llmcs_generate_params *params) {
        return call<no_guard>(nullptr, [&](llmcs_result **made) {
            return llmcs_generate(need(), detail::bytes_of(prompt), prompt.size(), params, nullptr, nullptr, made);
        });
    }
    /* What a callback threw comes before the status of the call that it stopped. */
    template <typename Guard, typename Generate>
    static result call(const Guard *guard, Generate generate) {
        llmcs_result *made = nullptr;
        const llmcs_status status = generate(&made);
        result all(made);
        if (guard) guard->rethrow();
        check(status);
        return all;
    }
    std::shared_ptr<handle> state_;
};

/* ------------------------------------------------------------------------------------------- memory plan */
/* How much memory a folder needs, from its headers alone. n_ctx: of a session, 0 for the default. */
inline llmcs_plan_info plan(const std::string &path, const model_options &options = {}, std::int32_t n_ctx = 0) {
    llmcs_session_options session_options;
    llmcs_session_options_init(&session_options);
    session_options.n_ctx = n_ctx;
    llmcs_plan_info needed = {};
    needed.struct_size = sizeof needed;
    check(llmcs_plan(detail::c_string(path, "path"), &options, &session_options, &needed));
    return needed;
}

}  // namespace LLMCS_CPP
}  // namespace llmcs
#endif
