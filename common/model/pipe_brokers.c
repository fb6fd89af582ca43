/* Broker and topic lists: "host:port,host:port" and "topic,topic". */
#include <string.h>
#include <strings.h>

#include "common/base/parse.h"
#include "common/model/pipe_source.h"

enum {
    TOPIC_MAX_BYTES = 249, /* Kafka's own limit: org.apache.kafka.common.internals.Topic */
    PORT_TEXT_BYTES = 8,
};

struct span {
    const char *text;
    size_t len_bytes;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next item of a comma separated list without blanks around it; *at moves behind it and is
 * NULL after the last. */
static struct span next_item(const char **at)
{
    const char *begin = *at;
    size_t len_bytes = strcspn(begin, ",");
    *at = begin[len_bytes] == ',' ? begin + len_bytes + 1 : NULL;
    while (len_bytes > 0 && is_blank(*begin)) {
        begin++;
        len_bytes--;
    }
    while (len_bytes > 0 && is_blank(begin[len_bytes - 1])) {
        len_bytes--;
    }
    return (struct span){.text = begin, .len_bytes = len_bytes};
}

static bool scheme_of(struct span *item, enum kafka_scheme *ret_scheme)
{
    static const struct {
        const char *prefix;
        enum kafka_scheme scheme;
    } schemes[] = {
        {"PLAINTEXT://", KAFKA_SCHEME_PLAINTEXT},
        {"SSL://", KAFKA_SCHEME_SSL},
        {"SASL_PLAINTEXT://", KAFKA_SCHEME_SASL_PLAINTEXT},
        {"SASL_SSL://", KAFKA_SCHEME_SASL_SSL},
    };
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t prefix_len = strlen(schemes[i].prefix);
        if (item->len_bytes >= prefix_len &&
            strncasecmp(item->text, schemes[i].prefix, prefix_len) == 0) {
            item->text += prefix_len;
            item->len_bytes -= prefix_len;
            *ret_scheme = schemes[i].scheme;
            return true;
        }
    }
    *ret_scheme = KAFKA_SCHEME_NONE;
    return memmem(item->text, item->len_bytes, "://", 3) == NULL;
}

static bool is_port(const char *text, size_t len_bytes)
{
    char copy[PORT_TEXT_BYTES];
    int64_t port = 0;
    if (len_bytes == 0 || len_bytes >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, len_bytes);
    copy[len_bytes] = '\0';
    return parse_i64(copy, 1, 65535, &port) == ST_OK;
}

/* host, host:port, [v6] or [v6]:port; no blanks, no slashes. */
static bool is_address(struct span item)
{
    for (size_t i = 0; i < item.len_bytes; i++) {
        if (is_blank(item.text[i]) || item.text[i] == '/' || item.text[i] == '@') {
            return false;
        }
    }
    const char *end = item.text + item.len_bytes;
    const char *host_end = NULL;
    if (item.len_bytes > 0 && item.text[0] == '[') {
        const char *bracket = memchr(item.text, ']', item.len_bytes);
        if (bracket == NULL || bracket == item.text + 1) {
            return false;
        }
        host_end = bracket + 1;
    } else {
        const char *colon = memchr(item.text, ':', item.len_bytes);
        host_end = colon != NULL ? colon : end;
    }
    if (host_end == item.text) {
        return false;
    }
    return host_end == end ||
           (*host_end == ':' && is_port(host_end + 1, (size_t)(end - host_end) - 1));
}

enum kafka_scheme
kafka_brokers_check(struct pipe_reader *reader, const char *brokers, const char *pointer)
{
    enum kafka_scheme first = KAFKA_SCHEME_NONE;
    size_t count = 0;
    bool is_mixed = false;
    for (const char *at = brokers; at != NULL; count++) {
        struct span item = next_item(&at);
        struct span whole = item;
        enum kafka_scheme scheme = KAFKA_SCHEME_NONE;
        if (item.len_bytes == 0) {
            pipe_problems_add(reader->problems, pointer, "broker %zu is empty", count + 1);
            continue;
        }
        if (!scheme_of(&item, &scheme)) {
            pipe_problems_add(
                reader->problems, pointer,
                "'%.*s': the protocol must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
                (int)whole.len_bytes, whole.text);
        } else if (!is_address(item)) {
            pipe_problems_add(
                reader->problems, pointer, "'%.*s' is not host:port", (int)whole.len_bytes,
                whole.text);
        }
        is_mixed = is_mixed || (count > 0 && scheme != first);
        first = count == 0 ? scheme : first;
    }
    if (is_mixed) {
        pipe_problems_add(reader->problems, pointer, "all brokers must have the same protocol");
    }
    return first;
}

static bool is_topic(struct span item)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (item.len_bytes > TOPIC_MAX_BYTES || strspn(item.text, allowed) < item.len_bytes) {
        return false;
    }
    bool is_dots = item.text[0] == '.' &&
                   (item.len_bytes == 1 || (item.len_bytes == 2 && item.text[1] == '.'));
    return !is_dots;
}

void kafka_topics_read(
    struct pipe_reader *reader, const char *topics, const char *pointer,
    struct text_list *ret_topics)
{
    size_t count = 0;
    for (const char *at = topics; at != NULL; count++) {
        struct span item = next_item(&at);
        if (item.len_bytes == 0) {
            pipe_problems_add(reader->problems, pointer, "topic %zu is empty", count + 1);
            continue;
        }
        if (!is_topic(item)) {
            pipe_problems_add(
                reader->problems, pointer,
                "'%.*s' is not a topic name: 1 to %d letters, digits, '.', '_' or '-'",
                (int)item.len_bytes, item.text, TOPIC_MAX_BYTES);
            continue;
        }
        if (!text_list_add(reader, ret_topics, item.text, item.len_bytes)) {
            return;
        }
        const char *added = ret_topics->items[--ret_topics->count];
        bool is_twice = text_list_has(ret_topics, added);
        ret_topics->count++;
        if (is_twice) {
            pipe_problems_add(reader->problems, pointer, "topic '%s' is named twice", added);
        }
    }
}
