#ifndef WORKER_SUPERVISOR_LIMITS_H
#define WORKER_SUPERVISOR_LIMITS_H

/*
 * The memory and CPU a replica may use, enforced by the kernel: a control group of its own where
 * the supervisor may make one (cgroup v2 with delegated controllers, or the memory and cpu
 * hierarchies of v1), else the weaker means a process has without privileges: the size of its data
 * segment (RLIMIT_DATA; not RLIMIT_AS, which counts address space that threads and allocators
 * reserve and never touch) and a lower priority. Each of memory and CPU has the best there is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"

enum {
    LIMITS_PATH_BYTES = 512,
    LIMITS_CPU_PERIOD_US = 100000, /* the kernel's default */
    LIMITS_NICE = 10,
    /* On top of a replica's memory in its data segment: the stacks of its threads (8 MiB each). */
    LIMITS_STACKS_MB = 256,
};

enum limits_means {
    LIMITS_OFF,
    LIMITS_CGROUP2,
    LIMITS_CGROUP1,
    LIMITS_PROCESS, /* RLIMIT_DATA, nice */
};

/* What the supervisor found it can do. */
struct limits {
    enum limits_means memory;
    enum limits_means cpu;
    char memory_folder[LIMITS_PATH_BYTES]; /* under which groups are made */
    char cpu_folder[LIMITS_PATH_BYTES];    /* with v2 the same */
    int last_number;
};

/* Which of the two to enforce. */
struct limits_wanted {
    bool has_memory;
    bool has_cpu;
};

/* One replica's. */
struct limits_group {
    char memory_path[LIMITS_PATH_BYTES]; /* "" = no group */
    char cpu_path[LIMITS_PATH_BYTES];    /* "" = none, or the same as memory's */
    int join_fds[2];     /* cgroup.procs, open for the child to join; −1 = closed */
    uint64_t data_bytes; /* RLIMIT_DATA; 0 = none */
    int nice;
    enum limits_means memory; /* how it is bounded */
};

/*
 * Find out what can be enforced, and clean up the groups of supervisors that died. root: where
 * control groups are mounted; groups_text: what /proc/self/cgroup says. With v2 the supervisor may
 * have to move into a group of its own, since a group with processes cannot share its controllers.
 */
void limits_init(
    struct limits *limits, const char *root, const char *groups_text,
    const struct limits_wanted *wanted);

/* limits_init with this process's groups. */
void limits_init_here(struct limits *limits, const struct limits_wanted *wanted);

/* True if memory or CPU is bounded by the weaker means. */
bool limits_are_weak(const struct limits *limits);

/* The means in a word: "off", "cgroup2", "cgroup1", "data_segment" or "nice". Static memory. */
const char *limits_memory_text(const struct limits *limits);
const char *limits_cpu_text(const struct limits *limits);

/* No group, nothing bounded. */
void limits_group_init(struct limits_group *group);

/* Make the group of one replica: memory in GB of 2^30 bytes. ST_IO: the kernel refuses it; nothing
 * is left behind. */
enum status limits_group_make(
    struct limits *limits, double memory_gb, int cpu_millicores, struct limits_group *ret_group,
    struct err *err) MUST_CHECK;

/* In the child, between fork and exec: async-signal-safe. False: it could not be bounded. */
bool limits_group_join(const struct limits_group *group);

/* In the parent after the fork: the child has what it needs. */
void limits_group_started(struct limits_group *group);

/* The child is gone: remove the group. True if the kernel killed a process for the memory bound. */
bool limits_group_end(struct limits_group *group);

#endif
