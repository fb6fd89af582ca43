#ifndef COMMON_BASE_LISTEN_H
#define COMMON_BASE_LISTEN_H

/* The listening socket: made here, so that port 0 can be told and a reload can keep it. */

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    LISTEN_TEXT_BYTES = 80
};

struct listener {
    int fd; /* close-on-exec; closed by listen_close */
    bool is_loopback;
    char address[LISTEN_TEXT_BYTES]; /* as bound, e.g. 127.0.0.1:8088 or [::1]:8088 */
};

/* Listen on "host:port" or "[host]:port"; port 0 = any free one. ST_INVALID for a text that is no
 * address, ST_IO if it cannot be bound. */
enum status
listen_open(const char *text, struct listener *ret_listener, struct err *err) MUST_CHECK;

/* Check the text as listen_open would, without binding. ST_INVALID. */
enum status listen_check(const char *text, bool *ret_is_loopback, struct err *err) MUST_CHECK;

/* Close the socket. Safe twice. */
void listen_close(struct listener *listener);

#endif
