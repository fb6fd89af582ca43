/* Writes beside the file and renames: the name always leads to a whole file. */

#include "demo/support/atomic_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum status write_all(int fd, const char *path, const char *text, struct err *err)
{
    size_t left_bytes = strlen(text);
    while (left_bytes > 0) {
        ssize_t written = write(fd, text, left_bytes);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return err_errno(err, ST_IO, errno, "cannot write %s", path);
        }
        text += written;
        left_bytes -= (size_t)written;
    }
    return ST_OK;
}

enum status atomic_file_write(const char *path, const char *text, struct err *err)
{
    assert(path != NULL && text != NULL);
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof(temporary), "%s.tmp-%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof(temporary)) {
        return err_set(err, ST_INVALID, "path too long: %s", path);
    }
    CLEANUP(closep) int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot create %s", temporary);
    }
    enum status status = write_all(fd, temporary, text, err);
    if (status == ST_OK && rename(temporary, path) != 0) {
        status = err_errno(err, ST_IO, errno, "cannot rename %s to %s", temporary, path);
    }
    if (status != ST_OK) {
        (void)unlink(temporary); /* best effort: the first failure is the one to report */
    }
    return status;
}
