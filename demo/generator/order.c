/* Builds an order member by member from dice; the words are in order_words.h. Nothing here
 * allocates, and nothing but the time comes from outside seed and index. */

#include "demo/generator/order.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "demo/generator/dice.h"
#include "demo/generator/order_words.h"

enum {
    PURPOSE_ORDER = 1,
    PURPOSE_ENVELOPE = 2,
    CUSTOMERS = 250000,
    FIRST_NUMBER = 1000000,
    ITEMS_MAX = 5,
    TAGS_MAX = 4,
    MS_PER_MINUTE = 60000,
    MS_PER_DAY = 86400000
};

#define PICK(dice, list) ((list)[dice_roll((dice), (uint32_t)ARRAY_LEN(list))])

struct totals {
    uint64_t cents;
    uint64_t grams;
};

/* Year, month, day of a day count since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level
 * date algorithms", civil_from_days; days are not negative here). */
static void add_date(struct text *text, uint64_t day)
{
    uint64_t shifted = day + 719468;
    uint64_t era = shifted / 146097;
    uint64_t day_of_era = shifted % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t month_from_march = (5 * day_of_year + 2) / 153;
    uint64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    text_add_padded(text, year_of_era + era * 400 + (month <= 2 ? 1 : 0), 4);
    text_add(text, "-");
    text_add_padded(text, month, 2);
    text_add(text, "-");
    text_add_padded(text, day_of_year - (153 * month_from_march + 2) / 5 + 1, 2);
}

/* 2026-01-02T03:04:05.678+01:00: the same moment as wall_ms, on the place's clock. */
static void add_time(struct text *text, int64_t wall_ms, const struct place *place)
{
    int64_t local_ms = wall_ms + (int64_t)place->zone_minutes * MS_PER_MINUTE;
    uint64_t ms = local_ms > 0 ? (uint64_t)local_ms : 0;
    add_date(text, ms / MS_PER_DAY);
    text_add(text, "T");
    text_add_padded(text, ms / 3600000 % 24, 2);
    text_add(text, ":");
    text_add_padded(text, ms / MS_PER_MINUTE % 60, 2);
    text_add(text, ":");
    text_add_padded(text, ms / 1000 % 60, 2);
    text_add(text, ".");
    text_add_padded(text, ms % 1000, 3);
    text_add(text, place->zone);
}

/* A version 4 UUID in form; its bits come from the dice. */
static void add_uuid(struct text *text, struct dice *dice)
{
    uint64_t high = dice_bits(dice);
    uint64_t low = dice_bits(dice);
    text_add_hex(text, high >> 32, 8);
    text_add(text, "-");
    text_add_hex(text, high >> 16, 4);
    text_add(text, "-4");
    text_add_hex(text, high, 3);
    text_add(text, "-");
    text_add_hex(text, (low >> 48 & 0x3fffU) | 0x8000U, 4);
    text_add(text, "-");
    text_add_hex(text, low, 12);
}

static void
add_customer(struct text *text, struct dice *dice, uint32_t customer_id, const struct place *place)
{
    text_add(text, "{\"id\":");
    text_add_number(text, customer_id);
    text_add(text, ",\"name\":\"");
    text_add(text, PICK(dice, given_names));
    text_add(text, " ");
    text_add(text, PICK(dice, family_names));
    text_add(text, "\",\"email\":\"customer");
    text_add_number(text, customer_id);
    text_add(text, "@example.com\",\"vip\":");
    text_add(text, dice_chance(dice, 8) ? "true" : "false");
    text_add(text, ",\"address\":{\"street\":\"");
    text_add(text, place->street);
    text_add(text, " ");
    text_add_number(text, 1 + dice_roll(dice, 250));
    text_add(text, "\",\"city\":\"");
    text_add(text, place->city);
    text_add(text, "\",\"postcode\":\"");
    text_add_padded(text, dice_roll(dice, 100000), 5);
    text_add(text, "\",\"country\":\"");
    text_add(text, place->country);
    text_add(text, "\"}}");
}

static struct totals
add_items(struct text *text, struct dice *dice, bool is_first_quantity_negative)
{
    struct totals totals = {0};
    uint32_t count = 1 + dice_roll(dice, ITEMS_MAX);
    text_add(text, "[");
    for (uint32_t i = 0; i < count; i++) {
        const struct product *product = &PICK(dice, products);
        uint32_t quantity = 1 + dice_roll(dice, 4);
        text_add(text, i == 0 ? "{\"sku\":\"" : ",{\"sku\":\"");
        text_add(text, product->sku);
        text_add(text, "\",\"title\":\"");
        text_add(text, product->title);
        text_add(text, "\",\"quantity\":");
        text_add(text, is_first_quantity_negative && i == 0 ? "-" : "");
        text_add_number(text, quantity);
        text_add(text, ",\"price\":");
        text_add_decimal(text, product->price_cents, 2);
        text_add(text, "}");
        totals.cents += (uint64_t)product->price_cents * quantity;
        totals.grams += (uint64_t)product->weight_grams * quantity;
    }
    text_add(text, "]");
    return totals;
}

static void add_tags(struct text *text, struct dice *dice)
{
    uint32_t count = dice_roll(dice, TAGS_MAX + 1);
    text_add(text, "[");
    for (uint32_t i = 0; i < count; i++) {
        text_add(text, i == 0 ? "\"" : ",\"");
        text_add(text, PICK(dice, tags));
        text_add(text, "\"");
    }
    text_add(text, "]");
}

