/*
 * llmcs.hpp: what its calls return equals what the C calls return; exceptions, lifetimes, moves, threads.
 *
 * usage: core ROOT      the repository's folder
 */
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <llmcs.hpp>
#include <random>

#include "checks.hpp"

namespace {

using checks::host_error;
using checks::run;

std::string root;
std::string in_root(const char *path) { return root + "/" + path; }

const std::string prompt = "User: Where is my order?\nBot:";
const std::vector<std::string> reviews = {"质量很好，穿着舒服", "The zip broke after two days.", "", "ok"};

/* ------------------------------------------------------------------------------------------------ errors */
template <llmcs_status Status>
void check_status() {
    try {
        llmcs_set_error(Status, "why");
        llmcs::check(Status);
    } catch (const llmcs::error_of<Status> &e) {
        CHECK(e.status() == Status && std::string(e.what()) == "why" && e.name() == llmcs_status_name(Status));
        return;
    } catch (const llmcs::error &) {
    }
    checks::fail(__FILE__, __LINE__, llmcs_status_name(Status));
}

void errors() {
    check_status<LLMCS_BUSY>(), check_status<LLMCS_QUEUE_FULL>(), check_status<LLMCS_PENDING>();
    check_status<LLMCS_BUFFER>(), check_status<LLMCS_CANCELLED>(), check_status<LLMCS_DEADLINE>();
    check_status<LLMCS_ARG>(), check_status<LLMCS_STATE>(), check_status<LLMCS_NO_HEAD>(), check_status<LLMCS_UTF8>();
    check_status<LLMCS_TOKEN_RANGE>(), check_status<LLMCS_CONTEXT_FULL>(), check_status<LLMCS_LIMIT>();
    check_status<LLMCS_TEMPLATE>(), check_status<LLMCS_IO>(), check_status<LLMCS_FORMAT>(), check_status<LLMCS_JSON>();
    check_status<LLMCS_CONFIG>(), check_status<LLMCS_TOKENIZER>(), check_status<LLMCS_UNSUPPORTED>();
    check_status<LLMCS_CHANGED>(), check_status<LLMCS_NUMERIC>(), check_status<LLMCS_NOMEM>();
    check_status<LLMCS_NOSPACE>(), check_status<LLMCS_THREAD>(), check_status<LLMCS_FORK>();
    check_status<LLMCS_INTERNAL>();
    CHECK_THROWS(llmcs::io_error, llmcs::model("no-such-folder"));
    CHECK_THROWS(llmcs::invalid_argument, llmcs::model(std::string("a\0b", 3)));
    CHECK_THROWS(std::runtime_error, llmcs::tokenizer("no-such-folder"));
    try {
        llmcs::throw_error(static_cast<llmcs_status>(31), "of a later library");
    } catch (const llmcs::error &e) {
        CHECK(e.status() == 31 && e.name() == "UNKNOWN");
    }
}

void no_memory() {
    llmcs_allocator none = {};
    none.alloc = [](void *, std::size_t, std::size_t) -> void * { return nullptr; };
    none.free = [](void *, void *) {};
    llmcs::model_options options;
    options.allocator = &none;
    CHECK_THROWS(llmcs::out_of_memory, llmcs::model(in_root("examples/models/review-bert"), options));
}

/* -------------------------------------------------------------------------------------- encoders, equality */
void classify(const llmcs::model &bert) {
    llmcs::text_params params;
    params.max_length = 8;
    llmcs::text_infos infos;
    const llmcs::classification found = bert.classify(reviews, params, &infos);
    std::vector<llmcs_text> texts;
    for (const std::string &r : reviews) texts.push_back({r.data(), r.size(), nullptr, 0});
    const std::size_t n_labels = static_cast<std::size_t>(bert.info().n_labels);
    std::vector<float> scores(texts.size() * n_labels);
    std::vector<std::int32_t> labels(texts.size());
    CHECK(!llmcs_classify(bert.native(), texts.data(), texts.size(), &params, scores.data(), labels.data(), nullptr));
    CHECK(found.scores.values() == scores && found.labels == labels);
    CHECK(found.scores.rows() == reviews.size() && found.scores[1].size() == n_labels);
    CHECK(infos.size() == reviews.size() && infos[1].truncated == 1 && infos[3].truncated == 0 &&
          infos[1].n_evaluated == 8);
    CHECK(bert.label(labels[0]) == llmcs_model_label(bert.native(), labels[0]) && bert.label(99).empty());
    /* One text, a list in braces, views and pairs are texts, too. */
    CHECK(bert.classify(reviews[0]).labels[0] == labels[0]);
    CHECK(bert.classify("ok").labels[0] == bert.classify({"ok", "no"}).labels[0]);
    const std::vector<std::string_view> views(reviews.begin(), reviews.end());
    CHECK(bert.classify(views, params).scores.values() == scores);
    CHECK(bert.classify(llmcs::text("It broke.", "again")).labels.size() == 1);
    CHECK(bert.classify(std::vector<std::string>()).labels.empty());
    const std::vector<std::string> names = {"refund", "delivery"};
    const llmcs::matrix zero = bert.zero_shot(reviews[1], names);
    CHECK(zero.rows() == 1 && zero.columns() == 2 && std::fabs(zero[0][0] + zero[0][1] - 1) < 1e-5f);
    CHECK_THROWS(llmcs::invalid_argument, bert.embed("x", [] {
        llmcs::text_params p;
        p.set_prompt_name("query");
        return p;
    }()));
}

void give_up(const llmcs::model &bert) {
    const llmcs::cancel_flag flag;
    llmcs::text_params params;
    params.set_cancel(flag);
    const llmcs::text_params copy = params;
    CHECK(bert.classify("ok", copy).labels.size() == 1);
    flag.cancel();
    CHECK_THROWS(llmcs::cancelled, bert.classify("ok", copy));
    flag.reset();
    params.flags = LLMCS_STRICT_UTF8;
    CHECK_THROWS(llmcs::invalid_utf8, bert.classify("\xff", params));
    params.overflow = LLMCS_OVERFLOW_ERROR;
    params.max_length = 4;
    CHECK_THROWS(llmcs::context_full, bert.classify("one two three four five", params));
}

void embed() {
    const llmcs::model encoder(in_root("examples/models/shop-encoder"));
    const llmcs::matrix vectors = encoder.embed({"red dress", "红色连衣裙"});
    const std::size_t dim = static_cast<std::size_t>(encoder.info().n_embedding);
    const llmcs_text texts[] = {{"red dress", LLMCS_NUL, nullptr, 0}, {"红色连衣裙", LLMCS_NUL, nullptr, 0}};
    std::vector<float> expected(2 * dim);
    CHECK(!llmcs_embed(encoder.native(), texts, 2, nullptr, expected.data(), nullptr));
    CHECK(vectors.values() == expected && vectors.columns() == dim);
    llmcs::text_params cut;
    cut.truncate_dim = 16;
    CHECK(encoder.embed("red dress", cut).columns() == 16);

    llmcs::index_options options;
    options.dim = static_cast<std::int32_t>(dim);
    options.type = LLMCS_VECTOR_F32;
    llmcs::index index(options);
    const std::vector<std::uint64_t> ids = {7, 9};
    index.put(ids, vectors.values());
    CHECK_THROWS(llmcs::invalid_argument, index.put(ids, vectors[0]));
    CHECK_THROWS(
        llmcs::invalid_argument,
        index.search(vectors[0].size() ? llmcs::view<const float>(vectors.values().data(), dim + 1) : vectors[0]));
    llmcs::search_params nearest;
    nearest.k = 2;
    const llmcs::search_result found = index.search(vectors.values(), nearest);
    CHECK(found.size() == 2 && found.ids(0)[0] == 7 && found.ids(1)[0] == 9 && found.scores(0)[0] > 0.999f);
    nearest.set_exclude({7});
    CHECK(index.search(vectors[0], nearest).ids().size() == 1 && index.search(vectors[0], nearest).ids()[0] == 9);
    CHECK(index.get(9)->vector.size() == dim && !index.get(8));
    index.set_attachment("names");
    const std::string file =
        (std::filesystem::temp_directory_path() / ("llmcs-cpp-" + std::to_string(std::random_device()()))).string();
    index.save(file);
    llmcs::index opened = llmcs::index::open(file);
    std::filesystem::remove(file);
    CHECK(opened.attachment() == "names" && opened.info().n_vectors == 2 && opened.dim() == dim);
    CHECK(opened.remove(ids) == 2 && opened.info().n_vectors == 0);
    llmcs::build_params build;
    build.min_vectors = 1, build.n_lists = 1;
    build.on_progress = [](float) -> bool { throw host_error(); };
    CHECK_THROWS(host_error, index.build(build));
    build.on_progress = [](float) { return false; };
    CHECK_THROWS(llmcs::cancelled, index.build(build));
    build.on_progress = nullptr;
    index.build(build);
    CHECK(index.info().n_lists == 1 && index.measure(vectors.values(), nearest).recall > 0);
    llmcs::index moved = std::move(index);
    CHECK_THROWS(llmcs::bad_state, index.search(vectors[0]));
    CHECK(moved.info().n_vectors == 2);
}

/* A folder of links: a network's files and a tokenizer's. */
class linked {
   public:
    linked(const char *network, const char *tokenizer)
        : path_(std::filesystem::temp_directory_path() / ("llmcs-cpp-" + std::to_string(std::random_device()()))) {
        std::filesystem::create_directory(path_);
        for (const char *from : {network, tokenizer})
            for (const auto &file : std::filesystem::directory_iterator(in_root(from)))
                if (!std::filesystem::exists(path_ / file.path().filename()))
                    std::filesystem::create_symlink(file.path(), path_ / file.path().filename());
    }
    ~linked() { std::filesystem::remove_all(path_); }
    linked(const linked &) = delete;
    linked &operator=(const linked &) = delete;
    const std::filesystem::path &path() const { return path_; }

