#ifndef WORKER_PROBE_REPLAY_REPLAY_H
#define WORKER_PROBE_REPLAY_REPLAY_H

/*
 * Rejected records once more through the pipe's present mapping, each stored at most once. Design
 * and proof: docs/errors.md, Replay. One run at a time per pipe (the job's lock in PostgreSQL).
 *
 * Per page: ask the target which of them it holds (where it can tell), decode the rest, write the
 * intent, insert with the intent's token, mark it done. Inside this room and its tests.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/uuid.h"

#include "worker/probe/lookup.h"
#include "worker/probe/replay/target.h"
#include "worker/replica/decode/decoder.h"

enum {
    REPLAY_PAGE_RECORDS = 5000,
    REPLAY_PAGE_BYTES = 16 * 1024 * 1024,
    REPLAY_TOKEN_BYTES = 64,
};

struct replay_counts {
    int64_t matched;
    int64_t replayed; /* now in the target and marked */
    int64_t already;  /* of those, found there */
    int64_t failing;
    int64_t uncertain; /* may be in the target; left alone */
};

/* A record that fits, with its rows in the block. */
struct replay_fit {
    struct replay_key key;
    size_t row_from;
    size_t rows_count;
};

struct replay_run {
    struct target target;
    struct lookup lookup;
    struct decoder *decoder; /* owned */
    struct block *block;     /* owned; the page's rows */
    struct block *part;      /* owned; of a range that is sent alone */
    struct replay_fit *fits; /* owned, of this page */
    size_t fits_count;
    struct replay_key *keys; /* owned scratch of as many */
    bool is_dry;
    struct replay_counts counts;
};

/* Write a mark (see replay_marks). */
enum status
replay_mark(struct replay_run *run, const struct replay_marks *marks, struct err *err) MUST_CHECK;

/* Which of the keys the target holds: is_present[i] for each. Only with coordinates. */
enum status replay_find(
    struct replay_run *run, const struct replay_key *keys, size_t count, bool *is_present,
    struct err *err) MUST_CHECK;

/* Keys that are in the target already: intent and done, without an insert. */
enum status replay_mark_found(
    struct replay_run *run, const struct replay_key *keys, size_t count,
    struct err *err) MUST_CHECK;

/* One page of records, decoded. */
struct replay_pages {
    struct buf body; /* RowBinary; keys point to topics */
    char **topics;   /* owned; one for each run of equal topics */
    size_t topics_count;
    struct replay_key *keys; /* owned; all records of the page, in order */
    size_t count;
};
void replay_pages_done(struct replay_pages *page);

/* Ask by sql and read the keys. */
enum status replay_pages_read(
    struct replay_run *run, enum status written, struct buf *sql, struct replay_pages *ret_page,
    struct err *err) MUST_CHECK;

/* Decode the page's records, those with skip[i] excepted (NULL = none), into run->block and
 * run->fits; what does not fit is counted in *ret_failing. */
enum status replay_pages_decode(
    struct replay_run *run, const struct replay_pages *page, const bool *skip, int64_t *ret_failing,
    struct err *err) MUST_CHECK;

/* Insert all fits of the page, refused rows found by halving. */
enum status replay_store(struct replay_run *run, struct err *err) MUST_CHECK;

/* Settle what an earlier run left open (resolve.c). ST_CONFLICT: its insert still runs. */
enum status replay_resolve(struct replay_run *run, struct err *err) MUST_CHECK;

#endif
