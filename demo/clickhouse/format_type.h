#ifndef DEMO_CLICKHOUSE_FORMAT_TYPE_H
#define DEMO_CLICKHOUSE_FORMAT_TYPE_H

/* Which Content-Type an answer in an output format has, as the real server says it. */

/* Static text. Formats not listed are bytes. format: as the query names it, any case. */
const char *format_content_type(const char *format);

#endif
