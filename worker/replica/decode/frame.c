/* Five bytes before the body. */
#include "worker/replica/decode/frame.h"

struct frame frame_read(const uint8_t *bytes, size_t len)
{
    struct frame frame = {.body = bytes, .body_bytes = len};
    if (len < FRAME_HEAD_BYTES || bytes[0] != 0) {
        return frame;
    }
    frame.is_framed = true;
    frame.id = (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 |
               (uint32_t)bytes[4];
    frame.body = bytes + FRAME_HEAD_BYTES;
    frame.body_bytes = len - FRAME_HEAD_BYTES;
    return frame;
}
