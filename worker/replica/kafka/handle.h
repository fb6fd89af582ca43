#ifndef WORKER_REPLICA_KAFKA_HANDLE_H
#define WORKER_REPLICA_KAFKA_HANDLE_H

/*
 * Inside of the Kafka room: the source's own struct, shared by source.c (records, health),
 * rebalance.c (assignments) and commit.c. Only files of this folder include it.
 */

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/replica/kafka/helper.h"
#include "worker/replica/kafka/source.h"
#include "worker/replica/kafka/trouble.h"

struct source_slot {
    rd_kafka_queue_t *queue; /* of the partition, forwarded to record_queue */
    const void *rkt;  /* the library's topic object of this slot's records, NULL = none seen */
    int64_t expected; /* next offset, −1 unknown */
    int64_t end;
    int64_t position;
    bool has_taken;  /* a record was handed over since the last (re)start: position is true */
    bool is_asking;  /* a question about its bounds is open */
    bool is_gone;    /* its topic was not there: nothing is taken until its bounds are known */
    bool has_commit; /* the group has had an offset of it: a topic's deletion takes it away */
    bool is_held;    /* its records are not wanted for now: it is paused */
};

struct source {
    rd_kafka_t *rk;
    rd_kafka_queue_t *group_queue;  /* group events, health, answers: everything but records */
    rd_kafka_queue_t *record_queue; /* all partitions' records */
    struct helper *helper;
    struct source_listener listener;
    enum offset_strategy strategy;
    int64_t timestamp_ms;
    int event_fd;
    bool is_closing;

    /* Records. */
    rd_kafka_topic_partition_list_t *assigned; /* NULL = nothing; index = slot */
    struct source_slot *slots;
    size_t last_slot;
    bool was_enough; /* on_record said so in this call */

    bool is_paused;  /* all slots are */
    bool has_unheld; /* slots wait for source_unhold_done */
    uint64_t taken_since_kick;
    int64_t last_kick_us;

    /* Assignments. What the library has assigned is `assigned`, and nothing while that is NULL. */
    rd_kafka_topic_partition_list_t *coming; /* waits for its offsets */
    bool is_revoking;                        /* waits for source_release */
    bool is_incremental; /* the group's protocol changes an assignment by parts */
    rd_kafka_topic_partition_list_t *joining; /* incremental: comes to it on release; NULL = none */
    rd_kafka_topic_partition_list_t
        *leaving;             /* incremental: goes from it on release; NULL = none */
    int64_t retry_offsets_ms; /* ask again then; 0 = no */
    int64_t next_forward_ms;  /* point partition queues at record_queue again */
    int64_t fresh_until_ms;   /* more often before this */
    int64_t look_again_ms;    /* for slots that are gone */

    /* Commits. */
    bool is_committing;
    rd_kafka_topic_partition_list_t *commit_list; /* owned; waits for HELPER_COMMITTED */
    uint64_t assignment;                          /* counts assignments: tells old answers */
    uint64_t committing_assignment;

    /* Health. */
    bool is_well;
    struct trouble_login login;
    bool is_checking;
    rd_kafka_resp_err_t group_refused; /* the coordinator lets us not in, though Kafka answers */
    atomic_bool lacks_protocol;        /* set by a thread of the library: the coordinator said so */
    bool is_suspect;                   /* a connection failed: ask whether Kafka is still there */
    rd_kafka_topic_partition_list_t *refused; /* one partition of each topic we may not read */
    char last_error[512];                     /* why it failed */
    int64_t next_check_ms;
    int64_t refused_ms; /* when the login was refused last, 0 = never */

    /* Records asked for again. */
    struct helper_job *read_answer; /* owned */
    bool is_reading;                /* the helper has the question */
    bool is_read_wanted;            /* somebody still waits for the answer */
};

/* rebalance.c */
void rebalance_event(
    rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *partitions,
    void *opaque);
void rebalance_offsets_answered(struct source *source, struct helper_job *job, int64_t now_ms);
void rebalance_tick(struct source *source, int64_t now_ms);
void rebalance_jump(struct source *source, struct helper_job *job);

/* The slot of a topic object and partition; assigned->cnt if it is not assigned. */
size_t rebalance_find_slot(struct source *source, const rd_kafka_topic_t *rkt, int32_t partition);

/* The handle is about to close: answer what the library waits for. */
void rebalance_give_up(struct source *source);

/* commit.c */
void commit_looked(struct source *source, const struct helper_job *job);
void commit_event(
    rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *offsets,
    void *opaque);

/* source.c: tell the listener. */
void source_report_well(struct source *source);
void source_report_trouble(struct source *source, rd_kafka_resp_err_t error, const char *text);

/* group_log.c: hear what only the log tells, before the handle is made; and, in each poll, tell it
 * on. ST_INTERNAL. */
enum status source_listen_to_log(rd_kafka_conf_t *conf, struct err *err) MUST_CHECK;
void source_take_log(struct source *source);

/* Ask where the partition of this slot begins and ends, once. */
void source_ask_bounds(struct source *source, size_t slot);

#endif
