#ifndef DEMO_GENERATOR_RUN_H
#define DEMO_GENERATOR_RUN_H

/* The generator's loop: so many orders at such a rate, until the count is reached or a signal. */

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "demo/generator/producer.h"

struct run_settings {
    struct producer_settings producer;
    uint64_t seed;
    uint64_t first_index;     /* record number of the first order */
    uint64_t count;           /* 0 = endless */
    uint64_t rate_per_s;      /* 0 = flat out */
    double malformed_percent; /* mean, 0 … 50 */
    const char *stats_file;   /* may be NULL */
    bool is_create_only;      /* make sure the topic is there, produce nothing */
};

/* Produce; ends when `count` are out or signal_fd (a signalfd) is readable, both after a flush.
 * Statuses of producer_new; ST_IO if a record failed for good, ST_TIMEOUT if some stayed open. */
enum status
run_generator(const struct run_settings *settings, int signal_fd, struct err *err) MUST_CHECK;

#endif
