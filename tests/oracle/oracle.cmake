# The filter of the independent oracle (oracle_test.py): our decoder and blocks without Kafka.
add_executable(penstock-encode ${CMAKE_SOURCE_DIR}/tests/oracle/encode.c)
target_link_libraries(penstock-encode PRIVATE replica penstock_warnings penstock_hardening)
penstock_test_program(penstock-encode)
penstock_pytest(cells oracle 600 tests/oracle/oracle_test.py)
penstock_pytest(generated oracle 600 tests/oracle/generated_test.py)
penstock_pytest(mapping oracle 600 tests/oracle/mapping_test.py)
# The official JSON Schema suite against our validator.
add_executable(penstock-validate ${CMAKE_SOURCE_DIR}/tests/oracle/validate.c)
target_link_libraries(penstock-validate PRIVATE replica penstock_warnings penstock_hardening)
penstock_test_program(penstock-validate)
penstock_pytest(json_schema oracle 300 tests/oracle/json_schema_test.py)
penstock_pytest(defaults oracle 600 tests/oracle/defaults_test.py)
penstock_pytest(nested oracle 600 tests/oracle/nested_test.py)
