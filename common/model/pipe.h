#ifndef COMMON_MODEL_PIPE_H
#define COMMON_MODEL_PIPE_H

/*
 * A pipe's definition as the program uses it: what to read, where to put it, how. Read from the
 * JSON that the api stores (the REST create body without its write-only members)
 * plus the JSON of its secrets. Reading checks everything it can without a network and reports all
 * problems at once, each with a JSON pointer.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/secret.h"

/* clang-format off */
/* X(enum constant, text on the wire) */
#define KAFKA_TYPE_TABLE(X) \
    X(KAFKA_TYPE_KAFKA, "kafka") X(KAFKA_TYPE_REDPANDA, "redpanda") X(KAFKA_TYPE_MSK, "msk") \
    X(KAFKA_TYPE_GCMK, "gcmk") X(KAFKA_TYPE_CONFLUENT, "confluent") \
    X(KAFKA_TYPE_WARPSTREAM, "warpstream") X(KAFKA_TYPE_AZUREEVENTHUB, "azureeventhub") \
    X(KAFKA_TYPE_DOKAFKA, "dokafka")
#define PIPE_FORMAT_TABLE(X) \
    X(PIPE_FORMAT_JSON, "JSONEachRow") X(PIPE_FORMAT_AVRO, "Avro") \
    X(PIPE_FORMAT_AVRO_CONFLUENT, "AvroConfluent") X(PIPE_FORMAT_PROTOBUF, "Protobuf")
#define KAFKA_AUTH_TABLE(X) \
    X(KAFKA_AUTH_NONE, "") X(KAFKA_AUTH_PLAIN, "PLAIN") \
    X(KAFKA_AUTH_SCRAM_SHA_256, "SCRAM-SHA-256") \
    X(KAFKA_AUTH_SCRAM_SHA_512, "SCRAM-SHA-512") X(KAFKA_AUTH_IAM_ROLE, "IAM_ROLE") \
    X(KAFKA_AUTH_IAM_USER, "IAM_USER") X(KAFKA_AUTH_MUTUAL_TLS, "MUTUAL_TLS")
#define OFFSET_STRATEGY_TABLE(X) \
    X(OFFSET_FROM_BEGINNING, "from_beginning") X(OFFSET_FROM_LATEST, "from_latest") \
    X(OFFSET_FROM_TIMESTAMP, "from_timestamp")
#define TABLE_ENGINE_TABLE(X) \
    X(ENGINE_MERGE_TREE, "MergeTree") X(ENGINE_REPLACING_MERGE_TREE, "ReplacingMergeTree") \
    X(ENGINE_SUMMING_MERGE_TREE, "SummingMergeTree") X(ENGINE_NULL, "Null")
#define PIPE_OVERFLOW_TABLE(X) \
    X(PIPE_OVERFLOW_ERROR, "error") X(PIPE_OVERFLOW_WRAP, "wrap") X(PIPE_OVERFLOW_CLAMP, "clamp")
#define PIPE_DEFAULTS_TABLE(X) X(PIPE_DEFAULTS_ZERO, "zero") X(PIPE_DEFAULTS_SERVER, "server")
#define PIPE_NULL_TABLE(X) X(PIPE_NULL_ZERO, "zero") X(PIPE_NULL_ERROR, "error")
#define PIPE_ERROR_MODE_TABLE(X) X(PIPE_ERROR_CONTINUE, "continue") X(PIPE_ERROR_STOP, "stop")
#define PIPE_MULTI_RECORD_TABLE(X) \
    X(PIPE_MULTI_RECORD_OFF, "off") X(PIPE_MULTI_RECORD_LINES, "lines") \
    X(PIPE_MULTI_RECORD_ARRAY, "array")
#define PIPE_TOMBSTONES_TABLE(X) \
    X(PIPE_TOMBSTONES_SKIP, "skip") X(PIPE_TOMBSTONES_ROW, "row") X(PIPE_TOMBSTONES_ERROR, "error")
#define PIPE_TIMESTAMP_UNIT_TABLE(X) \
    X(PIPE_TIMESTAMP_AUTO, "auto") X(PIPE_TIMESTAMP_S, "s") X(PIPE_TIMESTAMP_MS, "ms") \
    X(PIPE_TIMESTAMP_US, "us") X(PIPE_TIMESTAMP_NS, "ns")
