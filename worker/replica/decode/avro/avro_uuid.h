#ifndef WORKER_REPLICA_DECODE_AVRO_AVRO_UUID_H
#define WORKER_REPLICA_DECODE_AVRO_AVRO_UUID_H

/* A string into a UUID column, for avro_texts.c and, compiled for AVX2, avro_uuid_avx2.c. */

#include "worker/replica/decode/avro/avro_node.h"
#include "worker/replica/decode/uuid_text.h"

static inline const uint8_t *avro_run_uuid(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    size_t len = 0;
    const uint8_t *text = avro_length(r, at, &len);
    struct uuid_words words;
    if (UNLIKELY(text == NULL || !uuid_text_read(text, len, &words))) {
        return text == NULL ? NULL : avro_run_text(r, n, column, at);
    }
    return LIKELY(column_add_two(column, words.high, words.low)) ? text + len : avro_no_memory(r);
}

#endif
