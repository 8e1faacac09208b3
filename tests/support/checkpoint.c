#include "support/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"
#include "support/suite.h"

/* --------------------------------------------------------------------------------------------------- reading */

static char *read_all(const char *folder, const char *name, size_t *len) {
    char path[512], *data;
    llmcs_allocator a = ll_allocator_default();
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(!ll_file_read_all(&a, path, (size_t)1 << 30, &data, len), "%s", llmcs_error_message());
    return data;
}

static stored_tensor *append(checkpoint *c, const char *name, size_t name_bytes) {
    if (c->n_tensors == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 64;
        c->tensors = realloc(c->tensors, c->capacity * sizeof *c->tensors);
        ck_assert_ptr_nonnull(c->tensors);
    }
    stored_tensor *t = &c->tensors[c->n_tensors++];
    memset(t, 0, sizeof *t);
    ck_assert_uint_lt(name_bytes, sizeof t->name);
    memcpy(t->name, name, name_bytes);
    return t;
}

static void *copy_bytes(const void *from, size_t n) {
    void *to = malloc(n ? n : 1);
    ck_assert_ptr_nonnull(to);
    if (n) memcpy(to, from, n);
    return to;
}

static void read_tensor(checkpoint *c, ll_json member, const char *data) {
    size_t len;
    const char *name = ll_json_key(member, &len);
    if (len == 12 && memcmp(name, "__metadata__", 12) == 0) return;
    stored_tensor *t = append(c, name, len);
    const char *dtype = ll_json_string(ll_json_get(member, "dtype"), &len);
    memcpy(t->dtype, dtype, len);
    for (ll_json v = ll_json_first(ll_json_get(member, "shape")); ll_json_get_type(v); v = ll_json_next(v)) {
        ck_assert_int_lt(t->rank, 4);
        ck_assert(ll_json_uint64(v, &t->shape[t->rank++]));
    }
    uint64_t from, to;
    ll_json begin = ll_json_first(ll_json_get(member, "data_offsets"));
    ck_assert(ll_json_uint64(begin, &from) && ll_json_uint64(ll_json_next(begin), &to));
    t->n_bytes = (size_t)(to - from);
    t->data = copy_bytes(data + from, t->n_bytes);
}

checkpoint *checkpoint_read(const char *folder) {
    checkpoint *c = calloc(1, sizeof *c);
    ck_assert_ptr_nonnull(c);
    llmcs_allocator a = ll_allocator_default();
    size_t len, header_bytes = 0;
    c->config = read_all(folder, "config.json", &len);
    char *file = read_all(folder, "model.safetensors", &len);
    for (int i = 7; i >= 0; i--) header_bytes = header_bytes << 8 | (unsigned char)file[i];
    ll_json_doc *doc;
    ck_assert_int_eq(ll_json_parse(&a, "header", file + 8, header_bytes, 8, &doc), LLMCS_OK);
    for (ll_json m = ll_json_first(ll_json_root(doc)); ll_json_get_type(m); m = ll_json_next(m))
        read_tensor(c, m, file + 8 + header_bytes);
    ll_json_free(&doc);
    ll_free(&a, file);
    return c;
}

void checkpoint_free(checkpoint *c) {
    for (size_t i = 0; i < c->n_tensors; i++) free(c->tensors[i].data);
    free(c->tensors);
    free(c->config);
    free(c);
}

/* -------------------------------------------------------------------------------------------------- changing */

stored_tensor *checkpoint_find(checkpoint *c, const char *name) {
    for (size_t i = 0; i < c->n_tensors; i++)
        if (strcmp(c->tensors[i].name, name) == 0) return &c->tensors[i];
    return NULL;
}

void checkpoint_remove(checkpoint *c, const char *name) {
    stored_tensor *t = checkpoint_find(c, name);
    ck_assert_msg(t != NULL, "no tensor %s", name);
    free(t->data);
    *t = c->tensors[--c->n_tensors];
}

stored_tensor *checkpoint_add_f32(checkpoint *c, const char *name, int rank, const uint64_t *shape, const float *data) {
    stored_tensor *t = append(c, name, strlen(name));
    strcpy(t->dtype, "F32");
    t->rank = rank;
    t->n_bytes = sizeof(float);
    for (int i = 0; i < rank; i++) {
        t->shape[i] = shape[i];
        t->n_bytes *= (size_t)shape[i];
    }
    t->data = copy_bytes(data, t->n_bytes);
    return t;
}

