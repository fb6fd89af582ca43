#ifndef WORKER_REPLICA_DECODE_RECORD_H
#define WORKER_REPLICA_DECODE_RECORD_H

/*
 * One Kafka record as the decode room sees it: spans into memory that the source owns, no type of
 * the Kafka library. Everything is borrowed and only has to live during the call it is given to.
 */

#include <stddef.h>
#include <stdint.h>

struct record_header {
    const char *name; /* borrowed */
    size_t name_bytes;
    const uint8_t *value; /* borrowed; NULL = null */
    size_t value_bytes;
};

struct record {
    const char *topic; /* borrowed, zero-terminated */
    size_t topic_bytes;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* since 1970 UTC; -1 = the record has none */
    const uint8_t *key;   /* NULL = null key */
    size_t key_bytes;
    const uint8_t *value; /* NULL = tombstone */
    size_t value_bytes;
    /*
     * Headers are asked for only when a column or an error row needs them. Writes at most
     * headers_max of them, in order, and returns how many there are. NULL = the record has none.
     */
    size_t (*read_headers)(
        const struct record *record, struct record_header *ret_headers, size_t headers_max);
    const void *source; /* for read_headers: the owner's message */
};

enum {
    RECORD_HEADERS_MAX = 1024 /* more are dropped */
};

#endif
