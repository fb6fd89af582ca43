#ifndef DEMO_GENERATOR_MALFORMED_H
#define DEMO_GENERATOR_MALFORMED_H

/*
 * Records as broken producers send them: which ones, how, and how many. The share goes up and down
 * slowly around its mean, from a fifth of it to nine fifths, as outages of other people's code do.
 */

#include "demo/generator/order.h"
#include "demo/generator/text.h"

enum malformed_kind {
    MALFORMED_NONE,       /* a good order */
    MALFORMED_TRUNCATED,  /* cut before its end */
    MALFORMED_PLAIN_TEXT, /* a log line */
    MALFORMED_EMPTY,      /* a value of no bytes (not a null) */
    MALFORMED_TRAILING,   /* something behind the document */
    MALFORMED_UTF8,       /* a byte that is not UTF-8 inside a text */
    MALFORMED_NUMBER,     /* NaN, which JSON has not */
    MALFORMED_TYPE,       /* JSON whose value does not fit its column (enum order_flaw) */
    MALFORMED_KIND_COUNT
};

enum {
    MALFORMED_WAVE_RECORDS = 100000 /* length of one up and down */
};

/* Percent of malformed records around record `index` when the mean is mean_percent (0 … 50). */
double malformed_percent_at(uint64_t index, double mean_percent);

/* What record `index` of this seed is. */
enum malformed_kind malformed_choose(uint64_t seed, uint64_t index, double mean_percent);

/* Append the record to text: the order of params, broken in that way. params->flaw is not read. */
void malformed_build(
    enum malformed_kind kind, const struct order_params *params, struct text *text);

#endif
