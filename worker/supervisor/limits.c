/*
 * Control groups and what stands in for them. Formats: Linux, Documentation/admin-guide/cgroup-v2
 * and cgroup-v1/memory, and Documentation/scheduler/sched-bwc.
 */
#include "worker/supervisor/limits.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/parse.h"

#define GROUP_PREFIX "penstock-"
static const double bytes_per_gb = 1024.0 * 1024.0 * 1024.0;

enum {
    FILE_BYTES = 4096,
    NUMBER_BYTES = 64,
};

/* A path of pieces; false, and an empty path, if it does not fit. */
static bool join(char ret_path[LIMITS_PATH_BYTES], const char *a, const char *b, const char *c)
{
    const char *const pieces[] = {a, b, c};
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        const size_t piece_bytes = strlen(pieces[i]);
        if (piece_bytes >= LIMITS_PATH_BYTES - used) {
            ret_path[0] = '\0';
            return false;
        }
        memcpy(ret_path + used, pieces[i], piece_bytes);
        used += piece_bytes;
    }
    ret_path[used] = '\0';
    return true;
}

static bool file_read(const char *folder, const char *name, char ret_text[FILE_BYTES])
{
    char path[LIMITS_PATH_BYTES];
    ret_text[0] = '\0';
    if (!join(path, folder, "/", name)) {
        return false;
    }
    CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, ret_text, FILE_BYTES - 1);
    ret_text[got > 0 ? got : 0] = '\0';
    return got >= 0;
}

static bool file_write(const char *folder, const char *name, const char *text)
{
    char path[LIMITS_PATH_BYTES];
    if (!join(path, folder, "/", name)) {
        return false;
    }
    CLEANUP(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool folder_make(const char *path)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST; /* of an earlier process with our pid */
}

/* True if the names from `from` to `end` (separated by commas) have this one. */
static bool has_controller(const char *from, const char *end, const char *controller)
{
    const size_t wanted_bytes = strlen(controller);
    while (from <= end) {
        const size_t name_bytes = strcspn(from, ",:");
        if (name_bytes == wanted_bytes && memcmp(from, controller, name_bytes) == 0) {
            return true;
        }
        from += name_bytes + 1;
    }
    return false;
}

/* The path of this process in a hierarchy: the line "<id>:<controllers>:<path>" of
 * /proc/self/cgroup that names the controller; v2's names none. False if there is none. */
static bool
path_of(const char *groups_text, const char *controller, char ret_path[LIMITS_PATH_BYTES])
{
    for (const char *line = groups_text; *line != '\0';) {
        const size_t line_bytes = strcspn(line, "\n");
        const char *names = memchr(line, ':', line_bytes);
        const char *path =
            names == NULL ? NULL : memchr(names + 1, ':', line_bytes - (size_t)(names + 1 - line));
        if (path != NULL && has_controller(names + 1, path, controller)) {
            const size_t path_bytes = line_bytes - (size_t)(path + 1 - line);
            if (path_bytes == 0 || path_bytes >= LIMITS_PATH_BYTES) {
                return false;
            }
            memcpy(ret_path, path + 1, path_bytes);
            ret_path[path_bytes] = '\0';
            return true;
        }
        line += line_bytes + (line[line_bytes] == '\n');
    }
    return false;
}

/* True if the list of words has this one. */
static bool has_word(const char *list, const char *word)
{
    const size_t word_bytes = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += word_bytes) {
        const bool is_begin = at == list || at[-1] == ' ';
        if (is_begin && strchr(" \n", at[word_bytes]) != NULL) {
            return true;
        }
    }
    return false;
}

/* Remove the empty groups of supervisors that are gone: "penstock-<pid>-<number>". */
static void clean_up(const char *folder)
{
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        return;
    }
    const struct dirent *entry = NULL;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own
    while ((entry = readdir(entries)) != NULL) {
        if (strncmp(entry->d_name, GROUP_PREFIX, strlen(GROUP_PREFIX)) != 0) {
            continue;
        }
        char number[NUMBER_BYTES];
        (void)snprintf(
            number, sizeof(number), "%s", entry->d_name + strlen(GROUP_PREFIX)); /* cut */
        number[strcspn(number, "-")] = '\0';
        int64_t pid = 0;
        char path[LIMITS_PATH_BYTES];
        if (parse_i64(number, 1, INT32_MAX, &pid) == ST_OK && kill((pid_t)pid, 0) != 0 &&
            errno == ESRCH && join(path, folder, "/", entry->d_name)) {
            (void)rmdir(path); /* one that still has processes stays */
        }
    }
    (void)closedir(entries); /* was open */
}

