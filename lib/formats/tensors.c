/* A checkpoint: its files, its tensors by name, and their elements as float32. */
#include "formats/tensors.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/sort.h"
#include "families/family.h"
#include "formats/convert.h"
#include "formats/folder.h"
#include "formats/gguf_names.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#define SINGLE_FILE "model.safetensors"
#define INDEX_FILE "model.safetensors.index.json"
#define MAX_INDEX_BYTES ((size_t)32 << 20)
#define MAX_SHARDS 512
#define F64_AT_ONCE 256

/* A file of the checkpoint. */
typedef struct shard {
    char *path;
    ll_file file;
    const ll_file *borrowed; /* the GGUF source's; NULL: use `file` */
} shard;

struct ll_tensors {
    llmcs_allocator allocator;
    ll_tensor_list list;
    uint32_t *by_name;          /* [list.count] numbers of tensors, sorted by name */
    const char *prefix, *outer; /* ll_tensors_fit; "" before */
    bool as_llama_cpp;
    shard *shards;
    size_t n_shards, shards_capacity;
};

/* ------------------------------------------------------------------------------------------- lookup by name */

static llmcs_status fail_twice(const ll_tensors *t, const ll_tensor *a, const ll_tensor *b) {
    if (a->file == b->file)
        return ll_fail(LLMCS_FORMAT, "%s: tensor \"%.80s\" occurs twice", ll_tensors_path(t, a), a->name);
    return ll_fail(LLMCS_FORMAT, "tensor \"%.60s\" is in two shards: %s and %s", a->name, ll_tensors_path(t, a),
                   ll_tensors_path(t, b));
}

/* Builds by_name and finds duplicate names, which are adjacent in it. */
static llmcs_status sort_by_name(ll_tensors *t) {
    const ll_tensor *items = t->list.items;
    ll_free(&t->allocator, t->by_name);
    t->by_name = NULL;
    LL_TRY(ll_tensors_sort(&t->allocator, items, t->list.count, &t->by_name));
    for (size_t i = 1; i < t->list.count; i++) {
        const ll_tensor *before = &items[t->by_name[i - 1]], *tensor = &items[t->by_name[i]];
        if (strcmp(before->name, tensor->name) == 0) return fail_twice(t, before, tensor);
    }
    return LLMCS_OK;
}

static const ll_tensor *find_by_name(const ll_tensors *t, const char *name, size_t name_bytes) {
    return ll_tensors_search(t->list.items, t->by_name, t->list.count, name, name_bytes);
}

const ll_tensor *ll_tensors_find(const ll_tensors *t, const char *name) { return find_by_name(t, name, strlen(name)); }
size_t ll_tensors_count(const ll_tensors *t) { return t->list.count; }
const ll_tensor *ll_tensors_at(const ll_tensors *t, size_t i) { return i < t->list.count ? &t->list.items[i] : NULL; }

const char *ll_tensors_path(const ll_tensors *t, const ll_tensor *tensor) {
    const ll_tensor_change *c = tensor->change;
    if (c && c->replacement) return ll_folder_tail(c->other->shards[c->replacement->file].path);
    return ll_folder_tail(t->shards[tensor->file].path);
}

/* ------------------------------------------------------------------------------------------- changes */

void ll_tensors_change(ll_tensors *t, size_t i, const ll_tensor_change *change) { t->list.items[i].change = change; }

llmcs_status ll_tensors_add(ll_tensors *t, const ll_tensor *tensor, const char *name) {
    ll_tensor added = *tensor; /* which moves with the list */
    LL_TRY(ll_grow(&t->allocator, &t->list.items, t->list.count, &t->list.capacity, t->list.count + 1,
                   sizeof *t->list.items, "tensors"));
    added.name_bytes = strlen(name);
    LL_TRY(ll_arena_copy_text(&t->list.names, name, added.name_bytes, "tensor names", &added.name));
    t->list.items[t->list.count++] = added;
    return sort_by_name(t);
}

/* ----------------------------------------------------------------------------------------- prefixes of names */

#define MAX_PREFIXES 8

typedef struct prefix {
    const char *name; /* of the first tensor that has it */
    size_t n_bytes, n_tensors;
} prefix;

