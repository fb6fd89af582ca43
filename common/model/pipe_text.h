#ifndef COMMON_MODEL_PIPE_TEXT_H
#define COMMON_MODEL_PIPE_TEXT_H

/* The texts of every enum of pipe.h, in enum order. Inside this room; the public getters are in
 * pipe.h. */

#include <stddef.h>

struct pipe_choices {
    const char *const *texts;
    size_t count;
};

extern const struct pipe_choices pipe_choices_kafka_type;
extern const struct pipe_choices pipe_choices_format;
extern const struct pipe_choices pipe_choices_auth;
extern const struct pipe_choices pipe_choices_offset;
extern const struct pipe_choices pipe_choices_engine;
extern const struct pipe_choices pipe_choices_overflow;
extern const struct pipe_choices pipe_choices_defaults;
extern const struct pipe_choices pipe_choices_null;
extern const struct pipe_choices pipe_choices_error_mode;
extern const struct pipe_choices pipe_choices_multi_record;
extern const struct pipe_choices pipe_choices_tombstones;
extern const struct pipe_choices pipe_choices_timestamp_unit;
extern const struct pipe_choices pipe_choices_compression;
extern const struct pipe_choices pipe_choices_group_protocol;
extern const struct pipe_choices pipe_choices_assignor;

#endif
