#ifndef COMMON_CLICKHOUSE_ANSWER_TEXT_H
#define COMMON_CLICKHOUSE_ANSWER_TEXT_H

/*
 * Reading ClickHouse's exception texts: "Code: 60. DB::Exception: Table d.t does not exist.
 * (UNKNOWN_TABLE) (version 26.7.2.1)", the same with "Code: 60, e.displayText() = …" (18.16), and
 * with the prefix twice. Inside this room; clickhouse_code_from_text is in answer.h.
 */

#include <stddef.h>

/* The error's name in capitals, "" if none stands there. */
void answer_text_name(const char *text, char *ret_name, size_t len_bytes);

/* The view of "while pushing to view X", "" if none. */
void answer_text_view(const char *text, char *ret_view, size_t len_bytes);

/* Where the sentence begins: behind "Code: N. DB::Exception: ", as often as it stands there. */
const char *answer_text_body(const char *text);

/* One line of valid UTF-8 without version and trailing blanks, cut to len_bytes − 1. */
void answer_text_clean(const char *text, char *ret_text, size_t len_bytes);

/* The number of an exception that ends a body of another kind, 0 if it ends with none. */
int answer_text_trailing_code(const char *body);

#endif
