#ifndef API_CONTEXT_H
#define API_CONTEXT_H

/* What every request shares: made once by serve.c, read by handlers through request->context. */

struct store_pool;
struct request_stats;
struct route_table;

struct api_context {
    struct store_pool *stores;
    struct request_stats *stats;
    const struct route_table *routes;
};

#endif