   private:
    std::filesystem::path path_;
};

void spans() {
    const linked with_tags("tests/data/spans/bert-tags", "tests/data/tokenizers/tiny-bert-cased");
    const linked with_answers("tests/data/spans/bert-answers", "tests/data/tokenizers/tiny-bert-cased");
    const llmcs::model tags(with_tags.path());
    const std::string text = "Anna lives in Berlin";
    llmcs::text_params params;
    params.aggregation = LLMCS_AGGREGATE_NONE;
    const llmcs::spans found = tags.tag(text, params);
    const llmcs_text native = {text.data(), text.size(), nullptr, 0};
    llmcs_span_result *expected = nullptr;
    CHECK(!llmcs_tag(tags.native(), &native, 1, &params, nullptr, &expected));
    CHECK(found.size() == 1 && found[0].size() == expected->texts[0]->n_spans);
    std::size_t i = 0;
    for (const llmcs_text_span &s : found[0]) {
        const llmcs_text_span *e = expected->texts[0]->spans[i++];
        CHECK(s.begin == e->begin && s.end == e->end && s.score == e->score && !std::strcmp(s.label, e->label));
    }
    llmcs_span_result_free(&expected);
    const llmcs::model answers(with_answers.path());
    llmcs::answer_params three;
    three.top_k = 3;
    CHECK(answers.answer_span(llmcs::text("Where?", text), three)[0].size() >= 1);
    CHECK_THROWS(llmcs::no_head, answers.tag(text));
}

/* ----------------------------------------------------------------------------------------------- texts */
void tokenizers(const llmcs::model &gpt2) {
    const llmcs::tokenizer own = gpt2.tokenizer();
    const llmcs::tokenizer opened(in_root("examples/models/shop-gpt2"));
    const std::string text = "Wo ist 我的包裹?";
    const std::vector<std::int32_t> ids = own.encode(text);
    CHECK(ids == opened.encode(text) && own.decode(ids) == text && own.decode({}).empty());
    const llmcs::encoding all = own.encode_all(text);
    CHECK(all.ids == ids && all.offsets.size() == ids.size() && all.offsets.back().end == text.size());
    std::string pieces;
    llmcs::decoder decoder(own);
    for (const std::int32_t id : ids) pieces += decoder.push(id);
    pieces += decoder.finish();
    CHECK(pieces == text);
    CHECK(own.token_id(*own.token(ids[0])) == ids[0] && !own.token_id("no such token") && !own.token(1 << 30));
    CHECK(own.n_vocab() > 100 && own.languages().empty() && !own.describe().empty());
    CHECK_THROWS(llmcs::token_out_of_range, own.decode(std::vector<std::int32_t>{-1}));
    llmcs::encode_params cut;
    cut.truncation = LLMCS_TRUNCATE_LONGEST_FIRST;
    cut.max_length = 2;
    CHECK(own.encode(text, cut).size() == 2);
    CHECK_THROWS(llmcs::tokenizer_error, llmcs::model(in_root("tests/data/golden/gpt2-tiny")).tokenizer());
}

void grammars(const llmcs::model &gpt2) {
    llmcs::session session(gpt2);
    llmcs::generate_params params(gpt2);
    {
        const llmcs::grammar yes_or_no = llmcs::grammar::choices(gpt2.tokenizer(), {"yes", "no"});
        params.set_grammar(yes_or_no);
    } /* the parameters keep it, and it keeps the tokenizer */
    const std::string said(session.generate(prompt, params).text());
    CHECK(said == "yes" || said == "no");
    params.set_grammar(llmcs::grammar::regex(gpt2.tokenizer(), "[0-9]{3}"));
    const std::string digits(session.generate(prompt, params).text());
    CHECK(digits.size() == 3 && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }));
    params.set_grammar(llmcs::grammar::json_schema(gpt2.tokenizer(), R"({"type":"boolean"})"));
    const std::string json(session.generate(prompt, params).text());
    CHECK(json == "true" || json == "false");
    CHECK_THROWS(llmcs::unsupported, llmcs::grammar::regex(gpt2.tokenizer(), "(?=a)"));
}

