/* Capacity of the host, from settings, the machine and its control group. */
#include "worker/supervisor/capacity.h"

#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/base/parse.h"

enum {
    BYTES_PER_GB = 1000000000 /* as ClickPipes counts replica memory; err on the small side */
};

/* The first line of a small file, "" if there is none. */
static void read_line(const char *path, char *ret_text, size_t size_bytes)
{
    ret_text[0] = '\0';
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    ssize_t got = read(fd, ret_text, size_bytes - 1);
    ret_text[got > 0 ? got : 0] = '\0';
    ret_text[strcspn(ret_text, "\n")] = '\0';
}

static double machine_memory_gb(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGE_SIZE);
    double bytes = (double)pages * (double)page_bytes;
    char line[64];
    int64_t limit_bytes = 0;
    read_line("/sys/fs/cgroup/memory.max", line, sizeof(line));
    if (parse_i64(line, 1, INT64_MAX, &limit_bytes) == ST_OK && (double)limit_bytes < bytes) {
        bytes = (double)limit_bytes;
    }
    return bytes / BYTES_PER_GB;
}

static int machine_cpu_millicores(void)
{
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    int millicores = cpus * 1000;
    /* "<quota us> <period us>" or "max <period us>" */
    char line[64];
    int64_t quota_us = 0;
    int64_t period_us = 0;
    read_line("/sys/fs/cgroup/cpu.max", line, sizeof(line));
    char *blank = strchr(line, ' ');
    if (blank == NULL) {
        return millicores;
    }
    *blank = '\0';
    if (parse_i64(line, 1, INT64_MAX / 1000, &quota_us) == ST_OK &&
        parse_i64(blank + 1, 1, INT64_MAX, &period_us) == ST_OK &&
        quota_us * 1000 / period_us < millicores) {
        millicores = (int)(quota_us * 1000 / period_us);
    }
    return millicores;
}

struct capacity capacity_of_host(const struct capacity_setting *setting)
{
    return (struct capacity){
        .memory_gb = setting->is_memory_set ? setting->memory_gb : machine_memory_gb(),
        .cpu_millicores = setting->is_cpu_set ? setting->cpu_millicores : machine_cpu_millicores(),
    };
}

struct capacity capacity_left(const struct capacity *offered, const struct capacity *used)
{
    struct capacity left = {
        .memory_gb = CAPACITY_UNLIMITED, .cpu_millicores = (int)CAPACITY_UNLIMITED};
    if (offered->memory_gb > 0) {
        double memory_gb = offered->memory_gb - used->memory_gb;
        left.memory_gb = memory_gb > 0 ? memory_gb : 0;
    }
    if (offered->cpu_millicores > 0) {
        int millicores = offered->cpu_millicores - used->cpu_millicores;
        left.cpu_millicores = millicores > 0 ? millicores : 0;
    }
    return left;
}
