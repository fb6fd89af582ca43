/*
 * Any bytes from the other end of a descriptor. A frame is taken exactly when its header is one
 * and its bytes are all there, and comes back as it was sent. A message that is believed has the
 * size of its type and texts that end.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "worker/protocol/protocol.h"

enum {
    BODY_MAX_BYTES = 4096
};

static void read_frame(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("frame", MFD_CLOEXEC);
    }
    FUZZ_REQUIRE(fd >= 0 && ftruncate(fd, 0) == 0, "memfd");
    FUZZ_REQUIRE(pwrite(fd, data, size, 0) == (ssize_t)size, "memfd");
    FUZZ_REQUIRE(lseek(fd, 0, SEEK_SET) == 0, "memfd");
    struct protocol_frame frame = {0};
    char *bytes = NULL;
    struct err err = {0};
    enum status st = protocol_frame_read(fd, BODY_MAX_BYTES, &frame, &bytes, &err);
    struct protocol_frame head = {0};
    bool has_head = size >= sizeof(head);
    memcpy(&head, data, has_head ? sizeof(head) : 0);
    bool is_head = has_head && protocol_frame_check(&head, BODY_MAX_BYTES, NULL) == ST_OK;
    bool is_whole = is_head && size - sizeof(head) >= head.len_bytes;
    FUZZ_REQUIRE((st == ST_OK) == is_whole, "%d %s", (int)st, err.text);
    if (st == ST_OK) {
        FUZZ_REQUIRE(memcmp(&frame, data, sizeof(frame)) == 0, "header");
        FUZZ_REQUIRE(memcmp(bytes, data + sizeof(frame), frame.len_bytes) == 0, "body");
        FUZZ_REQUIRE(bytes[frame.len_bytes] == '\0', "end");
    }
    free(bytes);
}

static void read_message(const uint8_t *data, size_t size)
{
    struct protocol_header header;
    if (size < sizeof(header) || size > BODY_MAX_BYTES) {
        return;
    }
    memcpy(&header, data, sizeof(header));
    struct err err = {0};
    enum status st = protocol_message_check(data, (uint32_t)size, header.generation, &err);
    bool is_foreign = header.version != PROTOCOL_VERSION && header.magic == PROTOCOL_MAGIC;
    FUZZ_REQUIRE(
        st == ST_OK || st == ST_INVALID || (st == ST_UNSUPPORTED && is_foreign), "%d", (int)st);
    FUZZ_REQUIRE(st == ST_OK || err.text[0] != '\0', "no reason");
    if (st != ST_OK) {
        return;
    }
    FUZZ_REQUIRE(size == protocol_message_bytes(header.type), "%zu", size);
    FUZZ_REQUIRE(
        protocol_message_check(data, (uint32_t)size, header.generation ^ 1, NULL) == ST_FENCED,
        "another generation");
    if (header.type == PROTOCOL_MESSAGE_EVENT) {
        struct protocol_event event;
        memcpy(&event, data, sizeof(event));
        FUZZ_REQUIRE(strnlen(event.details, sizeof(event.details)) < sizeof(event.details), "text");
        FUZZ_REQUIRE(strnlen(event.text, sizeof(event.text)) < sizeof(event.text), "text");
    }
}

/* The body of a message of each type behind a right header: a fuzzer seldom guesses that far. */
static void read_body(const uint8_t *data, size_t size)
{
    static uint8_t message[BODY_MAX_BYTES];
    uint16_t type = (uint16_t)(PROTOCOL_MESSAGE_HEARTBEAT + data[0] % PROTOCOL_MESSAGE_EVENT);
    uint32_t wanted = protocol_message_bytes(type);
    struct protocol_header header;
    protocol_header_init(&header, (enum protocol_message_type)type, wanted, 7);
    memset(message, 0, sizeof(message));
    memcpy(message, &header, sizeof(header));
    size_t body = wanted - sizeof(header);
    memcpy(message + sizeof(header), data, size < body ? size : body);
    read_message(message, wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && size <= 2 * (size_t)BODY_MAX_BYTES) {
        read_frame(data, size);
        read_message(data, size);
        read_body(data, size);
    }
    return 0;
}