void chats(const llmcs::model &gpt2) {
    const llmcs::chat chat =
        llmcs::chat::from_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}Bot:", "of the test");
    llmcs::conversation talk;
    talk.add("User", "Where is my order?").add_json(R"({"role":"User","content":"Hello?"})");
    const llmcs::chat_prompt rendered = chat.render(talk);
    CHECK(rendered.text() == "User: Where is my order?\nUser: Hello?\nBot:");
    CHECK(rendered.is_template().size() == rendered.text().size() &&
          rendered.is_template()[rendered.text().size() - 1]);
    llmcs::session session(gpt2);
    const std::vector<std::int32_t> ids = chat.encode(gpt2.tokenizer(), rendered);
    const llmcs::result by_ids = session.generate_ids(ids, llmcs::generate_params(gpt2));
    std::string pieces;
    const llmcs::result by_chat =
        session.chat(chat, talk, {}, llmcs::generate_params(gpt2), [&](std::string_view piece) { pieces += piece; });
    CHECK(by_chat.text() == by_ids.text() && by_chat.text() == pieces && session.chat(chat, talk).text() == pieces);
    CHECK_THROWS(llmcs::template_error, llmcs::chat(in_root("examples/models/review-bert")));
}

/* ------------------------------------------------------------------------------------------- generation */
void generate(const llmcs::model &gpt2) {
    llmcs::session session(gpt2);
    llmcs::generate_params params(gpt2);
    params.max_new_tokens = 24;
    params.logprobs = 1;
    params.set_eos_token_id({});
    llmcs_session *c_session = nullptr;
    llmcs_result *expected = nullptr;
    CHECK(!llmcs_session_create(gpt2.native(), nullptr, &c_session));
    CHECK(!llmcs_generate(c_session, prompt.data(), prompt.size(), &params, nullptr, nullptr, &expected));
    std::string pieces;
    std::vector<std::int32_t> ids;
    const llmcs::result found = session.generate(prompt, params, [&](std::string_view piece) { pieces += piece; });
    const llmcs::sequence first = found[0];
    CHECK(found.size() == 1 && first.text() == expected->sequences[0]->text && pieces == first.text());
    CHECK(std::equal(first.ids().begin(), first.ids().end(), expected->sequences[0]->ids) && first.ids().size() == 24);
    CHECK(std::equal(first.logprobs().begin(), first.logprobs().end(), expected->sequences[0]->logprobs));
    CHECK(first.score() == expected->sequences[0]->score && first.finish_reason_name() == "length");
    CHECK(found->n_prompt_tokens == expected->n_prompt_tokens && found->n_new_tokens == 24);
    llmcs_result_free(&expected);
    llmcs_session_free(&c_session);

    const std::vector<std::int32_t> prompt_ids = gpt2.tokenizer().encode(prompt);
    (void)session.generate_ids(prompt_ids, params, [&](std::int32_t id) { ids.push_back(id); });
    CHECK(std::equal(ids.begin(), ids.end(), first.ids().begin(), first.ids().end()));
    CHECK(session.generate(prompt, params, [](std::string_view) { return false; }).finish_reason() ==
          LLMCS_FINISH_CALLBACK);

    params.set_stop_strings({std::string(first.text().substr(5, 6)), std::string("never")});
    const llmcs::generate_params copy = params;
    const llmcs::result stopped = session.generate(prompt, copy);
    CHECK(stopped.finish_reason() == LLMCS_FINISH_STOP && stopped.text() == first.text().substr(0, 5));
    params.set_stop_strings(std::vector<std::string>());
    params.set_logit_bias({{first.ids()[0], -std::numeric_limits<float>::infinity()}});
    CHECK(session.generate(prompt, params).ids()[0] != first.ids()[0]);
    params.set_logit_bias({}).set_bad_words_ids({{first.ids()[0]}, {1, 2}});
    CHECK(session.generate(prompt, params).ids()[0] != first.ids()[0]);
    llmcs::generate_params beams = llmcs::generate_params::defaults();
    beams.num_beams = 3, beams.num_return_sequences = 2, beams.max_new_tokens = 4;
    CHECK(session.generate(prompt, beams).size() == 2);
    CHECK(!session.generate(prompt).text().empty());
}

