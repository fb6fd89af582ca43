/* The library's callback: a login's text in, a token out. */
#include "worker/replica/kafka/token.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/secret.h"

#include "worker/replica/kafka/aws_login.h"
#include "worker/replica/kafka/aws_role.h"
#include "worker/replica/kafka/msk_token.h"

struct token {
    char *text; /* owned, secret */
    int64_t expires_ms;
};

static enum status
token_make(const struct aws_login *login, struct token *ret_token, struct err *err)
{
    struct aws_ambient ambient;
    aws_ambient_read(&ambient);
    const char *region = login->region[0] != '\0' ? login->region : ambient.region;
    if (region == NULL || region[0] == '\0') {
        return err_set(
            err, ST_INVALID,
            "the brokers' names tell no AWS region: set AWS_REGION in the worker's environment");
    }
    const int64_t now_ms = clock_wall_ms();
    struct aws_role role = {NULL, NULL, NULL};
    struct sigv4_credentials credentials = {login->access_key_id, login->secret_key, NULL};
    if (login->role_arn[0] != '\0') {
        enum status st = aws_role_assume(&ambient, region, login->role_arn, now_ms, &role, err);
        if (st != ST_OK) {
            return st;
        }
        credentials = aws_role_credentials(&role);
    }
    enum status st =
        msk_token(&credentials, region, now_ms, &ret_token->text, &ret_token->expires_ms, err);
    aws_role_done(&role);
    return st;
}

static enum status token_of_text(const char *text, struct token *ret_token, struct err *err)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a token");
    }
    const size_t copy_bytes = strlen(text);
    struct aws_login login;
    enum status st = aws_login_read(copy, &login) == ST_OK
                         ? token_make(&login, ret_token, err)
                         : err_set(err, ST_INTERNAL, "the text of an IAM login is not one");
    secret_wipe(copy, copy_bytes);
    free(copy);
    return st;
}

static void token_refresh(rd_kafka_t *rk, const char *config, void *opaque)
{
    (void)opaque;
    struct err err = {.status = ST_OK};
    struct token token = {NULL, 0};
    enum status st = token_of_text(config == NULL ? "" : config, &token, &err);
    if (st != ST_OK || token.text == NULL) {
        (void)rd_kafka_oauthbearer_set_token_failure(rk, err.text); /* fails without OAUTHBEARER */
        return;
    }
    char reason[256];
    /* The principal's name is for the library's own texts: a broker takes it from the token. */
    if (rd_kafka_oauthbearer_set_token(
            rk, token.text, token.expires_ms, "penstock", NULL, 0, reason, sizeof(reason)) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)rd_kafka_oauthbearer_set_token_failure(rk, reason); /* as above */
    }
    secret_wipe(token.text, strlen(token.text));
    free(token.text);
}

void token_attach(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, token_refresh);
    rd_kafka_conf_enable_sasl_queue(conf, 1);
}
