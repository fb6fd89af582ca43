/* Files are replaced whole or not at all, and nothing is left beside them. */

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo/support/atomic_file.h"
#include "tests/unit/unit.h"

struct place {
    char folder[40];
    char path[64];
};

static int make_place(void **state)
{
    static struct place place;
    (void)snprintf(place.folder, sizeof(place.folder), "/tmp/penstock-file-XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    (void)snprintf(place.path, sizeof(place.path), "%s/it", place.folder);
    *state = &place;
    return 0;
}

static int drop_place(void **state)
{
    const struct place *place = *state;
    (void)unlink(place->path);
    return rmdir(place->folder); /* fails if a temporary file was left */
}

static void check_contents(const char *path, const char *expected)
{
    char bytes[64] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t got = fread(bytes, 1, sizeof(bytes) - 1, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(got, strlen(expected));
    assert_string_equal(bytes, expected);
}

static void file_is_made_and_replaced(void **state)
{
    const struct place *place = *state;
    assert_int_equal(atomic_file_write(place->path, "a longer text\n", NULL), ST_OK);
    check_contents(place->path, "a longer text\n");
    assert_int_equal(atomic_file_write(place->path, "short\n", NULL), ST_OK);
    check_contents(place->path, "short\n");
    assert_int_equal(atomic_file_write(place->path, "", NULL), ST_OK);
    check_contents(place->path, "");
}

static void a_folder_in_the_way_is_reported_and_nothing_left(void **state)
{
    const struct place *place = *state;
    assert_int_equal(mkdir(place->path, 0700), 0);
    struct err err = {0};
    assert_int_equal(atomic_file_write(place->path, "x", &err), ST_IO);
    assert_non_null(strstr(err.text, "cannot rename"));
    assert_int_equal(rmdir(place->path), 0);
}

static void a_path_too_long_is_refused(void **state)
{
    (void)state;
    static char path[PATH_MAX + 10];
    memset(path, 'a', sizeof(path) - 1);
    assert_int_equal(atomic_file_write(path, "x", NULL), ST_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(file_is_made_and_replaced, make_place, drop_place),
        cmocka_unit_test_setup_teardown(
            a_folder_in_the_way_is_reported_and_nothing_left, make_place, drop_place),
        cmocka_unit_test(a_path_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
