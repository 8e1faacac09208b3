/*
 * llmcs.hpp - libllmcs for C++17 and later: llmcs.h with owners, exceptions and ranges. Header-only; link -lllmcs.
 *
 *     llmcs::model model("examples/models/shop-gpt2");
 *     llmcs::session session(model);
 *     llmcs::generate_params params(model);               // the folder's defaults
 *     params.max_new_tokens = 40;                         // fields are those of llmcs_generate_params
 *     params.set_stop_strings({"\nUser:"});
 *     for (const std::string &piece : session.stream("User: Where is my order?\nBot:", params)) std::cout << piece;
 *
 * Contents: errors; views; model; texts, classify, embed, rerank, tag, answer spans, fill-mask. Included at the end:
 * llmcs_text.hpp (tokenizer, chat, grammar), llmcs_generate.hpp (parameters, result, stream, session, memory plan),
 * llmcs_engine.hpp (many conversations at once), llmcs_index.hpp (the nearest vectors; quantize, merge).
 * llmcs_shop.hpp is the shop layer. llmcs.h explains every parameter; this file says only what C++ adds:
 *
 * - Errors. A call that fails throws llmcs::error, or the class of its status: llmcs::queue_full, llmcs::cancelled ...
 *   what() is llmcs_error_message() of that call.
 * - Ownership. Objects are move-only and freed by their destructors. What they were made from stays alive as long as
 *   they need it: a session keeps its model, a request its engine's model and its own callback. An object that was
 *   moved from throws llmcs::bad_state in every call, and may be assigned to or destroyed.
 * - Lifetime. A function that returns std::string_view, llmcs::view or a pointer names its owner; results are owners
 *   of all they show. Parameter structs own what their set_* functions are given; a pointer that you write into a
 *   field yourself must outlive the call, as in C.
 * - Text is std::string_view: UTF-8, NUL bytes inside are text. Paths and names are const std::string & (which takes a
 *   std::filesystem::path, too) and must not hold a NUL byte.
 * - Callbacks are any callable. One that returns bool continues with true and stops with false; one that returns
 * nothing continues. An exception never passes through C: it is caught, the call is stopped, everything of the call is
 * freed, and the exception is thrown again to the caller. Where there is no caller to throw to, a comment says so.
 * - Threads. As in C: models, tokenizers, grammars, engines and indexes by any number of threads at once, a session by
 *   one call at a time (else llmcs::busy). An object must not be moved or destroyed while another thread uses it.
 */
#ifndef LLMCS_HPP
#define LLMCS_HPP

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

#include "llmcs.h"

/* Objects of a C++17 and a C++20 file have other views inside; a program that mixes them fails to link. */
#if __cplusplus >= 202002L
#define LLMCS_CPP cpp20
#else
#define LLMCS_CPP cpp17
#endif