#define PIPE_COMPRESSION_TABLE(X) \
    X(PIPE_COMPRESSION_LZ4, "lz4") X(PIPE_COMPRESSION_ZSTD, "zstd") X(PIPE_COMPRESSION_NONE, "none")
#define PIPE_GROUP_PROTOCOL_TABLE(X) \
    X(PIPE_GROUP_CLASSIC, "classic") X(PIPE_GROUP_CONSUMER, "consumer")
#define PIPE_ASSIGNOR_TABLE(X) \
    X(PIPE_ASSIGNOR_RANGE, "range") X(PIPE_ASSIGNOR_ROUNDROBIN, "roundrobin") \
    X(PIPE_ASSIGNOR_COOPERATIVE_STICKY, "cooperative-sticky")
/* clang-format on */

#define X(name, text) name,
enum kafka_type {
    KAFKA_TYPE_TABLE(X)
};
enum pipe_format {
    PIPE_FORMAT_TABLE(X)
};
enum kafka_auth {
    KAFKA_AUTH_TABLE(X)
};
enum offset_strategy {
    OFFSET_STRATEGY_TABLE(X)
};
enum table_engine {
    TABLE_ENGINE_TABLE(X)
};
enum pipe_overflow {
    PIPE_OVERFLOW_TABLE(X)
};
enum pipe_defaults {
    PIPE_DEFAULTS_TABLE(X)
};
enum pipe_null {
    PIPE_NULL_TABLE(X)
};
enum pipe_error_mode {
    PIPE_ERROR_MODE_TABLE(X)
};
enum pipe_multi_record {
    PIPE_MULTI_RECORD_TABLE(X)
};
enum pipe_tombstones {
    PIPE_TOMBSTONES_TABLE(X)
};
enum pipe_timestamp_unit {
    PIPE_TIMESTAMP_UNIT_TABLE(X)
};
enum pipe_compression {
    PIPE_COMPRESSION_TABLE(X)
};
enum pipe_group_protocol {
    PIPE_GROUP_PROTOCOL_TABLE(X)
};
enum pipe_assignor {
    PIPE_ASSIGNOR_TABLE(X)
};
#undef X

/* A list of texts. */
struct text_list {
    char **items; /* owned */
    size_t count;
};

struct pipe_column {
    char *name;
    char *type; /* ClickHouse type, as written by the user */
};

struct pipe_field_mapping {
    char *source_field;
    char *destination_field;
};

/* Broker credentials; which members are set depends on the authentication. */
struct kafka_credentials {
    char *username;
    struct secret password;
    char *access_key_id;
    struct secret secret_key;
    struct secret connection_string;
    char *certificate_pem;
    struct secret private_key_pem;
};

struct schema_registry {
    char *url;
    char *ca_certificate; /* NULL = public CAs */
    char *username;       /* NULL = none */
    struct secret password;
};

struct kafka_source {
    enum kafka_type type;
    enum pipe_format format;
    char *brokers; /* verbatim */
    char *topics;  /* verbatim */
    struct text_list topic_list;
    char *consumer_group; /* NULL = the default clickpipes-<pipe id> */
    enum kafka_auth authentication;
    char *iam_role;                       /* NULL = none */
    char *ca_certificate;                 /* PEM, NULL = public CAs */
    enum offset_strategy offset_strategy; /* OFFSET_FROM_BEGINNING when not given */
    int64_t offset_timestamp_ms;          /* since 1970 UTC, for OFFSET_FROM_TIMESTAMP */
    struct schema_registry *registry;     /* NULL = none */
    bool exactly_once;
    struct kafka_credentials credentials;
};

struct pipe_destination {
    char *database;
    char *table;
    bool is_managed;
    enum table_engine engine;
    char *version_column; /* ReplacingMergeTree, NULL = none */
    struct text_list sum_columns;
    struct text_list sorting_key;
    char *partition_by; /* NULL = none */
    char *primary_key;
    char *ttl;
    struct pipe_column *columns;
    size_t columns_count;
    struct text_list roles;
};

