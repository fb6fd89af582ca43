/* Typed JSON members, problems collected. */
#include "common/model/pipe_json.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

enum {
    CHOICES_TEXT_BYTES = 400,
    VALUE_SHOWN_BYTES = 60, /* of a wrong value, in a problem */
};

/* RFC 6901 §3: "~" is "~0" and "/" is "~1". A pointer that is too long is cut; keys of ours are
 * short. */
static void pointer_add(char pointer[PIPE_POINTER_BYTES], const char *key)
{
    size_t used = strlen(pointer);
    if (used < PIPE_POINTER_BYTES - 1) {
        pointer[used++] = '/';
    }
    for (const char *p = key; *p != '\0' && used < PIPE_POINTER_BYTES - 3; p++) {
        if (*p == '~' || *p == '/') {
            pointer[used++] = '~';
            pointer[used++] = *p == '~' ? '0' : '1';
        } else {
            pointer[used++] = *p;
        }
    }
    pointer[used] = '\0';
}

struct pipe_node pipe_node_root(const json_t *json, const char *pointer)
{
    /* jansson hands out members of a const object as not const, and its iterators need it so */
    const union {
        const json_t *given;
        json_t *wanted;
    } same = {.given = json};
    struct pipe_node node = {.json = json_is_null(json) ? NULL : same.wanted};
    (void)snprintf(node.pointer, sizeof(node.pointer), "%s", pointer); /* ours, short */
    return node;
}

struct pipe_node pipe_json_member(const struct pipe_node *parent, const char *key)
{
    struct pipe_node node = *parent;
    pointer_add(node.pointer, key);
    node.json = json_object_get(parent->json, key); /* NULL for no object */
    if (json_is_null(node.json)) {
        node.json = NULL;
    }
    return node;
}

struct pipe_node pipe_json_item(const struct pipe_node *array, size_t index)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "%zu", index); /* fits */
    struct pipe_node node = *array;
    pointer_add(node.pointer, key);
    node.json = json_array_get(array->json, index);
    return node;
}

/* True if the member is there; a problem if it has to be. */
static bool json_present(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, struct pipe_node *ret_node)
{
    *ret_node = pipe_json_member(parent, key);
    if (ret_node->json == NULL && need == PIPE_REQUIRED) {
        pipe_problems_add(reader->problems, ret_node->pointer, "is required");
    }
    return ret_node->json != NULL;
}

bool pipe_json_object(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, struct pipe_node *ret_node)
{
    if (!json_present(reader, parent, key, need, ret_node)) {
        return false;
    }
    if (!json_is_object(ret_node->json)) {
        pipe_problems_add(reader->problems, ret_node->pointer, "must be an object");
        return false;
    }
    return true;
}

bool pipe_json_array(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, struct pipe_node *ret_node)
{
    if (!json_present(reader, parent, key, need, ret_node)) {
        return false;
    }
    if (!json_is_array(ret_node->json)) {
        pipe_problems_add(reader->problems, ret_node->pointer, "must be an array");
        return false;
    }
    if (need == PIPE_REQUIRED && json_array_size(ret_node->json) == 0) {
        pipe_problems_add(reader->problems, ret_node->pointer, "must not be empty");
        return false;
    }
    return true;
}

/* The text of a node, NULL with a problem if it is none. */
static const char *
json_text(struct pipe_reader *reader, const struct pipe_node *node, enum pipe_need need)
{
    if (!json_is_string(node->json)) {
        pipe_problems_add(reader->problems, node->pointer, "must be a string");
        return NULL;
    }
    const char *text = json_string_value(node->json);
    if (strlen(text) != json_string_length(node->json)) {
        pipe_problems_add(reader->problems, node->pointer, "must not contain a zero byte");
        return NULL;
    }
    if (need == PIPE_REQUIRED && text[0] == '\0') {
        pipe_problems_add(reader->problems, node->pointer, "must not be empty");
        return NULL;
    }
    return text;
}

