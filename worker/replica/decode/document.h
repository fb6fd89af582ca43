#ifndef WORKER_REPLICA_DECODE_DOCUMENT_H
#define WORKER_REPLICA_DECODE_DOCUMENT_H

/*
 * One JSON document into the cells of a plan's fields: which walk runs, where it may read, and what
 * is said when it fails. Holds the scratch memory and the learned key order of one thread. The open
 * row's other columns (virtual ones, those of another plan) are the caller's.
 */

#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#include "worker/replica/block/block.h"
#include "worker/replica/decode/json_walk.h"
#include "worker/replica/decode/plan.h"
#include "worker/replica/decode/reject.h"

#if defined(__SANITIZE_ADDRESS__)
#define DOCUMENT_ALWAYS_COPIES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DOCUMENT_ALWAYS_COPIES 1
#endif
#endif
#ifndef DOCUMENT_ALWAYS_COPIES
#define DOCUMENT_ALWAYS_COPIES 0
#endif

struct document;

/* plan: borrowed for the document's life. ret_document: owned, document_free. ST_NO_MEMORY. */
enum status
document_new(const struct plan *plan, struct document **ret_document, struct err *err) MUST_CHECK;
void document_free(struct document *document);

/*
 * The cells of the document at bytes, one for each field of the plan. ST_OK; ST_REJECTED with
 * ret_reject (DATA_PARSING or TYPE_CONVERSION, touched only then) and ST_NO_MEMORY: the plan's
 * columns have the block's committed rows again.
 */
enum status document_row(
    struct document *document, const uint8_t *bytes, size_t len, struct block *block,
    struct reject *ret_reject) MUST_CHECK;

/* Walk as on a processor without AVX2. */
void document_use_baseline(struct document *document);

/* True if padding_bytes behind `end` might lie in a page that does not exist; always so where a
 * sanitizer watches: then bytes that are read past their end must be copied first. */
static inline bool document_must_copy(const uint8_t *end)
{
    enum {
        PAGE_BYTES = 4096 /* the smallest there is */
    };
    return DOCUMENT_ALWAYS_COPIES ||
           ((uintptr_t)end & (PAGE_BYTES - 1)) > PAGE_BYTES - JSON_PADDING_BYTES;
}

/* The next record of a batch lies behind this one: let it come while this one is decoded. */
static inline void document_prefetch(const uint8_t *end, size_t len)
{
    enum {
        LINE_BYTES = 64,
        FAR_BYTES = 2048,
    };
    size_t far = len < FAR_BYTES ? len : FAR_BYTES;
    for (size_t at = 0; at < far; at += LINE_BYTES) {
        __builtin_prefetch(end + at); /* never faults, whatever is there */
    }
}

#endif
