#ifndef DEMO_CLICKHOUSE_SPLIT_H
#define DEMO_CLICKHOUSE_SPLIT_H

/*
 * Where an INSERT ends and its data begins. The engine takes inserted data only through its
 * streaming call (data inside the query text is cut at the first blank line and what follows runs
 * as SQL), so the text that arrives over HTTP must be cut here: the statement in front of FORMAT or
 * VALUES, the name of the format, the data. Strings, quoted names, comments and brackets are
 * skipped on the way. Nothing here allocates or keeps state.
 */

#include <stdbool.h>
#include <stddef.h>

enum split_kind {
    SPLIT_MORE,      /* cannot be decided yet: call again with more text */
    SPLIT_STATEMENT, /* all of the text is one statement, there is no data */
    SPLIT_INSERT,    /* an INSERT that takes data */
};

struct split {
    enum split_kind kind;
    /* The rest only for SPLIT_INSERT; all are offsets into the text. */
    size_t head_len;     /* the INSERT without its FORMAT or VALUES */
    size_t format_at;    /* name of the format ("VALUES" is one too) */
    size_t format_len;   /* 0: the text ends before a format is named */
    size_t settings_at;  /* a SETTINGS clause written behind FORMAT; belongs to the head */
    size_t settings_len; /* 0: there is none */
    size_t data_at;      /* first byte of data; may be the length of the text */
};

/* Look at the text of a request as far as it has arrived. is_final: nothing follows, so SPLIT_MORE
 * is not answered. A text the engine would refuse is a statement: the engine then says why. */
void split_request(const char *text, size_t len_bytes, bool is_final, struct split *ret_split);

/* The name after the last FORMAT of a statement; false if it has none. */
bool split_output_format(
    const char *text, size_t len_bytes, size_t *ret_format_at, size_t *ret_format_len);

#endif
