/* Order and defaults as in ClickHouse's src/Server/HTTP/authenticateUserByHTTP.cpp. */
#include "demo/clickhouse/auth.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    CREDENTIALS_BYTES = 1024
};

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == 0 ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Decode base64 (RFC 4648 §4) into zero-terminated text. False: it is not that, or too long. */
static bool base64_decode(const char *text, char ret_text[CREDENTIALS_BYTES])
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t len = 0;
    for (; *text != 0 && *text != '='; text++) {
        int digit = base64_digit(*text);
        if (digit < 0 || len + 1 >= CREDENTIALS_BYTES) {
            return false;
        }
        bits = (bits << 6 | (uint32_t)digit) & 0xffffff;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            ret_text[len++] = (char)(bits >> bit_count & 0xff);
        }
    }
    ret_text[len] = 0;
    return text[strspn(text, "=")] == 0;
}

static bool is_same(const struct auth *auth, const char *user, const char *password)
{
    const char *given = password == NULL ? "" : password;
    bool is_password = auth->password.bytes == NULL
                           ? given[0] == 0
                           : secret_equals(&auth->password, given, strlen(given));
    return is_password && strcmp(auth->user, user) == 0;
}

static bool
check_basic(const struct auth *auth, const char *authorization, char ret_user[AUTH_USER_BYTES])
{
    static const char scheme[] = "basic ";
    char credentials[CREDENTIALS_BYTES];
    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0 ||
        !base64_decode(authorization + sizeof(scheme) - 1, credentials)) {
        return false;
    }
    char *colon = strchr(credentials, ':');
    if (colon != NULL) {
        *colon = 0;
    }
    (void)snprintf(ret_user, AUTH_USER_BYTES, "%.*s", AUTH_USER_BYTES - 1, credentials);
    bool is_allowed = is_same(auth, credentials, colon == NULL ? "" : colon + 1);
    secret_wipe(credentials, sizeof(credentials));
    return is_allowed;
}

bool auth_check(
    const struct auth *auth, const struct auth_claim *claim, char ret_user[AUTH_USER_BYTES])
{
    assert(auth->user != NULL && ret_user != NULL);
    bool has_headers = claim->header_user != NULL || claim->header_key != NULL;
    bool has_url = claim->url_user != NULL || claim->url_password != NULL;
    int ways = (has_headers ? 1 : 0) + (has_url ? 1 : 0) + (claim->authorization != NULL ? 1 : 0);
    ret_user[0] = 0;
    if (ways > 1) {
        return false;
    }
    if (claim->authorization != NULL) {
        return check_basic(auth, claim->authorization, ret_user);
    }
    const char *user = has_headers ? claim->header_user : claim->url_user;
    const char *password = has_headers ? claim->header_key : claim->url_password;
    user = user == NULL && !has_headers ? "default" : user;
    if (user == NULL || user[0] == 0) {
        return false;
    }
    (void)snprintf(ret_user, AUTH_USER_BYTES, "%.*s", AUTH_USER_BYTES - 1, user);
    return is_same(auth, user, password);
}
