/* Making the cell tree, and names of enums by binary search. */
#include "worker/replica/decode/cell.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/number.h"

static int compare_names(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    if (a_bytes != b_bytes) {
        return a_bytes < b_bytes ? -1 : 1;
    }
    return memcmp(a, b, a_bytes);
}

static int compare_members(const void *a, const void *b)
{
    const struct ch_enum_member *left = a;
    const struct ch_enum_member *right = b;
    return compare_names(left->name, left->name_bytes, right->name, right->name_bytes);
}

static enum status init_members(struct cell *cell, struct err *err)
{
    size_t count = cell->type->members_count;
    if (count == 0) {
        return ST_OK;
    }
    cell->members = calloc(count, sizeof(*cell->members));
    if (cell->members == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for an enum");
    }
    memcpy(cell->members, cell->type->members, count * sizeof(*cell->members));
    qsort(cell->members, count, sizeof(*cell->members), compare_members);
    return ST_OK;
}

static enum status init_elements(struct cell *cell, uint32_t *next_id, struct err *err)
{
    if (cell->type->names == NULL) {
        return ST_OK;
    }
    if (cell->children_count > CELL_ELEMENTS_MAX) {
        return err_set(
            err, ST_UNSUPPORTED, "a tuple of more than %d elements is not supported",
            CELL_ELEMENTS_MAX);
    }
    for (size_t i = 0; i < cell->children_count; i++) {
        const char *name = cell->type->names[i];
        struct json_key *key = NULL;
        enum status st = keys_add(&cell->elements, name, strlen(name), &key, err);
        if (st != ST_OK) {
            return st;
        }
        key->index = (uint32_t)i;
        key->cell = cell->children[i];
    }
    return keys_index(&cell->elements, next_id, err);
}

static void set_integer_range(struct cell *cell)
{
    switch (cell->kind) {
    case CH_INT8:
    case CH_INT16:
    case CH_INT32:
    case CH_INT64:
        cell->min_size = 1ULL << (cell->width_bytes * 8 - 1);
        cell->max = cell->min_size - 1;
        cell->is_signed = true;
        cell->is_integer = true;
        return;
    case CH_UINT8:
    case CH_UINT16:
    case CH_UINT32:
    case CH_UINT64:
        cell->max = UINT64_MAX >> (64 - cell->width_bytes * 8);
        cell->is_integer = true;
        return;
    case CH_INT128:
    case CH_INT256:
        cell->is_signed = true;
        cell->is_integer = true;
        return;
    case CH_UINT128:
    case CH_UINT256:
        cell->is_integer = true;
        return;
    default: /* no integer */
        return;
    }
}