/* A flag ends the calls it was set in, and no other. */
void flags(llmcs::session &session, const std::vector<std::int32_t> &ids) {
    const llmcs::cancel_flag flag;
    llmcs::call_limits limits;
    limits.set_cancel(flag);
    llmcs::generate_params params = llmcs::generate_params::defaults();
    params.max_new_tokens = 5;
    params.set_cancel(flag);
    for (int round = 0; round < 2; round++) {
        session.rewind(0);
        session.eval(ids, LLMCS_LOGITS_LAST, limits);
        (void)session.score(prompt, " Anna", limits);
        (void)session.choose(prompt, {" a", " b"}, false, limits);
        const std::string whole(session.generate(prompt, params).text());
        flag.cancel(); /* too late for all of them */
        CHECK_THROWS(llmcs::cancelled, session.generate(prompt, params));
        CHECK_THROWS(llmcs::cancelled, session.eval(ids, LLMCS_LOGITS_NONE, limits));
        CHECK_THROWS(llmcs::cancelled, session.score(prompt, " Anna", limits));
        CHECK_THROWS(llmcs::cancelled, session.choose(prompt, {" a", " b"}, false, limits));
        flag.reset();
        CHECK(session.generate(prompt, params).text() == whole);
        const llmcs::result part = session.generate(prompt, params, [&](std::string_view) { flag.cancel(); });
        CHECK(part.finish_reason() == LLMCS_FINISH_CANCELLED && whole.compare(0, part.text().size(), part.text()) == 0);
        flag.reset();
    }
    limits.deadline_ms = 1e-6;
    CHECK_THROWS(llmcs::deadline_passed, session.eval(ids, LLMCS_LOGITS_NONE, limits));
}

