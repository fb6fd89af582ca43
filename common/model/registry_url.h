#ifndef COMMON_MODEL_REGISTRY_URL_H
#define COMMON_MODEL_REGISTRY_URL_H

/*
 * The URL of a schema registry as a user writes it: the registry itself, or one schema of it.
 * Forms: <root>, <root>/schemas/ids/N, <root>/subjects/S and
 * <root>/subjects/S/versions/V, where <root> is http(s)://host[:port][/prefix]; V is a number or
 * "latest"; slashes at the end do not count; percent-encoding stays as it was written.
 */

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum registry_pin {
    REGISTRY_PIN_NONE,    /* the registry alone: every message tells its schema */
    REGISTRY_PIN_ID,      /* one schema by id */
    REGISTRY_PIN_LATEST,  /* the newest version of a subject */
    REGISTRY_PIN_VERSION, /* one version of a subject */
};

struct registry_url {
    enum registry_pin pin;
    char *root;      /* owned; without a slash at the end */
    int32_t id;      /* REGISTRY_PIN_ID */
    char *subject;   /* owned, percent-encoded as written; NULL without one */
    int32_t version; /* REGISTRY_PIN_VERSION */
};

/* ret_url: registry_url_done. ST_INVALID with what is wrong: another scheme, a login in the URL,
 * a query, or a path that begins as one of the forms and does not end as it; ST_NO_MEMORY. */
enum status
registry_url_parse(const char *text, struct registry_url *ret_url, struct err *err) MUST_CHECK;

/* Free. Safe twice and on a zeroed struct. */
void registry_url_done(struct registry_url *url);

#endif