/* The prefix that most of the family's layers have. */
static prefix most_common_prefix(const ll_tensors *t, const ll_family *family) {
    prefix found[MAX_PREFIXES] = {{"", 0, 0}}, most = found[0];
    size_t n = 1, n_bytes, k;
    for (size_t i = 0; i < t->list.count; i++) {
        const char *name = t->list.items[i].name;
        if (!ll_checkpoint_prefix(family, name, &n_bytes)) continue;
        for (k = 0; k < n; k++)
            if (found[k].n_bytes == n_bytes && memcmp(found[k].name, name, n_bytes) == 0) break;
        if (k == MAX_PREFIXES) continue;
        if (k == n) found[n++] = (prefix){name, n_bytes, 0};
        if (++found[k].n_tensors > most.n_tensors) most = found[k];
    }
    return most;
}

static llmcs_status set_prefixes(ll_tensors *t, const ll_config *c, const ll_log *log) {
    const char *own = ll_family_prefix(c->family, c->head_spec);
    const size_t n_own = strlen(own);
    const prefix p = most_common_prefix(t, c->family);
    const bool has_own = p.n_bytes >= n_own && memcmp(p.name + p.n_bytes - n_own, own, n_own) == 0;
    LL_TRY(ll_arena_copy_text(&t->list.names, p.name, p.n_bytes, "tensor names", &t->prefix));
    LL_TRY(
        ll_arena_copy_text(&t->list.names, p.name, has_own ? p.n_bytes - n_own : p.n_bytes, "tensor names", &t->outer));
    if (t->outer[0])
        ll_log_say(log, LLMCS_LOG_INFO, "%s: names of tensors begin with \"%.80s\"", ll_tensors_path(t, t->list.items),
                   t->outer);
    return LLMCS_OK;
}

/* The name of the head that maps to the vocabulary, or NULL. */
static const char *tied_head_of(const ll_family *family) {
    for (const ll_class *k = family->classes; k->name; k++)
        if (k->head && (k->head->head == LL_HEAD_CAUSAL_LM || k->head->head == LL_HEAD_MASKED_LM))
            return k->head->out.checkpoint;
    return NULL;
}

/* The first tensor under another name of the token table: encoder's and decoder's if they share it, the head's if tied.
 */
static const ll_tensor *find_tied(const ll_tensors *t, const ll_config *c) {
    const char *tied = c->tie_word_embeddings ? tied_head_of(c->family) : NULL;
    char name[LL_MAX_TENSOR_NAME_BYTES + 64];
    const ll_tensor *found = NULL;
    for (size_t i = 0; i < 2 && c->shares_tokens && !found; i++) {
        ll_format(name, sizeof name, "%s%s.weight", t->prefix, ll_role_name(&c->family->stack[i], LL_TOKENS));
        found = ll_tensors_find(t, name);
    }
    if (found || !tied) return found;
    ll_format(name, sizeof name, "%s%s.weight", t->outer, tied);
    return ll_tensors_find(t, name);
}

/* Some programs store of a tied network only the head, or store a table that encoder and decoder share only once, under
 * any of its names. */
static llmcs_status share_tied_embedding(ll_tensors *t, const ll_config *c, const ll_log *log) {
    const ll_stack_spec *last = ll_family_last_stack(c->family);
    const char *own = c->shares_tokens ? last->names[LL_TOKENS].alternative : ll_role_name(last, LL_TOKENS);
    char embedding[LL_MAX_TENSOR_NAME_BYTES + 64];
    ll_format(embedding, sizeof embedding, "%s%s.weight", t->prefix, own);
    if (ll_tensors_find(t, embedding)) return LLMCS_OK;
    const ll_tensor *found = find_tied(t, c);
    if (!found) return LLMCS_OK;
    ll_log_say(log, LLMCS_LOG_INFO, "%s: tensor \"%.80s\" is missing; \"%.80s\" is tied to it and used instead",
               ll_tensors_path(t, found), embedding, found->name);
    return ll_tensors_add(t, found, embedding);
}

llmcs_status ll_tensors_fit(ll_tensors *t, const ll_config *config, const ll_log *log) {
    if (!t->list.count) return LLMCS_OK;
    LL_TRY(set_prefixes(t, config, log));
    return share_tied_embedding(t, config, log);
}

bool ll_tensors_as_llama_cpp(const ll_tensors *t) { return t->as_llama_cpp; }
const char *ll_tensors_prefix(const ll_tensors *t) { return t->prefix; }
const char *ll_tensors_outer(const ll_tensors *t) { return t->outer; }

