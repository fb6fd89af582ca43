#ifndef BENCH_AVRO_GENERIC_H
#define BENCH_AVRO_GENERIC_H

/* Avro the ordinary way: avro-c reads a message into a generic value, whose fields are then copied
 * into the columns. The yardstick of the Avro decoder; only bench code uses it. */

#include <stdbool.h>
#include <stddef.h>

#include "bench/workload.h"
#include "worker/replica/block/block.h"

struct avro_generic;

/* For the workload's schema and columns. NULL if avro-c refuses it. Owned, avro_generic_free. */
struct avro_generic *avro_generic_new(enum workload_kind kind);
void avro_generic_free(struct avro_generic *generic);

/* One message as a row of block (the workload's columns). False: it cannot be read. */
bool avro_generic_add(
    struct avro_generic *generic, const char *body, size_t len_bytes, struct block *block);

#endif
