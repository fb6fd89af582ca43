#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

/*
 * What the decode bench measures: the messages of one workload in one shape, and a decoder with the
 * plan that reads them. Failures end the program with a message.
 */

#include <stddef.h>

#include "bench/workload.h"
#include "worker/replica/block/block.h"
#include "worker/replica/decode/decoder.h"

struct message {
    size_t start;
    size_t len_bytes;
};

/* All messages of one workload, one behind the other as in a fetched batch. */
struct messages {
    char *bytes; /* owned; readable padding behind the last */
    struct message *items;
    size_t count;
    size_t total_bytes;
};

/* Avro messages have Confluent framing. Owned, messages_free. */
struct messages messages_new(enum workload_kind kind, enum emit_shape shape, size_t count);
void messages_free(struct messages *messages);

enum subject_columns {
    SUBJECT_ALL,  /* of the workload */
    SUBJECT_HALF, /* every second of them */
    SUBJECT_RAW,  /* only _raw_message */
};

struct subject;

/* A decoder for the workload's messages of that shape. Owned, subject_free. */
struct subject *
subject_new(enum workload_kind kind, enum emit_shape shape, enum subject_columns columns);
void subject_free(struct subject *subject);

/* Its empty block, with memory kept over resets. Borrowed. */
struct block *subject_block(struct subject *subject);

/* Decode all messages into blocks of 100,000 rows; thread CPU ns per message. */
double subject_round(struct subject *subject, const struct messages *messages);

/* Thread CPU time so far. */
double cpu_ns(void);

/* One line on stderr and the end. */
_Noreturn void die(const char *reason);

#endif
