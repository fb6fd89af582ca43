/* The parent-child contract: latency buckets, whole frames, and what is refused. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/protocol/protocol.h"

static void latency_bounds_take_two_steps_per_doubling(void **state)
{
    (void)state;
    static const int64_t bounds_ms[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64};
    for (unsigned i = 0; i < ARRAY_LEN(bounds_ms); i++) {
        assert_int_equal(protocol_latency_bound_ms(i), bounds_ms[i]);
    }
    for (unsigned i = 1; i < PROTOCOL_LATENCY_BUCKETS; i++) {
        assert_true(protocol_latency_bound_ms(i) > protocol_latency_bound_ms(i - 1));
    }
    assert_true(protocol_latency_bound_ms(PROTOCOL_LATENCY_BUCKETS - 1) == INT64_MAX);
}

static void a_latency_falls_into_the_first_bucket_that_holds_it(void **state)
{
    (void)state;
    assert_int_equal(protocol_latency_bucket(INT64_MIN), 0);
    assert_int_equal(protocol_latency_bucket(-1), 0);
    assert_int_equal(protocol_latency_bucket(0), 0);
    assert_int_equal(protocol_latency_bucket(INT64_MAX), PROTOCOL_LATENCY_BUCKETS - 1);
    for (unsigned i = 0; i + 1 < PROTOCOL_LATENCY_BUCKETS; i++) {
        int64_t bound_ms = protocol_latency_bound_ms(i);
        assert_int_equal(protocol_latency_bucket(bound_ms), i);
        assert_int_equal(protocol_latency_bucket(bound_ms + 1), i + 1);
    }
}

struct writing {
    int fd;
    const char *bytes;
    uint32_t len_bytes;
    enum status status;
};

static void *write_in_thread(void *argument)
{
    struct writing *w = argument;
    w->status = protocol_frame_write(w->fd, PROTOCOL_FRAME_SPEC, w->bytes, w->len_bytes, NULL);
    (void)close(w->fd);
    return NULL;
}

static void a_frame_larger_than_the_pipe_arrives_whole(void **state)
{
    (void)state;
    const uint32_t len_bytes = 2 * 1024 * 1024 + 3;
    char *spec = malloc(len_bytes);
    assert_non_null(spec);
    for (uint32_t i = 0; i < len_bytes; i++) {
        spec[i] = (char)('a' + i % 23);
    }
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct writing writing = {.fd = ends[1], .bytes = spec, .len_bytes = len_bytes};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_in_thread, &writing), 0);

    struct protocol_frame frame;
    CLEANUP(freep) char *bytes = NULL;
    assert_int_equal(
        protocol_frame_read(ends[0], PROTOCOL_SPEC_MAX_BYTES, &frame, &bytes, NULL), ST_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(writing.status, ST_OK);
    assert_int_equal(frame.type, PROTOCOL_FRAME_SPEC);
    assert_int_equal(frame.len_bytes, len_bytes);
    assert_memory_equal(bytes, spec, len_bytes);
    assert_int_equal(bytes[len_bytes], '\0');
    assert_int_equal(
        protocol_frame_read(ends[0], PROTOCOL_SPEC_MAX_BYTES, &frame, &bytes, NULL), ST_NOT_FOUND);
    (void)close(ends[0]);
    free(spec);
}

static void permission_frames_have_no_body(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(
        protocol_frame_write(ends[1], PROTOCOL_FRAME_PERMISSION, NULL, 0, NULL), ST_OK);
    struct protocol_frame frame;
    CLEANUP(freep) char *bytes = NULL;
    assert_int_equal(protocol_frame_read(ends[0], 0, &frame, &bytes, NULL), ST_OK);
    assert_int_equal(frame.type, PROTOCOL_FRAME_PERMISSION);
    assert_string_equal(bytes, "");
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* What arrives on the descriptor, and what protocol_frame_read says to it. */
static void broken_frames_are_refused(void **state)
{
    (void)state;
    struct protocol_frame good;
    protocol_frame_init(&good, PROTOCOL_FRAME_SPEC, 4);
    static const struct {
        const char *name;
        size_t offset;
        uint8_t byte;
        size_t send_bytes;
        enum status expected;
    } cases[] = {
        {"whole", 0, 0x30, sizeof(struct protocol_frame) + 4, ST_OK},
        {"other magic", 0, 0x31, sizeof(struct protocol_frame) + 4, ST_INVALID},
        {"other version", 4, 9, sizeof(struct protocol_frame) + 4, ST_UNSUPPORTED},
        {"type 0", 6, 0, sizeof(struct protocol_frame) + 4, ST_INVALID},
        {"type 4", 6, 4, sizeof(struct protocol_frame) + 4, ST_INVALID},
        {"reserved used", 12, 1, sizeof(struct protocol_frame) + 4, ST_INVALID},
        {"at the limit", 8, 5, sizeof(struct protocol_frame) + 5, ST_OK},
        {"past the limit", 8, 6, sizeof(struct protocol_frame) + 6, ST_TOO_LARGE},
        {"cut in the body", 0, 0x30, sizeof(struct protocol_frame) + 3, ST_IO},
        {"cut in the header", 0, 0x30, 7, ST_IO},
        {"nothing", 0, 0x30, 0, ST_NOT_FOUND},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint8_t raw[sizeof(good) + 8] = {0};
        memcpy(raw, &good, sizeof(good));
        raw[cases[i].offset] = cases[i].byte;
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(write(ends[1], raw, cases[i].send_bytes), cases[i].send_bytes);
        (void)close(ends[1]);
        struct protocol_frame frame = {.type = 77};
        CLEANUP(freep) char *bytes = NULL;
        struct err err = {.status = ST_OK};
        enum status st = protocol_frame_read(ends[0], 5, &frame, &bytes, &err);
        if (st != cases[i].expected) {
            fail_msg("%s: %s", cases[i].name, status_text(st));
        }
        if (st != ST_OK) {
            assert_int_equal(err.status, st);
            assert_int_equal(frame.type, 77); /* outputs untouched */
            assert_null(bytes);
        }
        (void)close(ends[0]);
    }
}

