#ifndef COMMON_MODEL_PIPE_JSON_H
#define COMMON_MODEL_PIPE_JSON_H

/*
 * Typed reading of JSON members that never stops at the first problem: each getter leaves its
 * output as it was and adds a problem with the member's JSON pointer (RFC 6901) when the member has
 * the wrong form. Absent and null are the same. Inside this room.
 */

#include <jansson.h>
#include <stdbool.h>

#include "common/base/secret.h"
#include "common/model/pipe.h"
#include "common/model/pipe_text.h"

enum {
    PIPE_POINTER_BYTES = 256
};

/* A value and where it stands. */
struct pipe_node {
    json_t *json; /* borrowed, read only; NULL = absent */
    char pointer[PIPE_POINTER_BYTES];
};

struct pipe_reader {
    struct pipe_problems *problems; /* borrowed */
    bool is_out_of_memory;
};

enum pipe_need {
    PIPE_OPTIONAL,
    PIPE_REQUIRED, /* a problem if absent or null; texts and lists must not be empty either */
};

/* A value at the start; null counts as absent. */
struct pipe_node pipe_node_root(const json_t *json, const char *pointer);

/* The child at `pointer`/`key`; json NULL if absent or null. */
struct pipe_node pipe_json_member(const struct pipe_node *parent, const char *key);
struct pipe_node pipe_json_item(const struct pipe_node *array, size_t index);

/* True if the member is there and an object (an array). */
bool pipe_json_object(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, struct pipe_node *ret_node);
bool pipe_json_array(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, struct pipe_node *ret_node);

/* A text without zero bytes, owned by the caller; true if one was read. An optional "" is read. */
bool pipe_json_text(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, char **ret_text);

/* The same, but "" counts as absent. */
bool pipe_json_text_or_none(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key, char **ret_text);

/* A text as secret; true if one was read. */
bool pipe_json_secret(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, struct secret *ret_secret);

bool pipe_json_bool(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, bool *ret_value);

/* One of the choices by its text; ret_index is its place. */
bool pipe_json_choice(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    const struct pipe_choices *choices, unsigned *ret_index);

/* An array of texts that are not empty. */
bool pipe_json_text_list(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    struct text_list *ret_list);

/* Append a copy of len_bytes bytes of text. False (and is_out_of_memory) if there is no memory. */
bool text_list_add(
    struct pipe_reader *reader, struct text_list *list, const char *text, size_t len_bytes);
bool text_list_has(const struct text_list *list, const char *text);
void text_list_done(struct text_list *list);

#endif
