/*
 * Growth of column memory. From 256 KB on a buffer is a mapping that the kernel extends or moves
 * without a copy. The heap would copy it at each step and keep the holes (the replica holds heap
 * memory back from the kernel for the Kafka library's sake).
 */
#include "worker/replica/block/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    BYTES_FIRST = 1024,
    MAP_FROM_BYTES = 256 * 1024, /* a capacity from here on is a mapping of its own */
    MAP_STEP_SHARE = 4,          /* a mapping grows by this share of itself */
    PAGE_BYTES = 4096,
};

static bool is_mapped(size_t capacity)
{
    return capacity >= MAP_FROM_BYTES;
}

/* All new pages in one call instead of a fault for each. */
static void populate(uint8_t *at, size_t from, size_t to)
{
    size_t first = (from + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    if (first < to) {
        (void)madvise(at + first, to - first, MADV_POPULATE_WRITE); /* unknown before Linux 5.14 */
    }
}

static uint8_t *map_grow(const struct bytes *b, size_t wanted)
{
    size_t total = wanted + BYTES_SLACK;
    if (is_mapped(b->capacity)) {
        size_t before = b->capacity + BYTES_SLACK;
        void *at = mremap(b->at, before, total, MREMAP_MAYMOVE);
        if (at == MAP_FAILED) {
            return NULL;
        }
        populate(at, before, total);
        return at;
    }
    void *at = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        return NULL;
    }
    populate(at, 0, total);
    if (b->len > 0) {
        memcpy(at, b->at, b->len);
    }
    free(b->at);
    return at;
}

/* At least this much, without the slack; mappings end with a page. */
static size_t next_capacity(const struct bytes *b, size_t least)
{
    size_t wanted = b->capacity < BYTES_FIRST ? BYTES_FIRST : b->capacity * 2;
    if (is_mapped(b->capacity)) {
        wanted = b->capacity + b->capacity / MAP_STEP_SHARE;
    }
    if (wanted < least) {
        wanted = least;
    }
    if (!is_mapped(wanted)) {
        return wanted;
    }
    return (wanted + BYTES_SLACK + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES - BYTES_SLACK;
}

bool bytes_grow(struct bytes *b, size_t extra)
{
    assert(b->len <= b->capacity);
    if (extra > BYTES_MAX || b->len + extra > BYTES_MAX) {
        return false;
    }
    size_t wanted = next_capacity(b, b->len + extra);
    uint8_t *at = is_mapped(wanted) ? map_grow(b, wanted) : realloc(b->at, wanted + BYTES_SLACK);
    if (at == NULL) {
        return false;
    }
    b->at = at;
    b->capacity = wanted;
    return true;
}

void bytes_done(struct bytes *b)
{
    if (is_mapped(b->capacity)) {
        int failed = munmap(b->at, b->capacity + BYTES_SLACK);
        assert(failed == 0);
        (void)failed; /* asserted: it is a mapping of ours */
    } else {
        free(b->at);
    }
    *b = (struct bytes){0};
}

void bytes_reset(struct bytes *b, size_t keep_bytes)
{
    if (b->capacity > keep_bytes) {
        bytes_done(b);
    }
    b->len = 0;
}
