/* Groups of digits between colons; which is which follows from how many there are. */
#include "worker/replica/decode/time_text.h"

#include "worker/replica/decode/number.h"

enum {
    GROUPS_MAX = 3,
    GROUP_DIGITS_MAX = 3,
    NANO_DIGITS = 9,
};

struct group {
    int64_t value;
    unsigned digits;
};

static const uint8_t *
read_group(const uint8_t *at, const uint8_t *end, unsigned digits_max, struct group *ret_group)
{
    *ret_group = (struct group){0};
    for (; at < end && ret_group->digits < digits_max && *at >= '0' && *at <= '9'; at++) {
        ret_group->value = ret_group->value * 10 + (*at - '0');
        ret_group->digits++;
    }
    return at;
}

/* Behind the point: any number of digits. */
static const uint8_t *read_fraction(const uint8_t *at, const uint8_t *end, uint32_t *ret_nanos)
{
    struct group group;
    at = read_group(at, end, NANO_DIGITS, &group);
    *ret_nanos = (uint32_t)group.value * (uint32_t)NUMBER_POWERS[NANO_DIGITS - group.digits];
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

/* Only the first group may have another length than two digits. */
static bool are_groups_fine(const struct group *groups, unsigned count)
{
    bool is_first_fine = groups[0].digits > 0 && (count == GROUPS_MAX || groups[0].digits < 3);
    is_first_fine = is_first_fine && (count != 2 || groups[0].digits == 2);
    for (unsigned i = 1; i < count; i++) {
        if (groups[i].digits != 2) {
            return false;
        }
    }
    return is_first_fine;
}

const char *time_read(const uint8_t *text, size_t len, struct time_text *ret_time)
{
    static const char NO_TIME[] = "it is no time of day";
    const uint8_t *at = text;
    const uint8_t *end = text + len;
    *ret_time = (struct time_text){0};
    if (at < end && *at == '-') {
        ret_time->is_negative = true;
        at++;
    }
    struct group groups[GROUPS_MAX];
    unsigned count = 0;
    for (;;) {
        at = read_group(at, end, GROUP_DIGITS_MAX, &groups[count]);
        count++;
        if (count == GROUPS_MAX || at == end || *at != ':') {
            break;
        }
        at++;
    }
    if (!are_groups_fine(groups, count)) {
        return NO_TIME;
    }
    if (at < end && *at == '.') {
        at = read_fraction(at + 1, end, &ret_time->nanos);
    }
    if (at != end) {
        return NO_TIME;
    }
    for (unsigned i = 0; i < count; i++) {
        bool is_hours = count == GROUPS_MAX && i == 0;
        if (!is_hours && groups[i].value > 59) {
            return "there is no such time of day";
        }
        ret_time->seconds = ret_time->seconds * 60 + groups[i].value;
    }
    return NULL;
}