void sessions(const llmcs::model &gpt2) {
    llmcs::session session(gpt2, 256);
    const std::vector<std::int32_t> ids = gpt2.tokenizer().encode(prompt);
    session.eval(ids);
    const std::size_t vocab = static_cast<std::size_t>(gpt2.info().vocab_size);
    CHECK(session.tokens() == ids && session.logits().size() == vocab);
    const std::vector<float> p = session.next_distribution(llmcs::generate_params(gpt2));
    double sum = 0;
    for (const float x : p) sum += static_cast<double>(x);
    CHECK(p.size() == vocab && std::fabs(sum - 1) < 1e-4);
    const std::vector<std::uint8_t> bytes = session.save();
    llmcs::session copy = session.fork(), other(gpt2, 256);
    other.restore(bytes);
    session.rewind(3);
    CHECK(copy.tokens() == ids && other.tokens() == ids && session.tokens().size() == 3);
    CHECK(other.save() == bytes);
    const llmcs::score_result score = session.score(prompt, " I don't know.");
    const std::vector<std::string> candidates = {" I don't know.", " zzz qqq"};
    const llmcs::choice best = session.choose(prompt, candidates, true);
    CHECK(best.best == 0 && best.scores.size() == 2 && best.scores[0].logprob == score.logprob);
    CHECK_THROWS(llmcs::context_full, session.eval(std::vector<std::int32_t>(300, 5)));
    CHECK_THROWS(llmcs::token_out_of_range, session.eval(std::vector<std::int32_t>{1 << 30}));
    CHECK_THROWS(llmcs::format_error, session.restore(std::vector<std::uint8_t>(100)));
    session.cancel();
    CHECK_THROWS(llmcs::cancelled, session.eval(ids));
    flags(session, ids);
}

