/*
 * Dates, instants and times of day: logical types on int and long. Into date-time columns they go
 * by their meaning, into numbers as the number that stands in the message.
 */
#include <assert.h>

#include "worker/replica/decode/avro/avro_node.h"

/* As documented for all versions of ClickHouse: DateTime64 and Date32 from 1900 to 2299. */
enum {
    DAYS_MIN = -25567,
    DAYS_MAX = 120529,
    DATE_DAYS_MAX = 65535,
    SECONDS_PER_DAY = 86400,
};

static const uint8_t *
read_number(struct avro_run *r, const struct avro_node *n, const uint8_t *at, int64_t *ret_value)
{
    return n->type->kind == AVRO_INT ? avro_int(r, at, ret_value) : avro_long(r, at, ret_value);
}

static const uint8_t *convert_ticks(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    int64_t value = 0;
    const uint8_t *next = read_number(r, n, at, &value);
    if (next == NULL) {
        return NULL;
    }
    struct convert *c = &r->convert;
    switch (n->type->logical) {
    case AVRO_DATE:
        return avro_converted(r, n, at, next, convert_date(c, n->cell, column, value));
    case AVRO_TIME_MS:
    case AVRO_TIME_US:
        return avro_converted(r, n, at, next, convert_time(c, n->cell, column, value, n->scale));
    default: /* instants; there are no others, see avro_choose_time */
        return avro_converted(r, n, at, next, convert_instant(c, n->cell, column, value, n->scale));
    }
}

/* Ticks of 10^-from s into those of 10^-to s, for what a DateTime64 holds. */
static bool set_range(struct avro_node *n, unsigned to)
{
    if (n->scale > to || to > 9) {
        return false;
    }
    int64_t ticks = (int64_t)NUMBER_POWERS[n->scale];
    n->factor = (int64_t)NUMBER_POWERS[to - n->scale];
    int64_t seconds = INT64_MAX / (int64_t)NUMBER_POWERS[to];
    int64_t first = (int64_t)DAYS_MIN * SECONDS_PER_DAY;
    int64_t last = ((int64_t)DAYS_MAX + 1) * SECONDS_PER_DAY - 1;
    n->low = (first < -seconds ? -seconds : first) * ticks;
    n->high = (last >= seconds ? seconds - 1 : last) * ticks;
    return true;
}

static bool choose_date(struct avro_node *n)
{
    enum ch_kind to = n->cell->kind;
    n->factor = 1;
    n->low = to == CH_DATE32 ? DAYS_MIN : 0;
    n->high = to == CH_DATE32 ? DAYS_MAX : DATE_DAYS_MAX;
    return to == CH_DATE32 || to == CH_DATE;
}

static bool is_of_time(enum ch_kind kind)
{
    return kind == CH_DATE || kind == CH_DATE32 || kind == CH_DATETIME || kind == CH_DATETIME64 ||
           kind == CH_TIME || kind == CH_TIME64;
}

/* Into what has neither a number's nor a text's way: their meaning is told by convert.c. */
static bool is_text_like(enum ch_kind kind)
{
    return kind == CH_STRING || kind == CH_LOW_CARDINALITY || kind == CH_FIXED_STRING;
}

uint8_t avro_time_scale(enum avro_logical logical)
{
    switch (logical) {
    case AVRO_TIME_MS:
    case AVRO_INSTANT_MS:
    case AVRO_LOCAL_MS:
        return 3;
    case AVRO_TIME_US:
    case AVRO_INSTANT_US:
    case AVRO_LOCAL_US:
        return 6;
    case AVRO_INSTANT_NS:
    case AVRO_LOCAL_NS:
        return 9;
    case AVRO_PLAIN:
    case AVRO_DECIMAL:
    case AVRO_UUID:
    case AVRO_DATE:
    case AVRO_DURATION:
        return 0;
    }
    return 0;
}

bool avro_choose_time(struct avro_node *n)
{
    enum avro_logical logical = n->type->logical;
    bool is_time =
        logical != AVRO_PLAIN && (n->type->kind == AVRO_INT || n->type->kind == AVRO_LONG);
    if (!is_time || (!is_of_time(n->cell->kind) && !is_text_like(n->cell->kind))) {
        return false;
    }
    n->scale = avro_time_scale(logical);
    n->run = convert_ticks;
    bool is_direct = false;
    if (logical == AVRO_DATE) {
        is_direct = choose_date(n);
    } else if (logical == AVRO_TIME_MS || logical == AVRO_TIME_US) {
        is_direct = false; /* time columns have a range of their own */
    } else {
        is_direct = n->cell->kind == CH_DATETIME64 && set_range(n, n->cell->scale);
    }
    if (is_direct) {
        avro_set_quick(n, AVRO_QUICK_WHOLE, convert_ticks);
    }
    return true;
}
