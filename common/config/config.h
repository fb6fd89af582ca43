#ifndef COMMON_CONFIG_CONFIG_H
#define COMMON_CONFIG_CONFIG_H

/*
 * The settings of a program: read once at start from the environment and from a file (--config),
 * checked against the table in config_def.h, then only read. The environment wins over the file.
 * NAME_FILE names a file that holds the value of NAME; an empty value counts as not given. Nothing
 * here logs or exits.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/config/config_def.h"

enum config_id {
#define X(id, type, value, shown, min, max, unit, programs, sentence) CONFIG_##id,
    CONFIG_TABLE(X)
#undef X
    CONFIG_COUNT
};

enum config_program {
    CONFIG_PROGRAM_API = 1,
    CONFIG_PROGRAM_WORKER = 2,
};

struct config; /* immutable after config_load: may be read by many threads */

/*
 * Read all settings of one program. file_path: NULL = none. environment: NAME=value texts, NULL at
 * the end (environ); both borrowed for the call. ret_config: owned, config_free.
 * ST_INVALID for a bad value, a value given twice or an unknown PENSTOCK_ name in the file (the
 * text names variable, value unless secret, and range), ST_NOT_FOUND or ST_IO for a file that
 * cannot be read, ST_NO_MEMORY. Unknown PENSTOCK_ names in the environment become warnings.
 */
enum status config_load(
    enum config_program program, const char *file_path, char *const *environment,
    struct config **ret_config, struct err *err) MUST_CHECK;
void config_free(struct config *config);
void config_freep(struct config **config);

/* Name as people write it, "PENSTOCK_LISTEN". Static memory. */
const char *config_name(enum config_id id);

/* True if it has a value, given or default. */
bool config_is_set(const struct config *config, enum config_id id);

/* ST_INVALID with "PENSTOCK_… is not set" unless it has a value. */
enum status
config_require(const struct config *config, enum config_id id, struct err *err) MUST_CHECK;

/* The value; asking for another type than the table's is a bug. Texts (TEXT, PATH, CHOICE) are
 * borrowed, "" when not set; numbers are 0 and booleans false when not set; a secret that is not
 * set has bytes == NULL. */
const char *config_text(const struct config *config, enum config_id id);
const struct secret *config_secret(const struct config *config, enum config_id id);
int64_t config_int(const struct config *config, enum config_id id);
double config_number(const struct config *config, enum config_id id);
bool config_bool(const struct config *config, enum config_id id);

/* What to give log_init. LOG_FORMAT_TEXT when not set and is_terminal. */
enum log_level config_log_level(const struct config *config);
enum log_format config_log_format(const struct config *config, bool is_terminal);

/* What a person should know about but that stops nothing. Borrowed. */
size_t config_warnings_count(const struct config *config);
const char *config_warning(const struct config *config, size_t index);

/* Append one line per setting of the program, "NAME=value  # origin", secrets masked. Statuses as
 * buf_add. */
enum status config_print(const struct config *config, struct buf *buf) MUST_CHECK;

/* Append the README's table of all settings of both programs. Statuses as buf_add. */
enum status config_markdown(struct buf *buf) MUST_CHECK;

#endif