float *checkpoint_f32(checkpoint *c, const char *name) {
    stored_tensor *t = checkpoint_find(c, name);
    ck_assert_msg(t && strcmp(t->dtype, "F32") == 0, "no float32 tensor %s", name);
    return (float *)(void *)t->data;
}

void checkpoint_drop_prefix(checkpoint *c, const char *prefix) {
    size_t n = strlen(prefix);
    for (size_t i = 0; i < c->n_tensors; i++) {
        char *name = c->tensors[i].name;
        if (strncmp(name, prefix, n) == 0) memmove(name, name + n, strlen(name + n) + 1);
    }
}

void checkpoint_set(checkpoint *c, const char *key, const char *json_value) {
    char quoted[128];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    char *at = strstr(c->config, quoted), *rest = strchr(c->config, '{') + 1;
    size_t head = (size_t)(rest - c->config);
    const char *comma = ",";
    if (at) { /* the old value goes: a list of them, or what stands on the line */
        char *value = at + strlen(quoted) + strspn(at + strlen(quoted), " ");
        head = (size_t)(at - c->config);
        rest = *value == '['   ? strchr(value, ']') + 1
               : *value == '{' ? strchr(value, '}') + 1
                               : value + strcspn(value, ",\n");
        comma = "";
    }
    size_t size = strlen(c->config) + strlen(quoted) + strlen(json_value) + 8;
    char *fresh = malloc(size);
    ck_assert_ptr_nonnull(fresh);
    snprintf(fresh, size, "%.*s%s %s%s%s", (int)head, c->config, quoted, json_value, comma, rest);
    free(c->config);
    c->config = fresh;
}

/* --------------------------------------------------------------------------------------------------- writing */

/* Tensors i of shard i % n_shards. */
static void write_shard(const checkpoint *c, const char *folder, const char *name, size_t shard, size_t n_shards) {
    char path[512], *header = NULL;
    size_t header_bytes, offset = 0;
    FILE *h = open_memstream(&header, &header_bytes);
    fputc('{', h);
    for (size_t i = shard, n = 0; i < c->n_tensors; i += n_shards, n++) {
        const stored_tensor *t = &c->tensors[i];
        fprintf(h, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", n ? "," : "", t->name, t->dtype);
        for (int d = 0; d < t->rank; d++) fprintf(h, "%s%llu", d ? "," : "", (unsigned long long)t->shape[d]);
        fprintf(h, "],\"data_offsets\":[%zu,%zu]}", offset, offset + t->n_bytes);
        offset += t->n_bytes;
    }
    fputc('}', h);
    fclose(h);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < 8; i++) fputc((int)((uint64_t)header_bytes >> (8 * i) & 255), f);
    fwrite(header, 1, header_bytes, f);
    for (size_t i = shard; i < c->n_tensors; i += n_shards) fwrite(c->tensors[i].data, 1, c->tensors[i].n_bytes, f);
    ck_assert_int_eq(fclose(f), 0);
    free(header);
}

void checkpoint_write(const checkpoint *c, const char *folder, size_t n_shards) {
    temp_write_text(folder, "config.json", c->config);
    if (n_shards <= 1) {
        write_shard(c, folder, "model.safetensors", 0, 1);
        return;
    }
    char name[64], *index = NULL;
    size_t index_bytes;
    FILE *f = open_memstream(&index, &index_bytes);
    fputs("{\"metadata\":{},\"weight_map\":{", f);
    for (size_t i = 0; i < c->n_tensors; i++)
        fprintf(f, "%s\"%s\":\"model-%05zu-of-%05zu.safetensors\"", i ? "," : "", c->tensors[i].name, i % n_shards + 1,
                n_shards);
    fputs("}}", f);
    fclose(f);
    temp_write_text(folder, "model.safetensors.index.json", index);
    free(index);
    for (size_t i = 0; i < n_shards; i++) {
        snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, n_shards);
        write_shard(c, folder, name, i, n_shards);
    }
}
