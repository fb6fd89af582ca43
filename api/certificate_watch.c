/*
 * Reads first, so that what a change brought is told in the same round.
 */
#include "api/certificate_watch.h"

#include "common/store/certificates.h"

enum status certificate_watch_next(
    struct store *store, struct http_client *client, bool *ret_more, struct err *err)
{
    (void)client;
    enum status status = certificates_read_next(store, ret_more, err);
    return status == ST_OK && !*ret_more ? certificates_tell(store, err) : status;
}
