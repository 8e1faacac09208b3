/* The automaton of a word list, and the phrases that its entries belong to. */
#ifndef SHOP_GUARD_WORD_TREE_H
#define SHOP_GUARD_WORD_TREE_H

#include "shop/guard/word_list.h"

enum {
    SHOP_MAX_PARTS = 6,  /* of a phrase */
    SHOP_MAX_ENTRY = 64, /* letters of one part */
    SHOP_MAX_ENTRIES = 200000,
    SHOP_MAX_SECTIONS = 256,
    SHOP_PHRASE_GAP = 40, /* letters that ~ stands for */
    SHOP_HAN_GAP = 12
};
#define SHOP_NONE UINT32_MAX

/* A letter of an entry, and what may precede it. */
typedef struct shop_entry_letter {
    uint32_t code;
    uint16_t run;
    uint8_t gap; /* SOFT: a gap is allowed; STAR: a star is required */
    bool han;
} shop_entry_letter;

/* A literal part: its letters, and its atom. */
typedef struct shop_word_entry {
    uint32_t first, n; /* in list->letters */
    uint32_t atom;
    uint32_t next; /* entry that ends at the same node */
} shop_word_entry;

/* A use of an atom (a literal part or a class) in a phrase. */
typedef struct shop_atom_use {
    uint32_t phrase, part;
    uint32_t next; /* use of the same atom */
} shop_atom_use;

typedef struct shop_phrase {
    uint32_t section; /* SHOP_NONE: an exception */
    uint32_t state;   /* in the scratch; SHOP_NONE: one part */
    uint8_t n_parts;
    uint8_t gaps; /* bit p: ~ precedes part p, else part p follows the previous part directly */
} shop_phrase;

struct shop_phrase_state {
    uint32_t next;        /* next expected part; 0: none found yet */
    uint32_t begin;       /* byte offset of the first part */
    uint32_t first, last; /* letters of the latest part */
    uint32_t sentence;
};

/* A part of a phrase in a text: letters [first, last]. */
struct shop_word_match {
    uint32_t atom, first, last;
};

typedef struct shop_node {
    uint32_t fail;  /* longest proper suffix that is a prefix */
    uint32_t entry; /* first entry that ends here, or SHOP_NONE */
    uint32_t link;  /* nearest node of the fail chain with an entry, or 0 */
    uint32_t first; /* of a child of the root by a letter a to z: 1 to 26; else 0 */
} shop_node;

typedef struct shop_edge {
    uint64_t key; /* node * 2^32 + code; UINT64_MAX: free */
    uint32_t to;
} shop_edge;

typedef struct shop_class {
    char name[SHOP_CATEGORY_BYTES];
    uint32_t atom;
    uint32_t n_members;
    uint32_t line; /* where it was named first */
} shop_class;

struct shop_word_list {
    llmcs_allocator allocator;
    shop_word_section *sections;
    size_t n_sections, section_capacity;
    shop_class *classes;
    size_t n_classes, class_capacity;
    shop_phrase *phrases;
    size_t n_phrases, phrase_capacity;
    size_t n_states; /* phrases of several parts */
    shop_entry_letter *letters;
    size_t n_letters, letter_capacity;
    shop_word_entry *entries;
    size_t n_entries, entry_capacity;
    uint32_t *atoms; /* first use of each */
    size_t n_atoms, atom_capacity;
    shop_atom_use *uses;
    size_t n_uses, use_capacity;
    shop_node *nodes; /* node 0 is the root */
    size_t n_nodes, node_capacity;
    shop_edge *edges; /* a hash table */
    size_t edge_mask;
    uint32_t root[128];     /* children of the root by ASCII letters */
    uint32_t pairs[26][26]; /* and their children by a to z: most steps in English need no hash table */
};

/* Builds the automaton of all entries. */
llmcs_status shop_word_tree_build(shop_word_list *list);
/* The child of a node, or 0. */
uint32_t shop_word_tree_child(const shop_word_list *list, uint32_t node, uint32_t code);

#endif
