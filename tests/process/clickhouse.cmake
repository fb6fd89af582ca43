# common/clickhouse against a real ClickHouse.
penstock_include_root(unit_header tests/unit)
penstock_include_root(clickhouse_server tests/process/clickhouse)
foreach(room clickhouse preflight)
    add_executable(${room}_process_test
        ${CMAKE_SOURCE_DIR}/tests/process/clickhouse/${room}_test.c)
    target_include_directories(${room}_process_test PRIVATE ${PENSTOCK_ROOTS}/unit_header
        ${PENSTOCK_ROOTS}/clickhouse_server)
    target_link_libraries(${room}_process_test PRIVATE clickhouse PkgConfig::CMOCKA PkgConfig::LZ4
        PkgConfig::ZSTD penstock_warnings penstock_hardening)
    penstock_test_program(${room}_process_test)
endforeach()
penstock_test_program(penstock-dev-clickhouse)
penstock_pytest(clickhouse process 180 tests/process/clickhouse_test.py)
