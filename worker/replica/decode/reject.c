/* Texts of rejects. */
#include "worker/replica/decode/reject.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *reject_type_text(enum reject_type type)
{
    static const char *const TEXTS[] = {
#define X(type, text) [type] = text,
        REJECT_TABLE(X)
#undef X
    };
    return TEXTS[type];
}

void reject_set(
    struct reject *reject, enum reject_type type, const char *column, const char *format, ...)
{
    assert(reject != NULL);
    reject->type = type;
    reject->column = column == NULL ? "" : column;
    reject->schema_id = 0;
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(reject->message, sizeof(reject->message), format, args);
    va_end(args);
    if (needed >= (int)sizeof(reject->message)) {
        memcpy(reject->message + sizeof(reject->message) - 4, "...", 4);
    }
}

void reject_prefix(struct reject *reject, const char *format, ...)
{
    char old[sizeof(reject->message)];
    memcpy(old, reject->message, sizeof(old));
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(reject->message, sizeof(reject->message), format, args);
    va_end(args);
    assert(needed >= 0 && needed < REJECT_MESSAGE_BYTES / 2); /* a few words of ours */
    size_t used = (size_t)needed;
    size_t room = sizeof(reject->message) - used - 1;
    size_t rest = strlen(old);
    memcpy(reject->message + used, old, rest < room ? rest : room);
    reject->message[used + (rest < room ? rest : room)] = '\0';
    if (rest > room) {
        memcpy(reject->message + sizeof(reject->message) - 4, "...", 4);
    }
}

void reject_shorten(char *text)
{
    if (text == NULL || strlen(text) <= REJECT_PART_BYTES) {
        return;
    }
    size_t len = REJECT_PART_BYTES - 3;
    while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80) {
        len--;
    }
    memcpy(text + len, "...", 4);
}
