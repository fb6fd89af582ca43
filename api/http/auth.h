#ifndef API_HTTP_AUTH_H
#define API_HTTP_AUTH_H

/* HTTP Basic (RFC 7617): user = key id, password = key secret. Who may do what is in the route
 * table; who belongs to which organization is checked by the dispatcher. */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/store/services.h"

enum {
    AUTH_KEY_ID_BYTES = 128,
    AUTH_HEADER_MAX_BYTES = 1024,
};

struct auth_pair {
    char id[AUTH_KEY_ID_BYTES];
    struct secret secret;
};

void auth_pair_done(struct auth_pair *pair);

/* Take id and secret out of an Authorization header (NULL = absent). ret_pair: auth_pair_done.
 * ST_UNAUTHORIZED if it is absent or no Basic credentials; ST_NO_MEMORY. */
enum status
auth_decode_basic(const char *header, struct auth_pair *ret_pair, struct err *err) MUST_CHECK;

/* Who sends this header. ret_key: api_key_row_done. ST_UNAUTHORIZED, ST_UNAVAILABLE (the database
 * is away: never told as a wrong secret), ST_NO_MEMORY. */
enum status auth_check(
    struct store *store, const char *header, struct api_key_row *ret_key,
    struct err *err) MUST_CHECK;

#endif
