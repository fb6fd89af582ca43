/* <directory>/engine is the engine's, <directory>/empty the working directory. */
#include "demo/clickhouse/data_directory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/uuid.h"

static enum status make_directory(int parent, const char *name, struct err *err)
{
    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) {
        return err_errno(err, ST_IO, errno, "cannot make the directory %s", name);
    }
    return ST_OK;
}

/* Atomic databases are known by UUID; the file is the statement that attaches them. */
static enum status declare_default(int metadata, struct err *err)
{
    static const char name[] = "default.sql";
    static const char fresh[] = "default.sql.new";
    char uuid[UUID_TEXT_BYTES];
    if (faccessat(metadata, name, F_OK, 0) == 0) {
        return ST_OK;
    }
    enum status st = uuid_new(uuid);
    if (st != ST_OK) {
        return err_set(err, st, "no random bytes for the id of a database");
    }
    int fd = openat(metadata, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot write %s", fresh);
    }
    bool is_written = dprintf(fd, "ATTACH DATABASE _ UUID '%s'\nENGINE = Atomic\n", uuid) > 0;
    if (close(fd) != 0 || !is_written || renameat(metadata, fresh, metadata, name) != 0) {
        return err_errno(err, ST_IO, errno, "cannot write %s", name);
    }
    return ST_OK;
}

static enum status make_contents(int directory, struct err *err)
{
    enum status st = make_directory(directory, "empty", err);
    st = st == ST_OK ? make_directory(directory, "engine", err) : st;
    st = st == ST_OK ? make_directory(directory, "engine/metadata", err) : st;
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(closep)
    int metadata = openat(directory, "engine/metadata", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(closep) int empty = openat(directory, "empty", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (metadata < 0 || empty < 0) {
        return err_errno(err, ST_IO, errno, "cannot open the data directory");
    }
    st = declare_default(metadata, err);
    if (st == ST_OK && fchdir(empty) != 0) {
        return err_errno(err, ST_IO, errno, "cannot go to the directory empty");
    }
    return st;
}

enum status data_directory_prepare(const char *directory, struct buf *ret_path, struct err *err)
{
    assert(directory != NULL && ret_path != NULL);
    enum status st = make_directory(AT_FDCWD, directory, err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(freep) char *absolute = realpath(directory, NULL);
    CLEANUP(closep) int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (absolute == NULL || fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot open %s", directory);
    }
    st = make_contents(fd, err);
    if (st != ST_OK) {
        return err_wrap(err, "%s", directory);
    }
    st = buf_add_format(ret_path, "%s/engine", absolute);
    return st == ST_OK ? ST_OK : err_set(err, st, "the path of %s is too long", directory);
}
