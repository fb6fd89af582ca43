/*
 * The path is read from its end, because a prefix may be anything: which form it is shows in the
 * last segments. A path that holds "subjects" or "schemas/ids" elsewhere is a form cut short.
 */
#include "common/model/registry_url.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/parse.h"

enum {
    SEGMENTS_MAX = 32,
    URL_MAX_BYTES = 4096,
};

/* The path cut at its slashes; empty segments are kept, so that a prefix stays as written. */
struct path {
    char *slashes[SEGMENTS_MAX]; /* before each segment, in a copy of the URL */
    size_t count;
};

void registry_url_done(struct registry_url *url)
{
    free(url->root);
    free(url->subject);
    *url = (struct registry_url){.pin = REGISTRY_PIN_NONE};
}

/* Where the path begins, or the end of the text. */
static enum status authority_check(const char *text, size_t *ret_path, struct err *err)
{
    bool is_https = strncmp(text, "https://", 8) == 0;
    if (!is_https && strncmp(text, "http://", 7) != 0) {
        return err_set(err, ST_INVALID, "must begin with https:// or http://");
    }
    if (strlen(text) >= URL_MAX_BYTES) {
        return err_set(err, ST_INVALID, "is longer than %d bytes", URL_MAX_BYTES - 1);
    }
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"<>\\^`{|}", *p) != NULL) {
            return err_set(err, ST_INVALID, "holds a character that must be percent-encoded");
        }
    }
    const char *host = text + (is_https ? 8 : 7);
    size_t host_bytes = strcspn(host, "/?#");
    if (host_bytes == 0) {
        return err_set(err, ST_INVALID, "names no host");
    }
    if (memchr(host, '@', host_bytes) != NULL) {
        return err_set(
            err, ST_INVALID, "must not hold a login: give it as credentials of the registry");
    }
    if (strpbrk(host, "?#") != NULL) {
        return err_set(err, ST_INVALID, "must not have a query or a fragment");
    }
    *ret_path = (size_t)(host - text) + host_bytes;
    return ST_OK;
}

static enum status path_split(char *text, struct path *ret_path, struct err *err)
{
    size_t len_bytes = strlen(text);
    while (len_bytes > 0 && text[len_bytes - 1] == '/') {
        text[--len_bytes] = '\0';
    }
    *ret_path = (struct path){.count = 0};
    for (char *slash = strchr(text, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        if (ret_path->count == SEGMENTS_MAX) {
            return err_set(err, ST_INVALID, "has more than %d parts", SEGMENTS_MAX);
        }
        ret_path->slashes[ret_path->count++] = slash;
    }
    for (size_t i = 0; i < ret_path->count; i++) {
        *ret_path->slashes[i] = '\0';
    }
    return ST_OK;
}

static const char *path_segment(const struct path *path, size_t index)
{
    return path->slashes[index] + 1;
}

/* True if the segment `from_end` places before the end (1 = the last) is this word. */
static bool path_has(const struct path *path, size_t from_end, const char *word)
{
    return path->count >= from_end && strcmp(path_segment(path, path->count - from_end), word) == 0;
}

static const char *path_last(const struct path *path, size_t from_end)
{
    return path_segment(path, path->count - from_end);
}

/* A form that begins and does not end. */
static enum status path_check_rest(const struct path *path, struct err *err)
{
    for (size_t i = 0; i < path->count; i++) {
        const char *next = i + 1 < path->count ? path_segment(path, i + 1) : "ids";
        bool is_schemas = strcmp(path_segment(path, i), "schemas") == 0 && strcmp(next, "ids") == 0;
        if (is_schemas || strcmp(path_segment(path, i), "subjects") == 0) {
            return err_set(
                err, ST_INVALID,
                "must be the registry's root or end in /schemas/ids/<id>, /subjects/<subject> or "
                "/subjects/<subject>/versions/<version>");
        }
    }
    return ST_OK;
}

static enum status
path_read_version(const struct path *path, struct registry_url *url, struct err *err)
{
    const char *text = path_last(path, 1);
    int64_t version = 0;
    if (strcmp(text, "latest") == 0) {
        url->pin = REGISTRY_PIN_LATEST;
        return ST_OK;
    }
    if (parse_i64(text, 1, INT32_MAX, &version) != ST_OK) {
        return err_set(err, ST_INVALID, "version '%s' is neither a number nor latest", text);
    }
    url->pin = REGISTRY_PIN_VERSION;
    url->version = (int32_t)version;
    return ST_OK;
}

/* Which form; ret_taken: how many segments at the end belong to it, not to the root. */
static enum status
path_read(const struct path *path, struct registry_url *url, size_t *ret_taken, struct err *err)
{
    const char *subject = NULL;
    enum status st = ST_OK;
    if (path_has(path, 4, "subjects") && path_has(path, 2, "versions")) {
        subject = path_last(path, 3);
        *ret_taken = 4;
        st = path_read_version(path, url, err);
    } else if (path_has(path, 3, "schemas") && path_has(path, 2, "ids")) {
        int64_t id = 0;
        if (parse_i64(path_last(path, 1), 0, INT32_MAX, &id) != ST_OK) {
            return err_set(err, ST_INVALID, "schema id '%s' is no number", path_last(path, 1));
        }
        *ret_taken = 3;
        url->pin = REGISTRY_PIN_ID;
        url->id = (int32_t)id;
    } else if (path_has(path, 2, "subjects")) {
        subject = path_last(path, 1);
        *ret_taken = 2;
        url->pin = REGISTRY_PIN_LATEST;
    } else {
        *ret_taken = 0;
        st = path_check_rest(path, err);
    }
    if (st != ST_OK || subject == NULL) {
        return st;
    }
    if (*subject == '\0') {
        return err_set(err, ST_INVALID, "names no subject");
    }
    url->subject = strdup(subject);
    return url->subject == NULL ? err_set(err, ST_NO_MEMORY, "no memory for a URL") : ST_OK;
}

/* Put the segments that stay back together, in the same memory. */
static void path_join(struct path *path, size_t taken)
{
    for (size_t i = 0; i + taken < path->count; i++) {
        *path->slashes[i] = '/';
    }
}

enum status registry_url_parse(const char *text, struct registry_url *ret_url, struct err *err)
{
    assert(text != NULL);
    size_t path_at = 0;
    struct registry_url url = {.pin = REGISTRY_PIN_NONE};
    enum status st = authority_check(text, &path_at, err);
    if (st != ST_OK) {
        return st;
    }
    url.root = strdup(text);
    if (url.root == NULL) {
        return err_set(err, ST_NO_MEMORY, "no memory for a URL");
    }
    struct path path;
    size_t taken = 0;
    st = path_split(url.root + path_at, &path, err);
    if (st == ST_OK) {
        st = path_read(&path, &url, &taken, err);
    }
    if (st != ST_OK) {
        registry_url_done(&url);
        return st;
    }
    path_join(&path, taken);
    *ret_url = url;
    return ST_OK;
}
