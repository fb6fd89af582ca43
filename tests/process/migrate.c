/* Brings the database named by the first argument to this program's schema, for process tests that
 * run without the api. With a second and third argument, a key file and a JSON text: asks that
 * probe and prints the answer. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/store/probes.h"
#include "common/store/store.h"

enum {
    TIMEOUT_MS = 20000
};

static enum status ask(const char *url, const char *key_path, const char *question, struct err *err)
{
    CLEANUP(key_ring_freep) struct key_ring *keys = NULL;
    CLEANUP(store_closep) struct store *store = NULL;
    enum status st = key_ring_load(key_path, &keys, err);
    if (st == ST_OK) {
        st = store_open(url, keys, TIMEOUT_MS, &store, err);
    }
    json_t *request = json_loads(question, 0, NULL);
    char id[37];
    if (st == ST_OK) {
        st = probe_ask(store, request, TIMEOUT_MS, id, err);
    }
    json_decref(request);
    json_t *answer = NULL;
    if (st == ST_OK) {
        st = probe_wait(store, id, TIMEOUT_MS, &answer, err);
    }
    if (st == ST_OK && json_dumpf(answer, stdout, JSON_COMPACT) != 0) {
        st = err_set(err, ST_IO, "cannot print the answer");
    }
    json_decref(answer);
    return st;
}

int main(int argc, char **argv)
{
    struct err err = {.status = ST_OK};
    int applied_count = 0;
    enum status st = ST_INVALID;
    if (argc == 2) {
        st = store_migrate(argv[1], TIMEOUT_MS, &applied_count, &err);
    } else if (argc == 4) {
        st = ask(argv[1], argv[2], argv[3], &err);
    }
    if (st != ST_OK) {
        (void)fprintf(stderr, "%s: %s\n", status_text(st), err.text); /* last words */
        return 1;
    }
    return 0;
}
