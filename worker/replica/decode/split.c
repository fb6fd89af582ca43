/* Cutting: by line breaks, or by commas between balanced brackets. */
#include "worker/replica/decode/split.h"

#include <string.h>

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_blanks(struct split *split)
{
    while (split->at < split->end && is_blank(*split->at)) {
        split->at++;
    }
}

void split_begin(struct split *split, enum split_mode mode, const uint8_t *bytes, size_t len)
{
    static const uint8_t BYTE_ORDER_MARK[] = {0xef, 0xbb, 0xbf};
    *split = (struct split){.mode = mode, .at = bytes, .start = bytes, .end = bytes + len};
    if (len >= sizeof(BYTE_ORDER_MARK) && memcmp(bytes, BYTE_ORDER_MARK, 3) == 0) {
        split->at += sizeof(BYTE_ORDER_MARK);
    }
}

static enum split_step next_line(struct split *split, const uint8_t **ret_piece, size_t *ret_len)
{
    while (split->at < split->end) {
        const uint8_t *from = split->at;
        const uint8_t *to = memchr(from, '\n', (size_t)(split->end - from));
        to = to == NULL ? split->end : to;
        split->at = to < split->end ? to + 1 : to;
        split->number++;
        while (from < to && is_blank(*from)) {
            from++;
        }
        while (to > from && is_blank(to[-1])) {
            to--;
        }
        if (from < to) {
            *ret_piece = from;
            *ret_len = (size_t)(to - from);
            return SPLIT_PIECE;
        }
    }
    return SPLIT_OVER;
}

/* Behind the closing quote; the end if there is none. */
static const uint8_t *string_end(const uint8_t *at, const uint8_t *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\' ? 1 : 0;
    }
    return at < end ? at + 1 : end;
}

/* Where an element ends: at the comma or bracket behind it, or at the end of the message. */
static const uint8_t *element_end(const uint8_t *at, const uint8_t *end)
{
    size_t depth = 0;
    while (at < end) {
        switch (*at) {
        case '"':
            at = string_end(at, end);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (depth == 0) {
                return at;
            }
            depth--;
            break;
        case ',':
            if (depth == 0) {
                return at;
            }
            break;
        default: /* part of an element */
            break;
        }
        at++;
    }
    return end;
}

static enum split_step
bad(const struct split *split, const char *reason, const uint8_t **ret_piece,
    const char **ret_reason)
{
    *ret_piece = split->at;
    *ret_reason = reason;
    return SPLIT_BAD;
}

/* The first step of a message: its bracket, or the whole of it. */
static enum split_step
open_array(struct split *split, const uint8_t **ret_piece, size_t *ret_len, const char **ret_reason)
{
    skip_blanks(split);
    if (split->at < split->end && *split->at == '[') {
        split->is_open = true;
        split->at++;
        skip_blanks(split);
        if (split->at < split->end && *split->at == ']') {
            split->is_open = false;
            split->at++;
            skip_blanks(split);
            return split->at < split->end
                       ? bad(split, "bytes follow the array", ret_piece, ret_reason)
                       : SPLIT_OVER;
        }
        return SPLIT_PIECE; /* uncovered: the caller goes on with the first element */
    }
    if (split->at >= split->end) {
        return bad(split, "an array or an object is expected", ret_piece, ret_reason);
    }
    split->is_single = true;
    *ret_piece = split->at;
    *ret_len = (size_t)(split->end - split->at);
    split->at = split->end;
    split->number = 1;
    return SPLIT_PIECE;
}

/* Behind an element: a comma, or the bracket that closes the array. */
static enum split_step
behind_element(struct split *split, const uint8_t **ret_piece, const char **ret_reason)
{
    if (split->at >= split->end) {
        return bad(split, "the message ends inside the array", ret_piece, ret_reason);
    }
    if (*split->at == ',') {
        split->at++;
        return SPLIT_PIECE;
    }
    if (*split->at == '}') {
        return bad(split, "',' or ']' is expected", ret_piece, ret_reason);
    }
    split->is_open = false;
    split->at++;
    skip_blanks(split);
    return split->at < split->end ? bad(split, "bytes follow the array", ret_piece, ret_reason)
                                  : SPLIT_OVER;
}

static enum split_step next_element(
    struct split *split, const uint8_t **ret_piece, size_t *ret_len, const char **ret_reason)
{
    if (split->number == 0) {
        enum split_step step = open_array(split, ret_piece, ret_len, ret_reason);
        if (step != SPLIT_PIECE || split->is_single) {
            return step;
        }
    } else if (!split->is_open) {
        return SPLIT_OVER;
    } else {
        enum split_step step = behind_element(split, ret_piece, ret_reason);
        if (step != SPLIT_PIECE) {
            return step;
        }
    }
    skip_blanks(split);
    const uint8_t *from = split->at;
    const uint8_t *to = element_end(from, split->end);
    split->at = to;
    split->number++;
    while (to > from && is_blank(to[-1])) {
        to--;
    }
    if (from == to) {
        return bad(split, "an object is expected", ret_piece, ret_reason);
    }
    *ret_piece = from;
    *ret_len = (size_t)(to - from);
    return SPLIT_PIECE;
}

enum split_step
split_next(struct split *split, const uint8_t **ret_piece, size_t *ret_len, const char **ret_reason)
{
    return split->mode == SPLIT_LINES ? next_line(split, ret_piece, ret_len)
                                      : next_element(split, ret_piece, ret_len, ret_reason);
}
