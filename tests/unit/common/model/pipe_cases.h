#ifndef TESTS_UNIT_COMMON_MODEL_PIPE_CASES_H
#define TESTS_UNIT_COMMON_MODEL_PIPE_CASES_H

/* A good pipe, and ways to change one member of it. */

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/model/pipe.h"

#include "tests/unit/unit.h"

static const char good_definition[] =
    "{\"name\":\"orders \\ud83d\\ude80\","
    "\"source\":{\"kafka\":{\"type\":\"kafka\",\"format\":\"JSONEachRow\","
    "\"brokers\":\"SASL_SSL://b1:9092, sasl_ssl://b2\",\"topics\":\"orders, orders.eu\","
    "\"authentication\":\"PLAIN\",\"consumerGroup\":\"g\","
    "\"caCertificate\":\"-----BEGIN CERTIFICATE-----\\nx\\n-----END CERTIFICATE-----\\n\","
    "\"offset\":{\"strategy\":\"from_timestamp\",\"timestamp\":\"2021-01-01T00:01\"},"
    "\"exactlyOnce\":true},\"validateSamples\":true},"
    "\"destination\":{\"database\":\"d\",\"table\":\"t\",\"managedTable\":true,"
    "\"tableDefinition\":{\"engine\":{\"type\":\"ReplacingMergeTree\",\"versionColumnId\":\"v\"},"
    "\"sortingKey\":[\"id\",\"cityHash64(id, 1)\"],\"partitionBy\":\"toYYYYMM(at)\","
    "\"primaryKey\":\"\",\"ttl\":\"at + INTERVAL 1 DAY\"},"
    "\"columns\":[{\"name\":\"id\",\"type\":\"UInt64\"},{\"name\":\"v\",\"type\":\"UInt32\"},"
    "{\"name\":\"at\",\"type\":\"DateTime\"},{\"name\":\"n\",\"type\":\"Nullable(Int8)\"}],"
    "\"roles\":[\"r\"]},"
    "\"fieldMappings\":[{\"sourceField\":\"order.id\",\"destinationField\":\"id\"}],"
    "\"scaling\":{\"replicas\":2,\"replicaMemoryGb\":1},"
    "\"settings\":{\"streaming_max_insert_wait_ms\":500,\"kafka_read_committed\":true},"
    "\"startPaused\":true,\"unknown\":1}";
static const char good_secrets[] = "{\"kafka\":{\"username\":\"u\",\"password\":\"p\"}}";

static inline json_t *load(const char *text)
{
    json_error_t reason;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &reason);
    if (json == NULL) {
        fail_msg("%s: %s", text, reason.text);
    }
    return json;
}

/* Set the member at a pointer to the JSON in `text`; NULL removes it. */
static inline void change(json_t *json, const char *pointer, const char *text)
{
    const char *key = pointer + 1;
    size_t key_bytes = strcspn(key, "/");
    char name[64];
    assert(key_bytes < sizeof(name));
    memcpy(name, key, key_bytes);
    name[key_bytes] = '\0';
    bool is_last = key[key_bytes] == '\0';
    if (json_is_array(json)) {
        size_t index = (size_t)strtoul(name, NULL, 10);
        if (is_last) {
            assert_int_equal(json_array_set_new(json, index, load(text)), 0);
        } else {
            change(json_array_get(json, index), key + key_bytes, text);
        }
        return;
    }
    if (!is_last) {
        json_t *child = json_object_get(json, name);
        assert_non_null(child);
        change(child, key + key_bytes, text);
    } else if (text == NULL) {
        (void)json_object_del(json, name); /* may be absent */
    } else {
        assert_int_equal(json_object_set_new(json, name, load(text)), 0);
    }
}

#endif