/* Members that are a number, null or not there at all. */
static void add_charges(struct text *text, struct dice *dice)
{
    uint32_t shipping = dice_roll(dice, 10);
    if (shipping < 7) {
        text_add(text, ",\"shipping\":");
        text_add_decimal(text, 199 + dice_roll(dice, 1800), 2);
    } else if (shipping < 9) {
        text_add(text, ",\"shipping\":null");
    }
    uint32_t discount = dice_roll(dice, 10);
    if (discount < 3) {
        text_add(text, ",\"discount\":");
        text_add_decimal(text, 1 + dice_roll(dice, 50), 2);
    } else if (discount < 8) {
        text_add(text, ",\"discount\":null");
    }
    uint32_t coupon = dice_roll(dice, 10);
    if (coupon < 2) {
        text_add(text, ",\"coupon\":\"SAVE-");
        text_add_hex(text, dice_bits(dice), 6);
        text_add(text, "\"");
    } else if (coupon < 6) {
        text_add(text, ",\"coupon\":null");
    }
}

static void add_attributes(struct text *text, struct dice *dice)
{
    text_add(text, ",\"attributes\":{\"channel\":\"");
    text_add(text, PICK(dice, channels));
    text_add(text, "\",\"campaign\":\"");
    text_add(text, PICK(dice, campaigns));
    text_add(text, "\"");
    if (dice_chance(dice, 30)) {
        text_add(text, ",\"device\":\"model-");
        text_add_number(text, dice_roll(dice, 500));
        text_add(text, "\"");
    }
    text_add(text, "}");
}

static void add_head(
    const struct order_params *params, struct text *text, struct dice *dice,
    const struct place *place)
{
    text_add(text, "{\"order_id\":\"");
    if (params->flaw == ORDER_FLAW_ID) {
        text_add(text, "not-a-uuid");
    } else {
        add_uuid(text, dice);
    }
    text_add(text, "\",\"number\":");
    if (params->flaw == ORDER_FLAW_NUMBER) {
        text_add(text, "\"twelve\"");
    } else {
        text_add_number(text, FIRST_NUMBER + params->index);
    }
    text_add(text, ",\"status\":\"");
    text_add(text, params->flaw == ORDER_FLAW_STATUS ? "teleported" : PICK(dice, statuses));
    text_add(text, "\",\"created_at\":\"");
    if (params->flaw == ORDER_FLAW_TIME) {
        text_add(text, "yesterday at noon");
    } else {
        add_time(text, params->wall_ms, place);
    }
    text_add(text, "\"");
}

static void add_tail(
    const struct order_params *params, struct text *text, struct dice *dice, struct totals totals)
{
    text_add(text, ",\"currency\":\"");
    text_add(text, PICK(dice, currencies));
    /* Decimal as text, with four digits; the items carry theirs as numbers. */
    text_add(text, "\",\"amount\":\"");
    if (params->flaw == ORDER_FLAW_AMOUNT) {
        text_add(text, "12,50 EUR");
    } else {
        text_add_decimal(text, totals.cents * 100, 4);
    }
    text_add(text, "\"");
    add_charges(text, dice);
    text_add(text, ",\"weight_kg\":");
    text_add_decimal(text, totals.grams, 3);
    text_add(text, ",\"priority\":");
    text_add(text, dice_chance(dice, 25) ? "-" : "");
    text_add_number(text, 1 + dice_roll(dice, 5));
    text_add(text, ",\"paid\":");
    text_add(text, dice_chance(dice, 80) ? "true" : "false");
    text_add(text, ",\"deliver_on\":\"");
    add_date(text, (uint64_t)params->wall_ms / MS_PER_DAY + 1 + dice_roll(dice, 14));
    text_add(text, "\"");
    add_attributes(text, dice);
    if (dice_chance(dice, 40)) {
        text_add(text, ",\"note\":\"");
        text_add(text, PICK(dice, notes));
        text_add(text, "\"");
    }
    text_add(text, "}");
}

void order_envelope(const struct order_params *params, struct order_envelope *ret_envelope)
{
    struct dice dice = dice_for(params->seed, params->index, PURPOSE_ENVELOPE);
    ret_envelope->customer_id = 1 + dice_roll(&dice, CUSTOMERS);
    ret_envelope->source = PICK(&dice, sources);
    struct text trace;
    text_reset(&trace);
    text_add_hex(&trace, dice_bits(&dice), 16);
    text_add_hex(&trace, dice_bits(&dice), 16);
    memcpy(ret_envelope->trace_id, trace.bytes, ORDER_TRACE_HEX_DIGITS);
    ret_envelope->trace_id[ORDER_TRACE_HEX_DIGITS] = '\0';
}

void order_build(const struct order_params *params, struct text *text)
{
    assert(params->wall_ms >= 0 && params->flaw < ORDER_FLAW_COUNT);
    struct order_envelope envelope;
    order_envelope(params, &envelope);
    struct dice dice = dice_for(params->seed, params->index, PURPOSE_ORDER);
    const struct place *place = &PICK(&dice, places);
    add_head(params, text, &dice, place);
    text_add(text, ",\"customer\":");
    if (params->flaw == ORDER_FLAW_CUSTOMER) {
        text_add(text, "\"guest\"");
    } else {
        add_customer(text, &dice, envelope.customer_id, place);
    }
    text_add(text, ",\"items\":");
    struct totals totals = add_items(text, &dice, params->flaw == ORDER_FLAW_QUANTITY);
    text_add(text, ",\"tags\":");
    add_tags(text, &dice);
    add_tail(params, text, &dice, totals);
}
