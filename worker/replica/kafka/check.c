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
#include "worker/replica/kafka/library.h"
#include "worker/replica/kafka/trouble.h"

enum {
    CHECK_ROUND_MS = 1000,
    CHECK_DOWN_MS = 4000, /* all brokers down for so long is the answer */
    CHECK_READ_MS = 3000, /* to be told that reading is refused; silence is no refusal */
    CHECK_POLL_MS = 100,
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

/* On a thread of the library. Its other arguments say which certificate it is: the first that is
 * refused ends the handshake. */
// NOLINTBEGIN(readability-*): the signature is the library's
static int check_verify_event(
    rd_kafka_t *rk, const char *broker_name, int32_t broker_id, int *x509_error, int depth,
    const char *bytes, size_t len_bytes, char *text, size_t text_bytes, void *opaque)
{
    (void)rk;
    (void)broker_name;
    (void)broker_id;
    (void)depth;
    (void)bytes;
    (void)len_bytes;
    (void)text;
    (void)text_bytes;
    struct check *check = opaque;
    return trouble_verified(&check->login, *x509_error);
}
// NOLINTEND(readability-*)

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
    if (check->group != NULL) {
        (void)snprintf(
            check->login.group, sizeof(check->login.group), "%s", check->group); /* cut is fine */
    }
    rd_kafka_conf_t *made = NULL;
    st = client_conf(&conf, &made, err);
    kafka_conf_done(&conf);
    if (st != ST_OK) {
        return st;
    }
    /* For those who read: the end of a partition is told, an offset that is gone is an error. */
    (void)rd_kafka_conf_set(made, "enable.partition.eof", "true", NULL, 0); /* a known property */
    (void)rd_kafka_conf_set(made, "queued.max.messages.kbytes", "16384", NULL, 0); /* likewise */
    if (check->group != NULL) {
        (void)rd_kafka_conf_set(made, "group.id", check->group, NULL, 0);      /* any text is one */
        (void)rd_kafka_conf_set(made, "enable.auto.commit", "false", NULL, 0); /* likewise */
    }
    rd_kafka_conf_set_opaque(made, check);
    rd_kafka_conf_set_error_cb(made, check_error_event);
    (void)rd_kafka_conf_set_ssl_cert_verify_cb(made, check_verify_event); /* without TLS: unused */
    return client_new(made, &check->rk, err);
}

enum status kafka_check_library(const struct pipe_settings *settings, struct err *err)
{
    return library_check(rd_kafka_version(), settings, err);
}

/* The first partition of each topic, to be read from its end. */
static rd_kafka_topic_partition_list_t *first_partitions(const struct kafka_source *source)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)source->topic_list.count);
    for (size_t i = 0; i < source->topic_list.count; i++) {
        rd_kafka_topic_partition_list_add(list, source->topic_list.items[i], 0)->offset =
            RD_KAFKA_OFFSET_END;
    }
    return list;
}

/* A right that is missing, of the group or of a topic. */
static enum status check_refused(
    const struct check *check, rd_kafka_resp_err_t error, const char *topic,
    enum pipe_reason *ret_reason, struct err *err)
{
    const bool is_group = error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    char what[512];
    (void)snprintf(
        what, sizeof(what), "%s '%s': %s", is_group ? "consumer group" : "reading topic",
        is_group ? check->group : topic, rd_kafka_err2str(error)); /* a cut text is fine */
    return check_fail(check, error, what, ret_reason, err);
}

/* The group's offsets: asking for them needs a right on the group. What else goes wrong is no
 * reason to refuse: the coordinator may be starting. */
static enum status check_group(struct check *check, enum pipe_reason *ret_reason, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = first_partitions(check->source);
    rd_kafka_resp_err_t error = rd_kafka_committed(check->rk, list, CHECK_READ_MS);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && list->cnt > 0) {
        error = list->elems[0].err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return trouble_reason(error) == PIPE_REASON_SOURCE_AUTHORIZATION
               ? check_refused(check, error, "", ret_reason, err)
               : ST_OK;
}

/* Metadata needs only the right to describe: read at the end of each topic, which a broker answers
 * with a refusal, or with the end. A refused coordinator is told here too. */
static enum status check_reading(struct check *check, enum pipe_reason *ret_reason, struct err *err)
{
    rd_kafka_topic_partition_list_t *list = first_partitions(check->source);
    int left = list->cnt;
    enum status st = ST_OK;
    int64_t until_ms = clock_monotonic_ms() + CHECK_READ_MS;
    until_ms = until_ms < check->deadline_ms ? until_ms : check->deadline_ms;
    (void)rd_kafka_poll_set_consumer(check->rk); /* a consumer was just made */
    (void)rd_kafka_assign(check->rk, list);      /* what is wrong with it shows below */
    rd_kafka_topic_partition_list_destroy(list);
    while (st == ST_OK && left > 0 && clock_monotonic_ms() < until_ms) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(check->rk, CHECK_POLL_MS);
        if (message == NULL) {
            continue;
        }
        left -= message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF ||
                        message->err == RD_KAFKA_RESP_ERR_NO_ERROR
                    ? 1
                    : 0;
        if (trouble_reason(message->err) == PIPE_REASON_SOURCE_AUTHORIZATION) {
            const char *topic = message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt);
            st = check_refused(check, message->err, topic, ret_reason, err);
        }
        rd_kafka_message_destroy(message);
    }
    return st;
}

enum status kafka_check(
    const struct kafka_source *source, const char *group, int64_t deadline_ms,
    enum pipe_reason *ret_reason, struct err *err)
{
    struct check check = {.source = source, .group = group, .deadline_ms = deadline_ms};
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
    if (st == ST_OK && group != NULL) {
        st = check_group(&check, ret_reason, err);
        st = st == ST_OK ? check_reading(&check, ret_reason, err) : st;
    }
    /* The handle stays: the process ends now, and rd_kafka_destroy may wait for a broker. */
    return st;
}