const char *ll_tensors_plain_name(const ll_tensors *t, const ll_tensor *tensor) {
    const size_t n = strlen(t->prefix), n_outer = strlen(t->outer);
    if (strncmp(tensor->name, t->prefix, n) == 0) return tensor->name + n;
    return strncmp(tensor->name, t->outer, n_outer) == 0 ? tensor->name + n_outer : tensor->name;
}

/* -------------------------------------------------------------------------------------------------- files */

static const ll_file *file_of(const shard *s) { return s->borrowed ? s->borrowed : &s->file; }

/* Opens the plain file name `name` of the folder as the next file of the checkpoint, and reads its header. */
static llmcs_status add_shard(ll_tensors *t, const char *folder, const char *name, llmcs_load_mode mode) {
    LL_TRY(ll_grow(&t->allocator, &t->shards, t->n_shards, &t->shards_capacity, t->n_shards + 1, sizeof *t->shards,
                   "shards"));
    shard *s = &t->shards[t->n_shards];
    *s = (shard){.file.fd = -1};
    LL_TRY(ll_path_join(&t->allocator, folder, name, &s->path));
    t->n_shards++; /* from here on ll_tensors_close closes it */
    LL_TRY(ll_file_open(&s->file, s->path, mode == LLMCS_LOAD_MMAP));
    return ll_safetensors_read(&t->list, &s->file, (uint32_t)(t->n_shards - 1), ll_folder_tail(s->path));
}

/* ------------------------------------------------------------------------------------------------- shards */

/* An index while it is read. file_of says for each member of weight_map which shard it names. */
typedef struct shard_index {
    const char *name; /* for messages */
    const char *folder;
    llmcs_load_mode mode;
    ll_json weight_map;
    uint16_t *file_of;
} shard_index;

/* The shard's file name as text that ends with a NUL, checked to be a plain name. */
static llmcs_status shard_name(const shard_index *index, ll_json member, char out[256]) {
    size_t len, key_len;
    const char *file = ll_json_string(member, &len), *key = ll_json_key(member, &key_len);
    int shown = (int)ll_min(key_len, 60);
    if (!file) return ll_fail(LLMCS_FORMAT, "%s: weight_map of \"%.*s\" is not a file name", index->name, shown, key);
    if (!ll_folder_is_plain_name(file, len) || len > 255)
        return ll_fail(LLMCS_FORMAT, "%s: weight_map of \"%.*s\": \"%.*s\" is not a plain file name in the folder",
                       index->name, shown, key, (int)ll_min(len, 60), file);
    if (len < 12 || memcmp(file + len - 12, ".safetensors", 12) != 0)
        return ll_fail(LLMCS_FORMAT, "%s: weight_map of \"%.*s\": \"%.*s\" is not a .safetensors file", index->name,
                       shown, key, (int)ll_min(len, 60), file);
    memcpy(out, file, len);
    out[len] = 0;
    return LLMCS_OK;
}

/* Number of the shard `name`; opens it on first use. */
static llmcs_status shard_number(ll_tensors *t, const shard_index *index, const char *name, uint16_t *number) {
    for (size_t i = t->n_shards; i-- > 0;) { /* from the end: adjacent members of the map tend to share a shard */
        const char *path = t->shards[i].path, *slash = strrchr(path, '/');
        *number = (uint16_t)i;
        if (strcmp(slash ? slash + 1 : path, name) == 0) return LLMCS_OK;
    }
    if (t->n_shards == MAX_SHARDS) return ll_fail(LLMCS_LIMIT, "%s: more than %d shards", index->name, MAX_SHARDS);
    *number = (uint16_t)t->n_shards;
    return add_shard(t, index->folder, name, index->mode);
}

static llmcs_status open_shards(ll_tensors *t, const shard_index *index) {
    size_t i = 0;
    for (ll_json m = ll_json_first(index->weight_map); ll_json_get_type(m); m = ll_json_next(m)) {
        char name[256];
        LL_TRY(shard_name(index, m, name));
        LL_TRY(shard_number(t, index, name, &index->file_of[i++]));
    }
    return LLMCS_OK;
}

/* Checks that every tensor of the map is in the shard that the map names. */
static llmcs_status check_map(const ll_tensors *t, const shard_index *index) {
    size_t i = 0;
    for (ll_json m = ll_json_first(index->weight_map); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t len;
        const char *key = ll_json_key(m, &len);
        const ll_tensor *tensor = find_by_name(t, key, len);
        uint16_t file = index->file_of[i++];
        if (tensor && tensor->file == file) continue;
        return ll_fail(LLMCS_FORMAT, "%s: tensor \"%.*s\" is not in %s, where the index says it is", index->name,
                       (int)ll_min(len, 60), key, ll_folder_tail(t->shards[file].path));
    }
    return LLMCS_OK;
}