bool pipe_json_text(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, char **ret_text)
{
    struct pipe_node node;
    if (!json_present(reader, parent, key, need, &node)) {
        return false;
    }
    const char *text = json_text(reader, &node, need);
    if (text == NULL) {
        return false;
    }
    char *copy = strdup(text);
    if (copy == NULL) {
        reader->is_out_of_memory = true;
        return false;
    }
    free(*ret_text);
    *ret_text = copy;
    return true;
}

bool pipe_json_text_or_none(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key, char **ret_text)
{
    struct pipe_node node = pipe_json_member(parent, key);
    if (json_is_string(node.json) && json_string_length(node.json) == 0) {
        return false;
    }
    return pipe_json_text(reader, parent, key, PIPE_OPTIONAL, ret_text);
}

bool pipe_json_secret(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, struct secret *ret_secret)
{
    struct pipe_node node;
    if (!json_present(reader, parent, key, need, &node)) {
        return false;
    }
    const char *text = json_text(reader, &node, need);
    if (text == NULL) {
        return false;
    }
    secret_done(ret_secret);
    if (secret_set(ret_secret, text, strlen(text)) != ST_OK) {
        reader->is_out_of_memory = true;
        return false;
    }
    return true;
}

bool pipe_json_bool(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    enum pipe_need need, bool *ret_value)
{
    struct pipe_node node;
    if (!json_present(reader, parent, key, need, &node)) {
        return false;
    }
    if (!json_is_boolean(node.json)) {
        pipe_problems_add(reader->problems, node.pointer, "must be true or false");
        return false;
    }
    *ret_value = json_is_true(node.json);
    return true;
}

static void choices_join(const struct pipe_choices *choices, char text[CHOICES_TEXT_BYTES])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < choices->count; i++) {
        if (choices->texts[i][0] == '\0') {
            continue; /* "not given" is no choice to advertise */
        }
        int written = snprintf(
            text + used, CHOICES_TEXT_BYTES - used, "%s%s", used == 0 ? "" : ", ",
            choices->texts[i]);
        if (written < 0 || (size_t)written >= CHOICES_TEXT_BYTES - used) {
            return;
        }
        used += (size_t)written;
    }
}

bool pipe_json_choice(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    const struct pipe_choices *choices, unsigned *ret_index)
{
    struct pipe_node node = pipe_json_member(parent, key);
    if (node.json == NULL) {
        return false;
    }
    const char *text = json_text(reader, &node, PIPE_OPTIONAL);
    if (text == NULL) {
        return false;
    }
    for (size_t i = 0; i < choices->count; i++) {
        if (strcmp(choices->texts[i], text) == 0) {
            *ret_index = (unsigned)i;
            return true;
        }
    }
    char known[CHOICES_TEXT_BYTES];
    choices_join(choices, known);
    pipe_problems_add(
        reader->problems, node.pointer, "unknown value '%.*s', must be one of %s",
        VALUE_SHOWN_BYTES, text, known);
    return false;
}

bool text_list_add(
    struct pipe_reader *reader, struct text_list *list, const char *text, size_t len_bytes)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
    char *copy = strndup(text, len_bytes);
    if (items != NULL) {
        list->items = items;
    }
    if (items == NULL || copy == NULL) {
        free(copy);
        reader->is_out_of_memory = true;
        return false;
    }
    list->items[list->count++] = copy;
    return true;
}

bool text_list_has(const struct text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

void text_list_done(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i]);
    }
    free(list->items);
    *list = (struct text_list){0};
}

bool pipe_json_text_list(
    struct pipe_reader *reader, const struct pipe_node *parent, const char *key,
    struct text_list *ret_list)
{
    struct pipe_node array;
    if (!pipe_json_array(reader, parent, key, PIPE_OPTIONAL, &array)) {
        return false;
    }
    size_t count = json_array_size(array.json);
    for (size_t i = 0; i < count; i++) {
        struct pipe_node item = pipe_json_item(&array, i);
        const char *text = json_text(reader, &item, PIPE_REQUIRED);
        if (text != NULL && !text_list_add(reader, ret_list, text, strlen(text))) {
            return false;
        }
    }
    return true;
}
