#ifndef TESTS_UNIT_WORKER_REPLICA_DECODE_FAILING_HEAP_H
#define TESTS_UNIT_WORKER_REPLICA_DECODE_FAILING_HEAP_H

/* A heap that refuses the n-th allocation of Penstock's own code: malloc, calloc, realloc, strdup
 * and strndup are wrapped by the linker (penstock_failing_heap in tests/unit/no_memory.cmake).
 * What libraries allocate for themselves is not touched. */

#include <stdbool.h>
#include <stddef.h>

/* From now on, the n-th allocation (1 = the next) is refused, and only that one. */
void failing_heap_arm(size_t n);

/* Back to normal. True if an allocation was refused. */
bool failing_heap_disarm(void);

#endif
