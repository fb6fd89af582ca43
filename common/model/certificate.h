#ifndef COMMON_MODEL_CERTIFICATE_H
#define COMMON_MODEL_CERTIFICATE_H

/* When the certificates of a pipe end. The only file that reads X.509. */

#include <jansson.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum certificate_pick {
    CERTIFICATE_FIRST,  /* of a chain: the client's own */
    CERTIFICATE_LATEST, /* of a list of CAs: what ends last, as older ones may be there for others
                         */
};

/* The end of validity of a certificate in a PEM text; seconds since 1970 UTC. ST_INVALID if it has
 * none that can be read. */
enum status
certificate_end(const char *pem, enum certificate_pick pick, int64_t *ret_end_s) MUST_CHECK;

/* What OpenSSL's verification code (X509_V_ERR_…) means, e.g. "certificate has expired". Static
 * memory. */
const char *certificate_problem(int code);

/* The certificate of a pipe that ends first. name: what it is, for a sentence; static memory, NULL
 * if the pipe has none that can be read. */
struct certificate_soonest {
    const char *name;
    int64_t end_s;
};

/* definition, secrets (may be NULL): as stored. Looks at the client's certificate, and at the CAs
 * for the brokers and for the schema registry. */
void certificate_soonest(
    const json_t *definition, const json_t *secrets, struct certificate_soonest *ret_soonest);

#endif
