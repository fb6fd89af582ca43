/* AWS Signature Version 4 by OpenSSL's one-shot digests. */
#include "worker/replica/kafka/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/secret.h"

enum {
    HASH_BYTES = 32,
    DAY_BYTES = 8,
    REQUEST_MAX_BYTES = 64 * 1024,
    SECRET_MAX_BYTES = 1024,
};

void sigv4_date(int64_t at_ms, char ret_date[SIGV4_DATE_BYTES])
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm parts;
    (void)gmtime_r(&seconds, &parts); /* never fails within the years of the contract */
    (void)strftime(ret_date, SIGV4_DATE_BYTES, "%Y%m%dT%H%M%SZ", &parts); /* it fits */
}

enum status
sigv4_scope_text(const struct sigv4_scope *scope, char ret_text[SIGV4_SCOPE_BYTES], struct err *err)
{
    char date[SIGV4_DATE_BYTES];
    sigv4_date(scope->at_ms, date);
    int len = snprintf(
        ret_text, SIGV4_SCOPE_BYTES, "%.*s/%s/%s/aws4_request", DAY_BYTES, date, scope->region,
        scope->service);
    if (len < 0 || len >= SIGV4_SCOPE_BYTES) {
        return err_set(err, ST_INVALID, "the AWS region is too long");
    }
    return ST_OK;
}

static void hex(const uint8_t hash[HASH_BYTES], char ret_hex[SIGV4_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HASH_BYTES; i++) {
        ret_hex[2 * i] = digits[hash[i] >> 4];
        ret_hex[2 * i + 1] = digits[hash[i] & 15];
    }
    ret_hex[SIGV4_HEX_BYTES - 1] = '\0';
}

enum status
sigv4_hash(const void *bytes, size_t len_bytes, char ret_hex[SIGV4_HEX_BYTES], struct err *err)
{
    uint8_t hash[HASH_BYTES];
    unsigned hash_bytes = 0;
    if (EVP_Digest(bytes, len_bytes, hash, &hash_bytes, EVP_sha256(), NULL) != 1) {
        return err_set(err, ST_INTERNAL, "SHA-256 is not available");
    }
    hex(hash, ret_hex);
    return ST_OK;
}

/* hash = HMAC(key, text); hash may be key. False if the library refuses. */
static bool mac(const uint8_t *key, size_t key_bytes, const char *text, uint8_t hash[HASH_BYTES])
{
    uint8_t made[HASH_BYTES];
    unsigned made_bytes = 0;
    bool is_made = HMAC(
                       EVP_sha256(), key, (int)key_bytes, (const unsigned char *)text, strlen(text),
                       made, &made_bytes) != NULL;
    memcpy(hash, made, sizeof(made));
    secret_wipe(made, sizeof(made));
    return is_made;
}

/* The signing key, and with it the signature of text. */
static bool sign_text(
    const char *secret_key, const char *day, const struct sigv4_scope *scope, const char *text,
    uint8_t hash[HASH_BYTES])
{
    char start[SECRET_MAX_BYTES];
    int start_bytes = snprintf(start, sizeof(start), "AWS4%s", secret_key);
    bool is_signed =
        start_bytes > 0 && (size_t)start_bytes < sizeof(start) &&
        mac((const uint8_t *)start, (size_t)start_bytes, day, hash) &&
        mac(hash, HASH_BYTES, scope->region, hash) && mac(hash, HASH_BYTES, scope->service, hash) &&
        mac(hash, HASH_BYTES, "aws4_request", hash) && mac(hash, HASH_BYTES, text, hash);
    secret_wipe(start, sizeof(start));
    return is_signed;
}

/* The canonical request's hash: what is signed besides time and place. */
static enum status
request_hash(const struct sigv4_request *request, char ret_hex[SIGV4_HEX_BYTES], struct err *err)
{
    struct buf text;
    buf_init(&text, REQUEST_MAX_BYTES);
    enum status st = buf_add_format(
        &text, "%s\n%s\n%s\n%s\n%s\n%s", request->method, request->path, request->query,
        request->headers, request->header_names, request->payload_hash);
    st = st != ST_OK ? err_set(err, st, "an AWS request of more than %d bytes", REQUEST_MAX_BYTES)
                     : sigv4_hash(text.bytes, text.len_bytes, ret_hex, err);
    secret_wipe(text.bytes, text.len_bytes); /* a query may hold a session token */
    buf_done(&text);
    return st;
}

enum status sigv4_sign(
    const struct sigv4_request *request, const struct sigv4_scope *scope, const char *secret_key,
    char ret_signature[SIGV4_HEX_BYTES], struct err *err)
{
    char scope_text[SIGV4_SCOPE_BYTES];
    char hash_text[SIGV4_HEX_BYTES];
    enum status st = sigv4_scope_text(scope, scope_text, err);
    st = st == ST_OK ? request_hash(request, hash_text, err) : st;
    if (st != ST_OK) {
        return st;
    }
    char date[SIGV4_DATE_BYTES];
    char day[DAY_BYTES + 1];
    sigv4_date(scope->at_ms, date);
    (void)snprintf(day, sizeof(day), "%.*s", DAY_BYTES, date); /* exactly a day */
    char text[SIGV4_SCOPE_BYTES + SIGV4_HEX_BYTES + 64];
    (void)snprintf(/* it fits */
                   text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope_text, hash_text);
    uint8_t hash[HASH_BYTES] = {0};
    if (!sign_text(secret_key, day, scope, text, hash)) {
        return err_set(err, ST_INTERNAL, "the AWS secret key is too long or HMAC not available");
    }
    hex(hash, ret_signature);
    return ST_OK;
}