namespace llmcs {
inline namespace LLMCS_CPP {

/* Version of the library that runs. */
inline std::string_view version() { return llmcs_version(); }

/* ------------------------------------------------------------------------------------------------ errors */
class error : public std::runtime_error {
   public:
    error(llmcs_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
    llmcs_status status() const noexcept { return status_; }
    std::string_view name() const noexcept { return llmcs_status_name(status_); } /* "NOMEM" */

   private:
    llmcs_status status_;
};

/* One class for each status. */
template <llmcs_status Status>
class error_of : public error {
   public:
    explicit error_of(const std::string &message) : error(Status, message) {}
};

/* Try again, or later. */
using busy = error_of<LLMCS_BUSY>;
using queue_full = error_of<LLMCS_QUEUE_FULL>;
using pending = error_of<LLMCS_PENDING>;
using buffer_too_small = error_of<LLMCS_BUFFER>;
using cancelled = error_of<LLMCS_CANCELLED>;
using deadline_passed = error_of<LLMCS_DEADLINE>;
/* Change the call. */
using invalid_argument = error_of<LLMCS_ARG>;
using bad_state = error_of<LLMCS_STATE>;
using no_head = error_of<LLMCS_NO_HEAD>;
using invalid_utf8 = error_of<LLMCS_UTF8>;
using token_out_of_range = error_of<LLMCS_TOKEN_RANGE>;
using context_full = error_of<LLMCS_CONTEXT_FULL>;
using limit_exceeded = error_of<LLMCS_LIMIT>;
using template_error = error_of<LLMCS_TEMPLATE>;
/* Look at the files. */
using io_error = error_of<LLMCS_IO>;
using format_error = error_of<LLMCS_FORMAT>;
using json_error = error_of<LLMCS_JSON>;
using config_error = error_of<LLMCS_CONFIG>;
using tokenizer_error = error_of<LLMCS_TOKENIZER>;
using unsupported = error_of<LLMCS_UNSUPPORTED>;
using file_changed = error_of<LLMCS_CHANGED>;
using not_finite = error_of<LLMCS_NUMERIC>;
/* Look at the machine. */
using out_of_memory = error_of<LLMCS_NOMEM>;
using disk_full = error_of<LLMCS_NOSPACE>;
using thread_error = error_of<LLMCS_THREAD>;
using other_process = error_of<LLMCS_FORK>;
using internal_error = error_of<LLMCS_INTERNAL>;

namespace detail {
/* Throws error_of<status> for the first of Known that it is, else error. */
template <llmcs_status... Known>
[[noreturn]] void throw_one_of(llmcs_status status, const std::string &message) {
    (void)std::initializer_list<int>{(status == Known ? throw error_of<Known>(message) : 0)...};
    throw error(status, message); /* a status of a later library */
}
}  // namespace detail

[[noreturn]] inline void throw_error(llmcs_status status, const std::string &message) {
    detail::throw_one_of<LLMCS_BUSY, LLMCS_QUEUE_FULL, LLMCS_PENDING, LLMCS_BUFFER, LLMCS_CANCELLED, LLMCS_DEADLINE,
                         LLMCS_ARG, LLMCS_STATE, LLMCS_NO_HEAD, LLMCS_UTF8, LLMCS_TOKEN_RANGE, LLMCS_CONTEXT_FULL,
                         LLMCS_LIMIT, LLMCS_TEMPLATE, LLMCS_IO, LLMCS_FORMAT, LLMCS_JSON, LLMCS_CONFIG, LLMCS_TOKENIZER,
                         LLMCS_UNSUPPORTED, LLMCS_CHANGED, LLMCS_NUMERIC, LLMCS_NOMEM, LLMCS_NOSPACE, LLMCS_THREAD,
                         LLMCS_FORK, LLMCS_INTERNAL>(status, message);
}

/* Throws unless `status`, of the C call that this thread has just made, is LLMCS_OK. */
inline void check(llmcs_status status) {
    if (status != LLMCS_OK) throw_error(status, llmcs_error_message());
}

/* ------------------------------------------------------------------------------------------------- views */
#if __cplusplus >= 202002L
template <typename T>
using view = std::span<T>;
#else
/* The part of std::span that C++17 programs need: elements that somebody else owns. */
template <typename T>
class view {
   public:
    using value_type = std::remove_cv_t<T>;
    constexpr view() noexcept = default;
    constexpr view(T *first, std::size_t n) noexcept : first_(first), n_(n) {}
    template <std::size_t N>
    constexpr view(T (&array)[N]) noexcept : first_(array), n_(N) {}
    template <typename Container,
              typename = std::enable_if_t<std::is_convertible_v<decltype(std::declval<Container &>().data()), T *>>>
    constexpr view(Container &&c) noexcept : first_(c.data()), n_(c.size()) {}
    constexpr T *data() const noexcept { return first_; }
    constexpr std::size_t size() const noexcept { return n_; }
    constexpr bool empty() const noexcept { return n_ == 0; }
    constexpr T *begin() const noexcept { return first_; }
    constexpr T *end() const noexcept { return first_ + n_; }
    constexpr T &operator[](std::size_t i) const { return first_[i]; }

   private:
    T *first_ = nullptr;
    std::size_t n_ = 0;
};
#endif

using ids_view = view<const std::int32_t>;

/* Structs that the library made: an array of pointers, read as an array of `const T &`. */
template <typename T>
class list {
   public:
    class iterator {
       public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using pointer = const T *;
        using reference = const T &;
        iterator() noexcept = default;
        explicit iterator(const T *const *at) noexcept : at_(at) {}
        reference operator*() const { return **at_; }
        pointer operator->() const { return *at_; }
        iterator &operator++() { return ++at_, *this; }
        iterator operator++(int) { return iterator(at_++); }
        friend bool operator==(const iterator &a, const iterator &b) { return a.at_ == b.at_; }
        friend bool operator!=(const iterator &a, const iterator &b) { return a.at_ != b.at_; }

       private:
        const T *const *at_ = nullptr;
    };
    list() noexcept = default;
    list(const T *const *items, std::size_t n) noexcept : items_(items), n_(n) {}
    std::size_t size() const noexcept { return n_; }
    bool empty() const noexcept { return n_ == 0; }
    const T &operator[](std::size_t i) const { return *items_[i]; }
    iterator begin() const noexcept { return iterator(items_); }
    iterator end() const noexcept { return iterator(items_ + n_); }

   private:
    const T *const *items_ = nullptr;
    std::size_t n_ = 0;
};

/* Rows of floats: vectors, scores. */
class matrix {
   public:
    matrix() = default;
    matrix(std::size_t rows, std::size_t columns) : values_(rows * columns), rows_(rows), columns_(columns) {}
    std::size_t rows() const noexcept { return rows_; }
    std::size_t columns() const noexcept { return columns_; }
    view<const float> operator[](std::size_t row) const { return {values_.data() + row * columns_, columns_}; }
    const std::vector<float> &values() const noexcept { return values_; } /* [rows, columns] */
    float *data() noexcept { return values_.data(); }

   private:
    std::vector<float> values_;
    std::size_t rows_ = 0, columns_ = 0;
};

namespace detail {

template <typename T, void (*Free)(T **)>
struct free_with {
    void operator()(T *object) const noexcept { Free(&object); }
};
template <typename T, void (*Free)(T **)>
using owner = std::unique_ptr<T, free_with<T, Free>>;

/* What `call` makes at the address that it is given. */
template <typename Owner, typename Call>
Owner made(Call call) {
    typename Owner::element_type *object = nullptr;
    check(call(&object));
    return Owner(object);
}
template <typename T, void (*Free)(T **), typename Call>
std::shared_ptr<T> made_shared(Call call) {
    return std::shared_ptr<T>(made<owner<T, Free>>(call));
}

/* The object behind a pointer that a move may have emptied. */
template <typename Pointer>
auto *need(const Pointer &pointer, const char *what) {
    if (!pointer) throw bad_state(std::string("this ") + what + " was moved from");
    return pointer.get();
}

/* A text that C reads up to its NUL byte. */
inline const char *c_string(const std::string &text, const char *what) {
    if (text.find('\0') != text.npos) throw invalid_argument(std::string(what) + " holds a NUL byte");
    return text.c_str();
}
inline const char *c_string_or_null(const std::string &text, const char *what) {
    return text.empty() ? nullptr : c_string(text, what);
}

/* The address of a text, never NULL: of an empty std::string_view it can be. */
inline const char *bytes_of(std::string_view text) noexcept { return text.data() ? text.data() : ""; }

/* Strings as C takes them. */
class strings {
   public:
    template <typename Range>
    strings(const Range &texts, const char *what) {
        for (const auto &text : texts) values_.emplace_back(text);
        for (const std::string &value : values_) pointers_.push_back(c_string(value, what));
    }
    const char *const *data() const noexcept { return pointers_.data(); }
    std::size_t size() const noexcept { return pointers_.size(); }

   private:
    std::deque<std::string> values_; /* whose elements stay where they are when it is moved */
    std::vector<const char *> pointers_;
};

/* What the fields of a parameter struct point to: by field name, shared by copies of the struct. */
class kept {
   public:
    template <typename T>
    const T &keep(std::string_view field, T value) {
        auto owned = std::make_shared<const T>(std::move(value));
        objects_[field] = owned;
        return *owned;
    }
    void share(std::string_view field, std::shared_ptr<const void> object) { objects_[field] = std::move(object); }
    const char *keep_string(const char *field, std::string value) {
        return c_string(keep<std::string>(field, std::move(value)), field);
    }

   private:
    std::map<std::string_view, std::shared_ptr<const void>> objects_; /* keys are literals */
};

/* In catch (...) of a callback: the exception. pthread_exit and pthread_cancel unwind like an exception that is not a
 * C++ object and cannot be stored: it is rethrown. */
inline std::exception_ptr caught() {
    std::exception_ptr thrown = std::current_exception();
    if (!thrown) throw;
    return thrown;
}

/* Calls f; true: go on. */
template <typename F, typename... Args>
bool goes_on(F &f, Args &&...args) {
    if constexpr (std::is_void_v<std::invoke_result_t<F &, Args...>>)
        return f(std::forward<Args>(args)...), true;
    else
        return static_cast<bool>(f(std::forward<Args>(args)...));
}

/* A callable behind a C callback, for one call: keeps what it throws until the call has returned. */
template <typename F>
class guarded {
   public:
    explicit guarded(F &f) : f_(f) {}
    static int on_text(void *user, const char *text, std::size_t n) { return run(user, std::string_view(text, n)); }
    static int on_token(void *user, std::int32_t id) { return run(user, id); }
    static int on_progress(void *user, float done) { return run(user, done); }
    template <typename... Args>
    static int run(void *user, Args... args) {
        auto *self = static_cast<guarded *>(user);
        try {
            if (!self->thrown_ && goes_on(self->f_, args...)) return 0;
        } catch (...) {
            self->thrown_ = caught();
        }
        return 1;
    }
    void rethrow() const {
        if (thrown_) std::rethrow_exception(thrown_);
    }

   private:
    F &f_;
    std::exception_ptr thrown_;
};

using log_function = std::function<void(llmcs_log_level, std::string_view)>;
using progress_function = std::function<bool(float)>;

/* Where log lines go, from any thread. */
class log_sink {
   public:
    explicit log_sink(log_function f) : f_(std::move(f)) {}
    static void on_log(void *user, llmcs_log_level level, const char *message) {
        auto *self = static_cast<log_sink *>(user);
        try {
            self->f_(level, message);
        } catch (...) {
            const std::exception_ptr thrown = caught();
            const std::lock_guard<std::mutex> lock(self->mutex_);
            if (!self->thrown_) self->thrown_ = thrown;
        }
    }
    /* Throws what a line of the call that has just returned threw. */
    void rethrow() {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (std::exception_ptr thrown = std::exchange(thrown_, nullptr)) std::rethrow_exception(thrown);
    }

   private:
    log_function f_;
    std::mutex mutex_;
    std::exception_ptr thrown_;
};

template <typename Options, typename = void>
struct has_progress : std::false_type {};
template <typename Options>
struct has_progress<Options, std::void_t<decltype(Options::progress)>> : std::true_type {};
template <typename Options, typename = void>
struct has_log : std::false_type {};
template <typename Options>
struct has_log<Options, std::void_t<decltype(Options::log)>> : std::true_type {};

/* Makes a call with C options whose log and progress, where they have them, are the functions of a C++ struct. */
template <typename Options, typename Call>
void with_callbacks(Options options, const log_function &log, progress_function progress, Call call) {
    guarded<progress_function> guard(progress);
    std::shared_ptr<log_sink> sink;
    if constexpr (has_progress<Options>::value) {
        if (progress) {
            options.progress = guarded<progress_function>::on_progress;
            options.progress_user = &guard;
        }
    }
    if constexpr (has_log<Options>::value) {
        if (log) {
            sink = std::make_shared<log_sink>(log);
            options.log = log_sink::on_log;
            options.log_user = sink.get();
        }
    }
    const llmcs_status status = call(options, sink);
    const std::string message = status == LLMCS_OK ? "" : llmcs_error_message();
    guard.rethrow();
    if (sink) sink->rethrow();
    if (status != LLMCS_OK) throw_error(status, message);
}

}  // namespace detail

/* Stops the calls whose parameters it was set in, from any thread or signal handler; they throw llmcs::cancelled, a
 * generation that has tokens returns them. Copies are one flag. */
class cancel_flag {
   public:
    cancel_flag() : flag_(std::make_shared<std::atomic<std::int32_t>>(0)) {}
    void cancel() const noexcept { flag_->store(1); }
    void reset() const noexcept { flag_->store(0); }
    bool is_cancelled() const noexcept { return flag_->load() != 0; }
    std::shared_ptr<const void> owner() const noexcept { return flag_; }
    const std::int32_t *native() const noexcept {
        static_assert(sizeof(std::atomic<std::int32_t>) == sizeof(std::int32_t) &&
                      std::atomic<std::int32_t>::is_always_lock_free);
        return reinterpret_cast<const std::int32_t *>(flag_.get());
    }

   private:
    std::shared_ptr<std::atomic<std::int32_t>> flag_;
};

/* When a call by token ids or a score gives up: deadline_ms, cancel. */
struct call_limits : llmcs_call_limits {
    call_limits() noexcept : llmcs_call_limits() { struct_size = sizeof(llmcs_call_limits); }
    call_limits &set_cancel(const cancel_flag &flag) { return owner_ = flag.owner(), cancel = flag.native(), *this; }

   private:
    std::shared_ptr<const void> owner_;
};

/* ------------------------------------------------------------------------------------------------- model */
struct model_options : llmcs_model_options {
    /* Called from any thread as long as the model or anything made of it lives. The constructor rethrows what it throws
     * while the model opens; later exceptions are dropped. */
    detail::log_function on_log;
    detail::progress_function on_progress; /* false stops: llmcs::cancelled */

    model_options() : llmcs_model_options() { llmcs_model_options_init_sized(this, sizeof(llmcs_model_options)); }
    /* LoRA adapters, see llmcs_adapter.h. */
    model_options &set_adapters(const std::vector<std::string> &folders) {
        const detail::strings &kept = kept_.keep("adapters", detail::strings(folders, "adapters"));
        adapters = kept.data();
        n_adapters = kept.size();
        return *this;
    }

   private:
    detail::kept kept_;
};

namespace detail {
struct model_state {
    std::shared_ptr<log_sink> log; /* freed after the model */
    owner<llmcs_model, llmcs_model_free> handle;
};
}  // namespace detail

/* A text, or a pair of texts: two string views. */
class text {
   public:
    text(std::string_view first) : text_{detail::bytes_of(first), first.size(), nullptr, 0} {}
    text(const std::string &first) : text(std::string_view(first)) {}
    text(const char *first) : text(std::string_view(first)) {}
    text(std::string_view first, std::string_view second)
        : text_{detail::bytes_of(first), first.size(), detail::bytes_of(second), second.size()} {}
    const llmcs_text &native() const noexcept { return text_; }

   private:
    llmcs_text text_;
};

/* Texts for one call: one text, a list in braces, or any range of strings or texts. What they view must outlive it. */
class texts {
   public:
    texts(const text &one) : items_{one.native()} {}
    texts(std::initializer_list<text> many) {
        for (const text &one : many) items_.push_back(one.native());
    }
    template <typename Range,
              typename = std::enable_if_t<!std::is_convertible_v<const Range &, text> && !std::is_same_v<Range, texts>>,
              typename = decltype(text(*std::begin(std::declval<const Range &>())))>
    texts(const Range &many) {
        for (const auto &one : many) items_.push_back(text(one).native());
    }
    template <typename String, typename = std::enable_if_t<std::is_convertible_v<const String &, text>>, int = 0>
    texts(const String &one) : texts(text(one)) {}
    const llmcs_text *data() const noexcept { return items_.data(); }
    std::size_t size() const noexcept { return items_.size(); }

   private:
    std::vector<llmcs_text> items_;
};

using text_infos = std::vector<llmcs_text_info>;

struct text_params : llmcs_text_params {
    text_params() : llmcs_text_params() { llmcs_text_params_init_sized(this, sizeof(llmcs_text_params)); }
    text_params &set_prompt_name(std::string name) {
        return prompt_name = kept_.keep_string("prompt_name", std::move(name)), *this;
    }
    text_params &set_prompt(std::string value) { return prompt = kept_.keep_string("prompt", std::move(value)), *this; }
    text_params &set_hypothesis(std::string value) {
        return hypothesis = kept_.keep_string("hypothesis", std::move(value)), *this;
    }
    text_params &set_cancel(const cancel_flag &flag) {
        return kept_.share("cancel", flag.owner()), cancel = flag.native(), *this;
    }

   private:
    detail::kept kept_;
};

struct answer_params : llmcs_answer_params {
    answer_params() : llmcs_answer_params() { llmcs_answer_params_init_sized(this, sizeof(llmcs_answer_params)); }
    answer_params &set_cancel(const cancel_flag &flag) {
        return kept_.share("cancel", flag.owner()), cancel = flag.native(), *this;
    }

   private:
    detail::kept kept_;
};

struct classification {
    matrix scores;                    /* [texts, labels] */
    std::vector<std::int32_t> labels; /* the best of each text, see model::label */
};

/* The spans of texts: found[i] are those of text i. */
class spans {
   public:
    explicit spans(llmcs_span_result *result) noexcept : result_(result) {}
    std::size_t size() const { return detail::need(result_, "result")->n_texts; }
    list<llmcs_text_span> operator[](std::size_t i) const {
        const llmcs_text_spans *found = detail::need(result_, "result")->texts[i];
        return {found->spans, found->n_spans};
    }

   private:
    detail::owner<llmcs_span_result, llmcs_span_result_free> result_;
};

class tokenizer; /* llmcs_text.hpp */

class model {
   public:
    explicit model(const std::string &path, const model_options &options = {})
        : state_(std::make_shared<detail::model_state>()) {
        const char *folder = detail::c_string(path, "path");
        detail::with_callbacks(static_cast<const llmcs_model_options &>(options), options.on_log, options.on_progress,
                               [&](const llmcs_model_options &native, const std::shared_ptr<detail::log_sink> &sink) {
                                   llmcs_model *opened = nullptr;
                                   const llmcs_status status = llmcs_model_open(folder, &native, &opened);
                                   state_->log = sink;
                                   state_->handle.reset(opened);
                                   return status;
                               });
    }

    /* Strings of the info belong to the model. */
    llmcs_model_info info() const {
        llmcs_model_info filled = {};
        filled.struct_size = sizeof filled;
        check(llmcs_model_get_info(need(), &filled));
        return filled;
    }
    /* Name of a class, "" outside of them; belongs to the model. */
    std::string_view label(std::int32_t id) const {
        const char *name = llmcs_model_label(need(), id);
        return name ? name : "";
    }
    std::uint64_t fingerprint() const {
        std::uint64_t value = 0;
        check(llmcs_model_fingerprint(need(), &value));
        return value;
    }
    /* Shares the model's tokenizer; throws tokenizer_error where the folder has none. */
    llmcs::tokenizer tokenizer() const;

    /* What happened to each text goes to *infos, where it is not nullptr. */
    classification classify(const texts &many, const text_params &params = {}, text_infos *infos = nullptr) const {
        classification found;
        found.scores = matrix(many.size(), to_size(info().n_labels));
        found.labels.resize(many.size());
        check(llmcs_classify(need(), many.data(), many.size(), &params, found.scores.data(), found.labels.data(),
                             sized(infos, many.size())));
        return found;
    }
    /* [texts, labels]; infos: of each pair. */
    matrix zero_shot(const texts &many, const std::vector<std::string> &labels, const text_params &params = {},
                     text_infos *infos = nullptr) const {
        const detail::strings names(labels, "labels");
        matrix scores(many.size(), names.size());
        check(llmcs_zero_shot(need(), many.data(), many.size(), names.data(), names.size(), &params, scores.data(),
                              sized(infos, many.size() * names.size())));
        return scores;
    }
    matrix embed(const texts &many, const text_params &params = {}, text_infos *infos = nullptr) const {
        std::size_t columns = to_size(info().n_embedding);
        if (params.truncate_dim && params.truncate_dim < columns) columns = params.truncate_dim;
        matrix vectors(many.size(), columns);
        check(llmcs_embed(need(), many.data(), many.size(), &params, vectors.data(), sized(infos, many.size())));
        return vectors;
    }
    /* How well each document answers the query. */
    std::vector<float> rerank(std::string_view query, const texts &documents, const text_params &params = {},
                              text_infos *infos = nullptr) const {
        std::vector<float> scores(documents.size());
        check(llmcs_rerank(need(), detail::bytes_of(query), query.size(), documents.data(), documents.size(), &params,
                           scores.data(), sized(infos, documents.size())));
        return scores;
    }
    spans tag(const texts &many, const text_params &params = {}, text_infos *infos = nullptr) const {
        llmcs_span_result *found = nullptr;
        check(llmcs_tag(need(), many.data(), many.size(), &params, sized(infos, many.size()), &found));
        return spans(found);
    }
    /* questions: pairs of question and context. */
    spans answer_span(const texts &questions, const answer_params &params = {}, text_infos *infos = nullptr) const {
        llmcs_span_result *found = nullptr;
        check(llmcs_answer_span(need(), questions.data(), questions.size(), &params, sized(infos, questions.size()),
                                &found));
        return spans(found);
    }
    /* top_k for each mask, best first. */
    std::vector<llmcs_mask_token> fill_mask(std::string_view masked, std::size_t top_k = 5) const {
        std::size_t n = 0;
        check(llmcs_fill_mask(need(), detail::bytes_of(masked), masked.size(), top_k, nullptr, 0, &n));
        std::vector<llmcs_mask_token> tokens(n);
        check(llmcs_fill_mask(need(), detail::bytes_of(masked), masked.size(), top_k, tokens.data(), n, &n));
        return tokens;
    }

    llmcs_model *native() const noexcept { return state_ ? state_->handle.get() : nullptr; }
    llmcs_model *need() const { return detail::need(state_, "model")->handle.get(); }
    const std::shared_ptr<detail::model_state> &state() const noexcept { return state_; }

    model(model &&) noexcept = default;
    model &operator=(model &&) noexcept = default;

   private:
    static std::size_t to_size(std::int32_t n) { return n > 0 ? static_cast<std::size_t>(n) : 0; }
    static llmcs_text_info *sized(text_infos *infos, std::size_t n) {
        if (!infos) return nullptr;
        infos->assign(n, llmcs_text_info());
        if (n) infos->front().struct_size = sizeof(llmcs_text_info);
        return infos->data();
    }
    std::shared_ptr<detail::model_state> state_;
};

}  // namespace LLMCS_CPP
}  // namespace llmcs

#include "llmcs_engine.hpp"
#include "llmcs_generate.hpp"
#include "llmcs_index.hpp"
#include "llmcs_text.hpp"

#endif
