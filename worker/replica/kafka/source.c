/*
 * The consumer handle, its records and its health. The callback-queue call is the cheapest way
 * librdkafka has: records are decoded inside it, with no array of messages
 * between. It takes nothing but records, so each assigned partition's queue is forwarded to a queue
 * of our own, and the group's events are polled separately, also while no record is wanted.
 * Everything runs in the loop's thread except what helper.c does.
 */
#include "worker/replica/kafka/source.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"

#include "worker/replica/kafka/client.h"
#include "worker/replica/kafka/handle.h"
#include "worker/replica/kafka/message.h"
#include "worker/replica/kafka/trouble.h"

enum {
    CHECK_EVERY_MS = 1000, /* while Kafka is not well */
    KICK_EVERY_US = 5000,  /* why: helper.h */
    KICK_BELOW_RECORDS = 20000,
    CLOSE_MS = 4000,
    CLOSE_POLL_MS = 50,
    REFUSED_COUNTS_MS = 15000, /* a refused login explains time-outs for so long */
};

void source_report_well(struct source *source)
{
    source->group_refused = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (source->refused != NULL) {
        return; /* the rest is well, but a topic is not: only its own check ends that */
    }
    if (!source->is_well) {
        source->is_well = true;
        source->refused_ms = 0;
        source->listener.on_health(source->listener.ctx, PIPE_REASON_NONE, "");
    }
}

void source_report_trouble(struct source *source, rd_kafka_resp_err_t error, const char *text)
{
    enum pipe_reason reason = trouble_reason(error);
    if (reason == PIPE_REASON_NONE) {
        return;
    }
    int64_t now_ms = clock_monotonic_ms();
    if (reason == PIPE_REASON_SOURCE_AUTHENTICATION) {
        source->refused_ms = now_ms;
    } else if (
        reason == PIPE_REASON_SOURCE_UNREACHABLE && source->refused_ms != 0 &&
        now_ms - source->refused_ms < REFUSED_COUNTS_MS) {
        return; /* calls only time out after a refused login */
    }
    char line[TROUBLE_TEXT_BYTES];
    trouble_text(error, text, &source->login, line);
    if (error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) {
        source->group_refused = error;
    }
    source->is_well = false;
    source->listener.on_health(source->listener.ctx, reason, line);
}

/* The library gives up for good; it says so by a message, or by an event. */
static void source_end(struct source *source)
{
    char text[512];
    rd_kafka_resp_err_t cause = rd_kafka_fatal_error(source->rk, text, sizeof(text));
    char line[TROUBLE_TEXT_BYTES];
    trouble_text(cause, text, &source->login, line);
    source->is_well = false;
    source->listener.on_fatal(
        source->listener.ctx, cause == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, line);
}

static void source_error_event(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    struct source *source = opaque;
    (void)rk;
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        source_end(source);
        return;
    }
    if (error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        /* One broker of several may come and go, and _ALL_BROKERS_DOWN is not reported each time
         * that they are: a question tells. */
        source->is_suspect = true;
        (void)snprintf(source->last_error, sizeof(source->last_error), "%s", reason); /* cut */
        return;
    }
    source_report_trouble(source, (rd_kafka_resp_err_t)error, reason);
}

void source_ask_bounds(struct source *source, size_t slot)
{
    if (source->slots[slot].is_asking) {
        return;
    }
    struct helper_job *job = helper_job_new(HELPER_BOUNDS);
    if (job == NULL) {
        return; /* asked again at the next occasion */
    }
    const rd_kafka_topic_partition_t *at = &source->assigned->elems[slot];
    job->partitions = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(job->partitions, at->topic, at->partition);
    job->slot = slot;
    job->assignment = source->assignment;
    source->slots[slot].is_asking = true;
    helper_post(source->helper, job);
}

static void source_tell_refused(struct source *source, const char *topic)
{
    rd_kafka_resp_err_t refused = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    char text[300];
    (void)snprintf(
        text, sizeof(text), "topic '%s': %s", topic, rd_kafka_err2str(refused)); /* fits */
    source_report_trouble(source, refused, text);
}

/* The library says once that a topic is refused, and metadata needs a lesser right than reading:
 * it is remembered until a reader gets an answer (ask_topics). */
static void source_refuse(struct source *source, const char *topic, int32_t partition)
{
    source_tell_refused(source, topic);
    if (source->refused == NULL) {
        source->refused = rd_kafka_topic_partition_list_new(1);
    }
    for (int i = 0; i < source->refused->cnt; i++) {
        if (strcmp(source->refused->elems[i].topic, topic) == 0) {
            return;
        }
    }
    rd_kafka_topic_partition_list_add(source->refused, topic, partition);
}

