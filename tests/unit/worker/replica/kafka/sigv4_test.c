/* AWS's own published examples of Signature Version 4, and the tokens of MSK's published signer. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/kafka/msk_token.h"
#include "worker/replica/kafka/sigv4.h"

#define EXAMPLE_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NO_BODY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum {
    SECOND_MS = 1000
};

static const int64_t at_2015 = INT64_C(1440938160) * SECOND_MS; /* 2015-08-30T12:36:00Z */
static const int64_t at_2013 = INT64_C(1369353600) * SECOND_MS; /* 2013-05-24T00:00:00Z */
static const int64_t at_2026 = INT64_C(1767323045) * SECOND_MS; /* 2026-01-02T03:04:05Z */

struct example {
    const char *name;
    struct sigv4_request request;
    const char *region;
    const char *service;
    int64_t at_ms;
    const char *secret_key;
    const char *signature;
};

static void published_examples(void **state)
{
    (void)state;
    const struct example examples[] = {
        /* "Create a signed AWS API request", IAM's ListUsers. */
        {"IAM",
         {"GET", "/", "Action=ListUsers&Version=2010-05-08",
          "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
          "host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n",
          "content-type;host;x-amz-date", NO_BODY},
         "us-east-1",
         "iam",
         at_2015,
         EXAMPLE_KEY,
         "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
        /* "Signature Version 4 test suite", get-vanilla. */
        {"get-vanilla",
         {"GET", "/", "", "host:example.amazonaws.com\nx-amz-date:20150830T123600Z\n",
          "host;x-amz-date", NO_BODY},
         "us-east-1",
         "service",
         at_2015,
         EXAMPLE_KEY,
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        /* "Authenticating Requests: Using Query Parameters", S3's presigned URL. */
        {"S3 presigned",
         {"GET", "/test.txt",
          "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
          "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
          "X-Amz-SignedHeaders=host",
          "host:examplebucket.s3.amazonaws.com\n", "host", "UNSIGNED-PAYLOAD"},
         "us-east-1",
         "s3",
         at_2013,
         "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
         "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"},
    };
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        const struct example *at = &examples[i];
        const struct sigv4_scope scope = {at->region, at->service, at->at_ms};
        char signature[SIGV4_HEX_BYTES];
        print_message("%s\n", at->name);
        assert_int_equal(sigv4_sign(&at->request, &scope, at->secret_key, signature, NULL), ST_OK);
        assert_string_equal(signature, at->signature);
    }
}

static void dates_scopes_and_hashes(void **state)
{
    (void)state;
    char date[SIGV4_DATE_BYTES];
    sigv4_date(at_2015 + 999, date);
    assert_string_equal(date, "20150830T123600Z");
    char text[SIGV4_SCOPE_BYTES];
    struct sigv4_scope scope = {"us-east-1", "iam", at_2015};
    assert_int_equal(sigv4_scope_text(&scope, text, NULL), ST_OK);
    assert_string_equal(text, "20150830/us-east-1/iam/aws4_request");
    char hash[SIGV4_HEX_BYTES];
    assert_int_equal(sigv4_hash("", 0, hash, NULL), ST_OK);
    assert_string_equal(hash, NO_BODY);
    char region[200];
    memset(region, 'r', sizeof(region) - 1);
    region[sizeof(region) - 1] = '\0';
    scope.region = region;
    assert_int_equal(sigv4_scope_text(&scope, text, NULL), ST_INVALID);
}

static void secret_keys_have_a_limit(void **state)
{
    (void)state;
    const struct sigv4_scope scope = {"us-east-1", "iam", at_2015};
    const struct sigv4_request request = {"GET", "/", "", "host:h\n", "host", NO_BODY};
    char key[2048];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    char signature[SIGV4_HEX_BYTES];
    struct err err = {.status = ST_OK};
    assert_int_equal(sigv4_sign(&request, &scope, key, signature, &err), ST_INTERNAL);
    assert_null(strstr(err.text, "kkk"));
}

/* base64url without padding, back to text. */
static void decode(const char *token, char *ret_text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0;
    unsigned bits_count = 0;
    for (; *token != '\0'; token++) {
        const char *digit = strchr(digits, *token);
        assert_non_null(digit);
        bits = (bits << 6 | (unsigned)(digit - digits)) & 0xffff;
        bits_count += 6;
        if (bits_count >= 8) {
            bits_count -= 8;
            *ret_text++ = (char)(bits >> bits_count & 0xff);
        }
    }
    *ret_text = '\0';
}

/* The signatures that aws-msk-iam-sasl-signer-python makes with the same key at the same second;
 * behind the signature only its own name differs, which is not signed. */
static void tokens_of_the_published_signer(void **state)
{
    (void)state;
    static const struct {
        const char *region;
        const char *session_token;
        const char *url;
    } rows[] = {
        {"us-east-1", NULL,
         "https://kafka.us-east-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm="
         "AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-east-1%2Fkafka-cluster%2F"
         "aws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&"
         "X-Amz-Signature=24ebada2ed545858377591fc84af1a1bff3c40c5e8ab0c1fc85eee156cfb42da&"
         "User-Agent=penstock"},
        {"eu-central-1", "",
         "https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm="
         "AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-central-1%2Fkafka-cluster%"
         "2F"
         "aws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&"
         "X-Amz-Signature=00629abe90095b91c1a9e460b67a01a8e4e7499b99f571276b99dd9258dd65e5&"
         "User-Agent=penstock"},
        {"eu-central-1", "FwoGZXIvYXdz+token/with=signs==",
         "https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm="
         "AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-central-1%2Fkafka-cluster%"
         "2F"
         "aws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-Security-Token="
         "FwoGZXIvYXdz%2Btoken%2Fwith%3Dsigns%3D%3D&X-Amz-SignedHeaders=host&"
         "X-Amz-Signature=9c948d087e01f17b21e16046e8a51742d2236aa40ab27e392bf0c3abb2843741&"
         "User-Agent=penstock"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct sigv4_credentials credentials = {
            "AKIDEXAMPLE", EXAMPLE_KEY, rows[i].session_token};
        char *token = NULL;
        int64_t expires_ms = 0;
        assert_int_equal(
            msk_token(&credentials, rows[i].region, at_2026 + 7, &token, &expires_ms, NULL), ST_OK);
        char url[2048];
        decode(token, url);
        assert_string_equal(url, rows[i].url);
        assert_int_equal(expires_ms, at_2026 + (int64_t)MSK_TOKEN_LIFE_S * SECOND_MS);
        free(token);
    }
}

static void a_token_has_a_limit(void **state)
{
    (void)state;
    char *huge = malloc(MSK_TOKEN_MAX_BYTES + 1);
    assert_non_null(huge);
    memset(huge, 't', MSK_TOKEN_MAX_BYTES);
    huge[MSK_TOKEN_MAX_BYTES] = '\0';
    const struct sigv4_credentials credentials = {"AKIDEXAMPLE", EXAMPLE_KEY, huge};
    char *token = NULL;
    int64_t expires_ms = 0;
    struct err err = {.status = ST_OK};
    assert_int_equal(
        msk_token(&credentials, "us-east-1", at_2026, &token, &expires_ms, &err), ST_TOO_LARGE);
    assert_null(token);
    assert_null(strstr(err.text, "ttt"));
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples),
        cmocka_unit_test(dates_scopes_and_hashes),
        cmocka_unit_test(secret_keys_have_a_limit),
        cmocka_unit_test(tokens_of_the_published_signer),
        cmocka_unit_test(a_token_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
