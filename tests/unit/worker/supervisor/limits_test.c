/* What limits_init makes of what it finds, on folders that look like control groups; the kernel's
 * part is tested by process/limits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/supervisor/limits.h"

static const struct limits_wanted everything = {.has_memory = true, .has_cpu = true};

enum {
    PATH_BYTES = 400,
    TEXT_BYTES = 256,
};

static char root[] = "/tmp/penstock-limits-XXXXXX";

static void path_in(char ret_path[PATH_BYTES], const char *name)
{
    (void)snprintf(ret_path, PATH_BYTES, "%s/%s", root, name); /* short names */
}

static void make_folder(const char *name)
{
    char path[PATH_BYTES];
    path_in(path, name);
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static void make_file(const char *name, const char *text)
{
    char path[PATH_BYTES];
    path_in(path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

/* A group of ours, with its files: the kernel makes them, here the test does. */
static void make_group(const char *folder, int number, const char *const *files, size_t count)
{
    char name[TEXT_BYTES];
    (void)snprintf(name, sizeof(name), "%s/penstock-%d-%d", folder, (int)getpid(), number);
    make_folder(name);
    for (size_t i = 0; i < count; i++) {
        char file[PATH_BYTES];
        (void)snprintf(file, sizeof(file), "%s/%s", name, files[i]);
        make_file(file, "");
    }
}

static void assert_group_file(const char *folder, int number, const char *file, const char *text)
{
    char name[PATH_BYTES];
    (void)snprintf(name, sizeof(name), "%s/penstock-%d-%d/%s", folder, (int)getpid(), number, file);
    char path[PATH_BYTES * 2];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    char got[TEXT_BYTES] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    assert_int_equal(close(fd), 0);
    assert_string_equal(got, text);
}

static void start(void)
{
    memcpy(root, "/tmp/penstock-limits-XXXXXX", sizeof(root));
    assert_non_null(mkdtemp(root));
}

static void finish(void)
{
    char name[] = "rm";
    char option[] = "-rf";
    char *const arguments[] = {name, option, root, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        (void)execvp(name, arguments);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void without_control_groups_a_process_is_bounded_weakly(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "nonsense", "::", "0::/nowhere\n", "4:memory:/a\n1:cpu:/\n", "4:memory:"};
    start();
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct limits limits;
        limits_init(&limits, root, texts[i], &everything);
        assert_true(limits_are_weak(&limits));
        assert_string_equal(limits_memory_text(&limits), "data_segment");
        assert_string_equal(limits_cpu_text(&limits), "nice");
        struct limits_group group;
        struct err err = {.status = ST_OK};
        assert_int_equal(limits_group_make(&limits, 0.5, 125, &group, &err), ST_OK);
        assert_int_equal(group.data_bytes, (512 + LIMITS_STACKS_MB) * 1024LL * 1024);
        assert_int_equal(group.nice, LIMITS_NICE);
        assert_false(limits_group_end(&group));
    }
    finish();
}

static void a_child_joins_the_weak_bounds(void **state)
{
    (void)state;
    struct limits_group group;
    limits_group_init(&group);
    group.data_bytes = 1 << 30;
    group.nice = LIMITS_NICE;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit data;
        const bool is_joined = limits_group_join(&group) && getrlimit(RLIMIT_DATA, &data) == 0;
        _exit(
            is_joined && data.rlim_cur == 1 << 30 && getpriority(PRIO_PROCESS, 0) == LIMITS_NICE
                ? 0
                : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_is_not_wanted_is_off(void **state)
{
    (void)state;
    struct limits limits;
    const struct limits_wanted nothing = {.has_memory = false};
    limits_init(&limits, "/nonexistent", "0::/\n", &nothing);
    assert_false(limits_are_weak(&limits));
    assert_string_equal(limits_memory_text(&limits), "off");
    assert_string_equal(limits_cpu_text(&limits), "off");
    struct limits_group group;
    assert_int_equal(limits_group_make(&limits, 0.5, 125, &group, NULL), ST_OK);
    assert_int_equal(group.data_bytes, 0);
    assert_int_equal(group.nice, 0);
    assert_true(limits_group_join(&group));
    const struct limits_wanted memory = {.has_memory = true};
    limits_init(&limits, "/nonexistent", "0::/\n", &memory);
    assert_true(limits_are_weak(&limits));
    assert_string_equal(limits_cpu_text(&limits), "off");
}

static void v2_gives_one_group_with_both(void **state)
{
    (void)state;
    static const char *const files[] = {"cgroup.procs",     "memory.max", "memory.swap.max",
                                        "memory.oom.group", "cpu.max",    "memory.events"};
    start();
    make_folder("system.slice");
    make_file("system.slice/cgroup.controllers", "cpuset cpu io memory pids\n");
    make_file("system.slice/cgroup.subtree_control", "memory cpu\n");
    struct limits limits;
    limits_init(&limits, root, "0::/system.slice\n", &everything);
    assert_string_equal(limits_memory_text(&limits), "cgroup2");
    assert_string_equal(limits_cpu_text(&limits), "cgroup2");
    make_group("system.slice", 1, files, ARRAY_LEN(files));
    struct limits_group group;
    struct err err = {.status = ST_OK};
    assert_int_equal(limits_group_make(&limits, 1.5, 250, &group, &err), ST_OK);
    assert_group_file("system.slice", 1, "memory.max", "1610612736");
    assert_group_file("system.slice", 1, "memory.swap.max", "0");
    assert_group_file("system.slice", 1, "memory.oom.group", "1");
    assert_group_file("system.slice", 1, "cpu.max", "25000 100000");
    assert_true(limits_group_join(&group));
    assert_group_file("system.slice", 1, "cgroup.procs", "0");
    make_group("system.slice", 1, files, 1);
    char events[TEXT_BYTES];
    (void)snprintf(
        events, sizeof(events), "system.slice/penstock-%d-1/memory.events", (int)getpid());
    make_file(events, "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\n");
    assert_true(limits_group_end(&group));
    make_file(events, "low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\n");
    /* A group that cannot be made is an error, and leaves nothing open. */
    assert_int_equal(limits_group_make(&limits, 1.5, 250, &group, &err), ST_IO);
    finish();
}

static void v2_needs_both_controllers(void **state)
{
    (void)state;
    start();
    make_file("cgroup.controllers", "cpuset io memory pids hugetlb\n");
    make_file("cgroup.subtree_control", "memory\n");
    struct limits limits;
    limits_init(&limits, root, "0::/\n", &everything);
    assert_true(limits_are_weak(&limits));
    finish();
}

static void v1_has_a_folder_per_controller(void **state)
{
    (void)state;
    static const char *const memory_files[] = {
        "cgroup.procs", "memory.limit_in_bytes", "memory.oom_control"};
    static const char *const cpu_files[] = {
        "cgroup.procs", "cpu.cfs_period_us", "cpu.cfs_quota_us"};
    start();
    make_folder("memory");
    make_folder("memory/a");
    make_folder("cpu"); /* the path of this controller is not visible here */
    make_group("memory/a", 0, memory_files, ARRAY_LEN(memory_files));
    make_group("cpu", 0, cpu_files, ARRAY_LEN(cpu_files));
    struct limits limits;
    limits_init(
        &limits, root, "9:name=systemd:/\n4:memory:/a\n2:cpuacct,cpu:/host/path\n0::/\n",
        &everything);
    assert_string_equal(limits_memory_text(&limits), "cgroup1");
    assert_string_equal(limits_cpu_text(&limits), "cgroup1");
    make_group("memory/a", 1, memory_files, ARRAY_LEN(memory_files));
    make_group("cpu", 1, cpu_files, ARRAY_LEN(cpu_files));
    struct limits_group group;
    struct err err = {.status = ST_OK};
    assert_int_equal(limits_group_make(&limits, 0.5, 125, &group, &err), ST_OK);
    assert_group_file("memory/a", 1, "memory.limit_in_bytes", "536870912");
    assert_group_file("cpu", 1, "cpu.cfs_period_us", "100000");
    assert_group_file("cpu", 1, "cpu.cfs_quota_us", "12500");
    assert_true(limits_group_join(&group));
    assert_group_file("memory/a", 1, "cgroup.procs", "0");
    assert_group_file("cpu", 1, "cgroup.procs", "0");
    assert_false(limits_group_end(&group));
    finish();
}

static void groups_of_dead_supervisors_go(void **state)
{
    (void)state;
    start();
    pid_t dead = fork();
    if (dead == 0) {
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(dead, &status, 0), dead);
    make_file("cgroup.controllers", "cpu memory\n");
    make_file("cgroup.subtree_control", "cpu memory\n");
    char left[TEXT_BYTES];
    char own[TEXT_BYTES];
    (void)snprintf(left, sizeof(left), "penstock-%d-7", (int)dead);
    (void)snprintf(own, sizeof(own), "penstock-%d-7", (int)getpid());
    make_folder(left);
    make_folder(own);
    make_folder("penstock-x");
    struct limits limits;
    limits_init(&limits, root, "0::/\n", &everything);
    char path[PATH_BYTES];
    path_in(path, left);
    assert_int_not_equal(access(path, F_OK), 0);
    path_in(path, own);
    assert_int_equal(access(path, F_OK), 0);
    path_in(path, "penstock-x");
    assert_int_equal(access(path, F_OK), 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_control_groups_a_process_is_bounded_weakly),
        cmocka_unit_test(a_child_joins_the_weak_bounds),
        cmocka_unit_test(what_is_not_wanted_is_off),
        cmocka_unit_test(v2_gives_one_group_with_both),
        cmocka_unit_test(v2_needs_both_controllers),
        cmocka_unit_test(v1_has_a_folder_per_controller),
        cmocka_unit_test(groups_of_dead_supervisors_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
