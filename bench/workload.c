/* Messages of the benches, deterministic by sequence number. */
#include "bench/workload.h"

static const struct workload_column small_columns[] = {
    {"id", "Int64", "id"},
    {"price", "Float64", "price"},
    {"name", "String", "name"},
    {"ok", "Bool", "ok"},
    {"ts", "DateTime64(3)", "ts"},
    {"key", "UUID", "key"},
    {"kind", "LowCardinality(String)", "kind"},
    {"note", "Nullable(String)", "note"},
};

static const struct workload_column large_columns[] = {
    {"event_id", "UUID", "event_id"},
    {"sequence", "Int64", "sequence"},
    {"created_at", "DateTime64(3)", "created_at"},
    {"updated_at", "DateTime64(3)", "updated_at"},
    {"event_type", "LowCardinality(String)", "event_type"},
    {"source", "LowCardinality(String)", "source"},
    {"version", "Int64", "version"},
    {"is_test", "Bool", "is_test"},
    {"is_retry", "Bool", "is_retry"},
    {"session_id", "UUID", "session_id"},
    {"user_id", "Int64", "user_id"},
    {"user_name", "String", "user_name"},
    {"user_email", "String", "user_email"},
    {"user_agent", "String", "user_agent"},
    {"ip", "String", "ip"},
    {"country", "LowCardinality(String)", "country"},
    {"currency", "LowCardinality(String)", "currency"},
    {"amount", "Float64", "amount"},
    {"discount", "Nullable(Float64)", "discount"},
    {"tax", "Float64", "tax"},
    {"quantity", "Int64", "quantity"},
    {"title", "String", "title"},
    {"description", "String", "description"},
    {"url", "String", "url"},
    {"referrer", "Nullable(String)", "referrer"},
    {"comment", "Nullable(String)", "comment"},
    {"tags", "Array(String)", "tags"},
    {"scores", "Array(Int64)", "scores"},
    {"address_street", "String", "address.street"},
    {"address_city", "String", "address.city"},
    {"address_zip", "String", "address.zip"},
    {"address_lat", "Float64", "address.geo.lat"},
    {"address_lon", "Float64", "address.geo.lon"},
    {"device_os", "LowCardinality(String)", "device.os"},
    {"device_model", "String", "device.model"},
    {"device_width", "Int64", "device.width"},
    {"device_height", "Int64", "device.height"},
};

/* splitmix64: a good spread from consecutive numbers. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static const char *const words[] = {"amber",  "basalt",    "cedar", "delta",  "ember",  "fjord",
                                    "grove",  "harbour",   "iris",  "jade",   "kelp",   "lagoon",
                                    "maple",  "nebula",    "onyx",  "pine",   "quartz", "ridge",
                                    "sluice", "tributary", "umber", "valley", "weir",   "zephyr"};
static const char *const kinds[] = {"created",   "paid",     "packed",  "shipped",
                                    "delivered", "returned", "refunded"};
static const char *const countries[] = {"DE", "FR", "JP", "BR", "IN", "US", "NO", "KE"};
static const char *const currencies[] = {"EUR", "JPY", "BRL", "INR", "USD"};

enum {
    KINDS = sizeof(kinds) / sizeof(kinds[0])
};

#define PICK(list, number) list[(number) % (sizeof(list) / sizeof((list)[0]))]

/* A moment in 2026, milliseconds exact. */
static int64_t moment(uint64_t sequence)
{
    const int64_t new_year_ms = 1767225600000; /* 2026-01-01 */
    const int64_t year_ms = 365LL * 86400000;
    return new_year_ms + (int64_t)(sequence * 37) % year_ms;
}

static void uuid(struct emit *e, const char *name, uint64_t seed)
{
    emit_uuid(e, name, mix(seed), mix(seed ^ 0xabcdef));
}

static void small_message(uint64_t n, struct emit *e)
{
    uint64_t r = mix(n);
    emit_object(e, "");
    emit_integer(e, "id", (int64_t)(1000000 + n));
    emit_double(e, "price", (unsigned)(r % 1000), (unsigned)(r >> 20) % 100, 2);
    emit_text(e, "name", "%s %s", PICK(words, r >> 8), PICK(words, r >> 16));
    emit_bool(e, "ok", (r & 1) != 0);
    emit_instant(e, "ts", moment(n));
    uuid(e, "key", n);
    emit_symbol(e, "kind", PICK(kinds, r >> 24), (unsigned)((r >> 24) % KINDS));
    emit_nullable(e, "note", r % 3 == 0);
    if (r % 3 != 0) {
        emit_text(e, NULL, "%s", PICK(words, r >> 40));
    }
    emit_object_end(e);
}

