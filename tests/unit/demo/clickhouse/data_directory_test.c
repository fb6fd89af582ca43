/* The data directory before the engine sees it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "demo/clickhouse/data_directory.h"
#include "tests/unit/unit.h"

static char root[] = "/tmp/penstock-unit-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL || chdir(root) != 0;
}

static int remove_root(void **state)
{
    (void)state;
    static const char *const files[] = {"data/engine/metadata/default.sql", "file"};
    static const char *const directories[] = {
        "data/engine/metadata", "data/engine", "data/empty", "data"};
    int failed = chdir(root);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        failed |= unlink(files[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
        failed |= rmdir(directories[i]);
    }
    return failed | rmdir(root);
}

static void read_declaration(char ret_text[200])
{
    int fd = open("../engine/metadata/default.sql", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len = read(fd, ret_text, 199);
    assert_true(len > 0);
    ret_text[len] = 0;
    assert_int_equal(close(fd), 0);
}

static void default_is_declared_once(void **state)
{
    (void)state;
    char first[200];
    char second[200];
    for (int i = 0; i < 2; i++) {
        struct buf path;
        struct err err;
        buf_init(&path, 4096);
        assert_int_equal(chdir(root), 0);
        assert_int_equal(data_directory_prepare("data", &path, &err), ST_OK);
        assert_string_equal(buf_text(&path) + strlen(buf_text(&path)) - 12, "/data/engine");
        assert_int_equal(buf_text(&path)[0], '/');
        buf_done(&path);
        read_declaration(i == 0 ? first : second);
    }
    assert_string_equal(first, second);
    assert_int_equal(strncmp(first, "ATTACH DATABASE _ UUID '", 24), 0);
    assert_non_null(strstr(first, "'\nENGINE = Atomic\n"));
}

static void working_directory_is_the_empty_one(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, 4096);
    assert_int_equal(chdir(root), 0);
    assert_int_equal(data_directory_prepare("data", &path, NULL), ST_OK);
    char *here = realpath(".", NULL);
    assert_string_equal(here + strlen(here) - 11, "/data/empty");
    free(here);
    buf_done(&path);
}

static void what_cannot_be_a_directory_is_said(void **state)
{
    (void)state;
    assert_int_equal(chdir(root), 0);
    int fd = open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(close(fd), 0);
    static const char *const names[] = {"file", "file/data", "nosuch/data"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct buf path;
        struct err err = {.text = ""};
        buf_init(&path, 4096);
        assert_int_equal(data_directory_prepare(names[i], &path, &err), ST_IO);
        assert_non_null(strstr(err.text, names[i]));
        assert_int_equal(path.len_bytes, 0);
    }
    struct buf small;
    buf_init(&small, 3);
    assert_int_equal(data_directory_prepare("data", &small, NULL), ST_TOO_LARGE);
    buf_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_is_declared_once),
        cmocka_unit_test(working_directory_is_the_empty_one),
        cmocka_unit_test(what_cannot_be_a_directory_is_said),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
