/*
 * Any bytes as a type: what parses is written, and what is written parses to the same type and is
 * written the same. What Penstock writes is what it knows. A refusal has a reason.
 */
#include <string.h>

#include "common/clickhouse/type.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_REQUIRE(text != NULL, "memory");
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    struct ch_type *type = NULL;
    struct ch_type *again = NULL;
    struct ch_type *known = NULL;
    struct err err = {0};
    enum status any = ch_type_parse_any(text, &type, &err);
    FUZZ_REQUIRE(any == ST_OK || err.text[0] != '\0', "no reason");
    enum status st = ch_type_parse(text, &known, &err);
    FUZZ_REQUIRE(st == ST_OK || st == ST_UNSUPPORTED || st == ST_INVALID, "%s", err.text);
    FUZZ_REQUIRE(st != ST_OK || any == ST_OK, "%s", text);
    if (any == ST_OK) {
        char *written = ch_type_text(type);
        FUZZ_REQUIRE(written != NULL, "memory");
        FUZZ_REQUIRE(
            ch_type_parse_any(written, &again, &err) == ST_OK, "%s: %s", written, err.text);
        FUZZ_REQUIRE(ch_type_equals(type, again), "%s", written);
        char *twice = ch_type_text(again);
        FUZZ_REQUIRE(twice != NULL && strcmp(twice, written) == 0, "%s", written);
        FUZZ_REQUIRE(st != ST_OK || ch_type_equals(type, known), "%s", written);
        free(twice);
        free(written);
    }
    ch_type_free(type);
    ch_type_free(again);
    ch_type_free(known);
    free(text);
    return 0;
}