static llmcs_status read_map(ll_tensors *t, shard_index *index, ll_json root) {
    if (ll_json_get_unique(root, "weight_map", &index->weight_map))
        return ll_fail(LLMCS_FORMAT, "%s: weight_map occurs twice", index->name);
    size_t n = ll_json_count(index->weight_map);
    if (ll_json_get_type(index->weight_map) != LL_JSON_OBJECT || n == 0)
        return ll_fail(LLMCS_FORMAT, "%s: expected \"weight_map\", an object of tensor and file names", index->name);
    if (n > LL_MAX_TENSORS)
        return ll_fail(LLMCS_LIMIT, "%s: %zu tensors, at most %d are read", index->name, n, LL_MAX_TENSORS);
    LL_TRY(ll_alloc(&t->allocator, n, sizeof *index->file_of, index->name, &index->file_of));
    llmcs_status status = open_shards(t, index);
    if (!status) status = sort_by_name(t);
    if (!status) status = check_map(t, index);
    ll_free(&t->allocator, index->file_of);
    return status;
}

static llmcs_status parse_index(ll_tensors *t, shard_index *index, const char *text, size_t len) {
    ll_json_doc *doc;
    LL_TRY(ll_json_parse(&t->allocator, index->name, text, len, 0, &doc));
    llmcs_status status = read_map(t, index, ll_json_root(doc));
    ll_json_free(&doc);
    return status;
}

static llmcs_status open_sharded(ll_tensors *t, const char *folder, llmcs_load_mode mode) {
    char *path, *text;
    size_t len;
    LL_TRY(ll_path_join(&t->allocator, folder, INDEX_FILE, &path));
    shard_index index = {.name = ll_folder_tail(path), .folder = folder, .mode = mode};
    llmcs_status status =
        ll_source_read(&(ll_source){.path = folder}, &t->allocator, INDEX_FILE, path, MAX_INDEX_BYTES, &text, &len);
    if (!status) status = parse_index(t, &index, text, len);
    ll_free(&t->allocator, text);
    ll_free(&t->allocator, path);
    return status;
}

/* --------------------------------------------------------------------------------------------------- GGUF */

/* The same tensor under the name that the family's checkpoints have for it. */
static llmcs_status translate_name(ll_tensors *t, const ll_family *family, const ll_tensor *stored, const char *file) {
    ll_tensor *tensor = &t->list.items[t->list.count];
    char name[LL_MAX_NAME_TEXT];
    *tensor = *stored;
    if (!ll_gguf_to_checkpoint(family, stored->name, name))
        return ll_fail(LLMCS_LIMIT, "%s: tensor \"%s\": the checkpoint's name for it is too long", file, stored->name);
    tensor->name_bytes = strlen(name);
    LL_TRY(ll_arena_copy_text(&t->list.names, name, tensor->name_bytes, "tensor names", &tensor->name));
    t->list.count++;
    return LLMCS_OK;
}

/* The tensors of a GGUF file under the names of the family's checkpoints. */
static llmcs_status open_gguf(ll_tensors *t, const ll_gguf *g) {
    const ll_family *family;
    LL_TRY(ll_gguf_family(g, &family));
    LL_TRY(ll_gguf_runs_in_llama_cpp(g, family, &t->as_llama_cpp));
    LL_TRY(ll_grow(&t->allocator, &t->shards, 0, &t->shards_capacity, 1, sizeof *t->shards, "shards"));
    t->shards[0] = (shard){.file.fd = -1, .borrowed = &g->file};
    LL_TRY(ll_copy_text(&t->allocator, g->path, strlen(g->path), "path", &t->shards[0].path));
    t->n_shards = 1;
    LL_TRY(ll_grow(&t->allocator, &t->list.items, 0, &t->list.capacity, g->tensors.count, sizeof *t->list.items,
                   "tensors"));
    for (size_t i = 0; i < g->tensors.count; i++) LL_TRY(translate_name(t, family, &g->tensors.items[i], g->name));
    return sort_by_name(t);
}

/* --------------------------------------------------------------------------------------------- open, close */