/* Make sure that groups below folder can have the controllers: they must be passed on, for which
 * the folder itself must have no process. */
static bool delegate(const char *folder)
{
    char text[FILE_BYTES];
    if (!file_read(folder, "cgroup.subtree_control", text)) {
        return false;
    }
    if (has_word(text, "memory") && has_word(text, "cpu")) {
        return true;
    }
    char own[LIMITS_PATH_BYTES];
    char pid[NUMBER_BYTES];
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid()); /* fits */
    if (!join(own, folder, "/" GROUP_PREFIX, pid) || !folder_make(own) ||
        !file_write(own, "cgroup.procs", pid)) {
        return false;
    }
    if (file_write(folder, "cgroup.subtree_control", "+memory +cpu")) {
        return true;
    }
    (void)file_write(folder, "cgroup.procs", pid); /* back where we were */
    (void)rmdir(own);
    return false;
}

/* The folder of v2, also where v1 is mounted beside it ("unified"). */
static bool find_v2(const char *root, const char *groups_text, char ret_folder[LIMITS_PATH_BYTES])
{
    char path[LIMITS_PATH_BYTES];
    if (!path_of(groups_text, "", path)) {
        return false;
    }
    static const char *const mounts[] = {"", "/unified"};
    for (size_t i = 0; i < ARRAY_LEN(mounts); i++) {
        char mount[LIMITS_PATH_BYTES];
        char text[FILE_BYTES];
        if (join(mount, root, mounts[i], "") &&
            join(ret_folder, mount, strcmp(path, "/") == 0 ? "" : path, "") &&
            file_read(ret_folder, "cgroup.controllers", text) && has_word(text, "memory") &&
            has_word(text, "cpu")) {
            return true;
        }
    }
    return false;
}

/* The folder of one controller of v1 if a group can be made in it. */
static bool find_v1(
    const char *root, const char *groups_text, const char *controller,
    char ret_folder[LIMITS_PATH_BYTES])
{
    char path[LIMITS_PATH_BYTES];
    char mount[LIMITS_PATH_BYTES];
    if (!path_of(groups_text, controller, path) || !join(mount, root, "/", controller)) {
        return false;
    }
    /* In a container the path is the host's and may not be visible. */
    const bool has_path = join(ret_folder, mount, strcmp(path, "/") == 0 ? "" : path, "") &&
                          access(ret_folder, W_OK) == 0;
    if (!has_path && !join(ret_folder, mount, "", "")) {
        return false;
    }
    char trial[LIMITS_PATH_BYTES];
    char pid[NUMBER_BYTES];
    (void)snprintf(pid, sizeof(pid), "%d-0", (int)getpid()); /* fits */
    if (!join(trial, ret_folder, "/" GROUP_PREFIX, pid) || !folder_make(trial)) {
        return false;
    }
    const bool can_join = join(mount, trial, "/", "cgroup.procs") && access(mount, W_OK) == 0;
    (void)rmdir(trial); /* empty */
    return can_join;
}

/* Use version 2 for all that is wanted; false where it cannot be had. */
static bool init_v2(
    struct limits *limits, const char *root, const char *groups_text,
    const struct limits_wanted *wanted)
{
    char folder[LIMITS_PATH_BYTES];
    if (!find_v2(root, groups_text, folder)) {
        return false;
    }
    clean_up(folder);
    if (!delegate(folder)) {
        return false;
    }
    limits->memory = wanted->has_memory ? LIMITS_CGROUP2 : LIMITS_OFF;
    limits->cpu = wanted->has_cpu ? LIMITS_CGROUP2 : LIMITS_OFF;
    memcpy(limits->memory_folder, folder, sizeof(folder));
    memcpy(limits->cpu_folder, folder, sizeof(folder));
    return true;
}

