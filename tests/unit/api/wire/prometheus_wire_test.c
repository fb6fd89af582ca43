/* The Prometheus page: labels of every series, families together, values of one pipe. */
#include <string.h>

#include "common/metrics/inserts.h"

#include "api/wire/prometheus_wire.h"
#include "tests/unit/unit.h"

static char ID[] = "p1";
static char SERVICE[] = "s1";
static char NAME[] = "a \"name\"";
static char VERSION[] = "26.7";
static char TOPIC[] = "t";

#define LABELS                                                                                     \
    "{clickhouse_org=\"o1\",clickhouse_service=\"s1\",clickhouse_service_name=\"a "                \
    "\\\"name\\\"\",clickpipe_id=\"p1\",clickpipe_name=\"a "                                       \
    "\\\"name\\\"\",clickpipe_source=\"confluent\""

static void page_of_one_pipe(void **state)
{
    (void)state;
    struct pipe_row pipe = {
        .id = ID,
        .service_id = SERVICE,
        .name = NAME,
        .definition = json_pack("{s:{s:{s:s}}}", "source", "kafka", "type", "confluent"),
        .scaling = {2, 250, 0.5},
        .facts = {.is_wanted = true, .was_ready = true},
    };
    struct service_row service = {.id = SERVICE, .name = NAME, .clickhouse_version = VERSION};
    struct runtime_replica_row replicas[3] = {
        {.replica_index = 0, .is_live = true, .memory_bytes = 100, .cpu_millicores = 10},
        {.replica_index = 1, .is_live = true, .memory_bytes = 300, .cpu_millicores = 20},
        {.replica_index = 2,
         .is_live = false,
         .memory_bytes = 900,
         .restarts = 4,
         .cpu_us = 1500000},
    };
    struct runtime_partition_row partition = {
        .topic = TOPIC, .partition = 5, .committed = 4, .end_offset = 10};
    struct runtime_summary runtime = {
        .pipe_id = ID,
        .counters = {.sent_records = 7, .rejected_records = 2, .batches_rows = 3},
        .latency_max_ms = 3,
        .replicas = replicas,
        .replicas_count = 3,
        .partitions = &partition,
        .partitions_count = 1,
    };
    runtime.latency_counts[2] = 8; /* up to 3 ms */
    runtime.insert_numbers[INSERT_SUM_MS] = 2500;
    runtime.insert_numbers[INSERT_FIRST_LATENCY + 2] = 9;
    runtime.insert_numbers[INSERT_FIRST_LATENCY + INSERT_LATENCIES - 1] = 1;
    runtime.insert_numbers[INSERT_LATENCY_SUM_MS] = 10000027;
    runtime.insert_numbers[INSERT_FIRST_BUCKET + 1] = 4; /* up to 30 ms */
    runtime.insert_numbers[INSERT_FIRST_CODE] = 3;       /* without a number */
    struct service_rows services = {&service, 1};
    struct pipe_rows pipes = {&pipe, 1};
    struct runtime_summaries summaries = {&runtime, 1};
    struct prometheus_page page = {"o1", &services, &pipes, &summaries};
    struct buf text;
    buf_init(&text, 1 << 20);
    assert_int_equal(wire_prometheus_write(&page, &text), ST_OK);
    static const char *const lines[] = {
        "\nClickPipes_Info" LABELS ",clickpipe_state=\"Running\",clickpipe_status=\"Running\"} 1\n",
        "\nClickPipes_SentEvents_Total" LABELS "} 7\n",
        "\nClickPipes_Errors_Total" LABELS "} 2\n",
        "\nClickPipes_Latency" LABELS "} 3\n",
        "\nClickPipes_Replica_CPUUsage" LABELS "} 15\n",
        "\nClickPipes_Replica_CPULimit" LABELS "} 250\n",
        "\nClickPipes_Replica_MemoryUsage" LABELS "} 200\n",
        "\nClickPipes_Replica_MemoryLimit" LABELS "} 536870912\n",
        "\npenstock_pipe_lag_records" LABELS ",topic=\"t\",partition=\"5\"} 6\n",
        "\npenstock_pipe_latency_seconds_bucket" LABELS ",le=\"0.002\"} 0\n",
        "\npenstock_pipe_latency_seconds_bucket" LABELS ",le=\"0.003\"} 9\n",
        "\npenstock_pipe_latency_seconds_bucket" LABELS ",le=\"8388.608\"} 9\n",
        "\npenstock_pipe_latency_seconds_bucket" LABELS ",le=\"+Inf\"} 10\n",
        "\npenstock_pipe_latency_seconds_count" LABELS "} 10\n",
        "\npenstock_pipe_latency_seconds_sum" LABELS "} 10000.027\n",
        "\npenstock_batches_total" LABELS ",reason=\"rows\"} 3\n",
        "\npenstock_replica_restarts_total" LABELS ",replica=\"2\"} 4\n",
        "\npenstock_insert_duration_seconds_bucket" LABELS ",le=\"0.01\"} 0\n",
        "\npenstock_insert_duration_seconds_bucket" LABELS ",le=\"0.03\"} 4\n",
        "\npenstock_insert_duration_seconds_bucket" LABELS ",le=\"+Inf\"} 4\n",
        "\npenstock_insert_duration_seconds_sum" LABELS "} 2.5\n",
        "\npenstock_insert_retries_total" LABELS ",code=\"none\"} 3\n",
        "\npenstock_insert_retries_total" LABELS ",code=\"252\"} 0\n",
        "\npenstock_replica_cpu_seconds_total" LABELS ",replica=\"2\"} 1.5\n",
        "scrape=\"full\"} 1\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        if (strstr(buf_text(&text), lines[i]) == NULL) {
            fail_msg("no line %s in\n%s", lines[i], buf_text(&text));
        }
    }
    const char *type = strstr(buf_text(&text), "# TYPE ClickPipes_Info gauge\n");
    assert_non_null(type);
    assert_null(strstr(type + 1, "# TYPE ClickPipes_Info "));
    buf_done(&text);
    json_decref(pipe.definition);
}

static void page_without_pipes(void **state)
{
    (void)state;
    struct service_rows services = {NULL, 0};
    struct pipe_rows pipes = {NULL, 0};
    struct runtime_summaries summaries = {NULL, 0};
    struct prometheus_page page = {"o1", &services, &pipes, &summaries};
    struct buf text;
    buf_init(&text, 1 << 16);
    assert_int_equal(wire_prometheus_write(&page, &text), ST_OK);
    assert_non_null(strstr(buf_text(&text), "# TYPE ClickPipes_Info gauge\n"));
    assert_null(strstr(buf_text(&text), "clickpipe_id"));
    buf_done(&text);
    buf_init(&text, 100);
    assert_int_equal(wire_prometheus_write(&page, &text), ST_TOO_LARGE);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_of_one_pipe),
        cmocka_unit_test(page_without_pipes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
