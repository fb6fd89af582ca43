/* Picks which records are broken and breaks them: some by cutting or adding bytes behind
 * order.c, some by asking it for a flawed order, some without any order. */

#include "demo/generator/malformed.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "demo/generator/dice.h"

enum {
    PURPOSE_CHOICE = 3,
    PURPOSE_DAMAGE = 4
};

static const double swing = 0.8; /* of the mean, up and down */

double malformed_percent_at(uint64_t index, double mean_percent)
{
    double turn = (double)(index % MALFORMED_WAVE_RECORDS) / MALFORMED_WAVE_RECORDS;
    return mean_percent * (1.0 + swing * sin(2.0 * M_PI * turn));
}

enum malformed_kind malformed_choose(uint64_t seed, uint64_t index, double mean_percent)
{
    struct dice dice = dice_for(seed, index, PURPOSE_CHOICE);
    if (!dice_chance(&dice, malformed_percent_at(index, mean_percent))) {
        return MALFORMED_NONE;
    }
    return (enum malformed_kind)(1 + dice_roll(&dice, MALFORMED_KIND_COUNT - 1));
}

/* Put bytes in place of the text `at` (which must be in the order). */
static void replace(struct text *text, size_t start, const char *at, const char *with)
{
    struct text after;
    char *found = memmem(text->bytes + start, text->len_bytes - start, at, strlen(at));
    assert(found != NULL);
    const char *rest = found + strlen(at);
    text_reset(&after);
    text_add_bytes(&after, rest, (size_t)(text->bytes + text->len_bytes - rest));
    text->len_bytes = (size_t)(found - text->bytes);
    text_add(text, with);
    text_add_bytes(text, after.bytes, after.len_bytes);
}

static void add_log_line(struct dice *dice, struct text *text)
{
    text_add(text, "ERROR order-service: upstream timed out after ");
    text_add_number(text, 1000 + dice_roll(dice, 9000));
    text_add(text, " ms, retrying");
}

void malformed_build(enum malformed_kind kind, const struct order_params *params, struct text *text)
{
    struct dice dice = dice_for(params->seed, params->index, PURPOSE_DAMAGE);
    struct order_params order = *params;
    order.flaw = ORDER_FLAW_NONE;
    size_t start = text->len_bytes;
    switch (kind) {
    case MALFORMED_EMPTY:
        return;
    case MALFORMED_PLAIN_TEXT:
        add_log_line(&dice, text);
        return;
    case MALFORMED_TYPE:
        order.flaw = (enum order_flaw)(1 + dice_roll(&dice, ORDER_FLAW_COUNT - 1));
        order_build(&order, text);
        return;
    case MALFORMED_NONE:
        order_build(&order, text);
        return;
    case MALFORMED_TRUNCATED:
        order_build(&order, text);
        /* At least the first byte stays, at least the last one goes. */
        text->len_bytes = start + 1 + dice_roll(&dice, (uint32_t)(text->len_bytes - start - 1));
        return;
    case MALFORMED_TRAILING:
        order_build(&order, text);
        text_add(text, "}");
        return;
    case MALFORMED_UTF8:
        order_build(&order, text);
        replace(text, start, "\"currency\":\"", "\"currency\":\"\xff");
        return;
    case MALFORMED_NUMBER:
        order_build(&order, text);
        replace(text, start, "\"weight_kg\":", "\"weight_kg\":NaN,\"was\":");
        return;
    case MALFORMED_KIND_COUNT:
        break;
    }
    assert(kind < MALFORMED_KIND_COUNT);
}
