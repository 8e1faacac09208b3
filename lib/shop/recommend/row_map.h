/* Maps store rows to numbers 0, 1, 2 ... with a hash table. */
#ifndef SHOP_RECOMMEND_ROW_MAP_H
#define SHOP_RECOMMEND_ROW_MAP_H

#include "shop/base/alloc.h"

#define SHOP_NO_NUMBER UINT32_MAX

typedef struct shop_row_map {
    const llmcs_allocator *allocator;
    int64_t *rows;
    uint32_t *numbers; /* SHOP_NO_NUMBER: free slot */
    size_t n, n_slots;
} shop_row_map;

void shop_row_map_free(shop_row_map *map);
/* Returns SHOP_NO_NUMBER if the row is not found. */
uint32_t shop_row_map_find(const shop_row_map *map, int64_t row);
llmcs_status shop_row_map_put(shop_row_map *map, int64_t row, uint32_t number);

#endif
