# common/clickhouse against a real ClickHouse.
add_executable(clickhouse_process_test
    ${CMAKE_SOURCE_DIR}/tests/process/clickhouse/clickhouse_test.c)
penstock_include_root(unit_header tests/unit)
target_include_directories(clickhouse_process_test PRIVATE ${PENSTOCK_ROOTS}/unit_header)
target_link_libraries(clickhouse_process_test PRIVATE clickhouse PkgConfig::CMOCKA PkgConfig::LZ4
    PkgConfig::ZSTD penstock_warnings penstock_hardening)
penstock_test_program(clickhouse_process_test penstock-dev-clickhouse)
penstock_pytest(clickhouse process 180 tests/process/clickhouse_test.py)
