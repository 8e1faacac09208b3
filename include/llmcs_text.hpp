/*
 * llmcs_text.hpp - the part of llmcs.hpp for texts: tokenizers, chat templates, grammars. llmcs.hpp includes it.
 *
 *     llmcs::tokenizer tokenizer("gpt2");                          // or model.tokenizer()
 *     std::vector<std::int32_t> ids = tokenizer.encode("Hello, I am");
 *     std::string text = tokenizer.decode(ids);
 *
 *     llmcs::chat chat("Qwen2.5-0.5B-Instruct");
 *     llmcs::conversation talk;
 *     talk.add("user", "Where is my parcel?");
 *     llmcs::result answer = session.chat(chat, talk);
 *     talk.add("assistant", answer.text());
 */
#include "llmcs.hpp" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_TEXT_HPP
#define LLMCS_TEXT_HPP

namespace llmcs {
inline namespace LLMCS_CPP {

namespace detail {

/* Calls fill(buffer, capacity, &n) for the size, then for the contents. */
template <typename Container, typename Fill>
Container filled(Fill fill) {
    std::size_t n = 0;
    check(fill(nullptr, 0, &n));
    Container contents(n, typename Container::value_type());
    if (n) check(fill(contents.data(), n, &n));
    contents.resize(n);
    return contents;
}

}  // namespace detail

/* --------------------------------------------------------------------------------------------- tokenizer */
struct encode_params : llmcs_encode_params {
    encode_params() : llmcs_encode_params() { llmcs_encode_params_init_sized(this, sizeof(llmcs_encode_params)); }
    encode_params &set_source_lang(std::string code) {
        return source_lang = kept_.keep_string("source_lang", std::move(code)), *this;
    }
    encode_params &set_target_lang(std::string code) {
        return target_lang = kept_.keep_string("target_lang", std::move(code)), *this;
    }

   private:
    detail::kept kept_;
};

struct encoding {
    std::vector<std::int32_t> ids, type_ids;
    std::vector<llmcs_span> offsets; /* bytes of the text or pair */
};

class tokenizer {
   public:
    explicit tokenizer(const std::string &path)
        : handle_(detail::made_shared<llmcs_tokenizer, llmcs_tokenizer_free>(
              [&](llmcs_tokenizer **t) { return llmcs_tokenizer_open(detail::c_string(path, "path"), nullptr, t); })) {}
    /* One that belongs to something else, which it keeps alive. */
    explicit tokenizer(std::shared_ptr<const llmcs_tokenizer> handle) noexcept : handle_(std::move(handle)) {}

    /* With special tokens, as Transformers' tokenizers do; encode_params::flags without LLMCS_ADD_SPECIAL_TOKENS for
     * the text's own. */
    std::vector<std::int32_t> encode(const text &one, const encode_params &params = {}) const {
        const llmcs_text &t = one.native();
        return detail::filled<std::vector<std::int32_t>>([&](std::int32_t *ids, std::size_t n, std::size_t *needed) {
            return llmcs_encode(need(), t.text, t.text_bytes, t.pair, t.pair_bytes, &params, ids, nullptr, nullptr, n,
                                needed);
        });
    }
    encoding encode_all(const text &one, const encode_params &params = {}) const {
        const llmcs_text &t = one.native();
        encoding e;
        std::size_t n = 0;
        check(llmcs_encode(need(), t.text, t.text_bytes, t.pair, t.pair_bytes, &params, nullptr, nullptr, nullptr, 0,
                           &n));
        e.ids.resize(n), e.type_ids.resize(n), e.offsets.resize(n);
        if (n)
            check(llmcs_encode(need(), t.text, t.text_bytes, t.pair, t.pair_bytes, &params, e.ids.data(),
                               e.type_ids.data(), e.offsets.data(), n, &n));
        return e;
    }
    /* flags: LLMCS_SKIP_SPECIAL, LLMCS_CLEAN_UP_SPACES. */
    std::string decode(ids_view ids, std::uint32_t flags = 0) const {
        return detail::filled<std::string>([&](char *out, std::size_t n, std::size_t *needed) {
            return llmcs_decode(need(), ids.data(), ids.size(), flags, out, n, needed);
        });
    }
    std::string describe() const {
        return detail::filled<std::string>([&](char *out, std::size_t n, std::size_t *needed) {
            return llmcs_tokenizer_describe(need(), out, n, needed);
        });
    }
    std::size_t n_vocab() const { return llmcs_tokenizer_n_vocab(need()); }
    /* nullopt: the vocabulary has no such token. */
    std::optional<std::int32_t> token_id(std::string_view token) const {
        const std::int32_t id = llmcs_token_to_id(need(), detail::bytes_of(token), token.size());
        return id < 0 ? std::nullopt : std::optional<std::int32_t>(id);
    }
    /* Spelling of a token, which belongs to the tokenizer. */
    std::optional<std::string_view> token(std::int32_t id) const {
        std::size_t n = 0;
        const char *spelling = llmcs_id_to_token(need(), id, &n);
        return spelling ? std::optional<std::string_view>({spelling, n}) : std::nullopt;
    }
    std::optional<std::int32_t> special(llmcs_special role) const {
        const std::int32_t id = llmcs_special_token(need(), role);
        return id < 0 ? std::nullopt : std::optional<std::int32_t>(id);
    }
    std::vector<std::int32_t> languages() const {
        return detail::filled<std::vector<std::int32_t>>([&](std::int32_t *ids, std::size_t n, std::size_t *needed) {
            return llmcs_tokenizer_languages(need(), ids, n, needed);
        });
    }

    const llmcs_tokenizer *native() const noexcept { return handle_.get(); }
    const llmcs_tokenizer *need() const { return detail::need(handle_, "tokenizer"); }
    const std::shared_ptr<const llmcs_tokenizer> &shared() const noexcept { return handle_; }

    tokenizer(tokenizer &&) noexcept = default;
    tokenizer &operator=(tokenizer &&) noexcept = default;

   private:
    std::shared_ptr<const llmcs_tokenizer> handle_;
};

inline tokenizer model::tokenizer() const {
    const llmcs_tokenizer *own = llmcs_model_tokenizer(need());
    if (!own) throw tokenizer_error("this model's folder has no tokenizer");
    return llmcs::tokenizer(std::shared_ptr<const llmcs_tokenizer>(state_, own));
}

/* Tokens one by one to text: each piece is valid UTF-8 and belongs to the decoder until its next call. */
class decoder {
   public:
    explicit decoder(const tokenizer &t, std::uint32_t flags = LLMCS_SKIP_SPECIAL)
        : tokenizer_(t.shared()), handle_(detail::made<handle>([&](llmcs_decoder **made) {
              return llmcs_decoder_create(t.need(), flags, made);
          })) {}
    std::string_view push(std::int32_t id) {
        const char *piece = nullptr;
        std::size_t n = 0;
        check(llmcs_decoder_push(detail::need(handle_, "decoder"), id, &piece, &n));
        return {piece, n};
    }
    std::string_view finish() {
        const char *piece = nullptr;
        std::size_t n = 0;
        check(llmcs_decoder_finish(detail::need(handle_, "decoder"), &piece, &n));
        return {piece, n};
    }

   private:
    using handle = detail::owner<llmcs_decoder, llmcs_decoder_free>;
    std::shared_ptr<const llmcs_tokenizer> tokenizer_; /* freed after the decoder */
    handle handle_;
};

/* ----------------------------------------------------------------------------------------------- grammar */
/* What an answer must be. Keeps its tokenizer; requests keep the grammar. */
class grammar {
   public:
    template <typename Range = std::initializer_list<std::string_view>>
    static grammar choices(const tokenizer &t, const Range &texts) {
        const detail::strings all(texts, "choices");
        return grammar(t,
                       [&](llmcs_grammar **g) { return llmcs_grammar_choices(t.need(), all.data(), all.size(), g); });
    }
    static grammar regex(const tokenizer &t, std::string_view pattern) {
        return grammar(t, [&](llmcs_grammar **g) {
            return llmcs_grammar_regex(t.need(), detail::bytes_of(pattern), pattern.size(), g);
        });
    }
    static grammar json_schema(const tokenizer &t, std::string_view schema) {
        return grammar(t, [&](llmcs_grammar **g) {
            return llmcs_grammar_json_schema(t.need(), detail::bytes_of(schema), schema.size(), g);
        });
    }
    llmcs_grammar *native() const noexcept { return handle_.get(); }
    std::shared_ptr<llmcs_grammar> shared() const noexcept { return handle_; }
    grammar(grammar &&) noexcept = default;
    grammar &operator=(grammar &&) noexcept = default;

   private:
    template <typename Make>
    grammar(const tokenizer &t, Make make) {
        auto made = detail::made<detail::owner<llmcs_grammar, llmcs_grammar_free>>(make);
        handle_ = std::shared_ptr<llmcs_grammar>(made.release(),
                                                 [of = t.shared()](llmcs_grammar *g) { llmcs_grammar_free(&g); });
    }
    std::shared_ptr<llmcs_grammar> handle_;
};

/* -------------------------------------------------------------------------------------------------- chat */
/* The messages of a conversation, oldest first. Owns their texts. */
class conversation {
   public:
    /* role: "system", "user", "assistant", "tool". */
    conversation &add(const std::string &role, std::string_view content) {
        const std::string &kept_role = texts_.emplace_back(detail::c_string(role, "role"));
        const std::string &kept_content = texts_.emplace_back(content);
        messages_.push_back({kept_role.c_str(), kept_content.data(), kept_content.size(), nullptr, 0});
        return *this;
    }
    /* A message as a JSON object: tool calls, or whatever else the template reads. */
    conversation &add_json(std::string_view object) {
        const std::string &kept = texts_.emplace_back(object);
        messages_.push_back({nullptr, nullptr, 0, kept.data(), kept.size()});
        return *this;
    }
    std::size_t size() const noexcept { return messages_.size(); }
    const llmcs_chat_message *data() const noexcept { return messages_.data(); }

    conversation() = default;
    conversation(conversation &&) noexcept = default;
    conversation &operator=(conversation &&) noexcept = default;

   private:
    std::deque<std::string> texts_; /* elements stay where they are */
    std::vector<llmcs_chat_message> messages_;
};

/* The messages come from a conversation; these are the rest. */
struct chat_params : llmcs_chat_params {
    chat_params() : llmcs_chat_params() { llmcs_chat_params_init_sized(this, sizeof(llmcs_chat_params)); }
    chat_params &set_tools(std::string json) { return tools = kept_.keep_string("tools", std::move(json)), *this; }
    chat_params &set_documents(std::string json) {
        return documents = kept_.keep_string("documents", std::move(json)), *this;
    }
    chat_params &set_variables(std::string json) {
        return variables = kept_.keep_string("variables", std::move(json)), *this;
    }
    chat_params &set_now(std::string time) { return now = kept_.keep_string("now", std::move(time)), *this; }

   private:
    detail::kept kept_;
};

/* A rendered conversation; owns its text. */
class chat_prompt {
   public:
    explicit chat_prompt(llmcs_chat_prompt *prompt) noexcept : handle_(prompt) {}
    std::string_view text() const { return {need()->text, need()->text_bytes}; }
    /* [bytes of the text] 1: the template's; 0: it came from a message. */
    view<const std::uint8_t> is_template() const { return {need()->is_template, need()->text_bytes}; }
    const llmcs_chat_prompt *need() const { return detail::need(handle_, "chat prompt"); }

   private:
    detail::owner<llmcs_chat_prompt, llmcs_chat_prompt_free> handle_;
};

/* A compiled chat template. */
class chat {
   public:
    /* The template of a model folder; template_name "": tool_use for calls with tools, else default. */
    explicit chat(const std::string &path, const std::string &template_name = "")
        : handle_(detail::made<handle>([&](llmcs_chat **made) {
              const llmcs_chat_options options = with_name(template_name);
              return llmcs_chat_open(detail::c_string(path, "path"), &options, made);
          })) {}
    static chat from_text(std::string_view source, const std::string &name = "") {
        return chat(detail::made<handle>([&](llmcs_chat **made) {
            return llmcs_chat_open_text(detail::bytes_of(source), source.size(), detail::c_string_or_null(name, "name"),
                                        nullptr, made);
        }));
    }
    chat_prompt render(const conversation &talk, const chat_params &params = {}) const {
        const llmcs_chat_params native = with_messages(talk, params);
        llmcs_chat_prompt *prompt = nullptr;
        check(llmcs_chat_render(need(), &native, &prompt));
        return chat_prompt(prompt);
    }
    /* Ids of a prompt that this chat rendered. */
    std::vector<std::int32_t> encode(const tokenizer &t, const chat_prompt &prompt) const {
        return detail::filled<std::vector<std::int32_t>>([&](std::int32_t *ids, std::size_t n, std::size_t *needed) {
            return llmcs_chat_encode(need(), t.need(), prompt.need(), ids, n, needed);
        });
    }
    static llmcs_chat_params with_messages(const conversation &talk, const chat_params &params) {
        llmcs_chat_params native = params;
        if (talk.size()) native.messages = talk.data(), native.n_messages = talk.size();
        return native;
    }
    const llmcs_chat *native() const noexcept { return handle_.get(); }
    const llmcs_chat *need() const { return detail::need(handle_, "chat"); }

   private:
    using handle = detail::owner<llmcs_chat, llmcs_chat_free>;
    explicit chat(handle made) noexcept : handle_(std::move(made)) {}
    static llmcs_chat_options with_name(const std::string &name) {
        llmcs_chat_options options;
        llmcs_chat_options_init(&options);
        options.template_name = detail::c_string_or_null(name, "template_name");
        return options;
    }
    handle handle_;
};

}  // namespace LLMCS_CPP
}  // namespace llmcs
#endif
