#ifndef API_STORE_POOL_H
#define API_STORE_POOL_H

/*
 * A bounded pool of stores (PostgreSQL connections): each request borrows one. A connection that
 * broke is opened again by the next borrower; while the database is away, borrowing fails, which
 * the client sees as 503 and never as 404 or 401. Safe from many threads.
 */

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/store/store.h"

struct store_pool;

struct store_pool_options {
    const char *database_url;    /* borrowed, must outlive the pool, as the keys */
    const struct key_ring *keys; /* NULL = credentials cannot be stored */
    unsigned stores_max;         /* 1 or more */
    int timeout_ms;              /* to connect and for a statement */
};

/* A pool of connections that are opened when first needed. ret_pool: owned, store_pool_free.
 * ST_NO_MEMORY. */
enum status store_pool_new(
    const struct store_pool_options *options, struct store_pool **ret_pool,
    struct err *err) MUST_CHECK;

/* Close all; every store must have been given back. NULL is fine. */
void store_pool_free(struct store_pool *pool);

/* Borrow an open store; give it back with store_pool_return. ST_UNAVAILABLE if the database cannot
 * be reached, or all connections stay busy for 10 s. */
enum status
store_pool_take(struct store_pool *pool, struct store **ret_store, struct err *err) MUST_CHECK;

/* Give one back; NULL is fine. */
void store_pool_return(struct store_pool *pool, struct store *store);

#endif
