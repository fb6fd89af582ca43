/* The loop: a timer ticks, what is due by then goes out in bursts, and between bursts the loop
 * looks at signals, takes acknowledgements and writes the statistics file. */

#include "demo/generator/run.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/clock.h"

#include "demo/generator/malformed.h"
#include "demo/generator/order.h"
#include "demo/generator/stats.h"

enum {
    TICK_MS = 10,
    BURST_RECORDS = 1000, /* between looks at signals and acknowledgements */
    STATS_EVERY_MS = 200,
    QUEUE_FULL_WAIT_MS = 20,
    FLUSH_MS = 60000,
    KEY_BYTES = 16
};

struct run {
    const struct run_settings *settings;
    struct producer *producer;
    int signal_fd;
    int timer_fd;
    int64_t start_ms;
    int64_t next_stats_ms;
    uint64_t sent;
};

static enum status send_one(struct run *run, struct err *err)
{
    const struct run_settings *settings = run->settings;
    struct order_params params = {
        .seed = settings->seed,
        .index = settings->first_index + run->sent,
        .wall_ms = clock_wall_ms(),
    };
    enum malformed_kind kind =
        malformed_choose(params.seed, params.index, settings->malformed_percent);
    struct text text;
    text_reset(&text);
    malformed_build(kind, &params, &text);
    struct order_envelope envelope;
    order_envelope(&params, &envelope);
    char key[KEY_BYTES];
    int key_bytes = snprintf(key, sizeof(key), "%u", envelope.customer_id);
    assert(key_bytes > 0 && key_bytes < KEY_BYTES);
    struct producer_record record = {
        .key = key,
        .key_bytes = (size_t)key_bytes,
        .value = text.bytes,
        .value_bytes = text.len_bytes,
        .source = envelope.source,
        .trace_id = envelope.trace_id,
        .is_malformed = kind != MALFORMED_NONE,
    };
    enum status status = producer_send(run->producer, &record, err);
    if (status == ST_OK) {
        run->sent++;
    }
    return status;
}

/* How many records may be out by now. */
static uint64_t allowed(const struct run *run)
{
    const struct run_settings *settings = run->settings;
    uint64_t limit = settings->count > 0 ? settings->count : UINT64_MAX;
    if (settings->rate_per_s == 0) {
        return limit;
    }
    uint64_t elapsed_ms = (uint64_t)(clock_monotonic_ms() - run->start_ms);
    uint64_t by_rate = elapsed_ms * settings->rate_per_s / 1000;
    return by_rate < limit ? by_rate : limit;
}

/* Send what is due, at most one burst. */
static enum status send_burst(struct run *run, struct err *err)
{
    uint64_t until = allowed(run);
    if (until > run->sent + BURST_RECORDS) {
        until = run->sent + BURST_RECORDS;
    }
    while (run->sent < until) {
        enum status status = send_one(run, err);
        if (status == ST_UNAVAILABLE) {
            producer_poll(run->producer, QUEUE_FULL_WAIT_MS);
            return ST_OK;
        }
        if (status != ST_OK) {
            return status;
        }
    }
    producer_poll(run->producer, 0);
    return ST_OK;
}

/* Wait for the next tick unless more is due at once; sets *ret_stop when a signal came. */
static enum status wait_events(struct run *run, bool *ret_stop, struct err *err)
{
    struct pollfd fds[] = {
        {.fd = run->signal_fd, .events = POLLIN},
        {.fd = run->timer_fd, .events = POLLIN},
    };
    int timeout_ms = allowed(run) > run->sent ? 0 : -1;
    if (poll(fds, ARRAY_LEN(fds), timeout_ms) < 0 && errno != EINTR) {
        return err_errno(err, ST_IO, errno, "cannot wait for events");
    }
    uint64_t ticks = 0;
    if ((fds[1].revents & POLLIN) != 0 && read(run->timer_fd, &ticks, sizeof(ticks)) < 0 &&
        errno != EAGAIN && errno != EINTR) {
        return err_errno(err, ST_IO, errno, "cannot read the timer");
    }
    *ret_stop = (fds[0].revents & POLLIN) != 0;
    return ST_OK;
}

static enum status write_stats(struct run *run, bool is_done, struct err *err)
{
    int64_t now_ms = clock_monotonic_ms();
    if (run->settings->stats_file == NULL || (!is_done && now_ms < run->next_stats_ms)) {
        return ST_OK;
    }
    run->next_stats_ms = now_ms + STATS_EVERY_MS;
    return stats_write(
        run->settings->stats_file, producer_counts(run->producer), now_ms - run->start_ms, is_done,
        err);
}

static enum status produce_all(struct run *run, struct err *err)
{
    bool is_stopped = false;
    while (!is_stopped && (run->settings->count == 0 || run->sent < run->settings->count)) {
        enum status status = send_burst(run, err);
        if (status == ST_OK) {
            status = write_stats(run, false, err);
        }
        if (status == ST_OK) {
            status = wait_events(run, &is_stopped, err);
        }
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

static enum status open_timer(int *ret_fd, struct err *err)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) {
        return err_errno(err, ST_IO, errno, "cannot create a timer");
    }
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
    const struct itimerspec every = {.it_interval = tick, .it_value = tick};
    if (timerfd_settime(fd, 0, &every, NULL) != 0) {
        enum status status = err_errno(err, ST_IO, errno, "cannot start a timer");
        closep(&fd);
        return status;
    }
    *ret_fd = fd;
    return ST_OK;
}

static enum status finish(struct run *run, struct err *err)
{
    enum status status = producer_flush(run->producer, FLUSH_MS, err);
    struct err stats_err = {0};
    enum status stats_status = write_stats(run, true, &stats_err);
    if (status == ST_OK && stats_status != ST_OK) {
        return err_set(err, stats_status, "%s", stats_err.text);
    }
    if (status == ST_OK && producer_counts(run->producer)->failed > 0) {
        return err_set(
            err, ST_IO, "%llu records failed, the last one: %s",
            (unsigned long long)producer_counts(run->producer)->failed,
            producer_last_failure(run->producer));
    }
    return status;
}

enum status run_generator(const struct run_settings *settings, int signal_fd, struct err *err)
{
    assert(settings != NULL && signal_fd >= 0);
    CLEANUP(producer_freep) struct producer *producer = NULL;
    CLEANUP(closep) int timer_fd = -1;
    enum status status = producer_new(&settings->producer, &producer, err);
    if (status == ST_OK) {
        status = open_timer(&timer_fd, err);
    }
    if (status != ST_OK || settings->is_create_only) {
        return status;
    }
    struct run run = {
        .settings = settings,
        .producer = producer,
        .signal_fd = signal_fd,
        .timer_fd = timer_fd,
        .start_ms = clock_monotonic_ms(),
    };
    status = write_stats(&run, false, err);
    if (status == ST_OK) {
        status = produce_all(&run, err);
    }
    if (status != ST_OK) {
        return status;
    }
    return finish(&run, err);
}
