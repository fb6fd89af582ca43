#ifndef BENCH_TOPIC_H
#define BENCH_TOPIC_H

/*
 * Reading a whole topic the way the replica does (callback queue, the same settings), for the
 * programs that a replica is compared with.
 */

#include <stddef.h>
#include <stdint.h>

struct topic_reader;

/* Ended by the process. NULL after a message on stderr. program: its name in messages. */
struct topic_reader *topic_open(const char *program, const char *brokers, const char *topic);

/* Give records to take until `wanted` were given or 120 s are over; returns how many were given. */
long long topic_read(
    struct topic_reader *reader, long long wanted,
    void (*take)(void *ctx, const uint8_t *value, size_t len), void *ctx);

/* Leave the group. */
void topic_close(struct topic_reader *reader);

/* CPU seconds of this process so far, and its peak resident KiB. */
double process_cpu_s(void);
long process_peak_kb(void);

#endif
