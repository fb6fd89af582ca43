/* Scope-end helpers for memory and descriptors that have no type of their own. */
#include "common/base/attr.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void freep(void *pointer_to_pointer)
{
    void *memory = NULL;
    memcpy(&memory, pointer_to_pointer, sizeof(memory));
    free(memory);
}

void closep(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* nothing can be done about a failed close at scope end */
    }
}
