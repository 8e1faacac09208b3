/* The files of SentencePiece's trainer (.model, .spm): a protocol buffer (sentencepiece_model.proto) with the pieces,
 * their scores, and the settings of normalizer and trainer. Written by hand because Debian's readers are C++
 * (libprotobuf-dev, libsentencepiece-dev) or need generated code (libprotobuf-c-dev): eight fields are read. */
#ifndef LL_FORMATS_SENTENCEPIECE_H
#define LL_FORMATS_SENTENCEPIECE_H

#include "formats/tokenizer_files.h"

typedef enum ll_sentencepiece_model { LL_SENTENCEPIECE_UNIGRAM = 1, LL_SENTENCEPIECE_BPE = 2 } ll_sentencepiece_model;

typedef struct ll_sentencepiece {
    const char *path;
    ll_vocab_entry *pieces; /* [n]; ids in order */
    double *scores;         /* [n] */
    uint8_t *types;         /* [n] ll_piece_type */
    size_t n;
    ll_sentencepiece_model model;
    int32_t unk_id;
    ll_step_text unk_piece, unk_surface; /* the unknown token's text in the vocabulary, and its decoded text */
    bool byte_fallback, as_suffix;
    ll_step_text charsmap; /* n 0: none */
    bool dummy_prefix, remove_extra, escape;
} ll_sentencepiece;

/* Parses a file in memory; the result points into it and into the arena. TOKENIZER, with path and byte, for a file of
 * another format, UNSUPPORTED for models of words and characters. */
llmcs_status ll_sentencepiece_read(ll_sentencepiece *m, ll_arena *arena, const ll_spec_file *file);

#endif