void limits_init(
    struct limits *limits, const char *root, const char *groups_text,
    const struct limits_wanted *wanted)
{
    *limits = (struct limits){
        .memory = wanted->has_memory ? LIMITS_PROCESS : LIMITS_OFF,
        .cpu = wanted->has_cpu ? LIMITS_PROCESS : LIMITS_OFF,
    };
    if ((!wanted->has_memory && !wanted->has_cpu) || init_v2(limits, root, groups_text, wanted)) {
        return;
    }
    if (wanted->has_memory && find_v1(root, groups_text, "memory", limits->memory_folder)) {
        limits->memory = LIMITS_CGROUP1;
        clean_up(limits->memory_folder);
    }
    if (wanted->has_cpu && find_v1(root, groups_text, "cpu", limits->cpu_folder)) {
        limits->cpu = LIMITS_CGROUP1;
        clean_up(limits->cpu_folder);
    }
}

void limits_init_here(struct limits *limits, const struct limits_wanted *wanted)
{
    char text[FILE_BYTES];
    (void)file_read("/proc/self", "cgroup", text); /* "" = no control groups */
    limits_init(limits, "/sys/fs/cgroup", text, wanted);
}

bool limits_are_weak(const struct limits *limits)
{
    return limits->memory == LIMITS_PROCESS || limits->cpu == LIMITS_PROCESS;
}

static const char *means_text(enum limits_means means, const char *process)
{
    switch (means) {
    case LIMITS_OFF:
        return "off";
    case LIMITS_CGROUP2:
        return "cgroup2";
    case LIMITS_CGROUP1:
        return "cgroup1";
    case LIMITS_PROCESS:
        return process;
    }
    return "off";
}

const char *limits_memory_text(const struct limits *limits)
{
    return means_text(limits->memory, "data_segment");
}

const char *limits_cpu_text(const struct limits *limits)
{
    return means_text(limits->cpu, "nice");
}

static bool bound_memory(const char *path, enum limits_means means, uint64_t bytes)
{
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes); /* fits */
    if (means == LIMITS_CGROUP2) {
        (void)file_write(path, "memory.swap.max", "0"); /* a kernel without swap has no such file */
        (void)file_write(path, "memory.oom.group", "1"); /* since Linux 4.19 */
        return file_write(path, "memory.max", text);
    }
    const bool is_bound = file_write(path, "memory.limit_in_bytes", text);
    (void)file_write(path, "memory.memsw.limit_in_bytes", text); /* only with swap accounting */
    return is_bound;
}

static bool bound_cpu(const char *path, enum limits_means means, int millicores)
{
    char text[NUMBER_BYTES];
    const long long quota_us = (long long)millicores * LIMITS_CPU_PERIOD_US / 1000;
    if (means == LIMITS_CGROUP2) {
        (void)snprintf(text, sizeof(text), "%lld %d", quota_us, LIMITS_CPU_PERIOD_US); /* fits */
        return file_write(path, "cpu.max", text);
    }
    (void)snprintf(text, sizeof(text), "%d", LIMITS_CPU_PERIOD_US); /* fits */
    const bool has_period = file_write(path, "cpu.cfs_period_us", text);
    (void)snprintf(text, sizeof(text), "%lld", quota_us); /* fits */
    return has_period && file_write(path, "cpu.cfs_quota_us", text);
}

/* Make the folder of a group and open the file by which the child joins. */
static bool
group_open(const char *folder, const char *name, char ret_path[LIMITS_PATH_BYTES], int *ret_fd)
{
    char procs[LIMITS_PATH_BYTES];
    if (!join(ret_path, folder, "/" GROUP_PREFIX, name)) {
        ret_path[0] = '\0';
        return false;
    }
    if (!folder_make(ret_path) || !join(procs, ret_path, "/", "cgroup.procs")) {
        return false;
    }
    *ret_fd = open(procs, O_WRONLY | O_CLOEXEC);
    return *ret_fd >= 0;
}

