/* The signed URL and its text. */
#include "worker/replica/kafka/msk_token.h"

#include <stdio.h>

#include "common/base/base64.h"
#include "common/base/percent.h"
#include "common/base/secret.h"

enum {
    HOST_MAX_BYTES = 160,
};

static bool has_token(const struct sigv4_credentials *credentials)
{
    return credentials->session_token != NULL && credentials->session_token[0] != '\0';
}

/* The query in canonical order, without the signature. */
static enum status add_query(
    struct buf *query, const struct sigv4_credentials *credentials, const char *scope,
    const char *date)
{
    char credential[512];
    int len = snprintf(credential, sizeof(credential), "%s/%s", credentials->access_key_id, scope);
    if (len < 0 || (size_t)len >= sizeof(credential)) {
        return ST_TOO_LARGE;
    }
    enum status st = buf_add_text(
        query, "Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
    st = st == ST_OK ? percent_add(query, credential) : st;
    if (st == ST_OK) {
        st = buf_add_format(query, "&X-Amz-Date=%s&X-Amz-Expires=%d", date, MSK_TOKEN_LIFE_S);
    }
    if (st == ST_OK && has_token(credentials)) {
        st = buf_add_text(query, "&X-Amz-Security-Token=");
        st = st == ST_OK ? percent_add(query, credentials->session_token) : st;
    }
    return st == ST_OK ? buf_add_text(query, "&X-Amz-SignedHeaders=host") : st;
}

/* base64url of RFC 4648, 5, without padding. */
static enum status encode(const struct buf *url, char **ret_token)
{
    struct buf text;
    buf_init(&text, MSK_TOKEN_MAX_BYTES);
    enum status st = base64_encode(&text, url->bytes, url->len_bytes);
    if (st != ST_OK) {
        buf_done(&text);
        return st;
    }
    for (size_t i = 0; i < text.len_bytes; i++) {
        uint8_t *at = &text.bytes[i];
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at == '=' ? '\0' : *at;
    }
    *ret_token = buf_take_text(&text);
    return ST_OK;
}

static enum status add_url(
    struct buf *url, const struct sigv4_credentials *credentials, const struct sigv4_scope *scope,
    struct err *err)
{
    char scope_text[SIGV4_SCOPE_BYTES];
    enum status st = sigv4_scope_text(scope, scope_text, err);
    if (st != ST_OK) {
        return st;
    }
    char host[HOST_MAX_BYTES];
    char headers[HOST_MAX_BYTES + 8];
    char date[SIGV4_DATE_BYTES];
    char no_body[SIGV4_HEX_BYTES];
    char signature[SIGV4_HEX_BYTES];
    /* A region that fits a scope fits a host. */
    (void)snprintf(host, sizeof(host), "kafka.%s.amazonaws.com", scope->region);
    (void)snprintf(headers, sizeof(headers), "host:%s\n", host);
    sigv4_date(scope->at_ms, date);
    struct buf query;
    buf_init(&query, MSK_TOKEN_MAX_BYTES);
    st = add_query(&query, credentials, scope_text, date);
    st = st == ST_OK ? sigv4_hash("", 0, no_body, err) : st;
    if (st == ST_OK) {
        const struct sigv4_request request = {
            .method = "GET",
            .path = "/",
            .query = buf_text(&query),
            .headers = headers,
            .header_names = "host",
            .payload_hash = no_body,
        };
        st = sigv4_sign(&request, scope, credentials->secret_key, signature, err);
    }
    if (st == ST_OK) {
        st = buf_add_format(
            url, "https://%s/?%s&X-Amz-Signature=%s&User-Agent=penstock", host, buf_text(&query),
            signature);
    }
    secret_wipe(query.bytes, query.len_bytes);
    buf_done(&query);
    return st;
}

enum status msk_token(
    const struct sigv4_credentials *credentials, const char *region, int64_t at_ms,
    char **ret_token, int64_t *ret_expires_ms, struct err *err)
{
    const struct sigv4_scope scope = {.region = region, .service = "kafka-cluster", .at_ms = at_ms};
    struct err why = {.status = ST_OK};
    struct buf url;
    buf_init(&url, MSK_TOKEN_MAX_BYTES);
    enum status st = add_url(&url, credentials, &scope, &why);
    st = st == ST_OK ? encode(&url, ret_token) : st;
    secret_wipe(url.bytes, url.len_bytes);
    buf_done(&url);
    if (st != ST_OK) {
        return err_set(
            err, st, "cannot make the token of MSK's IAM login: %s",
            why.status != ST_OK ? why.text : "no memory, or credentials that are too long");
    }
    *ret_expires_ms = (at_ms / 1000 + MSK_TOKEN_LIFE_S) * 1000;
    return ST_OK;
}