/* Effective settings: defaults filled in. Ranges: pipe_settings.c. */
struct pipe_settings {
    int64_t insert_wait_ms; /* streaming_max_insert_wait_ms, 500–60000, default 5000 */
    bool read_committed;
    enum pipe_overflow overflow;
    enum pipe_defaults defaults;
    enum pipe_null null_mode;
    enum pipe_error_mode error_mode;
    int64_t error_limit; /* per million, 0 = never stop */
    enum pipe_multi_record multi_record;
    char *path_separator;
    enum pipe_tombstones tombstones;
    enum pipe_timestamp_unit timestamp_unit;
    enum pipe_compression compression;
    int64_t batch_rows;  /* 1–1000000, default 100000 */
    int64_t batch_bytes; /* encoded bytes, 0 = a quarter of the replica's memory */
    int64_t source_timeout_s;
    int64_t destination_timeout_s;
    enum pipe_group_protocol group_protocol; /* consumer: KIP-848 */
    enum pipe_assignor assignor;
    bool static_membership; /* KIP-345 */
};

struct pipe_scaling {
    int replicas;       /* 1–40 */
    int cpu_millicores; /* 125–2000 */
    double memory_gb;   /* 0.5–8 */
};

struct pipe_spec {
    char *name;
    struct kafka_source source;
    struct pipe_destination destination;
    struct pipe_field_mapping *mappings;
    size_t mappings_count;
    struct pipe_settings settings;
    struct pipe_scaling scaling;
    bool start_paused;
    bool validate_samples;
};

enum {
    PIPE_PROBLEMS_MAX = 64
};

/* Every problem found, each as "<json pointer>: <reason>", e.g.
 * "/destination/columns/2/type: unknown type 'Strin'". */
struct pipe_problems {
    char *items[PIPE_PROBLEMS_MAX]; /* owned */
    size_t count;
    bool has_more; /* true if there were more than fit */
};

void pipe_problems_done(struct pipe_problems *problems);

/* Add one; silently sets has_more when full or out of memory. */
void pipe_problems_add(struct pipe_problems *problems, const char *pointer, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* All of them in one line, "; " between. Owned by the caller (free()); NULL if out of memory. */
char *pipe_problems_text(const struct pipe_problems *problems);

/*
 * Read a definition (REST create body; unknown members ignored) and its secrets
 * ({"kafka":{…credentials…},"schemaRegistry":{"username","password"}}, may be NULL).
 * problems: filled with everything wrong with it; a spec comes back only if there are none.
 * ret_spec: owned, free with pipe_spec_free. ST_INVALID (problems filled, err the joined text),
 * ST_NO_MEMORY.
 */
enum status pipe_spec_from_json(
    const json_t *definition, const json_t *secrets, struct pipe_problems *problems,
    struct pipe_spec **ret_spec, struct err *err) MUST_CHECK;

/* Free with all texts; secrets are wiped. NULL is fine. */
void pipe_spec_free(struct pipe_spec *spec);
void pipe_spec_freep(struct pipe_spec **spec);

/*
 * Read a "settings" object alone, for PUT settings and PATCH. Problems get pointers below
 * `pointer`. ret_settings: pipe_settings_done. ST_INVALID, ST_NO_MEMORY.
 */
enum status pipe_settings_from_json(
    const json_t *settings, const char *pointer, struct pipe_problems *problems,
    struct pipe_settings *ret_settings) MUST_CHECK;
void pipe_settings_done(struct pipe_settings *settings);

/* Read a "scaling" object over the values already in *scaling (absent and null keep). ST_INVALID
 * with problems and *scaling untouched. */
enum status pipe_scaling_apply_json(
    const json_t *scaling_json, const char *pointer, struct pipe_problems *problems,
    struct pipe_scaling *scaling) MUST_CHECK;

/* Texts of the enums on the wire. Static memory. */
const char *kafka_type_text(enum kafka_type type);
const char *pipe_format_text(enum pipe_format format);
const char *kafka_auth_text(enum kafka_auth auth);
const char *table_engine_text(enum table_engine engine);
const char *pipe_compression_text(enum pipe_compression compression);

#endif
