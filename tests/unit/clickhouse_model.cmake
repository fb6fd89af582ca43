# The pipe model, the HTTP client, and ClickHouse's requests, answers and SQL.
penstock_unit_test(base_utf8_test tests/unit/common/base/utf8_test.c base)
penstock_unit_test(base_base64_test tests/unit/common/base/base64_test.c base)
penstock_unit_test(model_pipe_spec_test tests/unit/common/model/pipe_spec_test.c model)
penstock_unit_test(model_registry_url_test tests/unit/common/model/registry_url_test.c model)
penstock_unit_test(model_pipe_settings_test tests/unit/common/model/pipe_settings_test.c model)
penstock_unit_test(model_header_json_test tests/unit/common/model/header_json_test.c model)
penstock_unit_test(model_pipe_mapping_test tests/unit/common/model/pipe_mapping_test.c model)
penstock_unit_test(model_certificate_test tests/unit/common/model/certificate_test.c model)
penstock_unit_test(model_guarantee_test tests/unit/common/model/guarantee_test.c model)
add_library(script_server STATIC ${CMAKE_SOURCE_DIR}/tests/unit/common/http/script_server.c)
penstock_include_root(unit_header tests/unit)
target_include_directories(script_server PRIVATE ${PENSTOCK_ROOTS}/unit_header)
target_link_libraries(script_server PRIVATE penstock_warnings penstock_hardening
    PUBLIC Threads::Threads)
penstock_unit_test(http_response_test tests/unit/common/http/http_response_test.c http)
penstock_unit_test(http_test tests/unit/common/http/http_test.c http script_server)
foreach(room answer client ddl describe error_table log_table preflight range_sql user kafka_engine
        table_change)
    penstock_unit_test(clickhouse_${room}_test tests/unit/common/clickhouse/${room}_test.c
        clickhouse script_server)
endforeach()
