#ifndef WORKER_REPLICA_KAFKA_SOURCE_H
#define WORKER_REPLICA_KAFKA_SOURCE_H

/*
 * The Kafka side of a replica: a member of the pipe's consumer group that hands records, one by
 * one and in the loop's own thread, to a listener. It never blocks: what can only be asked
 * blocking goes to one helper thread (helper.h). Assignments and revocations wait for the loop:
 * a revoked partition is given up only when the loop says it has finished with it.
 *
 * No type of the Kafka library crosses this door. A slot is a partition's index in the present
 * assignment, the same as in the ledger.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/model/pipe.h"
#include "common/model/pipe_state.h"

#include "worker/replica/decode/record.h"
#include "worker/replica/kafka/conf.h"

struct source;

/* One partition of a new assignment. */
struct source_start {
    const char *topic; /* borrowed until the next assignment */
    int32_t partition;
    int64_t next;      /* offset to read from; −1 = from the first record there is */
    int64_t committed; /* of the group, −1 = none: `next` comes from the pipe's start strategy */
    const char
        *metadata; /* of the committed offset; text, borrowed during on_assign, NULL = none */
};

enum source_jump {
    SOURCE_JUMP_GAP,       /* retention passed us: records from … to−1 are gone */
    SOURCE_JUMP_RECREATED, /* the topic was made again: offsets start over at `to` */
};

/*
 * All called from source_poll or source_consume. on_record: take the record; false = enough for
 * now (the record was taken all the same). on_assign may raise `next` of partitions it knows to be
 * stored further, and may refuse only for lack of memory.
 */
struct source_listener {
    void *ctx;
    bool (*on_record)(void *ctx, size_t slot, const struct record *record);
    enum status (*on_assign)(void *ctx, struct source_start *starts, size_t count, struct err *err);
    /* Finish, then call source_release. is_lost: somebody else reads them already. */
    void (*on_revoke)(void *ctx, bool is_lost);
    void (*on_committed)(void *ctx, size_t slot, int64_t offset);
    void (*on_commit_refused)(void *ctx, const char *text); /* nothing of it was committed */
    void (*on_jump)(void *ctx, enum source_jump jump, size_t slot, int64_t from, int64_t to);
    /* The membership is over and this handle reads nothing more. is_fenced: another process has the
     * same name in the group; else `text` says what a person must know. */
    void (*on_fatal)(void *ctx, bool is_fenced, const char *text);
    /* Kafka is well (PIPE_REASON_NONE) or not, and why. Repeats are possible. */
    void (*on_health)(void *ctx, enum pipe_reason reason, const char *text);
};

struct source_params {
    const struct kafka_conf *conf; /* borrowed during the call */
    const struct text_list *topics;
    enum offset_strategy strategy; /* where partitions without a committed offset start */
    int64_t timestamp_ms;          /* for OFFSET_FROM_TIMESTAMP */
    struct source_listener listener;
};

/* Join the group. ret_source: owned, source_close. ST_INVALID for a property the library refuses,
 * ST_INTERNAL, ST_NO_MEMORY. */
enum status source_open(
    const struct source_params *params, struct source **ret_source, struct err *err) MUST_CHECK;

/* Readable when source_poll or source_consume has something to do. */
int source_event_fd(const struct source *source);

/* Serve everything but records: rebalances, health, commits, answers of the helper. Call at least
 * once a second; it is also what keeps the group membership alive while no record is wanted. */
void source_poll(struct source *source, int64_t now_ms);

/* Hand records to on_record until it says enough or none is queued. True if more may be queued. */
bool source_consume(struct source *source);

/* Wake the brokers' fetchers if the queue runs low while there is more (helper.h). True
 * if it should be called again in SOURCE_KICK_MS even if nothing happens. */
bool source_kick(struct source *source, int64_t now_us);
enum {
    SOURCE_KICK_MS = 5
};

/* Stop fetching, keep the membership; and go on. Both may be called in any state. */
void source_pause(struct source *source);
void source_resume(struct source *source);

/* Drop what is queued and read every slot again from next[slot] (−1 = the first there is). Ends a
 * pause. */
enum status
source_rewind(struct source *source, const int64_t *next, size_t count, struct err *err) MUST_CHECK;

/* Hand over no more records of this slot, from `next` on, and stop fetching it; the others go on.
 */
void source_hold(struct source *source, size_t slot, int64_t next);
bool source_is_held(const struct source *source, size_t slot);

/* Go on with a held slot at `next` (−1 = the first there is), with the next source_unhold_done:
 * that costs the others what is queued, so it is called once for all. */
void source_unhold(struct source *source, size_t slot, int64_t next);
void source_unhold_done(struct source *source);

/* Give up the revoked partitions: the loop has finished with them. */
void source_release(struct source *source);

struct source_commit {
    size_t slot;
    int64_t offset;
    const char *metadata; /* kept with the offset; borrowed during the call, NULL = none */
};

/* Ask the broker to commit; answers come by on_committed. One commit is under way at a time:
 * ST_CONFLICT while source_is_committing. ST_NO_MEMORY, ST_UNAVAILABLE. */
enum status source_commit(
    struct source *source, const struct source_commit *commits, size_t count,
    struct err *err) MUST_CHECK;
bool source_is_committing(const struct source *source);

/* Facts for reports, −1 = unknown. position: below it the library has nothing left to hand over;
 * it steps over transaction markers. Known only after a record, and not while paused. */
struct source_partition {
    const char *topic; /* borrowed until the next assignment */
    int32_t partition;
    int64_t end;
    int64_t position;
};
size_t source_slots_count(const struct source *source);
void source_partition(
    const struct source *source, size_t slot, struct source_partition *ret_partition);

/* Read positions of all slots from the library at once; source_partition answers from it. */
void source_refresh_positions(struct source *source);

/* Records of these offsets, whole, for the error table; asked of the helper thread. */
struct source_wanted {
    size_t slot;
    int64_t offset;
};
typedef void source_read_fn(void *ctx, size_t index, const struct record *record);

/* Ask for records again by offset. ST_CONFLICT while one such question is open, ST_NO_MEMORY. */
enum status source_read_again(
    struct source *source, const struct source_wanted *wanted, size_t count,
    struct err *err) MUST_CHECK;

/* The answer is no longer wanted, whether it is there or not. */
void source_forget_read(struct source *source);

/* True when the answer is there. */
bool source_has_read(const struct source *source);

/* Give each wanted record (record NULL if it is gone) to fn, in the order asked, and forget them.
 */
void source_take_read(struct source *source, source_read_fn *fn, void *ctx);

/* Leave the group; a commit must be finished before. Takes 4 s at most: false if the group was not
 * left by then, which it forgets after the session's time. The library's memory stays until the
 * process ends (rd_kafka_destroy may never return). */
bool source_close(struct source *source);

#endif
