#ifndef DEMO_SUPPORT_ATOMIC_FILE_H
#define DEMO_SUPPORT_ATOMIC_FILE_H

/*
 * Files that another process reads while we write them (port files, statistics): a reader sees the
 * old text or the new text, never a part. For development programs: nothing is synced to disk.
 */

#include "common/base/attr.h"
#include "common/base/err.h"

/* Replace the file at path by text: written to path.tmp-<pid>, then renamed. The folder must exist.
 * ST_INVALID if the path is too long, ST_IO if the system refuses; the old file is then untouched.
 */
enum status atomic_file_write(const char *path, const char *text, struct err *err) MUST_CHECK;

#endif
