/*
 * penstock-validate: the JSON Schema room alone, as a filter for tests. Each line of stdin begins
 * with a letter:
 *
 *     R<name>\t<json>  a schema that the next one may refer to
 *     S<json>          compile; answers "ok" or "<status>\t<reason>"; forgets the references
 *     D<json>          check by the last schema; answers likewise
 *
 * Exit code 3: this build has no validator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/replica/decode/validate/json_schema.h"

enum {
    REFERENCES_MAX = 256,
    MESSAGE_BYTES = 512,
    NO_VALIDATOR_CODE = 3,
};

struct session {
    struct schema_reference references[REFERENCES_MAX]; /* owned texts */
    size_t count;
    struct json_schema *schema;
};

static void forget(struct session *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free((void *)(uintptr_t)s->references[i].name);
    }
    s->count = 0;
}

static bool remember(struct session *s, const char *line)
{
    char *copy = strdup(line);
    char *tab = copy == NULL ? NULL : strchr(copy, '\t');
    if (tab == NULL || s->count == REFERENCES_MAX) {
        free(copy);
        return false;
    }
    *tab = '\0';
    s->references[s->count++] =
        (struct schema_reference){.name = copy, .text = tab + 1, .text_bytes = strlen(tab + 1)};
    return true;
}

static void answer(enum status status, const char *reason)
{
    if (status == ST_OK) {
        (void)puts("ok");
    } else {
        (void)printf("%s\t%s\n", status_text(status), reason);
    }
    (void)fflush(stdout);
}

static void compile(struct session *s, const char *text)
{
    json_schema_free(s->schema);
    s->schema = NULL;
    struct schema schema = {
        .kind = SCHEMA_JSON,
        .text = text,
        .text_bytes = strlen(text),
        .references = s->references,
        .references_count = s->count,
    };
    struct err err = {0};
    answer(json_schema_new(&schema, &s->schema, &err), err.text);
    forget(s);
}

static void check(const struct session *s, const char *text)
{
    char message[MESSAGE_BYTES] = "";
    if (s->schema == NULL) {
        answer(ST_INVALID, "no schema");
        return;
    }
    enum status status =
        json_schema_check(s->schema, (const uint8_t *)text, strlen(text), message, sizeof(message));
    answer(status, message);
}

int main(void)
{
    if (!json_schema_is_available()) {
        (void)fputs("penstock-validate: this build has no JSON Schema validator\n", stderr);
        return NO_VALIDATOR_CODE;
    }
    struct session s = {.count = 0};
    char *line = NULL;
    size_t capacity = 0;
    bool is_fine = true;
    while (is_fine) {
        ssize_t len = getline(&line, &capacity, stdin);
        if (len < 1) {
            break;
        }
        line[strcspn(line, "\n")] = '\0';
        switch (line[0]) {
        case 'R':
            is_fine = remember(&s, line + 1);
            break;
        case 'S':
            compile(&s, line + 1);
            break;
        case 'D':
            check(&s, line + 1);
            break;
        default: /* not of the protocol above */
            is_fine = false;
        }
    }
    free(line);
    forget(&s);
    json_schema_free(s.schema);
    return is_fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
