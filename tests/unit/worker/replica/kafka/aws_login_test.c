/* The text of an IAM login, and the region in a broker's name. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/replica/kafka/aws_login.h"

static void written_and_read_again(void **state)
{
    (void)state;
    const struct aws_login login = {"eu-west-1", "AKID", "se/cr+et=", NULL};
    struct buf text;
    buf_init(&text, AWS_LOGIN_MAX_BYTES);
    assert_int_equal(aws_login_write(&login, &text, NULL), ST_OK);
    char copy[128];
    (void)snprintf(copy, sizeof(copy), "%s", buf_text(&text)); /* it fits */
    struct aws_login again;
    assert_int_equal(aws_login_read(copy, &again), ST_OK);
    assert_string_equal(again.region, "eu-west-1");
    assert_string_equal(again.access_key_id, "AKID");
    assert_string_equal(again.secret_key, "se/cr+et=");
    assert_string_equal(again.role_arn, "");
    buf_done(&text);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    struct aws_login again;
    char empty[] = "";
    char cut[] = "eu-west-1\x1f"
                 "AKID\x1fsecret\x1frole";
    assert_int_equal(aws_login_read(empty, &again), ST_INVALID);
    assert_int_equal(aws_login_read(cut, &again), ST_INVALID);
    const struct aws_login broken = {"", "AKID", "hunter2\nrole", ""};
    struct err err = {.status = ST_OK};
    struct buf text;
    buf_init(&text, AWS_LOGIN_MAX_BYTES);
    assert_int_equal(aws_login_write(&broken, &text, &err), ST_INVALID);
    assert_non_null(strstr(err.text, "control character"));
    assert_null(strstr(err.text, "hunter2"));
    buf_done(&text);
    const struct aws_login tight = {"", "AKID", "hunter2", ""};
    buf_init(&text, 8);
    assert_int_equal(aws_login_write(&tight, &text, &err), ST_TOO_LARGE);
    buf_done(&text);
}

static void regions(void **state)
{
    (void)state;
    static const struct {
        const char *brokers;
        const char *region;
    } rows[] = {
        {"b-1.demo.abc12.c2.kafka.us-east-1.amazonaws.com:9098", "us-east-1"},
        {"SASL_SSL://boot-x1.c1.kafka-serverless.eu-central-1.amazonaws.com:9098", "eu-central-1"},
        {"b-1.d.a.c3.kafka.cn-north-1.amazonaws.com.cn:9098", "cn-north-1"},
        {"10.0.0.1:9098, b-2.demo.a.c2.kafka.ap-south-1.amazonaws.com", "ap-south-1"},
        {"kafka.example.com:9098", ""},
        {"b.kafka.example.com:9098", ""},
        {"b.kafka..amazonaws.com:9098", ""},
        {"localhost:9098", ""},
        {"b.kafka.rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr.amazonaws."
         "com",
         ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char region[AWS_REGION_BYTES];
        aws_login_region(rows[i].brokers, region);
        assert_string_equal(region, rows[i].region);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read_again),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