static void frames_past_the_limit_and_to_nobody_are_refused(void **state)
{
    (void)state;
    assert_int_equal(
        protocol_frame_write(-1, PROTOCOL_FRAME_SPEC, "", PROTOCOL_SPEC_MAX_BYTES + 1, NULL),
        ST_TOO_LARGE);
    assert_int_equal(protocol_frame_write(-1, PROTOCOL_FRAME_SPEC, "x", 1, NULL), ST_IO);
    struct protocol_frame frame;
    char *bytes = NULL;
    assert_int_equal(protocol_frame_read(-1, 10, &frame, &bytes, NULL), ST_IO);
}

/* One good message of each type in a buffer large enough for all. */
union any_message {
    struct protocol_header header;
    struct protocol_heartbeat heartbeat;
    struct protocol_partitions partitions;
    struct protocol_latency latency;
    struct protocol_event event;
};

static uint32_t good_message(union any_message *message, enum protocol_message_type type)
{
    memset(message, 0, sizeof(*message));
    uint32_t len_bytes = protocol_message_bytes((uint16_t)type);
    protocol_header_init(&message->header, type, len_bytes, 7);
    switch (type) {
    case PROTOCOL_MESSAGE_HEARTBEAT:
        message->heartbeat.state = PROTOCOL_STATE_DRAINING;
        break;
    case PROTOCOL_MESSAGE_PARTITIONS:
        message->partitions.count = PROTOCOL_PARTITIONS_PER_MESSAGE;
        for (int i = 0; i < PROTOCOL_PARTITIONS_PER_MESSAGE; i++) {
            memset(message->partitions.rows[i].topic, 't', PROTOCOL_TOPIC_BYTES - 1);
        }
        break;
    case PROTOCOL_MESSAGE_LATENCY:
        break;
    case PROTOCOL_MESSAGE_EVENT:
        memcpy(message->event.event, "reason", sizeof("reason"));
        memset(message->event.text, 'x', PROTOCOL_EVENT_TEXT_BYTES - 1);
        break;
    }
    return len_bytes;
}

