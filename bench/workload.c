/* Messages of the benches, deterministic by sequence number. */
#include "bench/workload.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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

#define PICK(list, number) list[(number) % (sizeof(list) / sizeof((list)[0]))]

struct clock_text {
    char text[32];
};

/* A moment in 2026, milliseconds exact. */
static struct clock_text moment(uint64_t sequence)
{
    struct clock_text t;
    uint64_t ms = sequence * 37;
    unsigned day = (unsigned)(ms / 86400000 % 28) + 1;
    (void)snprintf(
        t.text, sizeof(t.text), "2026-%02u-%02uT%02u:%02u:%02u.%03uZ",
        (unsigned)(ms / 86400000 / 28 % 12) + 1, day, (unsigned)(ms / 3600000 % 24),
        (unsigned)(ms / 60000 % 60), (unsigned)(ms / 1000 % 60), (unsigned)(ms % 1000)); /* fits */
    return t;
}

struct uuid_text {
    char text[40];
};

static struct uuid_text uuid(uint64_t seed)
{
    uint64_t high = mix(seed);
    uint64_t low = mix(seed ^ 0xabcdef);
    struct uuid_text u;
    (void)snprintf(
        u.text, sizeof(u.text),
        "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64, high >> 32,
        (high >> 16) & 0xffff, high & 0xfff, low >> 52, low & 0xffffffffffff); /* fits */
    return u;
}

static size_t small_message(uint64_t n, char *out)
{
    uint64_t r = mix(n);
    char note[32];
    if (r % 3 == 0) {
        (void)snprintf(note, sizeof(note), "null"); /* fits */
    } else {
        (void)snprintf(note, sizeof(note), "\"%s\"", PICK(words, r >> 40)); /* fits */
    }
    int length = snprintf(
        out, WORKLOAD_MESSAGE_MAX_BYTES,
        "{\"id\":%" PRIu64
        ",\"price\":%u.%02u,\"name\":\"%s %s\",\"ok\":%s,\"ts\":\"%s\",\"key\":\"%s\","
        "\"kind\":\"%s\",\"note\":%s}",
        1000000 + n, (unsigned)(r % 1000), (unsigned)(r >> 20) % 100, PICK(words, r >> 8),
        PICK(words, r >> 16), r & 1 ? "true" : "false", moment(n).text, uuid(n).text,
        PICK(kinds, r >> 24), note);
    assert(length > 0 && length < WORKLOAD_MESSAGE_MAX_BYTES);
    return (size_t)length;
}

/* What the parts of a large message share. */
struct large {
    uint64_t n;
    uint64_t r;
    char *at;
    char *end;
};

static void add(struct large *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct large *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int added = vsnprintf(m->at, (size_t)(m->end - m->at), format, args);
    va_end(args);
    assert(added >= 0 && added < m->end - m->at);
    m->at += added;
}

static void large_head(struct large *m)
{
    uint64_t r = m->r;
    add(m,
        "{\"event_id\":\"%s\",\"sequence\":%" PRIu64 ",\"created_at\":\"%s\",\"updated_at\":\"%s\","
        "\"event_type\":\"%s\",\"source\":\"%s\",\"version\":%u,\"is_test\":%s,\"is_retry\":%s,",
        uuid(m->n).text, m->n, moment(m->n).text, moment(m->n + 11).text, PICK(kinds, r),
        r & 64 ? "web" : "mobile", (unsigned)(r >> 3) % 5 + 1, r % 50 == 0 ? "true" : "false",
        r % 7 == 0 ? "true" : "false");
    add(m,
        "\"session_id\":\"%s\",\"user_id\":%u,\"user_name\":\"%s M\xc3\xbcller\",\"user_email\":"
        "\"%s.%s@example.org\",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 "
        "Firefox/%u.0\",\"ip\":\"10.%u.%u.%u\",\"country\":\"%s\",\"currency\":\"%s\",",
        uuid(m->n / 20).text, (unsigned)(r >> 32) % 100000, PICK(words, r >> 5),
        PICK(words, r >> 9), PICK(words, r >> 13), (unsigned)(r % 40) + 90,
        (unsigned)(r >> 8) & 255, (unsigned)(r >> 16) & 255, (unsigned)(r >> 24) & 255,
        PICK(countries, r >> 11), PICK(currencies, r >> 12));
}

