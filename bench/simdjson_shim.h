#ifndef BENCH_SIMDJSON_SHIM_H
#define BENCH_SIMDJSON_SHIM_H

/* simdjson's DOM parser for C: the yardstick of the decode bench. Only bench code uses it. */

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SIMDJSON_SHIM_PADDING_BYTES = 64 /* must be readable behind a document */
};

struct simdjson_shim;

/* NULL if out of memory. Owned, simdjson_shim_free. */
struct simdjson_shim *simdjson_shim_new(void);
void simdjson_shim_free(struct simdjson_shim *shim);

/* Parse a document into a DOM, which is dropped. True if it is valid JSON. */
bool simdjson_shim_parse(struct simdjson_shim *shim, const char *text, size_t len_bytes);

/* Name of the kernel simdjson chose for this processor. Static memory. */
const char *simdjson_shim_kernel(void);

#ifdef __cplusplus
}
#endif

#endif
