/*
 * llmcs_index.hpp - the part of llmcs.hpp for the vector index, and for writing models: quantize, merge. llmcs.hpp
 * includes it.
 *
 *     llmcs::index_options options;
 *     options.dim = 384;
 *     llmcs::index titles(options);
 *     titles.put(ids, model.embed(texts).values());
 *     llmcs::search_result found = titles.search(model.embed("red dress").values());
 *     titles.save("titles.index");
 */
#include "llmcs.hpp" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_INDEX_HPP
#define LLMCS_INDEX_HPP

#include "llmcs_text.hpp"

namespace llmcs {
inline namespace LLMCS_CPP {

struct index_options : llmcs_index_options {
    index_options() : llmcs_index_options() { llmcs_index_options_init_sized(this, sizeof(llmcs_index_options)); }
};

struct search_params : llmcs_search_params {
    search_params() : llmcs_search_params() { llmcs_search_params_init_sized(this, sizeof(llmcs_search_params)); }
    search_params &set_exclude(std::vector<std::uint64_t> ids) {
        const auto &kept = kept_.keep("exclude", std::move(ids));
        return exclude = kept.data(), n_exclude = kept.size(), *this;
    }

   private:
    detail::kept kept_;
};

struct build_params : llmcs_index_build_params {
    detail::progress_function on_progress; /* false stops: llmcs::cancelled */
    build_params() : llmcs_index_build_params() {
        llmcs_index_build_params_init_sized(this, sizeof(llmcs_index_build_params));
    }
};

/* The nearest vectors of each query, best first. */
class search_result {
   public:
    search_result(std::size_t n, std::size_t k) : k_(k), ids_(n * k), scores_(n * k), n_found_(n) {}
    std::size_t size() const noexcept { return n_found_.size(); }
    view<const std::uint64_t> ids(std::size_t query = 0) const { return {ids_.data() + query * k_, n_found_[query]}; }
    view<const float> scores(std::size_t query = 0) const { return {scores_.data() + query * k_, n_found_[query]}; }

   private:
    friend class index;
    std::size_t k_;
    std::vector<std::uint64_t> ids_;
    std::vector<float> scores_;
    std::vector<std::size_t> n_found_;
};

struct item {
    std::vector<float> vector;
    llmcs_item_tags tags = {0, std::numeric_limits<double>::quiet_NaN()};
};

class index {
   public:
    explicit index(const index_options &options)
        : index(detail::made<handle>([&](llmcs_index **made) { return llmcs_index_create(&options, made); })) {}
    static index open(const std::string &path, const index_options &options = {}) {
        return index(detail::made<handle>(
            [&](llmcs_index **made) { return llmcs_index_open(detail::c_string(path, "path"), &options, made); }));
    }

    /* vectors: [ids, dim]; tags: one for each id, or none. */
    void put(view<const std::uint64_t> ids, view<const float> vectors, view<const llmcs_item_tags> tags = {}) {
        if (vectors.size() != ids.size() * dim_)
            throw invalid_argument("vectors: " + std::to_string(vectors.size()) + " numbers for " +
                                   std::to_string(ids.size()) + " ids of " + std::to_string(dim_));
        if (!tags.empty() && tags.size() != ids.size())
            throw invalid_argument("tags: " + std::to_string(tags.size()) + " for " + std::to_string(ids.size()) +
                                   " ids");
        check(llmcs_index_put(need(), ids.data(), vectors.data(), tags.empty() ? nullptr : tags.data(), ids.size()));
    }
    /* How many there were. */
    std::size_t remove(view<const std::uint64_t> ids) {
        std::size_t n = 0;
        check(llmcs_index_remove(need(), ids.data(), ids.size(), &n));
        return n;
    }
    std::optional<item> get(std::uint64_t id) const {
        item found;
        found.vector.resize(dim_);
        int there = 0;
        check(llmcs_index_get(need(), id, found.vector.data(), &found.tags, &there));
        return there ? std::optional<item>(std::move(found)) : std::nullopt;
    }
    /* queries: [n, dim]. */
    search_result search(view<const float> queries, const search_params &params = {}) const {
        const std::size_t n = count(queries);
        search_result found(n, params.k);
        check(llmcs_index_search(need(), queries.data(), n, &params, found.ids_.data(), found.scores_.data(),
                                 found.n_found_.data()));
        return found;
    }
    void build(const build_params &params = {}) {
        detail::with_callbacks(static_cast<const llmcs_index_build_params &>(params), nullptr, params.on_progress,
                               [&](const llmcs_index_build_params &native, const std::shared_ptr<detail::log_sink> &) {
                                   return llmcs_index_build(need(), &native);
                               });
    }
    llmcs_index_measurement measure(view<const float> queries, const search_params &params = {}) const {
        llmcs_index_measurement found = {};
        found.struct_size = sizeof found;
        check(llmcs_index_measure(need(), queries.data(), count(queries), &params, &found));
        return found;
    }
    llmcs_index_info info() const {
        llmcs_index_info filled = {};
        filled.struct_size = sizeof filled;
        check(llmcs_index_get_info(need(), &filled));
        return filled;
    }
    void set_attachment(std::string_view bytes) {
        check(llmcs_index_set_attachment(need(), bytes.data(), bytes.size()));
    }
    std::string attachment() const {
        return detail::filled<std::string>([&](char *bytes, std::size_t n, std::size_t *needed) {
            return llmcs_index_get_attachment(need(), bytes, n, needed);
        });
    }
    void save(const std::string &path) const { check(llmcs_index_save(need(), detail::c_string(path, "path"))); }
    std::size_t dim() const noexcept { return dim_; }

    llmcs_index *native() const noexcept { return handle_.get(); }
    index(index &&) noexcept = default;
    index &operator=(index &&) noexcept = default;

   private:
    using handle = detail::owner<llmcs_index, llmcs_index_free>;
    explicit index(handle made) : handle_(std::move(made)), dim_(static_cast<std::size_t>(info().dim)) {}
    llmcs_index *need() const { return detail::need(handle_, "index"); }
    std::size_t count(view<const float> queries) const {
        if (queries.size() % dim_)
            throw invalid_argument("queries: " + std::to_string(queries.size()) + " numbers are no multiple of " +
                                   std::to_string(dim_));
        return queries.size() / dim_;
    }
    handle handle_;
    std::size_t dim_;
};

/* --------------------------------------------------------------------------------------- quantize, merge */
struct quantize_params : llmcs_quantize_params {
    detail::log_function on_log;
    detail::progress_function on_progress;
    quantize_params() : llmcs_quantize_params() {
        llmcs_quantize_params_init_sized(this, sizeof(llmcs_quantize_params));
    }
};

/* Writes a model folder as one GGUF file. */
inline void quantize(const std::string &folder, const std::string &out_path, const quantize_params &params = {}) {
    const char *from = detail::c_string(folder, "folder"), *to = detail::c_string(out_path, "out_path");
    detail::with_callbacks(static_cast<const llmcs_quantize_params &>(params), params.on_log, params.on_progress,
                           [&](const llmcs_quantize_params &native, const std::shared_ptr<detail::log_sink> &) {
                               return llmcs_quantize(from, to, &native);
                           });
}

struct merge_params : llmcs_merge_params {
    detail::log_function on_log;
    detail::progress_function on_progress;
    merge_params() : llmcs_merge_params() { llmcs_merge_params_init_sized(this, sizeof(llmcs_merge_params)); }
};

/* Writes a folder with LoRA adapters applied as another folder, which must not exist. */
inline void merge(const std::string &folder, const std::vector<std::string> &adapters, const std::string &out_folder,
                  const merge_params &params = {}) {
    const char *from = detail::c_string(folder, "folder"), *to = detail::c_string(out_folder, "out_folder");
    const detail::strings names(adapters, "adapters");
    detail::with_callbacks(static_cast<const llmcs_merge_params &>(params), params.on_log, params.on_progress,
                           [&](const llmcs_merge_params &native, const std::shared_ptr<detail::log_sink> &) {
                               return llmcs_merge(from, names.data(), names.size(), to, &native);
                           });
}

}  // namespace LLMCS_CPP
}  // namespace llmcs
#endif