void streams(const llmcs::model &gpt2) {
    llmcs::session session(gpt2);
    llmcs::generate_params params(gpt2);
    params.max_new_tokens = 40;
    params.set_eos_token_id({});
    const std::string whole(session.generate(prompt, params).text());
    std::string pieces;
    for (const std::string &piece : session.stream(prompt, params)) pieces += piece;
    CHECK(pieces == whole);
    {
        llmcs::stream s = session.stream(prompt, params);
        const std::vector<std::string> all(s.begin(), s.end()); /* an input range for algorithms, too */
        CHECK(!all.empty() && s.finish().text() == whole && !s.read());
        CHECK_THROWS(llmcs::bad_state, s.finish());
    }
    /* Streams that are left at any time do not disturb the next call: their cancellation ends with them. */
    std::mt19937 random(20261129);
    for (int i = 0; i < 100; i++) {
        llmcs::stream s = session.stream(prompt, params);
        for (auto n = random() % 6; n > 0 && s.read(); n--) continue;
        if (i % 3 == 0) {
            try {
                const llmcs::result part = s.finish();
                CHECK(whole.compare(0, part.text().size(), part.text()) == 0);
            } catch (const llmcs::cancelled &) { /* before the first token */
            }
        }
        if (i % 2) std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
        s = llmcs::stream(std::move(s));
    }
    CHECK(session.generate(prompt, params).text() == whole);
    for (int i = 0; i < 30; i++) (void)session.stream("U", params);
    CHECK(session.generate(prompt, params).text() == whole);
    /* Nor do they touch what the session holds. */
    const std::vector<std::int32_t> held = session.tokens();
    for (int i = 0; i < 20; i++) {
        llmcs::stream s = session.stream(prompt, params);
        while (s.read()) continue;
    }
    CHECK(session.tokens() == held);
    llmcs::generate_params shared(params);
    CHECK_THROWS(llmcs::invalid_argument, session.stream(prompt, shared.set_cancel(llmcs::cancel_flag())));
    /* Errors come where the pieces are read. */
    llmcs::session small(gpt2, 8);
    llmcs::stream failing = small.stream(prompt + prompt + prompt, params);
    CHECK_THROWS(llmcs::context_full, failing.read());
    (void)session.generate(prompt, params, [&](std::string_view) {
        CHECK_THROWS(llmcs::busy, session.generate(prompt, params));
        return false;
    });
}

/* --------------------------------------------------------------------------------------------- exceptions */
void exceptions(const llmcs::model &gpt2) {
    llmcs::session session(gpt2);
    llmcs::generate_params params(gpt2);
    params.max_new_tokens = 16;
    const std::string whole(session.generate(prompt, params).text());
    for (int left = 0; left < 3; left++) {
        int n = left;
        CHECK_THROWS(host_error, session.generate(prompt, params, [&](std::string_view) {
            if (n-- == 0) throw host_error();
        }));
        n = left;
        CHECK_THROWS(host_error, session.generate_ids(gpt2.tokenizer().encode(prompt), params, [&](std::int32_t) {
            if (n-- == 0) throw host_error();
            return true;
        }));
        CHECK(session.generate(prompt, params).text() == whole);
    }
    llmcs::model_options options;
    options.on_progress = [](float) -> bool { throw host_error(); };
    CHECK_THROWS(host_error, llmcs::model(in_root("examples/models/review-bert"), options));
    options.on_progress = [](float) { return false; };
    CHECK_THROWS(llmcs::cancelled, llmcs::model(in_root("examples/models/review-bert"), options));
    options.on_progress = nullptr;
    std::atomic<int> n_lines{0};
    options.on_log = [&](llmcs_log_level, std::string_view) { n_lines++; };
    {
        const llmcs::model logged(in_root("examples/models/review-bert"), options);
        llmcs::text_params cut;
        cut.max_length = 4;
        const int before = n_lines;
        (void)logged.classify("one two three four five six", cut);
        CHECK(n_lines > before); /* the function is there as long as the model */
    }
    /* A line of a call that opens is thrown; later ones are not thrown into the library. */
    bool throwing = true;
    options.on_log = [&](llmcs_log_level, std::string_view) {
        if (throwing) throw host_error();
    };
    throwing = false;
    const llmcs::model quiet(in_root("examples/models/review-bert"), options);
    throwing = true;
    llmcs::text_params cut;
    cut.max_length = 4;
    CHECK(quiet.classify("one two three four five six", cut).labels.size() == 1);

    /* A thread that ends inside a callback unwinds through it. */
    std::string seen;
    pthread_t thread;
    struct context {
        llmcs::session *session;
        llmcs::generate_params *params;
    } c = {&session, &params};
    CHECK(!pthread_create(
        &thread, nullptr,
        [](void *user) -> void * {
            auto *of = static_cast<context *>(user);
            (void)of->session->generate(prompt, *of->params, [](std::string_view) { pthread_exit(nullptr); });
            return user;
        },
        &c));
    void *value = &c;
    CHECK(!pthread_join(thread, &value) && !value);
    CHECK(session.generate(prompt, params).text() == whole);
}

