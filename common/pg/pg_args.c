/* Arguments of a statement: texts are borrowed, numbers written in place. */
#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "common/pg/pg.h"

void pg_args_init(struct pg_args *args)
{
    args->count = 0;
}

static int args_next(struct pg_args *args)
{
    assert(args->count < PG_ARGS_MAX);
    int i = args->count++;
    args->lengths[i] = 0;
    args->formats[i] = 0;
    return i;
}

void pg_add_text(struct pg_args *args, const char *text)
{
    args->values[args_next(args)] = text;
}

void pg_add_int(struct pg_args *args, int64_t value)
{
    int i = args_next(args);
    (void)snprintf(args->numbers[i], PG_NUMBER_BYTES, "%" PRId64, value); /* at most 20 bytes */
    args->values[i] = args->numbers[i];
}

void pg_add_double(struct pg_args *args, double value)
{
    int i = args_next(args);
    (void)snprintf(args->numbers[i], PG_NUMBER_BYTES, "%.17g", value); /* at most 24 bytes */
    args->values[i] = args->numbers[i];
}

void pg_add_bool(struct pg_args *args, bool value)
{
    pg_add_text(args, value ? "t" : "f");
}

void pg_add_bytes(struct pg_args *args, const void *bytes, size_t len_bytes)
{
    assert(len_bytes <= INT_MAX);
    int i = args_next(args);
    args->values[i] = bytes;
    args->lengths[i] = (int)len_bytes;
    args->formats[i] = 1;
}
