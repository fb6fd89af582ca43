#ifndef API_CERTIFICATE_WATCH_H
#define API_CERTIFICATE_WATCH_H

#include <stdbool.h>

#include "common/base/attr.h"
#include "common/base/err.h"

struct http_client;
struct store;

/* A chore (background.h): the certificates of one pipe, and when none is unread the events for
 * those that end. *ret_more: there was one. ST_UNAVAILABLE, ST_NO_MEMORY. */
enum status certificate_watch_next(
    struct store *store, struct http_client *client, bool *ret_more, struct err *err) MUST_CHECK;

#endif