/* A consumer error comes as a message. */
static void source_take_error(struct source *source, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__FATAL) {
        source_end(source);
        return;
    }
    if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && message->rkt != NULL) {
        size_t slot = rebalance_find_slot(source, message->rkt, message->partition);
        if (slot < source_slots_count(source)) {
            source_ask_bounds(source, slot);
        }
        return;
    }
    if (trouble_reason(message->err) == PIPE_REASON_SOURCE_AUTHORIZATION && message->rkt != NULL) {
        source_refuse(source, rd_kafka_topic_name(message->rkt), message->partition);
        return;
    }
    if (trouble_reason(message->err) == PIPE_REASON_TOPIC_NOT_FOUND && message->rkt != NULL) {
        size_t slot = rebalance_find_slot(source, message->rkt, message->partition);
        if (slot < source_slots_count(source)) {
            source->slots[slot].is_gone = true;
        }
    }
    source_report_trouble(source, message->err, rd_kafka_message_errstr(message));
}

static void source_message_event(rd_kafka_message_t *message, void *opaque)
{
    struct source *source = opaque;
    if (UNLIKELY(message->err != RD_KAFKA_RESP_ERR_NO_ERROR)) {
        source_take_error(source, message);
        return;
    }
    size_t slot = rebalance_find_slot(source, message->rkt, message->partition);
    if (UNLIKELY(slot >= source_slots_count(source) || source->is_revoking)) {
        return; /* of an assignment that is over: its next reader starts at our commit */
    }
    struct source_slot *at = &source->slots[slot];
    if (UNLIKELY(at->is_gone || at->is_held)) {
        return; /* perhaps of another topic of this name: read again when that is known */
    }
    if (UNLIKELY(message->offset < at->expected)) {
        /* Taken before, or the topic was made again: its bounds tell. */
        source_ask_bounds(source, slot);
        return;
    }
    at->expected = message->offset + 1;
    at->has_taken = true;
    struct record record;
    message_record(&record, message);
    source->taken_since_kick++;
    if (!source->listener.on_record(source->listener.ctx, slot, &record)) {
        source->was_enough = true;
        rd_kafka_yield(source->rk);
    }
}

/* On a thread of the library. Its other arguments say which certificate it is: the first that is
 * refused ends the handshake. */
// NOLINTBEGIN(readability-*): the signature is the library's
static int source_verify_event(
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
    struct source *source = opaque;
    return trouble_verified(&source->login, *x509_error);
}
// NOLINTEND(readability-*)

static enum status
source_make_handle(struct source *source, const struct source_params *params, struct err *err)
{
    rd_kafka_conf_t *conf = NULL;
    enum status st = client_conf(params->conf, &conf, err);
    if (st != ST_OK) {
        return st;
    }
    if (source->login.is_new_group) {
        st = source_listen_to_log(conf, err);
        if (st != ST_OK) {
            rd_kafka_conf_destroy(conf);
            return st;
        }
    }
    rd_kafka_conf_set_opaque(conf, source);
    rd_kafka_conf_set_error_cb(conf, source_error_event);
    (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, source_verify_event); /* without TLS: unused */
    rd_kafka_conf_set_rebalance_cb(conf, rebalance_event);
    rd_kafka_conf_set_offset_commit_cb(conf, commit_event);
    st = client_new(conf, &source->rk, err);
    if (st != ST_OK) {
        return st;
    }
    (void)rd_kafka_poll_set_consumer(source->rk); /* a consumer was just made */
    source->group_queue = rd_kafka_queue_get_consumer(source->rk);
    source->record_queue = rd_kafka_queue_new(source->rk);
    uint64_t one = 1;
    rd_kafka_queue_io_event_enable(source->group_queue, source->event_fd, &one, sizeof(one));
    rd_kafka_queue_io_event_enable(source->record_queue, source->event_fd, &one, sizeof(one));
    return ST_OK;
}

