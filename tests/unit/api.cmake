# The api's rooms and the metrics.
foreach(room dispatch routes store_pool)
    penstock_unit_test(api_${room}_test tests/unit/api/${room}_test.c api_rooms)
endforeach()
foreach(room router auth request reply stats server connections rate_limit)
    penstock_unit_test(api_http_${room}_test tests/unit/api/http/${room}_test.c api_rooms)
endforeach()
foreach(file pipe_wire pipe_patch time_wire summary_wire errors_wire service_wire prometheus_wire
        yaml_wire)
    penstock_unit_test(api_wire_${file}_test tests/unit/api/wire/${file}_test.c api_rooms)
endforeach()
penstock_unit_test(metrics_prometheus_test tests/unit/common/metrics/prometheus_test.c metrics)
penstock_unit_test(metrics_latency_test tests/unit/common/metrics/latency_test.c metrics protocol)
penstock_unit_test(metrics_inserts_test tests/unit/common/metrics/inserts_test.c metrics)
