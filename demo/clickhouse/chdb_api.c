/* See the header. dlopen is the only way in: nothing is linked. */
#include "demo/clickhouse/chdb_api.h"

#include <assert.h>
#include <dlfcn.h>
#include <string.h>

/* POSIX: a pointer of dlsym may be stored through void **, where C has no such conversion. */
static enum status find(void *library, const char *name, void *ret_function, struct err *err)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        return err_set(
            err, ST_NOT_FOUND, "the library has no function %s (another version?)", name);
    }
    memcpy(ret_function, &found, sizeof(found));
    return ST_OK;
}

enum status chdb_api_load(const char *path, struct chdb_api *ret_api, struct err *err)
{
    assert(path != NULL && ret_api != NULL);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *why = dlerror(); /* NOLINT(concurrency-mt-unsafe): no other thread yet */
        return err_set(err, ST_NOT_FOUND, "cannot load %s: %s", path, why == NULL ? "?" : why);
    }
    struct chdb_api api = {0};
    enum status st = ST_OK;
#define X(result, name, arguments)                                                                 \
    if (st == ST_OK) {                                                                             \
        st = find(library, "chdb_" #name, &api.name, err);                                         \
    }
    CHDB_API(X)
#undef X
    if (st != ST_OK) {
        return err_wrap(err, "%s", path);
    }
    *ret_api = api;
    return ST_OK;
}