static llmcs_status open_files(ll_tensors *t, const char *folder, llmcs_load_mode mode) {
    bool single, sharded;
    LL_TRY(ll_folder_has(&t->allocator, folder, SINGLE_FILE, &single));
    LL_TRY(ll_folder_has(&t->allocator, folder, INDEX_FILE, &sharded));
    if (!single) return sharded ? open_sharded(t, folder, mode) : ll_folder_no_weights(&t->allocator, folder);
    LL_TRY(add_shard(t, folder, SINGLE_FILE, mode));
    return sort_by_name(t);
}

static llmcs_status open_source(ll_tensors *t, const ll_source *source, llmcs_load_mode mode) {
    char *folder;
    bool is_gguf;
    if (source->gguf) return open_gguf(t, source->gguf);
    LL_TRY(ll_source_folder(source, &t->allocator, &folder));
    llmcs_status status = ll_folder_check(folder, &is_gguf);
    if (!status) status = open_files(t, folder, mode);
    ll_free(&t->allocator, folder);
    return status;
}

static llmcs_status create_tensors(const llmcs_allocator *a, ll_tensors **tensors) {
    LL_TRY(ll_alloc_zero(a, 1, sizeof **tensors, "tensors", tensors));
    (*tensors)->allocator = *a;
    (*tensors)->prefix = (*tensors)->outer = "";
    ll_tensor_list_init(&(*tensors)->list, a);
    return LLMCS_OK;
}

llmcs_status ll_tensors_open(const llmcs_allocator *a, const ll_source *source, llmcs_load_mode mode, const ll_log *log,
                             ll_tensors **tensors) {
    LL_TRY(create_tensors(a, tensors));
    llmcs_status status = open_source(*tensors, source, mode);
    if (status)
        ll_tensors_close(tensors);
    else
        ll_log_say(log, LLMCS_LOG_DEBUG, "%s: %zu tensors in %zu files", ll_folder_tail(source->path),
                   (*tensors)->list.count, (*tensors)->n_shards);
    return status;
}

llmcs_status ll_tensors_open_file(const llmcs_allocator *a, const char *folder, const char *name, llmcs_load_mode mode,
                                  ll_tensors **tensors) {
    LL_TRY(create_tensors(a, tensors));
    llmcs_status status = add_shard(*tensors, folder, name, mode);
    if (!status) status = sort_by_name(*tensors);
    if (status) ll_tensors_close(tensors);
    return status;
}

void ll_tensors_close(ll_tensors **tensors) {
    ll_tensors *t = *tensors;
    if (!t) return;
    llmcs_allocator a = t->allocator;
    for (size_t i = 0; i < t->n_shards; i++) {
        ll_file_close(&t->shards[i].file);
        ll_free(&a, t->shards[i].path);
    }
    ll_free(&a, t->shards);
    ll_free(&a, t->by_name);
    ll_tensor_list_free(&t->list);
    ll_free(&a, t);
    *tensors = NULL;
}

bool ll_tensors_would_replace(const ll_tensors *t, const char *path) {
    for (size_t i = 0; i < t->n_shards; i++)
        if (ll_folder_would_replace(path, t->shards[i].path)) return true;
    return false;
}