static void large_head(struct emit *e, uint64_t n, uint64_t r)
{
    uuid(e, "event_id", n);
    emit_integer(e, "sequence", (int64_t)n);
    emit_instant(e, "created_at", moment(n));
    emit_instant(e, "updated_at", moment(n + 11));
    emit_symbol(e, "event_type", PICK(kinds, r), (unsigned)(r % KINDS));
    emit_text(e, "source", "%s", r & 64 ? "web" : "mobile");
    emit_integer(e, "version", (int64_t)((r >> 3) % 5 + 1));
    emit_bool(e, "is_test", r % 50 == 0);
    emit_bool(e, "is_retry", r % 7 == 0);
    uuid(e, "session_id", n / 20);
    emit_integer(e, "user_id", (int64_t)((r >> 32) % 100000));
    emit_text(e, "user_name", "%s M\xc3\xbcller", PICK(words, r >> 5));
    emit_text(e, "user_email", "%s.%s@example.org", PICK(words, r >> 9), PICK(words, r >> 13));
    emit_text(
        e, "user_agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/%u.0",
        (unsigned)(r % 40) + 90);
    emit_text(
        e, "ip", "10.%u.%u.%u", (unsigned)(r >> 8) & 255, (unsigned)(r >> 16) & 255,
        (unsigned)(r >> 24) & 255);
    emit_text(e, "country", "%s", PICK(countries, r >> 11));
    emit_text(e, "currency", "%s", PICK(currencies, r >> 12));
}

static void large_texts(struct emit *e, uint64_t n, uint64_t r)
{
    emit_text(
        e, "title", "%s %s %s", PICK(words, r >> 1), PICK(words, r >> 7), PICK(words, r >> 19));
    const char *quote = n % 10 == 0 ? "\"" : "";
    emit_text(
        e, "description",
        "A %s near the %s, carried by the %s over %s stone to the mill and down with the evening "
        "water to the sea;%s%s%s%s caf\xc3\xa9",
        PICK(words, r >> 2), PICK(words, r >> 4), PICK(words, r >> 6), PICK(words, r >> 10),
        n % 10 == 0 ? "\n " : " ", quote, PICK(words, r >> 15), quote);
    emit_text(
        e, "url", "https://shop.example.org/%s/%s/%u", PICK(words, r >> 21), PICK(words, r >> 23),
        (unsigned)(r >> 30) % 100000);
    emit_nullable(e, "referrer", r % 4 == 0);
    if (r % 4 != 0) {
        emit_text(e, NULL, "https://%s.example.com/", PICK(words, r >> 26));
    }
    emit_nullable(e, "comment", r % 5 != 0);
    if (r % 5 == 0) {
        emit_text(e, NULL, "%s \xe6\xb0\xb4 %s", PICK(words, r >> 27), PICK(words, r >> 29));
    }
}

static void large_body(struct emit *e, uint64_t n, uint64_t r)
{
    emit_double(e, "amount", (unsigned)(r % 5000), (unsigned)(r >> 20) % 100, 2);
    emit_nullable(e, "discount", r % 2 != 0);
    if (r % 2 == 0) {
        emit_double(e, NULL, (unsigned)(r >> 6) % 50, (unsigned)(r >> 7) % 10, 1);
    }
    emit_double(e, "tax", (unsigned)(r % 900), (unsigned)(r >> 22) % 100, 2);
    emit_integer(e, "quantity", (int64_t)((r >> 14) % 9 + 1));
    large_texts(e, n, r);
    emit_array(e, "tags", 3);
    for (unsigned i = 0; i < 3; i++) {
        emit_text(e, "", "%s", PICK(words, r >> (31 + 2 * i)));
    }
    emit_array_end(e);
    emit_array(e, "scores", 4);
    for (unsigned i = 0; i < 4; i++) {
        emit_integer(e, "", (int64_t)((r >> (9 * i)) % (i == 2 ? 1000 : 100)));
    }
    emit_array_end(e);
}

static void large_tail(struct emit *e, uint64_t r)
{
    emit_object(e, "address");
    emit_text(e, "street", "%s street %u", PICK(words, r >> 37), (unsigned)(r % 200) + 1);
    emit_text(e, "city", "%s", PICK(words, r >> 39));
    emit_text(e, "zip", "%05u", (unsigned)(r >> 12) % 100000);
    emit_object(e, "geo");
    emit_double(e, "lat", (unsigned)(r % 89), (unsigned)(r >> 17) % 1000000, 6);
    emit_double(e, "lon", (unsigned)(r >> 3) % 179, (unsigned)(r >> 25) % 1000000, 6);
    emit_object_end(e);
    emit_object_end(e);
    emit_object(e, "device");
    emit_text(e, "os", "%s", r & 32 ? "android" : "linux");
    emit_text(e, "model", "%s-%u", PICK(words, r >> 41), (unsigned)(r >> 43) % 100);
    emit_integer(e, "width", (int64_t)(r % 8) * 240 + 320);
    emit_integer(e, "height", (int64_t)((r >> 8) % 8) * 160 + 480);
    emit_object_end(e);
}

