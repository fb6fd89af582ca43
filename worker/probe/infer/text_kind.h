#ifndef WORKER_PROBE_INFER_TEXT_KIND_H
#define WORKER_PROBE_INFER_TEXT_KIND_H

/* What a JSON string looks like. Pure; rules: docs/inference.md. */

#include <stddef.h>

enum text_kind {
    TEXT_PLAIN,
    TEXT_INTEGER,  /* fits Int64, no leading zero or plus */
    TEXT_NATURAL,  /* above Int64, fits UInt64 */
    TEXT_REAL,     /* a JSON number with fraction or exponent */
    TEXT_DATE,     /* YYYY-MM-DD within Date */
    TEXT_DATETIME, /* date, T or blank, time, optional fraction, optional Z or offset */
    TEXT_UUID,
};

enum text_kind text_kind_of(const char *text, size_t len);

#endif
