/* The wrapped allocation functions. __real_* are the ones of libc, or of a sanitizer. */
#include "tests/unit/worker/replica/decode/failing_heap.h"

#include <stdlib.h>
#include <string.h>

static size_t countdown; /* 0 = not armed */
static bool was_refused;

void failing_heap_arm(size_t n)
{
    countdown = n;
    was_refused = false;
}

bool failing_heap_disarm(void)
{
    countdown = 0;
    return was_refused;
}

static bool refuses(void)
{
    if (countdown == 0 || --countdown > 0) {
        return false;
    }
    was_refused = true;
    return true;
}

/* Names that ld --wrap asks for. NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    return refuses() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return refuses() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    return refuses() ? NULL : __real_realloc(old, bytes);
}

char *__wrap_strndup(const char *text, size_t bytes)
{
    size_t len = strnlen(text, bytes);
    char *copy = refuses() ? NULL : __real_malloc(len + 1);
    if (copy != NULL) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

char *__wrap_strdup(const char *text)
{
    return __wrap_strndup(text, strlen(text));
}
/* NOLINTEND(bugprone-reserved-identifier) */