size_t
workload_message(enum workload_kind kind, enum emit_shape shape, uint64_t sequence, char *out)
{
    struct emit e;
    emit_init(&e, shape, sequence, out, WORKLOAD_MESSAGE_MAX_BYTES);
    if (kind == WORKLOAD_SMALL) {
        small_message(sequence, &e);
        return emit_len(&e);
    }
    uint64_t r = mix(sequence);
    emit_object(&e, "");
    large_head(&e, sequence, r);
    large_body(&e, sequence, r);
    large_tail(&e, r);
    emit_object_end(&e);
    return emit_len(&e);
}

const struct workload_column *workload_columns(enum workload_kind kind, size_t *ret_count)
{
    if (kind == WORKLOAD_SMALL) {
        *ret_count = sizeof(small_columns) / sizeof(small_columns[0]);
        return small_columns;
    }
    *ret_count = sizeof(large_columns) / sizeof(large_columns[0]);
    return large_columns;
}

/* clang-format off */
#define SCHEMA_FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define SCHEMA_INSTANT "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"
#define SCHEMA_UUID "{\"type\":\"string\",\"logicalType\":\"uuid\"}"
#define SCHEMA_KIND "{\"type\":\"enum\",\"name\":\"Kind\",\"symbols\":[" \
    "\"created\",\"paid\",\"packed\",\"shipped\",\"delivered\",\"returned\",\"refunded\"]}"

static const char small_schema[] =
    "{\"type\":\"record\",\"name\":\"Small\",\"fields\":["
    SCHEMA_FIELD("id", "\"long\"") "," SCHEMA_FIELD("price", "\"double\"") ","
    SCHEMA_FIELD("name", "\"string\"") "," SCHEMA_FIELD("ok", "\"boolean\"") ","
    SCHEMA_FIELD("ts", SCHEMA_INSTANT) "," SCHEMA_FIELD("key", SCHEMA_UUID) ","
    SCHEMA_FIELD("kind", SCHEMA_KIND) "," SCHEMA_FIELD("note", "[\"null\",\"string\"]") "]}";

static const char large_schema[] =
    "{\"type\":\"record\",\"name\":\"Large\",\"fields\":["
    SCHEMA_FIELD("event_id", SCHEMA_UUID) "," SCHEMA_FIELD("sequence", "\"long\"") ","
    SCHEMA_FIELD("created_at", SCHEMA_INSTANT) "," SCHEMA_FIELD("updated_at", SCHEMA_INSTANT) ","
    SCHEMA_FIELD("event_type", SCHEMA_KIND) "," SCHEMA_FIELD("source", "\"string\"") ","
    SCHEMA_FIELD("version", "\"long\"") "," SCHEMA_FIELD("is_test", "\"boolean\"") ","
    SCHEMA_FIELD("is_retry", "\"boolean\"") "," SCHEMA_FIELD("session_id", SCHEMA_UUID) ","
    SCHEMA_FIELD("user_id", "\"long\"") "," SCHEMA_FIELD("user_name", "\"string\"") ","
    SCHEMA_FIELD("user_email", "\"string\"") "," SCHEMA_FIELD("user_agent", "\"string\"") ","
    SCHEMA_FIELD("ip", "\"string\"") "," SCHEMA_FIELD("country", "\"string\"") ","
    SCHEMA_FIELD("currency", "\"string\"") "," SCHEMA_FIELD("amount", "\"double\"") ","
    SCHEMA_FIELD("discount", "[\"null\",\"double\"]") "," SCHEMA_FIELD("tax", "\"double\"") ","
    SCHEMA_FIELD("quantity", "\"long\"") "," SCHEMA_FIELD("title", "\"string\"") ","
    SCHEMA_FIELD("description", "\"string\"") "," SCHEMA_FIELD("url", "\"string\"") ","
    SCHEMA_FIELD("referrer", "[\"null\",\"string\"]") ","
    SCHEMA_FIELD("comment", "[\"null\",\"string\"]") ","
    SCHEMA_FIELD("tags", "{\"type\":\"array\",\"items\":\"string\"}") ","
    SCHEMA_FIELD("scores", "{\"type\":\"array\",\"items\":\"long\"}") ","
    SCHEMA_FIELD("address", "{\"type\":\"record\",\"name\":\"Address\",\"fields\":["
        SCHEMA_FIELD("street", "\"string\"") "," SCHEMA_FIELD("city", "\"string\"") ","
        SCHEMA_FIELD("zip", "\"string\"") ","
        SCHEMA_FIELD("geo", "{\"type\":\"record\",\"name\":\"Geo\",\"fields\":["
            SCHEMA_FIELD("lat", "\"double\"") "," SCHEMA_FIELD("lon", "\"double\"") "]}") "]}") ","
    SCHEMA_FIELD("device", "{\"type\":\"record\",\"name\":\"Device\",\"fields\":["
        SCHEMA_FIELD("os", "\"string\"") "," SCHEMA_FIELD("model", "\"string\"") ","
        SCHEMA_FIELD("width", "\"long\"") "," SCHEMA_FIELD("height", "\"long\"") "]}") "]}";
/* clang-format on */

const char *workload_avro_schema(enum workload_kind kind)
{
    return kind == WORKLOAD_SMALL ? small_schema : large_schema;
}
