#ifndef COMMON_MODEL_PIPE_DESTINATION_H
#define COMMON_MODEL_PIPE_DESTINATION_H

/* The "destination" part of a pipe. Inside this room. */

#include "common/model/pipe_json.h"

/* Problems go to reader; the struct is fit for pipe_destination_done whatever happens. */
void pipe_destination_read(
    struct pipe_reader *reader, const struct pipe_node *definition,
    struct pipe_destination *ret_destination);
void pipe_destination_done(struct pipe_destination *destination);

bool pipe_destination_has_column(const struct pipe_destination *destination, const char *name);

/* A problem at pointer if there is no such column; none while the columns themselves are wrong. */
void pipe_destination_check_column(
    struct pipe_reader *reader, const char *pointer, const struct pipe_destination *destination,
    const char *name);

#endif
