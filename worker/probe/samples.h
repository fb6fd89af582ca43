#ifndef WORKER_PROBE_SAMPLES_H
#define WORKER_PROBE_SAMPLES_H

/*
 * Records of a topic, copied out of Kafka for a probe: which ones the question's options say
 * (topic, partition, offset, timestamp, from, limit), newest first unless a place was given, within
 * a budget of bytes. And their REST shape, the same as a record of GET …/errors.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"

#include "worker/probe/question.h"
#include "worker/replica/decode/record.h"

enum {
    SAMPLES_MAX = 1000,
    SAMPLES_BUDGET_BYTES = 32 * 1024 * 1024,
    SAMPLE_SHOWN_BYTES = 65536, /* of a key or value in an answer */
};

struct sample {
    struct record record; /* borrows the rest */
    char *topic;
    uint8_t *key;   /* NULL = null */
    uint8_t *value; /* NULL = null; padding behind it, see decoder.h */
    struct record_header *headers;
    size_t headers_count;
    uint8_t *headers_bytes;
};

struct samples {
    struct sample *items;
    size_t count;
    size_t capacity;
    size_t bytes;
    bool is_out_of_memory;
};

/* Read. fallback: how many when the options name no limit. ret_samples: samples_done, whatever
 * comes back. Statuses and reasons of browse_records; ST_INVALID for a place that is none. */
enum status samples_read(
    const struct question *question, int64_t fallback, struct samples *ret_samples,
    struct probe_failure *failure) MUST_CHECK;
void samples_done(struct samples *samples);

/* A text longer than SAMPLE_SHOWN_BYTES as its beginning and "…"; anything else as it is. value:
 * taken. */
json_t *samples_shorten(json_t *value);

/* {"key","value","encoding","headers"} and the coordinates, added to object. False: no memory. */
bool samples_describe(const struct record *record, json_t *object) MUST_CHECK;

#endif
