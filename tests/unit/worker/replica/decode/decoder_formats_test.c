/*
 * What is around the value's cells: several documents in one message, fields of the key, schema ids
 * and what is said when there is no schema.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/worker/replica/decode/fixture.h"
#include "worker/replica/decode/plan_tree.h"

static const struct fixture_column COLUMNS[] = {
    {"id", "UInt32", NULL}, {"name", "String", NULL}, {NULL, NULL, NULL}};

static void open_multi(struct fixture *f, enum pipe_multi_record mode)
{
    struct pipe_settings settings = {.multi_record = mode};
    fixture_open(f, COLUMNS, &settings);
}

static void messages_of_lines_become_rows(void **state)
{
    (void)state;
    struct fixture f;
    open_multi(&f, PIPE_MULTI_RECORD_LINES);
    assert_int_equal(fixture_add(&f, "{\"id\":1,\"name\":\"a\"}\n\n{\"id\":2}\r\n"), ST_OK);
    assert_int_equal(f.outcome.rows_count, 2);
    fixture_assert_u64(&f, 0, 2);
    assert_int_equal(fixture_add(&f, "{\"id\":3,\"name\":\"c\"}"), ST_OK);
    assert_int_equal(f.outcome.rows_count, 1);
    fixture_assert_text(&f, 1, "c");
    assert_int_equal(fixture_add(&f, "\n \n"), ST_OK);
    assert_int_equal(f.outcome.rows_count, 0);
    assert_int_equal(fixture_add(&f, ""), ST_REJECTED);
    assert_int_equal(block_rows(f.block), 3);
    fixture_close(&f);
}

static void one_bad_document_rejects_the_whole_message(void **state)
{
    (void)state;
    static const struct {
        enum pipe_multi_record mode;
        const char *text;
        enum reject_type type;
        const char *message;
    } CASES[] = {
        {PIPE_MULTI_RECORD_LINES, "{\"id\":1}\n\n{\"id\":-1}\n{\"id\":2}", REJECT_TYPE_CONVERSION,
         "line 3: column id: a number at byte 6 does not fit UInt32"},
        {PIPE_MULTI_RECORD_LINES, "{\"id\":1} {\"id\":2}", REJECT_DATA_PARSING,
         "line 1: malformed JSON at byte 9"},
        {PIPE_MULTI_RECORD_ARRAY, "[{\"id\":1,\"name\":\"long enough to matter\"},{\"id\":\"x\"}]",
         REJECT_TYPE_CONVERSION, "element 2: column id: a string at byte 6"},
        {PIPE_MULTI_RECORD_ARRAY, "[{\"id\":1},7]", REJECT_DATA_PARSING,
         "element 2: malformed JSON at byte 0: an object is expected"},
        {PIPE_MULTI_RECORD_ARRAY, "[{\"id\":1}", REJECT_DATA_PARSING,
         "malformed JSON at byte 9: the message ends inside the array"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct fixture f;
        open_multi(&f, CASES[i].mode);
        assert_int_equal(fixture_add(&f, "{\"id\":9,\"name\":\"kept\"}"), ST_OK);
        assert_int_equal(fixture_add(&f, CASES[i].text), ST_REJECTED);
        assert_int_equal(f.reject.type, CASES[i].type);
        if (strncmp(f.reject.message, CASES[i].message, strlen(CASES[i].message)) != 0) {
            fail_msg("%s", f.reject.message);
        }
        assert_int_equal(block_rows(f.block), 1);
        assert_int_equal(column_items(block_column(f.block, 1)), 1);
        fixture_assert_u64(&f, 0, 9);
        fixture_assert_text(&f, 1, "kept");
        fixture_close(&f);
    }
}

/* Many more rows than the block counts between two looks at its sizes. */
static void large_messages_are_dropped_whole(void **state)
{
    (void)state;
    enum {
        DOCUMENTS = 1000
    };
    static const char DOCUMENT[] = "{\"id\":7,\"name\":\"abcdefgh\"}\n";
    struct fixture f;
    open_multi(&f, PIPE_MULTI_RECORD_LINES);
    char *text = calloc(DOCUMENTS, sizeof(DOCUMENT));
    assert_non_null(text);
    for (size_t i = 0; i < DOCUMENTS; i++) {
        memcpy(text + i * strlen(DOCUMENT), DOCUMENT, strlen(DOCUMENT));
    }
    assert_int_equal(fixture_add(&f, text), ST_OK);
    size_t bytes = block_column(f.block, 1)->data.len;
    memcpy(text + (DOCUMENTS - 1) * strlen(DOCUMENT), "{", 2);
    assert_int_equal(fixture_add(&f, text), ST_REJECTED);
    assert_int_equal(block_rows(f.block), DOCUMENTS);
    assert_int_equal(block_column(f.block, 1)->data.len, bytes);
    assert_int_equal(fixture_add(&f, "{\"id\":1}"), ST_OK);
    assert_int_equal(block_rows(f.block), DOCUMENTS + 1);
    free(text);
    fixture_close(&f);
}

