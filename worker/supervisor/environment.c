/* The environment of a child. */
#include "worker/supervisor/environment.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_passed_on(const char *item)
{
    /* PG*: PGPASSWORD, PGSERVICE and the other variables libpq reads; they are the supervisor's. */
    return strncmp(item, "PENSTOCK_", 9) != 0 && strncmp(item, "PG", 2) != 0;
}

static char *setting(const char *name, const char *value)
{
    char *item = NULL;
    if (asprintf(&item, "PENSTOCK_%s=%s", name, value) < 0) {
        return NULL;
    }
    return item;
}

enum status environment_init(
    struct environment *ret_environment, char *const *source, const char *level, const char *format,
    struct err *err)
{
    size_t count = 0;
    while (source[count] != NULL) {
        count++;
    }
    struct environment made = {.items = calloc(count + 3, sizeof(char *))};
    if (made.items == NULL) {
        return err_set(err, ST_NO_MEMORY, "environment of %zu variables", count);
    }
    size_t used = 0;
    bool is_complete = true;
    for (size_t i = 0; i < count; i++) {
        if (is_passed_on(source[i])) {
            made.items[used] = strdup(source[i]);
            is_complete = is_complete && made.items[used] != NULL;
            used += made.items[used] != NULL;
        }
    }
    made.items[used] = setting("LOG_LEVEL", level);
    is_complete = is_complete && made.items[used] != NULL;
    used += made.items[used] != NULL;
    made.items[used] = setting("LOG_FORMAT", format);
    is_complete = is_complete && made.items[used] != NULL;
    if (!is_complete) {
        environment_done(&made);
        return err_set(err, ST_NO_MEMORY, "environment of %zu variables", count);
    }
    *ret_environment = made;
    return ST_OK;
}

void environment_done(struct environment *environment)
{
    for (size_t i = 0; environment->items != NULL && environment->items[i] != NULL; i++) {
        free(environment->items[i]);
    }
    free(environment->items);
    environment->items = NULL;
}
