#ifndef WORKER_SUPERVISOR_CAPACITY_H
#define WORKER_SUPERVISOR_CAPACITY_H

/*
 * What this host offers to replicas and how much of it is free. A replica is counted with the size
 * its pipe asks for, whether it uses it or not.
 */

#include <stdbool.h>

struct capacity {
    double memory_gb; /* 0 = unlimited */
    int cpu_millicores;
};

struct capacity_setting {
    bool is_memory_set;
    double memory_gb;
    bool is_cpu_set;
    int cpu_millicores;
};

/* What is set, else what the machine has: its memory and processors, or less where the control
 * group (cgroup v2) of this process allows less. */
struct capacity capacity_of_host(const struct capacity_setting *setting);

/* What is left when used is taken away: never negative, 0 is "nothing"; unlimited stays unlimited,
 * shown as CAPACITY_UNLIMITED. */
#define CAPACITY_UNLIMITED 1e9
struct capacity capacity_left(const struct capacity *offered, const struct capacity *used);

#endif