static enum status add_keyed(struct fixture *f, const char *key, const char *value)
{
    struct record record = {
        .topic = "t",
        .topic_bytes = 1,
        .timestamp_ms = -1,
        .key = (const uint8_t *)key,
        .key_bytes = key == NULL ? 0 : strlen(key),
        .value = (const uint8_t *)value,
        .value_bytes = strlen(value),
    };
    struct err err = {.text = ""};
    return decoder_add(f->decoder, &record, f->block, &f->outcome, &err);
}

static void fields_of_the_key_are_read(void **state)
{
    (void)state;
    static const struct fixture_column KEYED[] = {
        {"id", "UInt32", NULL},
        {"k", "UInt32", "_key.id"},
        {"deep", "Nullable(String)", "_key.a.b"},
        {"_key", "String", NULL},
        {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, KEYED, NULL);
    assert_false(plan_is_raw(f.plan));
    assert_int_equal(add_keyed(&f, "{\"id\":7,\"a\":{\"b\":\"x\"}}", "{\"id\":1}"), ST_OK);
    fixture_assert_u64(&f, 0, 1);
    fixture_assert_u64(&f, 1, 7);
    fixture_assert_text(&f, 2, "x");
    assert_int_equal(add_keyed(&f, NULL, "{\"id\":2}"), ST_OK);
    fixture_assert_u64(&f, 1, 0);
    assert_int_equal(block_column(f.block, 2)->nulls.at[1], 1);
    /* a literal key beside its path: the document is walked twice, the value's cells stay */
    assert_int_equal(
        add_keyed(&f, "{\"a\":{\"b\":\"x\"},\"a.b\":\"literal\"}", "{\"id\":3}"), ST_OK);
    fixture_assert_text(&f, 2, "literal");
    fixture_assert_u64(&f, 0, 3);
    assert_int_equal(add_keyed(&f, "no JSON", "{\"id\":4}"), ST_REJECTED);
    assert_int_equal(f.outcome.reject.type, REJECT_DATA_PARSING);
    assert_memory_equal(f.outcome.reject.message, "key: malformed JSON", 19);
    assert_int_equal(add_keyed(&f, "{\"id\":\"x\"}", "{\"id\":4}"), ST_REJECTED);
    assert_int_equal(f.outcome.reject.type, REJECT_TYPE_CONVERSION);
    assert_string_equal(f.outcome.reject.column, "k");
    assert_memory_equal(f.outcome.reject.message, "key: column k: ", 15);
    assert_int_equal(add_keyed(&f, "", "{\"id\":4}"), ST_REJECTED);
    assert_int_equal(block_rows(f.block), 3);
    for (size_t i = 0; i < block_columns_count(f.block); i++) {
        assert_int_equal(column_items(block_column(f.block, i)), 3);
    }
    fixture_close(&f);
}

static void tombstones_keep_the_key(void **state)
{
    (void)state;
    static const struct fixture_column KEYED[] = {
        {"id", "UInt32", NULL}, {"k", "UInt32", "_key.id"}, {NULL, NULL, NULL}};
    struct fixture f;
    fixture_open(&f, KEYED, NULL);
    struct record record = {.topic = "t", .key = (const uint8_t *)"{\"id\":7}", .key_bytes = 8};
    struct err err = {.text = ""};
    assert_int_equal(decoder_add_tombstone(f.decoder, &record, f.block, &f.outcome, &err), ST_OK);
    fixture_assert_u64(&f, 0, 0);
    fixture_assert_u64(&f, 1, 7);
    record.key_bytes = 3;
    assert_int_equal(
        decoder_add_tombstone(f.decoder, &record, f.block, &f.outcome, &err), ST_REJECTED);
    assert_int_equal(block_rows(f.block), 1);
    assert_int_equal(column_items(block_column(f.block, 0)), 1);
    fixture_close(&f);
}

/* --- records with schema ids --- */

enum {
    AVRO_SCHEMAS = 3
};

struct ids {
    struct schema schemas[AVRO_SCHEMAS]; /* of ids 1 … */
    size_t asked;
};

static enum schema_answer
answer(void *ctx, int32_t id, const struct schema **ret_schema, char *reason)
{
    struct ids *ids = ctx;
    ids->asked++;
    if (id < 1 || id > AVRO_SCHEMAS) {
        (void)snprintf(reason, SCHEMA_REASON_BYTES, "there is none");
        return SCHEMA_UNKNOWN;
    }
    *ret_schema = &ids->schemas[id - 1];
    return SCHEMA_KNOWN;
}

static struct schema schema_of(int32_t id, const char *text)
{
    return (struct schema){.id = id, .text = text, .text_bytes = strlen(text)};
}

static const struct id_case {
    const char *bytes;
    size_t len;
    enum status st;
    int32_t schema_id;
    uint64_t id; /* in the row, or the rows so far */
    const char *name;
} ID_CASES[] = {
    {"\0\0\0\0\1\x02\x04"
     "ab",
     9, ST_OK, 1, 1, "ab"},
    {"\0\0\0\0\1\x04\x02"
     "c",
     8, ST_OK, 1, 2, "c"},
    {"\0\0\0\0\1\x04\x08"
     "c",
     8, ST_REJECTED, 1, 2, NULL},
    {"\0\0\0\0\1", 5, ST_REJECTED, 1, 2, NULL},
    {"\0\0\0\0\2\x02"
     "d\x06",
     8, ST_OK, 2, 3, "d"},
    {"\0\0\0\0\1\x08\x02"
     "e",
     8, ST_OK, 1, 4, "e"},
    {"\0\0\0\0\3\x08\x02"
     "e",
     8, ST_REJECTED, 3, 4, NULL}, /* its schema is no record */
    {"\0\0\0\0\3\x08\x02"
     "e",
     8, ST_REJECTED, 3, 4, NULL},
    {"\0\0\1\0\1\x08\x02"
     "e",
     8, ST_REJECTED, 65537, 4, NULL},
    {"\0\0\0\0", 4, ST_REJECTED, 0, 4, NULL},
    {"", 0, ST_REJECTED, 0, 4, NULL},
    {"\1\0\0\0\1\x08\x02"
     "e",
     8, ST_REJECTED, 0, 4, NULL},
    {"\0\0\0\0\1\x0a\x02"
     "f",
     8, ST_OK, 1, 5, "f"},
};

static void check_id_case(struct fixture *f, const struct id_case *c)
{
    assert_int_equal(fixture_add_bytes(f, c->bytes, c->len), c->st);
    assert_int_equal(f->outcome.rows_count, c->st == ST_OK);
    if (c->st == ST_OK) {
        assert_int_equal(f->outcome.schema_id, c->schema_id);
        fixture_assert_u64(f, 0, c->id);
        fixture_assert_text(f, 1, c->name);
    } else {
        assert_int_equal(f->reject.schema_id, c->schema_id);
        assert_int_equal(block_rows(f->block), c->id);
    }
}

/* A record that looks like the last one takes a short way; nothing else may. */
static void each_record_is_read_with_the_schema_of_its_own_id(void **state)
{
    (void)state;
    struct ids ids = {
        .schemas = {
            schema_of(
                1, "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                   "{\"name\":\"id\",\"type\":\"int\"},"
                   "{\"name\":\"name\",\"type\":\"string\"}]}"),
            schema_of(
                2, "{\"type\":\"record\",\"name\":\"r\",\"fields\":["
                   "{\"name\":\"name\",\"type\":\"string\"},"
                   "{\"name\":\"id\",\"type\":\"int\"}]}"),
            schema_of(3, "\"int\""),
        }};
    const struct schema_source source = {.ctx = &ids, .get = answer};
    struct fixture f;
    fixture_open(&f, COLUMNS, NULL);
    f.plan->format = PIPE_FORMAT_AVRO_CONFLUENT;
    decoder_free(f.decoder);
    struct err err = {0};
    assert_int_equal(decoder_new(f.plan, &source, &f.decoder, &err), ST_OK);
    for (size_t i = 0; i < ARRAY_LEN(ID_CASES); i++) {
        check_id_case(&f, &ID_CASES[i]);
    }
    size_t asked = ids.asked;
    assert_int_equal(fixture_add_bytes(&f, ID_CASES[0].bytes, ID_CASES[0].len), ST_OK);
    assert_int_equal(ids.asked, asked);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_lines_become_rows),
        cmocka_unit_test(one_bad_document_rejects_the_whole_message),
        cmocka_unit_test(large_messages_are_dropped_whole),
        cmocka_unit_test(fields_of_the_key_are_read),
        cmocka_unit_test(tombstones_keep_the_key),
        cmocka_unit_test(each_record_is_read_with_the_schema_of_its_own_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
