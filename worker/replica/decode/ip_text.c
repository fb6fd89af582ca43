/* IPv4 by hand, because inet_pton refuses leading zeros that ClickHouse takes; IPv6 by inet_pton.
 */
#include "worker/replica/decode/ip_text.h"

#include <arpa/inet.h>
#include <string.h>

bool ip_read_v4(const uint8_t *text, size_t len, uint32_t *ret_address)
{
    enum {
        PARTS = 4,
        PART_DIGITS = 3,
        PART_MAX = 255,
    };
    const uint8_t *at = text;
    const uint8_t *end = text + len;
    uint32_t address = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        if (i > 0 && (at == end || *at++ != '.')) {
            return false;
        }
        unsigned count = 0;
        uint32_t part = 0;
        for (; at < end && count < PART_DIGITS && *at >= '0' && *at <= '9'; at++, count++) {
            part = part * 10 + (uint32_t)(*at - '0');
        }
        if (count == 0 || part > PART_MAX) {
            return false;
        }
        address = address << 8 | part;
    }
    *ret_address = address;
    return at == end;
}

bool ip_read_v6(const uint8_t *text, size_t len, uint8_t *ret_bytes)
{
    static const uint8_t MAPPED[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char copy[INET6_ADDRSTRLEN];
    if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, ret_bytes + sizeof(MAPPED)) == 1) {
        memcpy(ret_bytes, MAPPED, sizeof(MAPPED));
        return true;
    }
    return inet_pton(AF_INET6, copy, ret_bytes) == 1;
}
