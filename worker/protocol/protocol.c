/*
 * The few functions of the contract: latency buckets, frames on descriptor 3, the check of messages
 * from descriptor 4. Both ends are the same program on the same machine, so structs go as they lie
 * in memory; magic and version catch anything else.
 */
#include "worker/protocol/protocol.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

int64_t protocol_latency_bound_ms(unsigned bucket)
{
    assert(bucket < PROTOCOL_LATENCY_BUCKETS);
    if (bucket == PROTOCOL_LATENCY_BUCKETS - 1) {
        return INT64_MAX;
    }
    if (bucket == 0) {
        return 1;
    }
    unsigned half = bucket / 2;
    if (bucket % 2 == 1) {
        return (int64_t)1 << (half + 1);
    }
    return (int64_t)3 << (half - 1);
}

unsigned protocol_latency_bucket(int64_t latency_ms)
{
    unsigned low = 0;
    unsigned high = PROTOCOL_LATENCY_BUCKETS - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (latency_ms <= protocol_latency_bound_ms(middle)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

uint32_t protocol_message_bytes(uint16_t type)
{
    switch ((enum protocol_message_type)type) {
    case PROTOCOL_MESSAGE_HEARTBEAT:
        return sizeof(struct protocol_heartbeat);
    case PROTOCOL_MESSAGE_PARTITIONS:
        return sizeof(struct protocol_partitions);
    case PROTOCOL_MESSAGE_LATENCY:
        return sizeof(struct protocol_latency);
    case PROTOCOL_MESSAGE_EVENT:
        return sizeof(struct protocol_event);
    }
    return 0;
}

void protocol_header_init(
    struct protocol_header *ret_header, enum protocol_message_type type, uint32_t len_bytes,
    int64_t generation)
{
    assert(len_bytes == protocol_message_bytes((uint16_t)type));
    *ret_header = (struct protocol_header){
        .magic = PROTOCOL_MAGIC,
        .version = PROTOCOL_VERSION,
        .type = (uint16_t)type,
        .len_bytes = len_bytes,
        .generation = generation,
    };
}

void protocol_frame_init(
    struct protocol_frame *ret_frame, enum protocol_frame_type type, uint32_t len_bytes)
{
    *ret_frame = (struct protocol_frame){
        .magic = PROTOCOL_MAGIC,
        .version = PROTOCOL_VERSION,
        .type = (uint16_t)type,
        .len_bytes = len_bytes,
    };
}

enum status
protocol_frame_check(const struct protocol_frame *frame, uint32_t max_bytes, struct err *err)
{
    if (frame->magic != PROTOCOL_MAGIC || frame->reserved != 0) {
        return err_set(err, ST_INVALID, "not a frame: magic %08x", frame->magic);
    }
    if (frame->version != PROTOCOL_VERSION) {
        return err_set(
            err, ST_UNSUPPORTED, "the other side speaks version %d of the protocol, this one %d",
            frame->version, PROTOCOL_VERSION);
    }
    if (frame->type < PROTOCOL_FRAME_SPEC || frame->type > PROTOCOL_FRAME_ANSWER) {
        return err_set(err, ST_INVALID, "frame of unknown type %d", frame->type);
    }
    if (frame->len_bytes > max_bytes) {
        return err_set(
            err, ST_TOO_LARGE, "frame of %u bytes, limit %u", frame->len_bytes, max_bytes);
    }
    return ST_OK;
}

enum status protocol_frame_write(
    int fd, enum protocol_frame_type type, const void *bytes, uint32_t len_bytes, struct err *err)
{
    if (len_bytes > PROTOCOL_SPEC_MAX_BYTES) {
        return err_set(
            err, ST_TOO_LARGE, "frame of %u bytes, limit %d", len_bytes, PROTOCOL_SPEC_MAX_BYTES);
    }
    struct protocol_frame frame;
    protocol_frame_init(&frame, type, len_bytes);
    size_t sent_bytes = 0;
    const size_t total_bytes = sizeof(frame) + len_bytes;
    while (sent_bytes < total_bytes) {
        const size_t head = sent_bytes < sizeof(frame) ? sent_bytes : sizeof(frame);
        const size_t body = sent_bytes - head;
        union {
            const void *from;
            void *to; /* iovec is not const-correct; writev does not write through it */
        } base = {.from = bytes};
        struct iovec parts[2] = {
            {.iov_base = (char *)&frame + head, .iov_len = sizeof(frame) - head},
            {.iov_base = len_bytes == 0 ? NULL : (char *)base.to + body,
             .iov_len = len_bytes - body},
        };
        ssize_t wrote = writev(fd, parts, 2);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return err_errno(err, ST_IO, errno, "cannot write a frame to descriptor %d", fd);
        }
        sent_bytes += (size_t)wrote;
    }
    return ST_OK;
}

/* Read until len_bytes are there or the stream ends; ret_got_bytes says how many came. */
static enum status
read_whole(int fd, void *to, size_t len_bytes, size_t *ret_got_bytes, struct err *err)
{
    size_t got_bytes = 0;
    while (got_bytes < len_bytes) {
        ssize_t got = read(fd, (char *)to + got_bytes, len_bytes - got_bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_errno(err, ST_IO, errno, "cannot read a frame from descriptor %d", fd);
        }
        if (got == 0) {
            break;
        }
        got_bytes += (size_t)got;
    }
    *ret_got_bytes = got_bytes;
    return ST_OK;
}

enum status protocol_frame_read(
    int fd, uint32_t max_bytes, struct protocol_frame *ret_frame, char **ret_bytes, struct err *err)
{
    struct protocol_frame frame;
    size_t got_bytes = 0;
    enum status st = read_whole(fd, &frame, sizeof(frame), &got_bytes, err);
    if (st != ST_OK) {
        return st;
    }
    if (got_bytes == 0) {
        return err_set(err, ST_NOT_FOUND, "no more frames on descriptor %d", fd);
    }
    if (got_bytes < sizeof(frame)) {
        return err_set(err, ST_IO, "frame header cut after %zu bytes", got_bytes);
    }
    st = protocol_frame_check(&frame, max_bytes, err);
    if (st != ST_OK) {
        return st;
    }
    CLEANUP(freep) char *bytes = malloc((size_t)frame.len_bytes + 1);
    if (bytes == NULL) {
        return err_set(err, ST_NO_MEMORY, "frame of %u bytes", frame.len_bytes);
    }
    st = read_whole(fd, bytes, frame.len_bytes, &got_bytes, err);
    if (st != ST_OK) {
        return st;
    }
    if (got_bytes < frame.len_bytes) {
        return err_set(err, ST_IO, "frame cut after %zu of %u bytes", got_bytes, frame.len_bytes);
    }
    bytes[frame.len_bytes] = '\0';
    *ret_frame = frame;
    *ret_bytes = bytes;
    bytes = NULL; /* now the caller's */
    return ST_OK;
}

enum status protocol_header_check(const struct protocol_header *header, struct err *err)
{
    if (header->magic != PROTOCOL_MAGIC || header->reserved != 0) {
        return err_set(err, ST_INVALID, "not a message: magic %08x", header->magic);
    }
    if (header->version != PROTOCOL_VERSION) {
        return err_set(
            err, ST_UNSUPPORTED, "the other side speaks version %d of the protocol, this one %d",
            header->version, PROTOCOL_VERSION);
    }
    uint32_t wanted_bytes = protocol_message_bytes(header->type);
    if (wanted_bytes == 0) {
        return err_set(err, ST_INVALID, "message of unknown type %d", header->type);
    }
    if (header->len_bytes != wanted_bytes) {
        return err_set(
            err, ST_INVALID, "message of type %d says %u bytes, not %u", header->type,
            header->len_bytes, wanted_bytes);
    }
    return ST_OK;
}

static bool is_terminated(const char *text, size_t size_bytes)
{
    return memchr(text, '\0', size_bytes) != NULL;
}

static enum status check_partitions(const struct protocol_partitions *message, struct err *err)
{
    if (message->count > PROTOCOL_PARTITIONS_PER_MESSAGE) {
        return err_set(err, ST_INVALID, "message of %u partitions", message->count);
    }
    for (uint32_t i = 0; i < message->count; i++) {
        const struct protocol_partition *row = &message->rows[i];
        if (!is_terminated(row->topic, sizeof(row->topic)) || row->topic[0] == '\0') {
            return err_set(err, ST_INVALID, "partition row %u without a topic", i);
        }
        if (row->partition < 0) {
            return err_set(err, ST_INVALID, "partition number %d", row->partition);
        }
    }
    return ST_OK;
}

static enum status check_body(const void *bytes, uint16_t type, struct err *err)
{
    switch ((enum protocol_message_type)type) {
    case PROTOCOL_MESSAGE_HEARTBEAT: {
        struct protocol_heartbeat message;
        memcpy(&message, bytes, sizeof(message));
        if (message.state > PROTOCOL_STATE_DRAINING) {
            return err_set(err, ST_INVALID, "heartbeat with state %u", message.state);
        }
        return ST_OK;
    }
    case PROTOCOL_MESSAGE_PARTITIONS: {
        struct protocol_partitions message;
        memcpy(&message, bytes, sizeof(message));
        return check_partitions(&message, err);
    }
    case PROTOCOL_MESSAGE_LATENCY:
        return ST_OK; /* any number is a count */
    case PROTOCOL_MESSAGE_EVENT: {
        struct protocol_event message;
        memcpy(&message, bytes, sizeof(message));
        if (!is_terminated(message.event, sizeof(message.event)) ||
            !is_terminated(message.name, sizeof(message.name)) ||
            !is_terminated(message.text, sizeof(message.text)) ||
            !is_terminated(message.details, sizeof(message.details)) || message.event[0] == '\0') {
            return err_set(err, ST_INVALID, "event with a text that does not end");
        }
        return ST_OK;
    }
    }
    return err_set(err, ST_INVALID, "message of unknown type %d", type);
}

enum status
protocol_message_check(const void *bytes, uint32_t len_bytes, int64_t generation, struct err *err)
{
    struct protocol_header header;
    if (len_bytes < sizeof(header)) {
        return err_set(err, ST_INVALID, "message of %u bytes has no header", len_bytes);
    }
    memcpy(&header, bytes, sizeof(header));
    enum status st = protocol_header_check(&header, err);
    if (st != ST_OK) {
        return st;
    }
    if (header.len_bytes != len_bytes) {
        return err_set(
            err, ST_INVALID, "message of type %d is %u bytes, not %u", header.type, len_bytes,
            header.len_bytes);
    }
    st = check_body(bytes, header.type, err);
    if (st != ST_OK) {
        return st;
    }
    if (header.generation != generation) {
        return err_set(
            err, ST_FENCED, "message of generation %lld, not %lld", (long long)header.generation,
            (long long)generation);
    }
    return ST_OK;
}
