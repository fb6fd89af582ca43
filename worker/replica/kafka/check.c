/*
 * Metadata of each topic, again until it works or the reason is certain. A refused login shows only
 * in the error callback, the call itself times out, so both are watched.
 */
#include "worker/replica/kafka/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

#include "worker/replica/kafka/check_handle.h"
#include "worker/replica/kafka/client.h"
#include "worker/replica/kafka/conf.h"
#include "worker/replica/kafka/trouble.h"

enum {
    CHECK_ROUND_MS = 1000,
    CHECK_DOWN_MS = 4000, /* all brokers down for so long is the answer */
};

static int error_weight(rd_kafka_resp_err_t error)
{
    switch (trouble_reason(error)) {
    case PIPE_REASON_SOURCE_AUTHENTICATION:
        return 3;
    case PIPE_REASON_SOURCE_UNREACHABLE:
        /* Says only that something is wrong; _SSL, _RESOLVE and _TRANSPORT say what. */
        return error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || error == RD_KAFKA_RESP_ERR__TIMED_OUT
                   ? 1
                   : 2;
    default:
        return 0;
    }
}

static void check_error_event(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    (void)rk;
    struct check *check = opaque;
    rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)error;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && check->down_since_ms == 0) {
        check->down_since_ms = clock_monotonic_ms();
    }
    if (error_weight(code) > error_weight(check->error)) {
        check->error = code;
        (void)snprintf(check->text, sizeof(check->text), "%s", reason); /* cut is fine */
    }
}

static enum status check_status(enum pipe_reason reason)
{
    switch (reason) {
    case PIPE_REASON_SOURCE_AUTHENTICATION:
        return ST_UNAUTHORIZED;
    case PIPE_REASON_SOURCE_AUTHORIZATION:
        return ST_FORBIDDEN;
    case PIPE_REASON_TOPIC_NOT_FOUND:
        return ST_NOT_FOUND;
    default:
        return ST_UNAVAILABLE;
    }
}

enum status check_fail(
    const struct check *check, rd_kafka_resp_err_t error, const char *text,
    enum pipe_reason *ret_reason, struct err *err)
{
    char line[TROUBLE_TEXT_BYTES];
    enum pipe_reason reason = trouble_reason(error);
    *ret_reason = reason == PIPE_REASON_NONE ? PIPE_REASON_SOURCE_UNREACHABLE : reason;
    trouble_text(error, text, &check->login, line);
    return err_set(err, check_status(*ret_reason), "%s", line);
}

/* Ask for metadata once: of the topic, or of all when topic is NULL. */
static rd_kafka_resp_err_t check_round(
    struct check *check, rd_kafka_topic_t *topic, int timeout_ms,
    const struct rd_kafka_metadata **ret_found)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(check->rk, topic == NULL, topic, &found, timeout_ms);
    (void)rd_kafka_poll(check->rk, 0); /* the error callback */
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && topic != NULL && found->topic_cnt > 0) {
        error = found->topics[0].err;
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *ret_found = found;
    } else if (found != NULL) {
        rd_kafka_metadata_destroy(found);
    }
    return error;
}

/* The same until it comes, its error is certain, or time is up. */
static rd_kafka_resp_err_t check_rounds(
    struct check *check, rd_kafka_topic_t *topic, const struct rd_kafka_metadata **ret_found)
{
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    for (;;) {
        const int64_t left_ms = check->deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0) {
            return error;
        }
        error = check_round(
            check, topic, left_ms < CHECK_ROUND_MS ? (int)left_ms : CHECK_ROUND_MS, ret_found);
        bool is_down = check->down_since_ms != 0 &&
                       clock_monotonic_ms() - check->down_since_ms >= CHECK_DOWN_MS;
        bool is_refused =
            trouble_reason(check->error) == PIPE_REASON_SOURCE_AUTHENTICATION ||
            strstr(check->text, "verify failed") != NULL; /* a certificate gets no better */
        if (trouble_reason(error) != PIPE_REASON_SOURCE_UNREACHABLE || is_refused || is_down) {
            return error;
        }
    }
}

enum status check_metadata(
    struct check *check, const char *name, const struct rd_kafka_metadata **ret_found,
    enum pipe_reason *ret_reason, struct err *err)
{
    rd_kafka_topic_t *topic = NULL;
    if (name != NULL) {
        topic = rd_kafka_topic_new(check->rk, name, NULL);
        if (topic == NULL) {
            *ret_reason = PIPE_REASON_INTERNAL;
            return err_set(err, ST_INVALID, "topic '%s' is no valid name", name);
        }
    }
    rd_kafka_resp_err_t error = check_rounds(check, topic, ret_found);
    if (topic != NULL) {
        rd_kafka_topic_destroy(topic);
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return ST_OK;
    }
    if (trouble_reason(error) == PIPE_REASON_SOURCE_UNREACHABLE && check->error != 0) {
        return check_fail(check, check->error, check->text, ret_reason, err);
    }
    char what[512];
    const bool is_silent = error == RD_KAFKA_RESP_ERR__TIMED_OUT;
    (void)snprintf(
        what, sizeof(what), "%s%s%s%s%s", name == NULL ? "" : "topic '", name == NULL ? "" : name,
        name == NULL ? "" : "': ", rd_kafka_err2str(error),
        is_silent ? " (nothing that speaks Kafka answers at the brokers' addresses)" : "");
    return check_fail(check, error, what, ret_reason, err);
}

enum status check_open(struct check *check, struct err *err)
{
    struct kafka_conf conf = {.count = 0};
    enum status st = kafka_conf_connection(check->source, "penstock-probe", &conf, err);
    if (st != ST_OK) {
        return st;
    }
    trouble_login(&conf, &check->login);
    rd_kafka_conf_t *made = NULL;
    st = client_conf(&conf, &made, err);
    kafka_conf_done(&conf);
    if (st != ST_OK) {
        return st;
    }
    /* For those who read: the end of a partition is told, an offset that is gone is an error. */
    (void)rd_kafka_conf_set(made, "enable.partition.eof", "true", NULL, 0); /* a known property */
    (void)rd_kafka_conf_set(made, "queued.max.messages.kbytes", "16384", NULL, 0); /* likewise */
    rd_kafka_conf_set_opaque(made, check);
    rd_kafka_conf_set_error_cb(made, check_error_event);
    return client_new(made, &check->rk, err);
}

enum status kafka_check(
    const struct kafka_source *source, int64_t deadline_ms, enum pipe_reason *ret_reason,
    struct err *err)
{
    struct check check = {.source = source, .deadline_ms = deadline_ms};
    enum status st = check_open(&check, err);
    if (st != ST_OK) {
        *ret_reason = PIPE_REASON_INTERNAL;
        return st;
    }
    for (size_t i = 0; st == ST_OK && i < source->topic_list.count; i++) {
        const struct rd_kafka_metadata *found = NULL;
        st = check_metadata(&check, source->topic_list.items[i], &found, ret_reason, err);
        if (st == ST_OK) {
            rd_kafka_metadata_destroy(found);
        }
    }
    /* The handle stays: the process ends now, and rd_kafka_destroy may wait for a broker. */
    return st;
}
