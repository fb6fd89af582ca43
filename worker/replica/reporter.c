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

static void
reporter_write(struct reporter *reporter, const void *message, size_t len_bytes, int wait_ms)
{
    for (;;) {
        ssize_t written = write(reporter->fd, message, len_bytes);
        if (written == (ssize_t)len_bytes) {
            return;
        }
        if (written < 0 && errno == EINTR) {
            continue;
        }
        struct pollfd fd = {.fd = reporter->fd, .events = POLLOUT};
        if (written >= 0 || errno != EAGAIN || wait_ms == 0 || poll(&fd, 1, wait_ms) <= 0) {
            reporter->dropped_count++;
            return;
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

void reporter_heartbeat(struct reporter *reporter, const struct reporter_facts *facts)
{
    struct protocol_heartbeat message;
    memset(&message, 0, sizeof(message));
    protocol_header_init(
        &message.header, PROTOCOL_MESSAGE_HEARTBEAT, sizeof(message), reporter->generation);
    message.state = (uint32_t)facts->state;
    message.partitions_count = (uint32_t)facts->partitions_count;
    message.resident_bytes = process_resident_bytes();
    message.cpu_us = process_cpu_us();
    message.unsettled_records = facts->unsettled_records;
    message.unsettled_bytes = facts->unsettled_bytes;
    message.counters = *facts->counters;
    _Static_assert((int)PROTOCOL_INSERT_NUMBERS == (int)INSERT_NUMBERS, "the same places");
    memcpy(message.insert_numbers, facts->insert_numbers, sizeof(message.insert_numbers));
    reporter_write(reporter, &message, sizeof(message), 0);
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
    reporter_write(reporter, &chunk->message, sizeof(chunk->message), 0);
    memset(chunk, 0, sizeof(*chunk));
}

void reporter_latency(struct reporter *reporter, const struct latency *latency)
{
    struct protocol_latency message;
    memset(&message, 0, sizeof(message));
    protocol_header_init(
        &message.header, PROTOCOL_MESSAGE_LATENCY, sizeof(message), reporter->generation);
    latency_sum(latency, message.counts, &message.max_ms);
    reporter_write(reporter, &message, sizeof(message), 0);
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
    reporter_write(reporter, &message, sizeof(message), EVENT_WAIT_MS);
}
