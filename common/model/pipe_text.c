/* Texts of the enums, made from the tables in pipe.h. */
#include "common/model/pipe_text.h"

#include <assert.h>

#include "common/model/pipe.h"

#define X(name, text) [name] = text,
#define CHOICES(choices, table)                                                                    \
    static const char *const choices##_texts[] = {table(X)};                                       \
    const struct pipe_choices choices = {                                                          \
        .texts = choices##_texts, .count = ARRAY_LEN(choices##_texts)}

CHOICES(pipe_choices_kafka_type, KAFKA_TYPE_TABLE);
CHOICES(pipe_choices_format, PIPE_FORMAT_TABLE);
CHOICES(pipe_choices_auth, KAFKA_AUTH_TABLE);
CHOICES(pipe_choices_offset, OFFSET_STRATEGY_TABLE);
CHOICES(pipe_choices_engine, TABLE_ENGINE_TABLE);
CHOICES(pipe_choices_overflow, PIPE_OVERFLOW_TABLE);
CHOICES(pipe_choices_defaults, PIPE_DEFAULTS_TABLE);
CHOICES(pipe_choices_null, PIPE_NULL_TABLE);
CHOICES(pipe_choices_error_mode, PIPE_ERROR_MODE_TABLE);
CHOICES(pipe_choices_multi_record, PIPE_MULTI_RECORD_TABLE);
CHOICES(pipe_choices_tombstones, PIPE_TOMBSTONES_TABLE);
CHOICES(pipe_choices_timestamp_unit, PIPE_TIMESTAMP_UNIT_TABLE);
CHOICES(pipe_choices_compression, PIPE_COMPRESSION_TABLE);
CHOICES(pipe_choices_group_protocol, PIPE_GROUP_PROTOCOL_TABLE);
CHOICES(pipe_choices_assignor, PIPE_ASSIGNOR_TABLE);
#undef X

static const char *choice_text(const struct pipe_choices *choices, unsigned index)
{
    assert(index < choices->count);
    return choices->texts[index];
}

const char *kafka_type_text(enum kafka_type type)
{
    return choice_text(&pipe_choices_kafka_type, type);
}

const char *pipe_format_text(enum pipe_format format)
{
    return choice_text(&pipe_choices_format, format);
}

const char *kafka_auth_text(enum kafka_auth auth)
{
    return choice_text(&pipe_choices_auth, auth);
}

const char *table_engine_text(enum table_engine engine)
{
    return choice_text(&pipe_choices_engine, engine);
}

const char *pipe_compression_text(enum pipe_compression compression)
{
    return choice_text(&pipe_choices_compression, compression);
}
