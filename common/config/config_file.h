#ifndef COMMON_CONFIG_CONFIG_FILE_H
#define COMMON_CONFIG_CONFIG_FILE_H

/* Inside of the room: the settings file (NAME=value lines, # comments, values bare or in single or
 * double quotes, so that a shell can source it) and files that hold one value. */

#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"

enum {
    CONFIG_FILE_MAX_BYTES = 256 * 1024,
    CONFIG_FILE_LINES_MAX = 512,
};

struct config_file_line {
    const char *name;  /* borrowed from the text */
    const char *value; /* borrowed from the text */
    size_t number;     /* from 1 */
};

struct config_file {
    const char *path;   /* borrowed */
    struct secret text; /* the whole file, cut into pieces; wiped at the end */
    struct config_file_line *lines;
    size_t count;
};

/* Read and cut a settings file. ST_INVALID for a line that is none (named by number) or a name
 * given twice, ST_NOT_FOUND, ST_IO, ST_TOO_LARGE, ST_NO_MEMORY. ret_file: config_file_done. */
enum status
config_file_load(const char *path, struct config_file *ret_file, struct err *err) MUST_CHECK;
void config_file_done(struct config_file *file);

/* The value of a name, NULL if it is not in the file or empty. Borrowed. */
const char *config_file_get(const struct config_file *file, const char *name);

/* The contents of a file without the line ends at its end. Statuses as config_file_load. */
enum status
config_file_read_value(const char *path, struct secret *ret_value, struct err *err) MUST_CHECK;

#endif
