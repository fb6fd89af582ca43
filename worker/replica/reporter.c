/* Messages on descriptor 4: filled, written whole or dropped. */
#include "worker/replica/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/metrics/inserts.h"

enum {
    EVENT_WAIT_MS = 1000,
    STATM_BYTES = 128,
};

void reporter_init(struct reporter *ret_reporter, int fd, int64_t generation)
{
    *ret_reporter = (struct reporter){.fd = fd, .generation = generation};
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0) {
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK); /* without it a write may wait */
    }
}

/* False if it was dropped. */
static bool
reporter_write(struct reporter *reporter, const void *message, size_t len_bytes, int wait_ms)
{
    for (;;) {
        ssize_t written = write(reporter->fd, message, len_bytes);
        if (written == (ssize_t)len_bytes) {
            return true;
        }
        if (written < 0 && errno == EINTR) {
            continue;
        }
        struct pollfd fd = {.fd = reporter->fd, .events = POLLOUT};
        if (written >= 0 || errno != EAGAIN || wait_ms == 0 || poll(&fd, 1, wait_ms) <= 0) {
            reporter->dropped_count++;
            return false;
        }
        wait_ms = 0;
    }
}

static uint64_t process_resident_bytes(void)
{
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    char text[STATM_BYTES];
    ssize_t got = read(fd, text, sizeof(text) - 1);
    (void)close(fd); /* read only */
    if (got <= 0) {
        return 0;
    }
    text[got] = '\0';
    unsigned long long total = 0;
    unsigned long long resident = 0;
    if (sscanf(text, "%llu %llu", &total, &resident) != 2) { // NOLINT(cert-err34-c): kernel's text
        return 0;
    }
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t process_cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000U +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* All but memory and CPU, which always change. */
static void heartbeat_fill(
    const struct reporter *reporter, const struct reporter_facts *facts,
    struct protocol_heartbeat *ret_message)
{
    memset(ret_message, 0, sizeof(*ret_message));
    protocol_header_init(
        &ret_message->header, PROTOCOL_MESSAGE_HEARTBEAT, sizeof(*ret_message),
        reporter->generation);
    ret_message->state = (uint32_t)facts->state;
    ret_message->partitions_count = (uint32_t)facts->partitions_count;
    ret_message->unsettled_records = facts->unsettled_records;
    ret_message->unsettled_bytes = facts->unsettled_bytes;
    ret_message->counters = *facts->counters;
    _Static_assert((int)PROTOCOL_INSERT_NUMBERS == (int)INSERT_NUMBERS, "the same places");
    memcpy(ret_message->insert_numbers, facts->insert_numbers, sizeof(ret_message->insert_numbers));
}

static void
heartbeat_send(struct reporter *reporter, const struct protocol_heartbeat *filled, int64_t now_ms)
{
    if (memcmp(filled, &reporter->heartbeat, sizeof(*filled)) != 0) {
        reporter->news_ms = now_ms;
    }
    struct protocol_heartbeat message = *filled;
    message.resident_bytes = process_resident_bytes();
    message.cpu_us = process_cpu_us();
    if (reporter_write(reporter, &message, sizeof(message), 0)) {
        reporter->heartbeat = *filled;
        reporter->heartbeat_ms = now_ms;
    }
}

void reporter_heartbeat(
    struct reporter *reporter, const struct reporter_facts *facts, int64_t now_ms)
{
    struct protocol_heartbeat message;
    heartbeat_fill(reporter, facts, &message);
    heartbeat_send(reporter, &message, now_ms);
}

void reporter_regular_heartbeat(
    struct reporter *reporter, const struct reporter_facts *facts, int64_t now_ms)
{
    struct protocol_heartbeat message;
    heartbeat_fill(reporter, facts, &message);
    const bool is_idle = memcmp(&message, &reporter->heartbeat, sizeof(message)) == 0 &&
                         now_ms - reporter->news_ms >= REPORTER_IDLE_MS;
    if (!is_idle || now_ms - reporter->heartbeat_ms >= REPORTER_IDLE_MS) {
        heartbeat_send(reporter, &message, now_ms);
    }
}

uint64_t reporter_digest(uint64_t digest, const struct protocol_partition *row)
{
    /* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/, by eight bytes at a time. */
    digest = digest == 0 ? 0xcbf29ce484222325U : digest;
    uint64_t words[sizeof(*row) / sizeof(uint64_t)];
    _Static_assert(sizeof(words) == sizeof(*row), "whole words");
    memcpy(words, row, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        digest = (digest ^ words[i]) * 0x100000001b3U;
        digest ^= digest >> 32;
    }
    return digest;
}

bool reporter_knows_partitions(const struct reporter *reporter, uint64_t digest)
{
    return reporter->partitions_digest == digest;
}

void reporter_note_partitions(struct reporter *reporter, uint64_t digest, uint64_t before_count)
{
    reporter->partitions_digest = reporter->dropped_count == before_count ? digest : 0;
}

void reporter_add_partition(
    struct reporter *reporter, struct reporter_chunk *chunk, const struct protocol_partition *row)
{
    chunk->message.rows[chunk->message.count++] = *row;
    if (chunk->message.count == PROTOCOL_PARTITIONS_PER_MESSAGE) {
        reporter_flush_partitions(reporter, chunk);
    }
}

void reporter_flush_partitions(struct reporter *reporter, struct reporter_chunk *chunk)
{
    if (chunk->message.count == 0) {
        return;
    }
    protocol_header_init(
        &chunk->message.header, PROTOCOL_MESSAGE_PARTITIONS, sizeof(chunk->message),
        reporter->generation);
    (void)reporter_write(reporter, &chunk->message, sizeof(chunk->message), 0); /* it is counted */
    memset(chunk, 0, sizeof(*chunk));
}

void reporter_latency(struct reporter *reporter, const struct latency *latency)
{
    struct protocol_latency message;
    memset(&message, 0, sizeof(message));
    protocol_header_init(
        &message.header, PROTOCOL_MESSAGE_LATENCY, sizeof(message), reporter->generation);
    latency_sum(latency, message.counts, &message.max_ms);
    if (memcmp(&message, &reporter->latency, sizeof(message)) != 0 &&
        reporter_write(reporter, &message, sizeof(message), 0)) {
        reporter->latency = message;
    }
}

void reporter_event(struct reporter *reporter, const struct reporter_event *event)
{
    struct protocol_event message;
    memset(&message, 0, sizeof(message));
    protocol_header_init(
        &message.header, PROTOCOL_MESSAGE_EVENT, sizeof(message), reporter->generation);
    /* Cutting is what the protocol asks for. */
    (void)snprintf(message.event, sizeof(message.event), "%s", event->event);
    (void)snprintf(message.name, sizeof(message.name), "%s", event->name);
    (void)snprintf(message.text, sizeof(message.text), "%s", event->text);
    (void)snprintf(message.details, sizeof(message.details), "%s", event->details);
    (void)reporter_write(reporter, &message, sizeof(message), EVENT_WAIT_MS); /* it is counted */
}