/* ------------------------------------------------------------------------------------------------ engine */
void engines(const llmcs::model &gpt2) {
    llmcs::engine engine(gpt2);
    llmcs::generate_params params(gpt2);
    params.max_new_tokens = 24;
    params.set_eos_token_id({});
    const std::string whole(llmcs::session(gpt2).generate(prompt, params).text());
    llmcs::request first = engine.submit(prompt, params);
    llmcs::request second = engine.submit_ids(gpt2.tokenizer().encode(prompt), params);
    CHECK(first.wait().text() == whole && second.wait().text() == whole && first.wait_for(0)->text() == whole);
    std::string read;
    for (bool finished = false; !finished;) read += first.read(&finished);
    CHECK(read == whole);
    CHECK_THROWS(llmcs::invalid_argument, first.logprobs());   /* not requested */
    CHECK_THROWS(llmcs::invalid_argument, first.logprobs(24)); /* also where there is no token yet */
    params.logprobs = 1;
    params.top_logprobs = 3;
    llmcs::request scored = engine.submit(prompt, params);
    const llmcs::result answer = scored.wait();
    const llmcs::sequence only = answer[0];
    CHECK(scored.tokens().size() == 24 && std::equal(only.ids().begin(), only.ids().end(), scored.tokens().begin()));
    CHECK(scored.tokens(20).size() == 4 && scored.tokens(24).empty() && scored.logprobs(23).size() == 1);
    CHECK(scored.logprobs().size() == 24 && scored.logprobs(5)[0] == only.logprobs().begin()[5]);
    CHECK(only.top_logprobs().size() == 3 * 24 && only.top_logprobs().begin()->id == only.ids().begin()[0]);
    params.logprobs = params.top_logprobs = 0;
    std::string pieces;
    for (const std::string &piece : engine.stream(prompt, params)) pieces += piece;
    CHECK(pieces == whole);
    { (void)engine.stream(prompt, params); } /* left at once */

    llmcs::submit_options options;
    std::string pushed;
    options.on_text = [&](std::string_view piece) { return pushed += piece, true; };
    CHECK(engine.submit(prompt, params, options).wait().text() == whole && pushed == whole);
    options.on_text = [](std::string_view) -> bool { throw host_error(); };
    llmcs::request failing = engine.submit(prompt, params, options);
    CHECK_THROWS(host_error, failing.wait());
    CHECK_THROWS(host_error, failing.wait());
    options.on_text = nullptr;
    options.on_token = [](std::int32_t) -> bool { throw host_error(); };
    CHECK_THROWS(host_error, engine.submit(prompt, params, options).wait());

    /* A callback may be what destroys its request. */
    std::mutex mutex;
    std::condition_variable gone;
    std::optional<llmcs::request> own;
    options.on_token = nullptr;
    options.on_text = [&, big = std::string(100, 'x')](std::string_view) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (own) own.reset(), gone.notify_one();
        return big.size() == 100;
    };
    {
        std::unique_lock<std::mutex> lock(mutex);
        own.emplace(engine.submit(prompt, params, options));
        gone.wait(lock, [&] { return !own; });
    }
    CHECK(engine.submit(prompt, params).wait().text() == whole);
    CHECK(engine.stats().n_finished >= 4 && llmcs::quantile(engine.stats().first_token_ms, 0.5) > 0);

    llmcs::engine_options small;
    small.max_queue = 1;
    small.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs::engine stepped(gpt2, small);
    llmcs::request waiting = stepped.submit(prompt, params);
    CHECK_THROWS(llmcs::queue_full, stepped.submit(prompt, params));
    CHECK(!waiting.wait_for(0));
    while (stepped.step()) continue;
    CHECK(waiting.wait_for(0)->text() == whole && stepped.next(0)->request == waiting.native());
    CHECK(stepped.fd() >= 0 && !stepped.next(0));
    std::string by_steps;
    for (const std::string &piece : stepped.stream(prompt, params)) by_steps += piece;
    CHECK(by_steps == whole);

    /* Requests and streams may outlive their engine. */
    std::optional<llmcs::engine> brief(std::in_place, gpt2);
    params.max_new_tokens = 400;
    llmcs::request left = brief->submit(prompt, params);
    llmcs::stream left_stream = brief->stream(prompt, params);
    CHECK(left_stream.read());
    brief->stop();
    CHECK_THROWS(llmcs::bad_state, brief->submit(prompt, params));
    brief.reset();
    const llmcs::result part = left_stream.finish();
    CHECK(part.finish_reason() == LLMCS_FINISH_CANCELLED && part.text().size() > 0);
    left.cancel();
    CHECK(llmcs::plan_engine(in_root("examples/models/shop-gpt2"), 100).engine_bytes > 0);
    CHECK(llmcs::plan(in_root("examples/models/shop-gpt2")).session_bytes > 0);
}

