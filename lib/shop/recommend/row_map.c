/* Maps store rows to consecutive numbers. */
#include "shop/recommend/row_map.h"

void shop_row_map_free(shop_row_map *map) {
    shop_free(map->allocator, map->rows);
    shop_free(map->allocator, map->numbers);
    *map = (shop_row_map){.allocator = map->allocator};
}

static size_t find_slot(const int64_t *rows, const uint32_t *numbers, size_t n_slots, int64_t row) {
    uint64_t h = (uint64_t)row * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(h >> 32 ^ h) & (n_slots - 1);
    while (numbers[i] != SHOP_NO_NUMBER && rows[i] != row) i = (i + 1) & (n_slots - 1);
    return i;
}

uint32_t shop_row_map_find(const shop_row_map *map, int64_t row) {
    return map->n_slots ? map->numbers[find_slot(map->rows, map->numbers, map->n_slots, row)] : SHOP_NO_NUMBER;
}

static llmcs_status enlarge(shop_row_map *map) {
    const size_t n = map->n_slots ? 2 * map->n_slots : 256;
    int64_t *rows;
    uint32_t *numbers;
    SHOP_TRY(shop_alloc(map->allocator, n, sizeof *rows, "rows", &rows));
    const llmcs_status status = shop_alloc(map->allocator, n, sizeof *numbers, "rows", &numbers);
    if (status) {
        shop_free(map->allocator, rows);
        return status;
    }
    for (size_t i = 0; i < n; i++) numbers[i] = SHOP_NO_NUMBER;
    for (size_t i = 0; i < map->n_slots; i++) {
        if (map->numbers[i] == SHOP_NO_NUMBER) continue;
        const size_t slot = find_slot(rows, numbers, n, map->rows[i]);
        rows[slot] = map->rows[i];
        numbers[slot] = map->numbers[i];
    }
    shop_free(map->allocator, map->rows);
    shop_free(map->allocator, map->numbers);
    map->rows = rows;
    map->numbers = numbers;
    map->n_slots = n;
    return LLMCS_OK;
}

llmcs_status shop_row_map_put(shop_row_map *map, int64_t row, uint32_t number) {
    if (2 * (map->n + 1) > map->n_slots) SHOP_TRY(enlarge(map));
    const size_t slot = find_slot(map->rows, map->numbers, map->n_slots, row);
    map->n += map->numbers[slot] == SHOP_NO_NUMBER;
    map->rows[slot] = row;
    map->numbers[slot] = number;
    return LLMCS_OK;
}