static void large_body(struct large *m)
{
    uint64_t r = m->r;
    add(m, "\"amount\":%u.%02u,", (unsigned)(r % 5000), (unsigned)(r >> 20) % 100);
    if (r % 2 == 0) {
        add(m, "\"discount\":%u.%u,", (unsigned)(r >> 6) % 50, (unsigned)(r >> 7) % 10);
    } else {
        add(m, "\"discount\":null,");
    }
    add(m,
        "\"tax\":%u.%02u,\"quantity\":%u,\"title\":\"%s %s %s\",\"description\":\"A %s near the "
        "%s, "
        "carried by the %s over %s stone to the mill and down with the evening water to the sea;",
        (unsigned)(r % 900), (unsigned)(r >> 22) % 100, (unsigned)(r >> 14) % 9 + 1,
        PICK(words, r >> 1), PICK(words, r >> 7), PICK(words, r >> 19), PICK(words, r >> 2),
        PICK(words, r >> 4), PICK(words, r >> 6), PICK(words, r >> 10));
    if (m->n % 10 == 0) {
        add(m, "\\n \\\"%s\\\" caf\\u00e9", PICK(words, r >> 15));
    } else {
        add(m, " %s caf\xc3\xa9", PICK(words, r >> 15));
    }
    add(m, "\",\"url\":\"https://shop.example.org/%s/%s/%u\",", PICK(words, r >> 21),
        PICK(words, r >> 23), (unsigned)(r >> 30) % 100000);
    if (r % 4 == 0) {
        add(m, "\"referrer\":null,");
    } else {
        add(m, "\"referrer\":\"https://%s.example.com/\",", PICK(words, r >> 26));
    }
    if (r % 5 == 0) {
        add(m, "\"comment\":\"%s \xe6\xb0\xb4 %s\",", PICK(words, r >> 27), PICK(words, r >> 29));
    } else {
        add(m, "\"comment\":null,");
    }
}

static void large_tail(struct large *m)
{
    uint64_t r = m->r;
    add(m, "\"tags\":[\"%s\",\"%s\",\"%s\"],\"scores\":[%u,%u,%u,%u],", PICK(words, r >> 31),
        PICK(words, r >> 33), PICK(words, r >> 35), (unsigned)(r % 100), (unsigned)(r >> 9) % 100,
        (unsigned)(r >> 18) % 1000, (unsigned)(r >> 27) % 100);
    add(m,
        "\"address\":{\"street\":\"%s street "
        "%u\",\"city\":\"%s\",\"zip\":\"%05u\",\"geo\":{\"lat\":"
        "%u.%06u,\"lon\":%u.%06u}},",
        PICK(words, r >> 37), (unsigned)(r % 200) + 1, PICK(words, r >> 39),
        (unsigned)(r >> 12) % 100000, (unsigned)(r % 89), (unsigned)(r >> 17) % 1000000,
        (unsigned)(r >> 3) % 179, (unsigned)(r >> 25) % 1000000);
    add(m, "\"device\":{\"os\":\"%s\",\"model\":\"%s-%u\",\"width\":%u,\"height\":%u}}",
        r & 32 ? "android" : "linux", PICK(words, r >> 41), (unsigned)(r >> 43) % 100,
        (unsigned)(r % 8) * 240 + 320, (unsigned)(r >> 8) % 8 * 160 + 480);
}

size_t workload_message(enum workload_kind kind, uint64_t sequence, char *out)
{
    if (kind == WORKLOAD_SMALL) {
        return small_message(sequence, out);
    }
    struct large m = {
        .n = sequence, .r = mix(sequence), .at = out, .end = out + WORKLOAD_MESSAGE_MAX_BYTES};
    large_head(&m);
    large_body(&m);
    large_tail(&m);
    return (size_t)(m.at - out);
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
