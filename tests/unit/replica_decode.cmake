# The type tree, the column builders, and the JSON walk.
penstock_unit_test(clickhouse_type_test tests/unit/common/clickhouse/type_test.c clickhouse)
foreach(room block bytes dictionary compress reject_block)
    penstock_unit_test(replica_${room}_test tests/unit/worker/replica/block/${room}_test.c replica)
endforeach()
foreach(room number datetime float_text decimal_text wide ip_text time_text frame split)
    penstock_unit_test(replica_${room}_test tests/unit/worker/replica/decode/${room}_test.c replica)
endforeach()
penstock_include_root(decode_fixture tests/unit/worker/replica/decode)
add_library(decode_fixture STATIC ${CMAKE_SOURCE_DIR}/tests/unit/worker/replica/decode/fixture.c)
target_include_directories(decode_fixture PUBLIC ${PENSTOCK_ROOTS}/decode_fixture)
target_link_libraries(decode_fixture PUBLIC replica PkgConfig::CMOCKA
    PRIVATE penstock_warnings penstock_hardening)
foreach(room plan decoder decoder_formats json_validity convert)
    penstock_unit_test(replica_${room}_test tests/unit/worker/replica/decode/${room}_test.c
        decode_fixture PkgConfig::JANSSON)
endforeach()
penstock_unit_test(replica_json_schema_test
    tests/unit/worker/replica/decode/validate/json_schema_test.c replica)
