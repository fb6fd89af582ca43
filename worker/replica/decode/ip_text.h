#ifndef WORKER_REPLICA_DECODE_IP_TEXT_H
#define WORKER_REPLICA_DECODE_IP_TEXT_H

/* IP addresses from text, as ClickHouse's own reader takes them. The whole text must be one. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IPV6_BYTES = 16
};

/* Four numbers up to 255 of one to three digits (zeros may lead). ret_address: host order. */
bool ip_read_v4(const uint8_t *text, size_t len, uint32_t *ret_address);

/* RFC 4291 section 2.2 without zone ids, or an IPv4 address, which is mapped (::ffff:1.2.3.4);
 * no zeros in front of the parts of either.
 * ret_bytes: IPV6_BYTES in network order. */
bool ip_read_v6(const uint8_t *text, size_t len, uint8_t *ret_bytes);

#endif
