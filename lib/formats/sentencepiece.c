/* A bounded reader of protocol buffers: two levels deep, every length is checked against the message around it,
 * unknown fields are stepped over. */
#include "formats/sentencepiece.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "formats/bytes.h"

/* ----------------------------------------------------------------------------------------- protocol buffers */

typedef struct message {
    const ll_spec_file *file;
    size_t at, end;
} message;

typedef struct field {
    uint32_t number;
    unsigned wire; /* 0 varint, 1 eight bytes, 2 a length and bytes, 5 four bytes */
    size_t offset; /* where it begins, for messages */
    uint64_t value;
    message bytes; /* of wire 2 */
} field;

static llmcs_status fail_at(const message *m, size_t at, const char *problem) {
    return ll_fail(LLMCS_TOKENIZER, "%s, byte %zu: %s: not a SentencePiece model, or damaged", m->file->path, at,
                   problem);
}

static bool read_varint(message *m, uint64_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 64 && m->at < m->end; shift += 7) {
        const unsigned char byte = (unsigned char)m->file->data[m->at++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

/* Takes n bytes of the message; false: it has fewer. */
static bool take(message *m, uint64_t n, size_t *begin) {
    if (n > m->end - m->at) return false;
    *begin = m->at;
    m->at += (size_t)n;
    return true;
}

/* The next field; *any false: the message is at its end. */
static llmcs_status next_field(message *m, field *f, bool *any) {
    uint64_t key, n;
    size_t begin = m->at;
    *any = m->at < m->end;
    if (!*any) return LLMCS_OK;
    *f = (field){.offset = m->at};
    if (!read_varint(m, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX)
        return fail_at(m, f->offset, "bad field number");
    f->number = (uint32_t)(key >> 3);
    f->wire = (unsigned)(key & 7);
    const unsigned char *data = (const unsigned char *)m->file->data;
    switch (f->wire) {
        case 0:
            if (!read_varint(m, &f->value)) return fail_at(m, f->offset, "a number that does not end");
            return LLMCS_OK;
        case 1:
            if (!take(m, 8, &begin)) return fail_at(m, f->offset, "8 bytes are expected, fewer are left");
            f->value = ll_load_u64(data + begin);
            return LLMCS_OK;
        case 2:
            if (!read_varint(m, &n) || !take(m, n, &begin))
                return fail_at(m, f->offset, "a length beyond the end of its message");
            f->bytes = (message){m->file, begin, m->at};
            return LLMCS_OK;
        case 5:
            if (!take(m, 4, &begin)) return fail_at(m, f->offset, "4 bytes are expected, fewer are left");
            f->value = ll_load_u32(data + begin);
            return LLMCS_OK;
        default:
            return fail_at(m, f->offset, "unknown type of field");
    }
}

static llmcs_status expect_wire(const message *m, const field *f, unsigned wire) {
    return f->wire == wire ? LLMCS_OK : fail_at(m, f->offset, "a field of another type than expected");
}

static llmcs_status read_text(const message *m, const field *f, ll_step_text *out) {
    LL_TRY(expect_wire(m, f, 2));
    const size_t n = f->bytes.end - f->bytes.at;
    if (n > INT32_MAX) return fail_at(m, f->offset, "a text that is too long");
    *out = (ll_step_text){m->file->data + f->bytes.at, (uint32_t)n};
    return LLMCS_OK;
}

static llmcs_status read_bool(const message *m, const field *f, bool *out) {
    LL_TRY(expect_wire(m, f, 0));
    *out = f->value != 0;
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------------------------- pieces */

static llmcs_status count_pieces(message m, size_t *n) {
    field f;
    bool any;
    *n = 0;
    for (;;) {
        LL_TRY(next_field(&m, &f, &any));
        if (!any) return LLMCS_OK;
        *n += f.number == 1;
    }
}

static llmcs_status read_piece(ll_sentencepiece *s, message m) {
    const size_t begin = m.at;
    ll_step_text text = {NULL, 0};
    float score = 0;
    uint64_t type = LL_PIECE_NORMAL;
    field f;
    bool any;
    for (;;) {
        LL_TRY(next_field(&m, &f, &any));
        if (!any) break;
        if (f.number == 1) LL_TRY(read_text(&m, &f, &text));
        if (f.number == 2) {
            LL_TRY(expect_wire(&m, &f, 5));
            const uint32_t bits = (uint32_t)f.value;
            memcpy(&score, &bits, sizeof score);
        }
        if (f.number == 3) {
            LL_TRY(expect_wire(&m, &f, 0));
            type = f.value;
        }
    }
    if (!text.n || !ll_utf8_valid(text.at, text.n)) return fail_at(&m, begin, "a piece without a text in UTF-8");
    if (!isfinite(score))
        return ll_fail(LLMCS_TOKENIZER, "%s, byte %zu: the score of piece %zu \"%.*s\" is not a finite number", s->path,
                       begin, s->n, (int)ll_min(text.n, 60), text.at);
    if (type < LL_PIECE_NORMAL || type > LL_PIECE_BYTE) return fail_at(&m, begin, "a piece of unknown type");
    s->pieces[s->n] = (ll_vocab_entry){text.at, text.n, (int32_t)s->n};
    s->scores[s->n] = (double)score;
    s->types[s->n] = (uint8_t)type;
    s->n++;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- settings */

/* TrainerSpec: 3 model_type, 24 treat_whitespace_as_suffix, 35 byte_fallback, 40 unk_id, 44 unk_surface, 45 unk_piece.
 */
static llmcs_status read_trainer(ll_sentencepiece *s, message m) {
    field f;
    bool any;
    for (;;) {
        LL_TRY(next_field(&m, &f, &any));
        if (!any) return LLMCS_OK;
        if (f.number == 24) LL_TRY(read_bool(&m, &f, &s->as_suffix));
        if (f.number == 35) LL_TRY(read_bool(&m, &f, &s->byte_fallback));
        if (f.number == 44) LL_TRY(read_text(&m, &f, &s->unk_surface));
        if (f.number == 45) LL_TRY(read_text(&m, &f, &s->unk_piece));
        if (f.number != 3 && f.number != 40) continue;
        LL_TRY(expect_wire(&m, &f, 0));
        if (f.number == 40) s->unk_id = f.value <= INT32_MAX ? (int32_t)f.value : -1;
        if (f.number == 40) continue;
        if (f.value != LL_SENTENCEPIECE_UNIGRAM && f.value != LL_SENTENCEPIECE_BPE)
            return ll_fail(LLMCS_UNSUPPORTED,
                           "%s: model_type is %llu: models of words and characters are not supported, only unigram (1) "
                           "and bpe (2)",
                           s->path, (unsigned long long)f.value);
        s->model = (ll_sentencepiece_model)f.value;
    }
}

/* NormalizerSpec: 2 precompiled_charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces, 5 escape_whitespaces. */
static llmcs_status read_normalizer(ll_sentencepiece *s, message m) {
    field f;
    bool any;
    for (;;) {
        LL_TRY(next_field(&m, &f, &any));
        if (!any) return LLMCS_OK;
        if (f.number == 2) LL_TRY(read_text(&m, &f, &s->charsmap));
        if (f.number == 3) LL_TRY(read_bool(&m, &f, &s->dummy_prefix));
        if (f.number == 4) LL_TRY(read_bool(&m, &f, &s->remove_extra));
        if (f.number == 5) LL_TRY(read_bool(&m, &f, &s->escape));
    }
}

/* ModelProto: 1 pieces, 2 trainer_spec, 3 normalizer_spec. */
static llmcs_status read_model(ll_sentencepiece *s, message m) {
    field f;
    bool any;
    for (;;) {
        LL_TRY(next_field(&m, &f, &any));
        if (!any) return LLMCS_OK;
        if (f.number < 1 || f.number > 3) continue;
        LL_TRY(expect_wire(&m, &f, 2));
        if (f.number == 1) LL_TRY(read_piece(s, f.bytes));
        if (f.number == 2) LL_TRY(read_trainer(s, f.bytes));
        if (f.number == 3) LL_TRY(read_normalizer(s, f.bytes));
    }
}

llmcs_status ll_sentencepiece_read(ll_sentencepiece *s, ll_arena *arena, const ll_spec_file *file) {
    const message all = {file, 0, file->data_bytes};
    size_t n;
    *s = (ll_sentencepiece){.path = file->path,
                            .model = LL_SENTENCEPIECE_UNIGRAM,
                            .unk_piece = {"<unk>", 5},
                            .unk_surface = {" \xe2\x81\x87 ", 5},
                            .dummy_prefix = true,
                            .remove_extra = true,
                            .escape = true};
    LL_TRY(count_pieces(all, &n));
    if (n == 0) return fail_at(&all, 0, "no pieces");
    LL_TRY(ll_arena_alloc(arena, n, sizeof *s->pieces, "pieces", &s->pieces));
    LL_TRY(ll_arena_alloc(arena, n, sizeof *s->scores, "pieces", &s->scores));
    LL_TRY(ll_arena_alloc(arena, n, sizeof *s->types, "pieces", &s->types));
    LL_TRY(read_model(s, all));
    if (s->unk_id < 0 || (size_t)s->unk_id >= s->n)
        return ll_fail(LLMCS_TOKENIZER, "%s: trainer_spec.unk_id is %d, the model has %zu pieces", s->path,
                       (int)s->unk_id, s->n);
    return LLMCS_OK;
}