static bool is_group(enum limits_means means)
{
    return means == LIMITS_CGROUP1 || means == LIMITS_CGROUP2;
}

void limits_group_init(struct limits_group *group)
{
    *group = (struct limits_group){.join_fds = {-1, -1}};
}

/* The groups of one replica, as far as there are any. */
static bool groups_make(
    struct limits *limits, uint64_t memory_bytes, int cpu_millicores, struct limits_group *group)
{
    char name[NUMBER_BYTES];
    limits->last_number = limits->last_number == INT32_MAX ? 1 : limits->last_number + 1;
    (void)snprintf(name, sizeof(name), "%d-%d", (int)getpid(), limits->last_number); /* fits */
    bool is_made = true;
    if (is_group(limits->memory)) {
        is_made =
            group_open(limits->memory_folder, name, group->memory_path, &group->join_fds[0]) &&
            bound_memory(group->memory_path, limits->memory, memory_bytes);
    }
    if (is_made && is_group(limits->cpu) && cpu_millicores > 0) {
        const bool is_shared = limits->memory == LIMITS_CGROUP2;
        is_made =
            (is_shared ||
             group_open(limits->cpu_folder, name, group->cpu_path, &group->join_fds[1])) &&
            bound_cpu(
                is_shared ? group->memory_path : group->cpu_path, limits->cpu, cpu_millicores);
    }
    return is_made;
}

enum status limits_group_make(
    struct limits *limits, double memory_gb, int cpu_millicores, struct limits_group *ret_group,
    struct err *err)
{
    const uint64_t memory_bytes = (uint64_t)(memory_gb * bytes_per_gb);
    struct limits_group group;
    limits_group_init(&group);
    group.memory = limits->memory;
    if (!groups_make(limits, memory_bytes, cpu_millicores, &group)) {
        int why = errno;
        (void)limits_group_end(&group); /* nobody was in it */
        return err_errno(err, ST_IO, why, "cannot make the control group of a replica");
    }
    if (limits->memory == LIMITS_PROCESS && memory_bytes > 0) {
        group.data_bytes = memory_bytes + (uint64_t)LIMITS_STACKS_MB * 1024 * 1024;
    }
    if (limits->cpu == LIMITS_PROCESS) {
        group.nice = LIMITS_NICE;
    }
    *ret_group = group;
    return ST_OK;
}

bool limits_group_join(const struct limits_group *group)
{
    for (size_t i = 0; i < ARRAY_LEN(group->join_fds); i++) {
        if (group->join_fds[i] >= 0 && write(group->join_fds[i], "0", 1) != 1) {
            return false;
        }
    }
    const struct rlimit data = {.rlim_cur = group->data_bytes, .rlim_max = group->data_bytes};
    if (group->data_bytes > 0 && setrlimit(RLIMIT_DATA, &data) != 0) {
        return false;
    }
    return group->nice == 0 || setpriority(PRIO_PROCESS, 0, group->nice) == 0;
}

void limits_group_started(struct limits_group *group)
{
    for (size_t i = 0; i < ARRAY_LEN(group->join_fds); i++) {
        closep(&group->join_fds[i]);
        group->join_fds[i] = -1;
    }
}

/* The count of "oom_kill <n>" in memory.events (v2) or memory.oom_control (v1, since Linux 4.13).
 */
static bool has_oom_kill(const struct limits_group *group)
{
    char text[FILE_BYTES];
    const char *file = group->memory == LIMITS_CGROUP2 ? "memory.events" : "memory.oom_control";
    if (group->memory_path[0] == '\0' || !file_read(group->memory_path, file, text)) {
        return false;
    }
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "oom_kill ", 9) == 0) {
            return line[9] != '0';
        }
    }
    return false;
}

bool limits_group_end(struct limits_group *group)
{
    limits_group_started(group);
    const bool has_killed = has_oom_kill(group);
    if (group->memory_path[0] != '\0') {
        (void)rmdir(group->memory_path); /* a leftover is cleaned up by the next supervisor */
    }
    if (group->cpu_path[0] != '\0') {
        (void)rmdir(group->cpu_path);
    }
    limits_group_init(group);
    return has_killed;
}