static void good_messages_of_every_type_pass(void **state)
{
    (void)state;
    for (int type = PROTOCOL_MESSAGE_HEARTBEAT; type <= PROTOCOL_MESSAGE_EVENT; type++) {
        union any_message message;
        uint32_t len_bytes = good_message(&message, (enum protocol_message_type)type);
        assert_true(len_bytes > 0 && len_bytes < 4096);
        assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_OK);
        assert_int_equal(protocol_message_check(&message, len_bytes, 8, NULL), ST_FENCED);
        assert_int_equal(protocol_message_check(&message, len_bytes, 6, NULL), ST_FENCED);
        assert_int_equal(protocol_message_check(&message, len_bytes - 1, 7, NULL), ST_INVALID);
        assert_int_equal(protocol_message_check(&message, len_bytes + 1, 7, NULL), ST_INVALID);
        /* From an odd address, as it lies in a stream. */
        uint8_t raw[4096 + 1];
        memcpy(raw + 1, &message, len_bytes);
        assert_int_equal(protocol_message_check(raw + 1, len_bytes, 7, NULL), ST_OK);
    }
    assert_int_equal(protocol_message_bytes(0), 0);
    assert_int_equal(protocol_message_bytes(5), 0);
}

static void broken_messages_are_refused(void **state)
{
    (void)state;
    union any_message message;
    uint32_t len_bytes = good_message(&message, PROTOCOL_MESSAGE_HEARTBEAT);
    assert_int_equal(
        protocol_message_check(&message, sizeof(struct protocol_header) - 1, 7, NULL), ST_INVALID);
    message.header.magic++;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    (void)good_message(&message, PROTOCOL_MESSAGE_HEARTBEAT);
    message.header.version++;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_UNSUPPORTED);
    (void)good_message(&message, PROTOCOL_MESSAGE_HEARTBEAT);
    message.header.type = 5;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    (void)good_message(&message, PROTOCOL_MESSAGE_HEARTBEAT);
    message.header.len_bytes--;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    (void)good_message(&message, PROTOCOL_MESSAGE_HEARTBEAT);
    message.header.reserved = 1;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    (void)good_message(&message, PROTOCOL_MESSAGE_HEARTBEAT);
    message.heartbeat.state = PROTOCOL_STATE_DRAINING + 1;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);

    len_bytes = good_message(&message, PROTOCOL_MESSAGE_PARTITIONS);
    message.partitions.count++;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    (void)good_message(&message, PROTOCOL_MESSAGE_PARTITIONS);
    message.partitions.rows[7].topic[PROTOCOL_TOPIC_BYTES - 1] = 't';
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    message.partitions.count = 7; /* the broken row is not part of the message then */
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_OK);
    message.partitions.rows[0].partition = -1;
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    (void)good_message(&message, PROTOCOL_MESSAGE_PARTITIONS);
    message.partitions.rows[0].topic[0] = '\0';
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);

    len_bytes = good_message(&message, PROTOCOL_MESSAGE_EVENT);
    message.event.text[PROTOCOL_EVENT_TEXT_BYTES - 1] = 'x';
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
    (void)good_message(&message, PROTOCOL_MESSAGE_EVENT);
    message.event.event[0] = '\0';
    assert_int_equal(protocol_message_check(&message, len_bytes, 7, NULL), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latency_bounds_take_two_steps_per_doubling),
        cmocka_unit_test(a_latency_falls_into_the_first_bucket_that_holds_it),
        cmocka_unit_test(a_frame_larger_than_the_pipe_arrives_whole),
        cmocka_unit_test(permission_frames_have_no_body),
        cmocka_unit_test(broken_frames_are_refused),
        cmocka_unit_test(frames_past_the_limit_and_to_nobody_are_refused),
        cmocka_unit_test(good_messages_of_every_type_pass),
        cmocka_unit_test(broken_messages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
