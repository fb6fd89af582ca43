#ifndef COMMON_STORE_CERTIFICATES_H
#define COMMON_STORE_CERTIFICATES_H

/*
 * When the certificates of pipes end: read by the api's background work after each change, shown as
 * a warning of the summary, and an event of type `credentials` thirty days before and at the end.
 */

#include <stdbool.h>
#include <stdint.h>

#include "common/store/store.h"

/* Read the certificates of the next pipe that has others than those read last. *ret_more: there
 * was one. ST_UNAVAILABLE, ST_NO_MEMORY, statuses of key_ring_open. */
enum status certificates_read_next(struct store *store, bool *ret_more, struct err *err) MUST_CHECK;

/* Events for what ends soon, or has ended, and was not told yet. ST_UNAVAILABLE. */
enum status certificates_tell(struct store *store, struct err *err) MUST_CHECK;

#endif
