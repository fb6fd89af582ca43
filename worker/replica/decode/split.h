#ifndef WORKER_REPLICA_DECODE_SPLIT_H
#define WORKER_REPLICA_DECODE_SPLIT_H

/*
 * One message that holds several JSON objects, cut into them (penstock_multi_record). Lines: each
 * line that is not blank is a document; a line break cannot stand inside a JSON string. Array: the
 * elements of one array, [a, b]; a message that is a single object instead counts as one element.
 * The pieces are cut only by their brackets and quotes: whether a piece is JSON the walk decides.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum split_mode {
    SPLIT_LINES,
    SPLIT_ARRAY,
};

struct split {
    enum split_mode mode;
    const uint8_t *at;
    const uint8_t *start;
    const uint8_t *end;
    size_t number;  /* of the piece just given, from 1: its line or element */
    bool is_open;   /* inside the array */
    bool is_single; /* array mode: the message is one document without an array */
};

enum split_step {
    SPLIT_PIECE, /* ret_piece, ret_len */
    SPLIT_OVER,
    SPLIT_BAD, /* not an array: ret_piece is the place, reason says why */
};

void split_begin(struct split *split, enum split_mode mode, const uint8_t *bytes, size_t len);

/* The next piece, without blanks around it. */
enum split_step split_next(
    struct split *split, const uint8_t **ret_piece, size_t *ret_len, const char **ret_reason);

#endif
