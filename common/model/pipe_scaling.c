/* The "scaling" object of a pipe. */
#include <jansson.h>

#include "common/model/pipe.h"
#include "common/model/pipe_json.h"

enum {
    SCALING_REPLICAS_MAX = 40,
    SCALING_CPU_MIN_MILLICORES = 125,
    SCALING_CPU_MAX_MILLICORES = 2000,
};
static const double scaling_memory_min_gb = 0.5;
static const double scaling_memory_max_gb = 8;

static void scaling_read_int(
    struct pipe_reader *reader, const struct pipe_node *node, int min, int max, int *ret_value)
{
    if (node->json == NULL) {
        return;
    }
    if (!json_is_integer(node->json)) {
        pipe_problems_add(reader->problems, node->pointer, "must be an integer");
        return;
    }
    json_int_t value = json_integer_value(node->json);
    if (value < min || value > max) {
        /* the words Cloud uses */
        pipe_problems_add(reader->problems, node->pointer, "Not between %d and %d", min, max);
        return;
    }
    *ret_value = (int)value;
}

static void
scaling_read_memory(struct pipe_reader *reader, const struct pipe_node *node, double *ret_value)
{
    if (node->json == NULL) {
        return;
    }
    if (!json_is_number(node->json)) {
        pipe_problems_add(reader->problems, node->pointer, "must be a number");
        return;
    }
    double value = json_number_value(node->json);
    if (value < scaling_memory_min_gb || value > scaling_memory_max_gb) {
        pipe_problems_add(
            reader->problems, node->pointer, "Not between %g and %g", scaling_memory_min_gb,
            scaling_memory_max_gb);
        return;
    }
    *ret_value = value;
}

enum status pipe_scaling_apply_json(
    const json_t *scaling_json, const char *pointer, struct pipe_problems *problems,
    struct pipe_scaling *scaling)
{
    if (scaling_json == NULL || json_is_null(scaling_json)) {
        return ST_OK;
    }
    if (!json_is_object(scaling_json)) {
        pipe_problems_add(problems, pointer, "must be an object");
        return ST_INVALID;
    }
    size_t count_before = problems->count;
    bool had_more = problems->has_more;
    struct pipe_reader reader = {.problems = problems};
    struct pipe_node node = pipe_node_root(scaling_json, pointer);
    struct pipe_scaling wanted = *scaling;
    struct pipe_node member = pipe_json_member(&node, "replicas");
    scaling_read_int(&reader, &member, 1, SCALING_REPLICAS_MAX, &wanted.replicas);
    member = pipe_json_member(&node, "replicaCpuMillicores");
    scaling_read_int(
        &reader, &member, SCALING_CPU_MIN_MILLICORES, SCALING_CPU_MAX_MILLICORES,
        &wanted.cpu_millicores);
    member = pipe_json_member(&node, "replicaMemoryGb");
    scaling_read_memory(&reader, &member, &wanted.memory_gb);
    if (problems->count != count_before || problems->has_more != had_more) {
        return ST_INVALID;
    }
    *scaling = wanted;
    return ST_OK;
}
