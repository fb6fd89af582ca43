/* <directory>/engine is the engine's, <directory>/empty the working directory. */
#include "demo/clickhouse/data_directory.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/uuid.h"

#include "demo/support/atomic_file.h"

static enum status make_directory(const char *path, struct err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_errno(err, ST_IO, errno, "cannot make the directory %s", path);
    }
    return ST_OK;
}

/* Atomic databases are known by UUID; the file is the statement that attaches them. */
static enum status declare_default(const char *path, struct err *err)
{
    char uuid[UUID_TEXT_BYTES];
    char text[128];
    if (access(path, F_OK) == 0) {
        return ST_OK;
    }
    enum status st = uuid_new(uuid);
    if (st != ST_OK) {
        return err_set(err, st, "no random bytes for the id of a database");
    }
    (void)snprintf(text, sizeof(text), "ATTACH DATABASE _ UUID '%s'\nENGINE = Atomic\n", uuid);
    return atomic_file_write(path, text, err);
}

/* The working directory is the data directory. */
static enum status make_contents(struct err *err)
{
    static const char *const directories[] = {"engine", "engine/metadata", "empty"};
    for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
        enum status st = make_directory(directories[i], err);
        if (st != ST_OK) {
            return st;
        }
    }
    enum status st = declare_default("engine/metadata/default.sql", err);
    if (st == ST_OK && chdir("empty") != 0) {
        return err_errno(err, ST_IO, errno, "cannot go to the directory empty");
    }
    return st;
}

enum status data_directory_prepare(const char *directory, struct buf *ret_path, struct err *err)
{
    assert(directory != NULL && ret_path != NULL);
    enum status st = make_directory(directory, err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(freep) char *absolute = realpath(directory, NULL);
    if (absolute == NULL || chdir(absolute) != 0) {
        return err_errno(err, ST_IO, errno, "cannot go to %s", directory);
    }
    st = make_contents(err);
    if (st != ST_OK) {
        (void)err_wrap(err, "%s", absolute); /* the status stays */
        return st;
    }
    st = buf_add_format(ret_path, "%s/engine", absolute);
    return st == ST_OK ? ST_OK : err_set(err, st, "the path of %s is too long", directory);
}
