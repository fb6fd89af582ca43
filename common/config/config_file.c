/* Settings files: read whole, cut in place. */
#include "common/config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read the whole file into a secret; no larger than CONFIG_FILE_MAX_BYTES. */
static enum status file_read(const char *path, struct secret *ret_text, struct err *err)
{
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return err_errno(
            err, errno == ENOENT ? ST_NOT_FOUND : ST_IO, errno, "cannot open %s", path);
    }
    struct secret text = {.bytes = calloc(1, CONFIG_FILE_MAX_BYTES + 2)};
    if (text.bytes == NULL) {
        return err_set(err, ST_NO_MEMORY, "%s", path);
    }
    enum status st = ST_OK;
    for (;;) {
        ssize_t got =
            read(fd, text.bytes + text.len_bytes, CONFIG_FILE_MAX_BYTES + 1 - text.len_bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            st = err_errno(err, ST_IO, errno, "cannot read %s", path);
        }
        if (got <= 0) {
            break;
        }
        text.len_bytes += (size_t)got;
        if (text.len_bytes > CONFIG_FILE_MAX_BYTES) {
            st = err_set(
                err, ST_TOO_LARGE, "%s is larger than %d bytes", path, CONFIG_FILE_MAX_BYTES);
            break;
        }
    }
    if (st != ST_OK) {
        secret_done(&text);
        return st;
    }
    *ret_text = text;
    return ST_OK;
}

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    size_t len_bytes = strlen(text);
    while (len_bytes > 0 && strchr(" \t\r", text[len_bytes - 1]) != NULL) {
        text[--len_bytes] = '\0';
    }
    return text;
}

/* Take quotes off a value; NULL if they do not match. */
static char *unquote(char *value)
{
    char quote = value[0];
    if (quote != '\'' && quote != '"') {
        return value;
    }
    size_t len_bytes = strlen(value);
    if (len_bytes < 2 || value[len_bytes - 1] != quote) {
        return NULL;
    }
    value[len_bytes - 1] = '\0';
    return strchr(value + 1, quote) == NULL ? value + 1 : NULL;
}

/* Cut one line (changed in place); a blank line or comment leaves ret_line->name NULL. */
static enum status line_cut(char *text, struct config_file_line *ret_line)
{
    char *line = trim(text);
    if (line[0] == '\0' || line[0] == '#') {
        return ST_OK;
    }
    char *equals = strchr(line, '=');
    if (equals == NULL || equals == line) {
        return ST_INVALID;
    }
    *equals = '\0';
    for (const char *p = line; *p != '\0'; p++) {
        bool is_name = (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || *p == '_' ||
                       (p > line && *p >= '0' && *p <= '9');
        if (!is_name) {
            return ST_INVALID;
        }
    }
    char *value = unquote(trim(equals + 1));
    if (value == NULL) {
        return ST_INVALID;
    }
    ret_line->name = line;
    ret_line->value = value;
    return ST_OK;
}

static enum status
file_add(struct config_file *file, const struct config_file_line *line, struct err *err)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->lines[i].name, line->name) == 0) {
            return err_set(
                err, ST_INVALID, "%s line %zu: %s was set in line %zu already", file->path,
                line->number, line->name, file->lines[i].number);
        }
    }
    if (file->count == CONFIG_FILE_LINES_MAX) {
        return err_set(
            err, ST_TOO_LARGE, "%s has more than %d settings", file->path, CONFIG_FILE_LINES_MAX);
    }
    file->lines[file->count++] = *line;
    return ST_OK;
}

static enum status file_cut(struct config_file *file, struct err *err)
{
    if (strlen(file->text.bytes) != file->text.len_bytes) {
        return err_set(err, ST_INVALID, "%s holds a zero byte: not a settings file", file->path);
    }
    char *rest = file->text.bytes;
    for (size_t number = 1; rest != NULL; number++) {
        char *line_text = rest;
        char *end = strchr(rest, '\n');
        rest = end == NULL ? NULL : end + 1;
        if (end != NULL) {
            *end = '\0';
        }
        struct config_file_line line = {.number = number};
        if (line_cut(line_text, &line) != ST_OK) {
            return err_set(
                err, ST_INVALID, "%s line %zu is not of the form NAME=value", file->path, number);
        }
        enum status st = line.name == NULL ? ST_OK : file_add(file, &line, err);
        if (st != ST_OK) {
            return st;
        }
    }
    return ST_OK;
}

enum status config_file_load(const char *path, struct config_file *ret_file, struct err *err)
{
    struct config_file file = {.path = path};
    file.lines = calloc(CONFIG_FILE_LINES_MAX, sizeof(*file.lines));
    if (file.lines == NULL) {
        return err_set(err, ST_NO_MEMORY, "%s", path);
    }
    enum status st = file_read(path, &file.text, err);
    if (st == ST_OK) {
        st = file_cut(&file, err);
    }
    if (st != ST_OK) {
        config_file_done(&file);
        return st;
    }
    *ret_file = file;
    return ST_OK;
}

void config_file_done(struct config_file *file)
{
    secret_done(&file->text);
    free(file->lines);
    file->lines = NULL;
    file->count = 0;
}

const char *config_file_get(const struct config_file *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->lines[i].name, name) == 0) {
            return file->lines[i].value[0] == '\0' ? NULL : file->lines[i].value;
        }
    }
    return NULL;
}

enum status config_file_read_value(const char *path, struct secret *ret_value, struct err *err)
{
    struct secret text = {.bytes = NULL};
    enum status st = file_read(path, &text, err);
    if (st != ST_OK) {
        return st;
    }
    size_t len_bytes = text.len_bytes;
    while (len_bytes > 0 &&
           (text.bytes[len_bytes - 1] == '\n' || text.bytes[len_bytes - 1] == '\r')) {
        text.bytes[--len_bytes] = '\0';
    }
    st = secret_set(ret_value, text.bytes, len_bytes);
    secret_done(&text);
    return st == ST_OK ? ST_OK : err_set(err, st, "%s", path);
}
