/* What is told of one type: words, fields by name, and its end. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/avro/avro_schema.h"

static const char *const KINDS[] = {
#define X(kind, text) text,
    AVRO_KIND_TABLE(X)
#undef X
};

static const char *const LOGICALS[] = {
    NULL,
#define X(logical, text, kinds) text,
    AVRO_LOGICAL_TABLE(X)
#undef X
};

const char *avro_kind_name(enum avro_kind kind)
{
    return KINDS[kind];
}

const char *avro_logical_name(enum avro_logical logical)
{
    return LOGICALS[logical];
}

void avro_type_text(const struct avro_type *type, char *out, size_t out_bytes)
{
    const char *logical = LOGICALS[type->logical];
    const char *name = type->name.bytes == NULL ? "" : type->name.bytes;
    (void)snprintf(
        out, out_bytes, "%s%s%s%s%s%s", KINDS[type->kind], *name == '\0' ? "" : " ", name,
        logical == NULL ? "" : " (", logical == NULL ? "" : logical, logical == NULL ? "" : ")");
}

static bool text_is(const struct avro_text *text, const char *bytes, size_t len)
{
    return text->len == len && memcmp(text->bytes, bytes, len) == 0;
}

const struct avro_field *
avro_type_field(const struct avro_type *record, const char *name, size_t name_bytes)
{
    assert(record->kind == AVRO_RECORD);
    for (size_t i = 0; i < record->count; i++) {
        if (text_is(&record->fields[i].name, name, name_bytes)) {
            return &record->fields[i];
        }
    }
    for (size_t i = 0; i < record->count; i++) {
        const struct avro_field *field = &record->fields[i];
        for (size_t j = 0; j < field->aliases_count; j++) {
            if (text_is(&field->aliases[j], name, name_bytes)) {
                return field;
            }
        }
    }
    return NULL;
}

static void text_done(struct avro_text *texts, size_t count)
{
    for (size_t i = 0; texts != NULL && i < count; i++) {
        free(texts[i].bytes);
    }
    free(texts);
}

void avro_type_free(struct avro_type *type)
{
    free(type->name.bytes);
    switch (type->kind) {
    case AVRO_RECORD:
        for (size_t i = 0; type->fields != NULL && i < type->count; i++) {
            free(type->fields[i].name.bytes);
            text_done(type->fields[i].aliases, type->fields[i].aliases_count);
        }
        free(type->fields);
        break;
    case AVRO_ENUM:
        text_done(type->symbols, type->count);
        break;
    case AVRO_UNION:
        free(type->branches);
        break;
    case AVRO_NULL:
    case AVRO_BOOLEAN:
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_FLOAT:
    case AVRO_DOUBLE:
    case AVRO_BYTES:
    case AVRO_STRING:
    case AVRO_ARRAY:
    case AVRO_MAP:
    case AVRO_FIXED:
        break;
    }
    free(type);
}