/* ----------------------------------------------------------------------------------------- moves, lifetimes */
void moves(const llmcs::model &gpt2) {
    static_assert(!std::is_copy_constructible_v<llmcs::model> && !std::is_copy_constructible_v<llmcs::session>);
    static_assert(!std::is_copy_constructible_v<llmcs::engine> && !std::is_copy_constructible_v<llmcs::request>);
    static_assert(!std::is_copy_constructible_v<llmcs::result> && !std::is_copy_constructible_v<llmcs::stream>);
    static_assert(!std::is_copy_constructible_v<llmcs::tokenizer> && !std::is_copy_constructible_v<llmcs::grammar>);
    static_assert(std::is_nothrow_move_constructible_v<llmcs::model> &&
                  std::is_nothrow_move_assignable_v<llmcs::engine>);
    static_assert(std::is_base_of_v<std::runtime_error, llmcs::out_of_memory>);
    std::optional<llmcs::model> model(std::in_place, in_root("examples/models/shop-gpt2"));
    llmcs::model other = std::move(*model);
    CHECK_THROWS(llmcs::bad_state, model->info());
    CHECK_THROWS(llmcs::bad_state, llmcs::session(*model));
    *model = std::move(other);
    llmcs::session session(*model), taken = std::move(session);
    CHECK_THROWS(llmcs::bad_state, session.generate(prompt));
    session.cancel();
    llmcs::generate_params params(*model);
    params.max_new_tokens = 8;
    const llmcs::tokenizer tokenizer = model->tokenizer();
    llmcs::engine engine(*model);
    model.reset(); /* the others keep it */
    llmcs::result r = taken.generate(prompt, params), moved = std::move(r);
    CHECK(tokenizer.decode(moved.ids()) == moved.text());
    CHECK_THROWS(llmcs::bad_state, r.text());
    llmcs::request request = engine.submit(prompt, params), held = std::move(request);
    CHECK_THROWS(llmcs::bad_state, request.wait());
    llmcs::engine idle = std::move(engine);
    CHECK_THROWS(llmcs::bad_state, engine.stats());
    CHECK(held.wait().text() == moved.text());
    llmcs::stream s = taken.stream(prompt, params), rest = std::move(s);
    CHECK_THROWS(llmcs::bad_state, s.read());
    taken = llmcs::session(gpt2); /* the stream keeps its session */
    std::string pieces;
    for (const std::string &piece : rest) pieces += piece;
    CHECK(pieces == moved.text());
}

void threads(const llmcs::model &bert, const llmcs::model &gpt2) {
    const std::vector<float> expected = bert.classify(reviews).scores.values();
    llmcs::engine engine(gpt2);
    llmcs::generate_params params(gpt2);
    params.max_new_tokens = 16;
    const std::string whole(llmcs::session(gpt2).generate(prompt, params).text());
    std::atomic<int> wrong{0};
    std::vector<std::thread> all;
    for (int t = 0; t < 2; t++)
        all.emplace_back([&] {
            try {
                llmcs::session session(gpt2);
                for (int i = 0; i < 10; i++) {
                    if (bert.classify(reviews).scores.values() != expected) wrong++;
                    if (engine.submit(prompt, params).wait().text() != whole) wrong++;
                    std::string pieces;
                    for (const std::string &piece : session.stream(prompt, params)) pieces += piece;
                    if (pieces != whole) wrong++;
                }
            } catch (const std::exception &) {
                wrong++;
            }
        });
    for (std::thread &t : all) t.join();
    CHECK(wrong == 0);
}

}  // namespace

int main(int argc, char **argv) {
    if (argc != 2) return std::fprintf(stderr, "usage: core ROOT\n"), 2;
    root = argv[1];
    const llmcs::model bert(in_root("examples/models/review-bert")), gpt2(in_root("examples/models/shop-gpt2"));
    run("errors", errors);
    run("no memory", no_memory);
    run("classify", [&] { classify(bert); });
    run("give up", [&] { give_up(bert); });
    run("embed and index", embed);
    run("spans", spans);
    run("tokenizers", [&] { tokenizers(gpt2); });
    run("grammars", [&] { grammars(gpt2); });
    run("chats", [&] { chats(gpt2); });
    run("generate", [&] { generate(gpt2); });
    run("sessions", [&] { sessions(gpt2); });
    run("streams", [&] { streams(gpt2); });
    run("exceptions", [&] { exceptions(gpt2); });
    run("engines", [&] { engines(gpt2); });
    run("moves and lifetimes", [&] { moves(gpt2); });
    run("threads", [&] { threads(bert, gpt2); });
    return checks::summary("core");
}
