/* Cells from one tree of builders to another of the same type: how a block is divided. */
#include <assert.h>

#include "worker/replica/block/column.h"
#include "worker/replica/block/column_parts.h"

/* Byte place of string number `item`; calls with rising numbers cost one walk in all. */
static size_t seek_string(struct column *c, size_t item)
{
    if (item < c->seek_items) {
        column_rewind(c);
    }
    c->seek_bytes = column_string_place(c, c->seek_items, c->seek_bytes, item);
    c->seek_items = item;
    return c->seek_bytes;
}

static bool copy_strings(struct column *c, struct column *source, size_t from, size_t count)
{
    size_t start = seek_string(source, from);
    size_t end = seek_string(source, from + count);
    if (count > 0 && !bytes_add(&c->data, source->data.at + start, end - start)) {
        return false;
    }
    c->strings_count += count;
    return true;
}

static bool copy_keys(struct column *c, const struct column *source, size_t from, size_t count)
{
    const struct dictionary *d = &source->dictionary;
    for (size_t i = from; i < from + count; i++) {
        uint32_t index = 0;
        memcpy(&index, source->data.at + i * source->index_bytes, source->index_bytes);
        uint32_t place = 0;
        if (!d->is_nullable || index > 0) {
            size_t len = 0;
            const uint8_t *key = dictionary_key(d, index, &len);
            if (!dictionary_add(&c->dictionary, key, len, &place)) {
                return false;
            }
        }
        if (!column_add_index(c, place)) {
            return false;
        }
    }
    return true;
}

/* Go to value number `item` of a Variant: seek_counts tell the alternatives' values before it. */
static void seek_variant(struct column *c, size_t item)
{
    if (item < c->seek_items) {
        column_rewind(c);
    }
    for (; c->seek_items < item; c->seek_items++) {
        uint8_t alternative = c->data.at[c->seek_items];
        if (alternative != COLUMN_NO_ALTERNATIVE) {
            c->seek_counts[alternative]++;
        }
    }
}

static bool copy_variant(struct column *c, struct column *source, size_t from, size_t count)
{
    size_t starts[CH_ALTERNATIVES_MAX];
    seek_variant(source, from);
    memcpy(starts, source->seek_counts, c->children_count * sizeof(*starts));
    seek_variant(source, from + count);
    if (count > 0 && !bytes_add(&c->data, source->data.at + from, count)) {
        return false;
    }
    for (size_t i = 0; i < c->children_count; i++) {
        c->counts[i] += source->seek_counts[i] - starts[i]; /* as data: for a rollback */
    }
    for (size_t i = 0; i < c->children_count; i++) {
        size_t values = source->seek_counts[i] - starts[i];
        if (!column_copy(c->children[i], source->children[i], starts[i], values)) {
            return false;
        }
    }
    return true;
}

static bool copy_lists(struct column *c, struct column *source, size_t from, size_t count)
{
    uint64_t first = column_offset_at(source, from);
    uint64_t base = column_offset_at(c, column_items(c));
    for (size_t i = from + 1; i <= from + count; i++) {
        if (!column_add_offset(c, base + column_offset_at(source, i) - first)) {
            return false;
        }
    }
    uint64_t last = column_offset_at(source, from + count);
    for (size_t i = 0; i < c->children_count; i++) {
        if (!column_copy(c->children[i], source->children[i], first, last - first)) {
            return false;
        }
    }
    return true;
}

/* The flags of those values, up to the last one that is set. */
static bool
copy_flags(struct bytes *flags, size_t items, const struct bytes *source, size_t from, size_t count)
{
    if (source->len <= from) {
        return true;
    }
    size_t flags_count = source->len - from < count ? source->len - from : count;
    return column_pad_flags(flags, items) && bytes_add(flags, source->at + from, flags_count);
}

bool column_copy(struct column *c, struct column *source, size_t from, size_t count)
{
    assert(c->kind == source->kind && from + count <= column_items(source));
    size_t items = column_items(c);
    if (!copy_flags(&c->nulls, items, &source->nulls, from, count) ||
        !copy_flags(&c->absent, items, &source->absent, from, count)) {
        return false;
    }
    switch (c->kind) {
    case CH_STRING:
    case CH_JSON:
        return copy_strings(c, source, from, count);
    case CH_VARIANT:
        return copy_variant(c, source, from, count);
    case CH_LOW_CARDINALITY:
        return copy_keys(c, source, from, count);
    case CH_ARRAY:
    case CH_MAP:
        return copy_lists(c, source, from, count);
    case CH_TUPLE:
        for (size_t i = 0; i < c->children_count; i++) {
            if (!column_copy(c->children[i], source->children[i], from, count)) {
                return false;
            }
        }
        return true;
    default: /* fixed width */
        return count == 0 ||
               bytes_add(&c->data, source->data.at + from * c->width_bytes, count * c->width_bytes);
    }
}