static enum status
source_subscribe(struct source *source, const struct source_params *params, struct err *err)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)params->topics->count);
    for (size_t i = 0; i < params->topics->count; i++) {
        rd_kafka_topic_partition_list_add(list, params->topics->items[i], RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t error = rd_kafka_subscribe(source->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return err_set(err, ST_INTERNAL, "cannot subscribe: %s", rd_kafka_err2str(error));
    }
    return ST_OK;
}

enum status
source_open(const struct source_params *params, struct source **ret_source, struct err *err)
{
    struct source *source = calloc(1, sizeof(*source));
    if (source == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a kafka source");
    }
    source->listener = params->listener;
    source->strategy = params->strategy;
    source->timestamp_ms = params->timestamp_ms;
    trouble_login(params->conf, &source->login);
    source->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (source->event_fd < 0) {
        free(source);
        return err_errno(err, ST_INTERNAL, errno, "cannot make an eventfd");
    }
    enum status st = source_make_handle(source, params, err);
    if (st == ST_OK) {
        struct helper_params helper = {
            .rk = source->rk,
            .conf = params->conf,
            .topics = params->topics,
            .strategy = params->strategy,
            .timestamp_ms = params->timestamp_ms,
            .event_fd = source->event_fd,
        };
        st = helper_start(&helper, &source->helper, err);
    }
    if (st == ST_OK) {
        st = source_subscribe(source, params, err);
    }
    if (st != ST_OK) {
        free(source); /* the library's handle stays and is never polled: the process ends now */
        return st;
    }
    *ret_source = source;
    return ST_OK;
}

int source_event_fd(const struct source *source)
{
    return source->event_fd;
}

/* Of the topics that were refused these still are. */
static void source_take_refused(struct source *source, const rd_kafka_topic_partition_list_t *still)
{
    rd_kafka_topic_partition_list_destroy(source->refused);
    source->refused = NULL;
    if (still->cnt == 0) {
        return;
    }
    source->refused = rd_kafka_topic_partition_list_copy(still);
    source_tell_refused(source, still->elems[0].topic);
}

/* Kafka has answered whether it is there. */
static void source_checked(struct source *source, const struct helper_job *job)
{
    source->is_suspect = false;
    if (job->partitions != NULL && job->error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        source_take_refused(source, job->partitions);
        if (source->refused != NULL) {
            return;
        }
    }
    if (job->error == RD_KAFKA_RESP_ERR_NO_ERROR &&
        source->group_refused != RD_KAFKA_RESP_ERR_NO_ERROR) {
        /* librdkafka says it once; only an assignment or a commit shows that it is over */
        source_report_trouble(
            source, source->group_refused, rd_kafka_err2str(source->group_refused));
        return;
    }
    if (job->error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        source_report_well(source);
        return;
    }
    bool is_vague =
        job->error == RD_KAFKA_RESP_ERR__TRANSPORT || job->error == RD_KAFKA_RESP_ERR__TIMED_OUT;
    const char *text = is_vague && source->last_error[0] != '\0' ? source->last_error : job->text;
    source_report_trouble(source, job->error, text);
}

static void source_take_answers(struct source *source, int64_t now_ms)
{
    struct helper_job *job = NULL;
    while ((job = helper_take(source->helper)) != NULL) {
        switch (job->kind) {
        case HELPER_CHECK:
            source->is_checking = false;
            source->next_check_ms = now_ms + CHECK_EVERY_MS;
            source_checked(source, job);
            break;
        case HELPER_OFFSETS:
            rebalance_offsets_answered(source, job, now_ms);
            break;
        case HELPER_COMMITTED:
            commit_looked(source, job);
            break;
        case HELPER_BOUNDS:
            rebalance_jump(source, job);
            break;
        case HELPER_READ:
            source->is_reading = false;
            if (source->is_read_wanted) {
                source->read_answer = job;
                continue;
            }
            break;
        }
        helper_job_free(job);
    }
}

void source_poll(struct source *source, int64_t now_ms)
{
    uint64_t count = 0;
    ssize_t got = read(source->event_fd, &count, sizeof(count));
    (void)got; /* empty is fine: everything is looked at anyway */
    /* Callbacks run inside; what it returns is an error, or a record that was on its way when its
     * partition's queue was forwarded. */
    rd_kafka_message_t *message = NULL;
    while ((message = rd_kafka_consumer_poll(source->rk, 0)) != NULL) {
        source_message_event(message, source);
        rd_kafka_message_destroy(message);
    }
    source_take_log(source);
    source_take_answers(source, now_ms);
    rebalance_tick(source, now_ms);
    if ((!source->is_well || source->is_suspect) && !source->is_checking &&
        now_ms >= source->next_check_ms) {
        struct helper_job *job = helper_job_new(HELPER_CHECK);
        if (job != NULL) {
            source->is_checking = true;
            if (source->refused != NULL) {
                job->partitions = rd_kafka_topic_partition_list_copy(source->refused);
            }
            helper_post(source->helper, job);
        }
    }
}

bool source_consume(struct source *source)
{
    source->was_enough = false;
    (void)rd_kafka_consume_callback_queue(
        source->record_queue, 0, source_message_event, source); /* errors come as messages */
    return source->was_enough;
}

/* True if the brokers are known to hold more than we have taken. */
static bool source_is_behind(struct source *source)
{
    for (size_t slot = 0; slot < source_slots_count(source); slot++) {
        int64_t low = -1;
        int64_t high = -1;
        const rd_kafka_topic_partition_t *at = &source->assigned->elems[slot];
        if (rd_kafka_get_watermark_offsets(source->rk, at->topic, at->partition, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            high > source->slots[slot].expected) {
            return true;
        }
    }
    return false;
}

bool source_kick(struct source *source, int64_t now_us)
{
    if (source->taken_since_kick == 0 || source->is_paused ||
        rd_kafka_queue_length(source->record_queue) >= KICK_BELOW_RECORDS) {
        return false;
    }
    if (now_us - source->last_kick_us < (int64_t)SOURCE_KICK_MS * 1000) {
        return true;
    }
    source->last_kick_us = now_us;
    source->taken_since_kick = 0;
    if (source_is_behind(source)) {
        helper_kick(source->helper);
    }
    return false;
}

size_t source_slots_count(const struct source *source)
{
    return source->assigned == NULL ? 0 : (size_t)source->assigned->cnt;
}

void source_refresh_positions(struct source *source)
{
    if (source->assigned == NULL) {
        return;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(source->assigned);
    rd_kafka_resp_err_t error = rd_kafka_position(source->rk, list);
    for (size_t slot = 0; slot < source_slots_count(source); slot++) {
        const rd_kafka_topic_partition_t *at = &list->elems[slot];
        struct source_slot *to = &source->slots[slot];
        int64_t low = -1;
        int64_t high = -1;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR && at->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
            at->offset >= 0) {
            to->position = at->offset;
        }
        if (rd_kafka_get_watermark_offsets(source->rk, at->topic, at->partition, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            high >= 0) {
            to->end = high;
        }
    }
    rd_kafka_topic_partition_list_destroy(list);
}

void source_partition(
    const struct source *source, size_t slot, struct source_partition *ret_partition)
{
    assert(slot < source_slots_count(source));
    const struct source_slot *at = &source->slots[slot];
    /* A position that counts records which were not handed over would be a lie. */
    bool is_true = at->has_taken && !source->is_paused && !source->is_revoking && !at->is_held;
    *ret_partition = (struct source_partition){
        .topic = source->assigned->elems[slot].topic,
        .partition = source->assigned->elems[slot].partition,
        .end = at->end,
        .position = is_true ? at->position : -1,
    };
}

enum status source_read_again(
    struct source *source, const struct source_wanted *wanted, size_t count, struct err *err)
{
    if (source->is_reading || source->read_answer != NULL) {
        return err_set(err, ST_CONFLICT, "records are being read again already");
    }
    struct helper_job *job = helper_job_new(HELPER_READ);
    if (job == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory to read %zu records again", count);
    }
    job->partitions = rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        assert(wanted[i].slot < source_slots_count(source));
        const rd_kafka_topic_partition_t *at = &source->assigned->elems[wanted[i].slot];
        rd_kafka_topic_partition_list_add(job->partitions, at->topic, at->partition)->offset =
            wanted[i].offset;
    }
    source->is_reading = true;
    source->is_read_wanted = true;
    helper_post(source->helper, job);
    return ST_OK;
}

void source_forget_read(struct source *source)
{
    source->is_read_wanted = false;
    helper_job_free(source->read_answer);
    source->read_answer = NULL;
}

bool source_has_read(const struct source *source)
{
    return source->read_answer != NULL;
}

void source_take_read(struct source *source, source_read_fn *fn, void *ctx)
{
    struct helper_job *job = source->read_answer;
    assert(job != NULL);
    for (int i = 0; i < job->partitions->cnt; i++) {
        struct record record;
        bool is_there = job->messages != NULL && job->messages[i] != NULL;
        if (is_there) {
            message_record(&record, job->messages[i]);
        }
        fn(ctx, (size_t)i, is_there ? &record : NULL);
    }
    source->read_answer = NULL;
    source->is_read_wanted = false;
    helper_job_free(job);
}

/*
 * Not rd_kafka_consumer_close: with a commit under way to a coordinator that is gone and the
 * assignment lost meanwhile it never returns (2.0.2, process/replica).
 */
bool source_close(struct source *source)
{
    if (source == NULL) {
        return true;
    }
    source->is_closing = true;
    if (source->is_revoking || source->coming != NULL) {
        /* The library waits for our word on a rebalance, and would wait in its close as well. */
        rebalance_give_up(source);
    }
    int64_t deadline_ms = clock_monotonic_ms() + CLOSE_MS;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(source->rk);
    rd_kafka_error_t *failed = rd_kafka_consumer_close_queue(source->rk, queue);
    if (failed != NULL) {
        rd_kafka_error_destroy(failed); /* closed already, by a fatal error */
        return false;
    }
    while (rd_kafka_consumer_closed(source->rk) == 0 && clock_monotonic_ms() < deadline_ms) {
        /* Callbacks run inside: the last revocation, answers to commits. */
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, CLOSE_POLL_MS);
        if (message != NULL) {
            rd_kafka_message_destroy(message);
        }
    }
    return rd_kafka_consumer_closed(source->rk) != 0;
}
