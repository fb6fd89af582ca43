# Avro against ClickHouse's own reader, and messages of official serializers.
penstock_pytest(avro oracle 600 tests/oracle/avro_oracle_test.py)
penstock_pytest(avro_golden oracle 300 tests/oracle/avro_golden_test.py)
# avro-c's generic reader, a second opinion; nothing of ours links it.
find_library(AVRO_LIBRARY avro)
find_path(AVRO_INCLUDE avro.h)
if(AVRO_LIBRARY AND AVRO_INCLUDE)
    add_executable(penstock-avro-generic ${CMAKE_SOURCE_DIR}/tests/oracle/avro_generic.c)
    target_include_directories(penstock-avro-generic PRIVATE ${AVRO_INCLUDE})
    target_link_libraries(penstock-avro-generic PRIVATE ${AVRO_LIBRARY} penstock_warnings
        penstock_hardening)
    penstock_test_program(penstock-avro-generic)
    penstock_pytest(avro_generic oracle 300 tests/oracle/avro_generic_test.py)
else()
    message(STATUS "avro-c not found: the comparison with its reader is not configured")
endif()
