#ifndef COMMON_CONFIG_CONFIG_ROW_H
#define COMMON_CONFIG_CONFIG_ROW_H

/* Inside of the room: the table as rows, and what config_load makes of each. */

#include "common/config/config.h"

enum config_type {
    CONFIG_TYPE_TEXT,
    CONFIG_TYPE_PATH,
    CONFIG_TYPE_SECRET,
    CONFIG_TYPE_INT,
    CONFIG_TYPE_NUMBER,
    CONFIG_TYPE_BOOL,
    CONFIG_TYPE_CHOICE,
};

enum config_origin {
    CONFIG_ORIGIN_DEFAULT,
    CONFIG_ORIGIN_ENVIRONMENT,
    CONFIG_ORIGIN_FILE,
    CONFIG_ORIGIN_SECRET_FILE, /* NAME_FILE, in the environment or in the file */
};

enum {
    CONFIG_WARNINGS_MAX = 32,
    CONFIG_PROGRAM_BOTH = CONFIG_PROGRAM_API | CONFIG_PROGRAM_WORKER,
};

struct config_row {
    const char *name;
    enum config_type type;
    const char *default_value;
    const char *shown_default;
    int64_t min;
    int64_t max;
    const char *unit;
    int programs; /* enum config_program, or-ed */
    const char *sentence;
};

struct config_value {
    bool is_set;
    enum config_origin origin;
    struct secret text; /* as given; wiped at the end whatever its type */
    int64_t integer;
    double number;
    bool is_true;
};

struct config {
    enum config_program program;
    struct config_value values[CONFIG_COUNT];
    char *warnings[CONFIG_WARNINGS_MAX]; /* owned */
    size_t warnings_count;
};

extern const struct config_row config_rows[CONFIG_COUNT];

#endif