llmcs_status ll_tensors_check_unchanged(const ll_tensors *t) {
    for (size_t i = 0; i < t->n_shards; i++) LL_TRY(ll_file_check_unchanged(file_of(&t->shards[i])));
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------------------------- data */

/* n bytes of the tensor's data, from the file or its mapping. */
static llmcs_status read_bytes(const ll_tensors *t, const ll_tensor *tensor, uint64_t first, size_t n, void *out) {
    const ll_file *file = file_of(&t->shards[tensor->file]);
    if (!file->map) return ll_file_read(file, tensor->offset + first, out, n);
    memcpy(out, file->map + tensor->offset + first, n);
    return LLMCS_OK;
}

llmcs_status ll_tensors_read_raw(const ll_tensors *t, const ll_tensor *tensor, uint64_t first_byte, size_t n_bytes,
                                 void *out) {
    if (first_byte > tensor->n_bytes || n_bytes > tensor->n_bytes - first_byte)
        return ll_fail(LLMCS_ARG, "%s: tensor \"%.80s\": bytes %llu to %llu of %llu", ll_tensors_path(t, tensor),
                       tensor->name, (unsigned long long)first_byte, (unsigned long long)(first_byte + n_bytes),
                       (unsigned long long)tensor->n_bytes);
    return n_bytes ? read_bytes(t, tensor, first_byte, n_bytes, out) : LLMCS_OK;
}

/* float64 is wider than float32, so it is converted through a buffer. */
static llmcs_status read_f64(const ll_tensors *t, const ll_tensor *tensor, uint64_t first, size_t n, float *out) {
    unsigned char raw[8 * F64_AT_ONCE];
    for (size_t done = 0; done < n; done += F64_AT_ONCE) {
        const size_t part = ll_min(F64_AT_ONCE, n - done);
        LL_TRY(read_bytes(t, tensor, 8 * (first + done), 8 * part, raw));
        ll_convert_to_f32(LL_DTYPE_F64, raw, part, out + done);
    }
    return LLMCS_OK;
}

/* Converts whole blocks. The raw bytes are read to the end of `out` and converted from there to its start. */
static llmcs_status read_blocks(const ll_tensors *t, const ll_tensor *tensor, uint64_t first_block, size_t n_blocks,
                                float *out) {
    const ll_file *file = file_of(&t->shards[tensor->file]);
    ll_dtype_block block = ll_dtype_block_of(tensor->dtype);
    size_t n = n_blocks * block.elements, n_bytes = n_blocks * block.bytes;
    const unsigned char *raw = (unsigned char *)out + (n * sizeof *out - n_bytes);
    if (file->map)
        raw = file->map + tensor->offset + first_block * block.bytes;
    else
        LL_TRY(ll_file_read(file, tensor->offset + first_block * block.bytes, (void *)(uintptr_t)raw, n_bytes));
    ll_convert_to_f32(tensor->dtype, raw, n, out);
    return LLMCS_OK;
}

/* n elements from `skip` on of one block. */
static llmcs_status read_part(const ll_tensors *t, const ll_tensor *tensor, uint64_t block, size_t skip, size_t n,
                              float *out) {
    float whole[LL_MAX_BLOCK_ELEMENTS];
    LL_TRY(read_blocks(t, tensor, block, 1, whole));
    memcpy(out, whole + skip, n * sizeof *out);
    return LLMCS_OK;
}

/* As they are stored. */
static llmcs_status read_stored(const ll_tensors *t, const ll_tensor *tensor, uint64_t first, size_t n, float *out) {
    ll_dtype_block block = ll_dtype_block_of(tensor->dtype);
    if (!block.bytes)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: tensor \"%.80s\": %s is not read, only " LL_DTYPE_NAMES,
                       ll_tensors_path(t, tensor), tensor->name, tensor->dtype_name);
    if (first > tensor->n_elements || n > tensor->n_elements - first)
        return ll_fail(LLMCS_ARG, "%s: tensor \"%.80s\": elements %llu to %llu of %llu", ll_tensors_path(t, tensor),
                       tensor->name, (unsigned long long)first, (unsigned long long)(first + n),
                       (unsigned long long)tensor->n_elements);
    if (tensor->dtype == LL_DTYPE_F64) return read_f64(t, tensor, first, n, out);
    size_t skip = (size_t)(first % block.elements), head = skip ? ll_min(block.elements - skip, n) : 0;
    size_t n_whole = (n - head) / block.elements, tail = (n - head) % block.elements;
    uint64_t at = first / block.elements;
    if (head) LL_TRY(read_part(t, tensor, at++, skip, head, out));
    if (n_whole) LL_TRY(read_blocks(t, tensor, at, n_whole, out + head));
    return tail ? read_part(t, tensor, at + n_whole, 0, tail, out + head + n_whole * block.elements) : LLMCS_OK;
}

static llmcs_status check_replacement(const ll_tensor_change *c, const float *values, uint64_t first, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return ll_fail(LLMCS_FORMAT, "%s: tensor \"%.80s\": element %llu is not a finite number",
                           ll_tensors_path(c->other, c->replacement), c->replacement->name,
                           (unsigned long long)(first + i));
    return LLMCS_OK;
}

llmcs_status ll_tensors_read_f32(const ll_tensors *t, const ll_tensor *tensor, uint64_t first, size_t n, float *out) {
    const ll_tensor_change *c = tensor->change;
    if (!c) return read_stored(t, tensor, first, n, out);
    LL_TRY(c->replacement ? read_stored(c->other, c->replacement, first, n, out)
                          : read_stored(t, tensor, first, n, out));
    if (c->replacement) LL_TRY(check_replacement(c, out, first, n));
    if (c->products) ll_tensor_products_add(c->products, tensor->shape[tensor->rank - 1], first, n, out);
    return LLMCS_OK;
}
