#ifndef API_HANDLERS_GUARANTEE_FIND_H
#define API_HANDLERS_GUARANTEE_FIND_H

/* The guarantee of a pipe that does not run yet, so that the summary tells at once what the table
 * allows. Best effort: every replica finds out for itself when it starts. */

#include "api/handlers/support.h"

/* Look at the table of a pipe that was just stored, and keep what is found. clickhouse: open. */
void guarantee_find(
    const struct request *request, struct support_clickhouse *clickhouse,
    const struct pipe_spec *spec, const char *pipe_id);

/* The same for the pipe of the path after an edit, unless a replica runs and will tell. */
void guarantee_find_again(const struct request *request);

#endif
