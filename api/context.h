#ifndef API_CONTEXT_H
#define API_CONTEXT_H

/* What every request shares: made once by serve.c, read by handlers through request->context. */

struct store_pool;
struct request_stats;
struct rate_limit;
struct route_table;

struct api_context {
    struct store_pool *stores;
    struct request_stats *stats;
    struct rate_limit *rate_limit; /* NULL = none */
    const struct route_table *routes;
};

#endif
