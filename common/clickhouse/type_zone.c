/* The time zones inside types. */
#include <string.h>

#include "common/base/zone.h"
#include "common/clickhouse/type.h"

bool ch_zone_is_utc(const char *name)
{
    static const char *const NAMES[] = {"",         "UTC",       "Etc/UTC",  "GMT",
                                        "Etc/GMT",  "Zulu",      "UCT",      "Etc/UCT",
                                        "Etc/Zulu", "Universal", "Greenwich"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (strcmp(NAMES[i], name) == 0) {
            return true;
        }
    }
    return false;
}

enum status ch_type_check_zones(const struct ch_type *type, struct err *err)
{
    if (type->timezone != NULL && !ch_zone_is_utc(type->timezone)) {
        CLEANUP(zone_freep) struct zone *zone = NULL;
        enum status st = zone_load(type->timezone, &zone, err);
        if (st != ST_OK) {
            return st;
        }
    }
    for (size_t i = 0; i < type->children_count; i++) {
        enum status st = ch_type_check_zones(type->children[i], err);
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}
