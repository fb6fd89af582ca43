#ifndef DEMO_CLICKHOUSE_AUTH_H
#define DEMO_CLICKHOUSE_AUTH_H

/*
 * Who asks. The engine has no users, so the front checks one name and password by itself, given in
 * any of the ways the real server takes: Authorization: Basic, X-ClickHouse-User and -Key, or user=
 * and password= in the URL; not two of them together.
 */

#include <stdbool.h>

#include "common/base/secret.h"

struct auth {
    const char *user;       /* borrowed; "default" when none is configured */
    struct secret password; /* empty: no password */
};

/* What a request brought; NULL where it brought nothing. */
struct auth_claim {
    const char *authorization; /* header */
    const char *header_user;
    const char *header_key;
    const char *url_user;
    const char *url_password;
};

/* True if the claim is the user's; ret_user (size 256) is the name claimed, for the answer. */
enum {
    AUTH_USER_BYTES = 256
};
bool auth_check(
    const struct auth *auth, const struct auth_claim *claim, char ret_user[AUTH_USER_BYTES]);

#endif
