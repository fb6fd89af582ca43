#ifndef DEMO_GENERATOR_ORDER_H
#define DEMO_GENERATOR_ORDER_H

/*
 * One order of a web shop as JSON: nested customer with address, items (array of objects), tags
 * (array of texts), a map of attributes, a UUID, decimals as numbers and as text, a timestamp with
 * zone offset, nulls and missing members, UTF-8 raw and escaped. The pipe of the demo driver
 * (demo/driver/pipe.py) has a column for each member.
 */

#include <stdint.h>

#include "demo/generator/text.h"

/* Where an order deviates from what its columns can take. Each one is well-formed JSON. */
enum order_flaw {
    ORDER_FLAW_NONE,
    ORDER_FLAW_ID,       /* order_id is no UUID */
    ORDER_FLAW_NUMBER,   /* number is text without digits */
    ORDER_FLAW_STATUS,   /* status is not in the enum */
    ORDER_FLAW_TIME,     /* created_at is no point in time */
    ORDER_FLAW_CUSTOMER, /* customer is a text, not an object */
    ORDER_FLAW_QUANTITY, /* the first item's quantity is negative */
    ORDER_FLAW_AMOUNT,   /* amount carries a comma and a currency */
    ORDER_FLAW_COUNT     /* number of the above */
};

struct order_params {
    uint64_t seed;
    uint64_t index;  /* record number; seed and index decide everything but the time */
    int64_t wall_ms; /* milliseconds since 1970-01-01 UTC, 0 … year 9999 */
    enum order_flaw flaw;
};

enum {
    ORDER_TRACE_HEX_DIGITS = 32
};

/* What Kafka carries beside the value. */
struct order_envelope {
    uint32_t customer_id; /* the key */
    const char *source;   /* header; static memory */
    char trace_id[ORDER_TRACE_HEX_DIGITS + 1];
};

/* Append the order to text. */
void order_build(const struct order_params *params, struct text *text);

/* Key and headers of the same order; a flawed order has the same ones. */
void order_envelope(const struct order_params *params, struct order_envelope *ret_envelope);

#endif
