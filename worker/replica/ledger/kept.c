/* A plain list: it is looked through once per partition and rebalance. */
#include "worker/replica/ledger/kept.h"

#include <stdlib.h>
#include <string.h>

void kept_reset(struct kept *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        free(kept->items[i].topic);
    }
    free(kept->items);
    *kept = (struct kept){.count = 0};
}

enum status kept_add(struct kept *kept, const char *topic, int32_t partition, int64_t offset)
{
    struct kept_item *items = reallocarray(kept->items, kept->count + 1, sizeof(*items));
    if (items == NULL) {
        return ST_NO_MEMORY;
    }
    kept->items = items;
    char *copy = strdup(topic);
    if (copy == NULL) {
        return ST_NO_MEMORY;
    }
    items[kept->count++] =
        (struct kept_item){.topic = copy, .partition = partition, .offset = offset};
    return ST_OK;
}

int64_t kept_later(const struct kept *kept, const char *topic, int32_t partition, int64_t committed)
{
    if (committed < 0) {
        return committed;
    }
    for (size_t i = 0; i < kept->count; i++) {
        const struct kept_item *item = &kept->items[i];
        if (item->partition == partition && strcmp(item->topic, topic) == 0) {
            return item->offset > committed ? item->offset : committed;
        }
    }
    return committed;
}
