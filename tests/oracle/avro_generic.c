/*
 * penstock-avro-generic: avro-c's generic reader as a filter for tests. Reads Avro records from
 * stdin, each behind its length in four bytes, little-endian; writes each as one line of avro-c's
 * JSON, "refused" if avro-c cannot read it or leaves bytes over, "-" if it has no JSON for it.
 *
 *     penstock-avro-generic SCHEMA-FILE
 */
#include <avro.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCHEMA_MAX_BYTES = 1 << 20,
    RECORD_MAX_BYTES = 1 << 24,
    USAGE_CODE = 2,
};

static char schema_text[SCHEMA_MAX_BYTES];
static char body[RECORD_MAX_BYTES];

static int failed(const char *reason)
{
    (void)fprintf(stderr, "penstock-avro-generic: %s\n", reason);
    return EXIT_FAILURE;
}

static void print_record(avro_value_t *value, uint32_t len)
{
    avro_reader_t reader = avro_reader_memory(body, len);
    char left = 0;
    (void)avro_value_reset(value); /* it only forgets the record before */
    bool is_read = avro_value_read(reader, value) == 0;
    if (!is_read || avro_read(reader, &left, 1) == 0) {
        (void)puts("refused");
    } else {
        char *text = NULL;
        bool has_text = avro_value_to_json(value, 1, &text) == 0;
        (void)puts(has_text ? text : "-");
        free(text);
    }
    avro_reader_free(reader);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rbe") : NULL;
    if (file == NULL) {
        (void)failed("usage: SCHEMA-FILE");
        return USAGE_CODE;
    }
    size_t text_bytes = fread(schema_text, 1, sizeof(schema_text) - 1, file);
    avro_schema_t schema = NULL;
    if (fclose(file) != 0 || avro_schema_from_json_length(schema_text, text_bytes, &schema) != 0) {
        return failed(avro_strerror());
    }
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_value_t value;
    if (class == NULL || avro_generic_value_new(class, &value) != 0) {
        return failed(avro_strerror());
    }
    uint32_t len = 0;
    while (fread(&len, sizeof(len), 1, stdin) == 1) {
        if (len > sizeof(body) || fread(body, 1, len, stdin) != len) {
            return failed("a record is cut");
        }
        print_record(&value, len);
    }
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    return EXIT_SUCCESS;
}