static enum status init_children(
    struct cell *cell, const struct pipe_settings *settings, uint32_t *next_id, struct err *err)
{
    if (cell->type->children_count == 0) {
        return ST_OK;
    }
    cell->children = calloc(cell->type->children_count, sizeof(struct cell *));
    if (cell->children == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    for (; cell->children_count < cell->type->children_count; cell->children_count++) {
        enum status st = cell_new(
            cell->type->children[cell->children_count], settings, next_id,
            &cell->children[cell->children_count], err);
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

/* Where a text is tried: the stricter the shape, the sooner. 0 = no text fills it. */
static unsigned text_rank(const struct ch_type *type)
{
    switch (type->kind) {
    case CH_DATE:
    case CH_DATE32:
    case CH_DATETIME:
    case CH_DATETIME64:
        return 1;
    case CH_TIME:
    case CH_TIME64:
        return 2;
    case CH_UUID:
        return 3;
    case CH_IPV4:
        return 4;
    case CH_IPV6:
        return 5;
    case CH_ENUM8:
    case CH_ENUM16:
        return 6;
    case CH_STRING:
    case CH_FIXED_STRING:
        return 7;
    default: /* numbers and containers */
        return 0;
    }
}

/* ch_type_check_json has seen to it that no two alternatives want one place. */
static void init_choice(struct cell *cell)
{
    uint8_t by_rank[CELL_TEXTS_MAX];
    memset(by_rank, COLUMN_NO_ALTERNATIVE, sizeof(by_rank));
    struct cell_choice *choice = &cell->choice;
    *choice = (struct cell_choice){
        COLUMN_NO_ALTERNATIVE, COLUMN_NO_ALTERNATIVE, COLUMN_NO_ALTERNATIVE, 0, {0}};
    for (size_t i = 0; i < cell->children_count; i++) {
        assert(cell->children[i] != NULL);
        const struct ch_type *type = cell->children[i]->type;
        type = type->kind == CH_LOW_CARDINALITY ? type->children[0] : type;
        if (ch_kind_is_integer(type->kind)) {
            choice->integer = (uint8_t)i;
        } else if (ch_kind_is_fraction(type->kind)) {
            choice->fraction = (uint8_t)i;
        } else if (type->kind == CH_BOOL) {
            choice->truth = (uint8_t)i;
        } else {
            by_rank[text_rank(type)] = (uint8_t)i;
        }
    }
    for (size_t rank = 1; rank < CELL_TEXTS_MAX; rank++) {
        if (by_rank[rank] != COLUMN_NO_ALTERNATIVE) {
            choice->texts[choice->texts_count++] = by_rank[rank];
        }
    }
}

enum status cell_new(
    const struct ch_type *type, const struct pipe_settings *settings, uint32_t *next_id,
    struct cell **ret_cell, struct err *err)
{
    assert(type != NULL && settings != NULL);
    struct cell *cell = calloc(1, sizeof(*cell));
    if (cell == NULL) {
        return err_set(err, ST_NO_MEMORY, "out of memory for a plan");
    }
    cell->type = type->kind == CH_NULLABLE ? type->children[0] : type;
    cell->kind = cell->type->kind;
    cell->null_is_error = settings->null_mode == PIPE_NULL_ERROR;
    cell->overflow = settings->overflow;
    cell->timestamp_unit = settings->timestamp_unit;
    cell->scale = cell->type->scale;
    cell->precision = cell->type->precision;
    cell->width_bytes = cell->type->width_bytes;
    if (cell->kind == CH_DATETIME64 && cell->scale >= 3 && cell->scale <= 6) {
        cell->ms_ticks = (int64_t)NUMBER_POWERS[cell->scale - 3];
    }
    set_integer_range(cell);
    const char *zone = cell->type->timezone;
    enum status st =
        zone == NULL || ch_zone_is_utc(zone) ? ST_OK : zone_load(zone, &cell->zone, err);
    st = st == ST_OK ? init_children(cell, settings, next_id, err) : st;
    st = st == ST_OK ? init_elements(cell, next_id, err) : st;
    st = st == ST_OK ? init_members(cell, err) : st;
    if (st == ST_OK && cell->kind == CH_VARIANT) {
        init_choice(cell);
    }
    if (st != ST_OK) {
        cell_free(cell);
        return st;
    }
    *ret_cell = cell;
    return ST_OK;
}

void cell_free(struct cell *cell)
{
    if (cell == NULL) {
        return;
    }
    for (size_t i = 0; i < cell->children_count; i++) {
        cell_free(cell->children[i]);
    }
    free(cell->children);
    zone_free(cell->zone);
    keys_done(&cell->elements);
    free(cell->members);
    free(cell);
}

bool cell_enum_value(
    const struct cell *cell, const uint8_t *name, size_t name_bytes, int16_t *ret_value)
{
    size_t low = 0;
    size_t high = cell->type->members_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct ch_enum_member *member = &cell->members[middle];
        int order = compare_names(name, name_bytes, member->name, member->name_bytes);
        if (order == 0) {
            *ret_value = member->value;
            return true;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

bool cell_enum_has(const struct cell *cell, int64_t value)
{
    for (size_t i = 0; i < cell->type->members_count; i++) {
        if (cell->type->members[i].value == value) {
            return true;
        }
    }
    return false;
}
