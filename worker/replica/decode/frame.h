#ifndef WORKER_REPLICA_DECODE_FRAME_H
#define WORKER_REPLICA_DECODE_FRAME_H

/*
 * The framing of Confluent's serializers: a zero byte, the schema's id as four bytes, big-endian,
 * then the body (docs.confluent.io, "Wire format"). Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_HEAD_BYTES = 5
};

struct frame {
    bool is_framed;
    uint32_t id;         /* 0 if not framed */
    const uint8_t *body; /* borrowed; all bytes if not framed */
    size_t body_bytes;
};

/* Five bytes or more with a zero first are framed. bytes may be NULL if len is 0. */
struct frame frame_read(const uint8_t *bytes, size_t len);

#endif
