/* The library's message → spans for the decode room. */
#include "worker/replica/kafka/message.h"

#include <string.h>

static size_t
record_read_headers(const struct record *record, struct record_header *ret_headers, size_t max)
{
    /* The message is ours to read; the library only parses the headers on first use. */
    const rd_kafka_message_t *message = record->source;
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    size_t count = 0;
    const char *name = NULL;
    const void *value = NULL;
    size_t value_bytes = 0;
    while (count < max && rd_kafka_header_get_all(headers, count, &name, &value, &value_bytes) ==
                              RD_KAFKA_RESP_ERR_NO_ERROR) {
        ret_headers[count] = (struct record_header){
            .name = name,
            .name_bytes = strlen(name),
            .value = value,
            .value_bytes = value_bytes,
        };
        count++;
    }
    return count;
}

void message_record(struct record *ret_record, const rd_kafka_message_t *message)
{
    const char *topic = rd_kafka_topic_name(message->rkt);
    rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &kind);
    *ret_record = (struct record){
        .topic = topic,
        .topic_bytes = strlen(topic),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp_ms,
        .key = message->key,
        .key_bytes = message->key_len,
        .value = message->payload,
        .value_bytes = message->len,
        .read_headers = record_read_headers,
        .source = message,
    };
}
