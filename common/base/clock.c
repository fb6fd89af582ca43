/* Clocks, and the fake one of tests. */
#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

static struct {
    bool is_fake;
    int64_t now_us;
} fake;

int64_t clock_monotonic_us(void)
{
    if (fake.is_fake) {
        return fake.now_us;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock on Linux */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock on Linux */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void clock_fake_start(int64_t start_ms)
{
    fake.is_fake = true;
    fake.now_us = start_ms * 1000;
}

void clock_fake_advance_ms(int64_t step_ms)
{
    fake.now_us += step_ms * 1000;
}

void clock_fake_stop(void)
{
    fake.is_fake = false;
}

void clock_rfc3339(int64_t wall_ms, char text[CLOCK_RFC3339_BYTES])
{
    int64_t seconds = wall_ms / 1000;
    int64_t rest_ms = wall_ms % 1000;
    if (rest_ms < 0) {
        rest_ms += 1000;
        seconds -= 1;
    }
    time_t when = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL) {
        text[0] = '\0';
        return;
    }
    char stem[24];
    if (strftime(stem, sizeof(stem), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        text[0] = '\0';
        return;
    }
    if (rest_ms == 0) {
        (void)snprintf(text, CLOCK_RFC3339_BYTES, "%sZ", stem); /* always fits */
    } else {
        (void)snprintf(text, CLOCK_RFC3339_BYTES, "%s.%03dZ", stem, (int)rest_ms); /* fits */
    }
}
