/* See the header. Numbers without a name here appear only in the table of HTTP statuses. */
#include "demo/clickhouse/fault.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status_row {
    int http_status;
    int codes[32]; /* ends with 0 */
};

static const struct status_row status_rows[] = {
    {401, {194}},
    /* unknown user, wrong password, access denied, role not granted, authentication failed */
    {403, {192, 193, 497, 512, 516}},
    /* what the client wrote is wrong: parsing, types, syntax, arguments */
    {400, {6,  8,   15,  25,  26,  27,  36,  37,  38,  41,  44,  53, 62,
           72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676}},
    /* unknown function, identifier, type, storage, table, format, database, setting, role */
    {404, {46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511}},
    {408, {159}},
    {411, {381}},
    {413, {229}},
    {501, {48}},
    /* cannot open file, socket timeout, cannot schedule a task */
    {503, {76, 209, 439}},
};

int fault_http_status(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(status_rows); i++) {
        for (const int *c = status_rows[i].codes; *c != 0; c++) {
            if (*c == code) {
                return status_rows[i].http_status;
            }
        }
    }
    return 500;
}

bool fault_is_set(const struct fault *fault)
{
    return fault->code != FAULT_NONE;
}

void fault_done(struct fault *fault)
{
    free(fault->text);
    *fault = (struct fault){0};
}

void fault_set(struct fault *fault, int code, const char *name, const char *format, ...)
{
    assert(code != FAULT_NONE && name != NULL);
    if (fault_is_set(fault)) {
        return;
    }
    fault->code = code;
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0) {
        return; /* no memory: the number alone is the answer */
    }
    if (asprintf(&fault->text, "Code: %d. DB::Exception: %s. (%s)", code, text, name) < 0) {
        fault->text = NULL;
    }
    free(text);
}

/* The number at the start of an engine's text; 0 if it does not start with one. *ret_rest: the text
 * behind "Code: N. DB::Exception: ". */
static int leading_code(const char *text, const char **ret_rest)
{
    static const char before[] = "Code: ";
    static const char behind[] = ". DB::Exception: ";
    if (strncmp(text, before, sizeof(before) - 1) != 0) {
        return 0;
    }
    char *end = NULL;
    long code = strtol(text + sizeof(before) - 1, &end, 10);
    if (code <= 0 || code > 100000 || strncmp(end, behind, sizeof(behind) - 1) != 0) {
        return 0;
    }
    *ret_rest = end + sizeof(behind) - 1;
    return (int)code;
}

void fault_set_engine(struct fault *fault, const char *engine_text)
{
    assert(engine_text != NULL);
    if (fault_is_set(fault)) {
        return;
    }
    const char *rest = engine_text;
    int code = leading_code(engine_text, &rest);
    if (code == 0) {
        fault_set(fault, FAULT_UNKNOWN_EXCEPTION, "UNKNOWN_EXCEPTION", "%s", engine_text);
        return;
    }
    const char *kept = engine_text;
    while (leading_code(rest, &rest) == code) {
        kept = strstr(kept + 1, "Code: ");
    }
    fault->code = code;
    fault->text = strdup(kept);
}
