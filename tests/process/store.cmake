# common/pg and common/store against a real PostgreSQL, and the commands of penstock-api.
add_library(store_fixture STATIC ${CMAKE_SOURCE_DIR}/tests/process/store/fixture.c)
penstock_include_root(unit_header tests/unit)
penstock_include_root(store_fixture tests/process/store)
target_include_directories(store_fixture PUBLIC ${PENSTOCK_ROOTS}/unit_header
    ${PENSTOCK_ROOTS}/store_fixture)
target_link_libraries(store_fixture PUBLIC store PkgConfig::CMOCKA Threads::Threads
    PRIVATE penstock_warnings penstock_hardening)
foreach(room pg migrate services pipes leftovers mappings guarantees leases runtime summary probes rotate samples)
    add_executable(store_${room}_test ${CMAKE_SOURCE_DIR}/tests/process/store/${room}_test.c)
    target_link_libraries(store_${room}_test PRIVATE store_fixture penstock_warnings
        penstock_hardening)
    penstock_test_program(store_${room}_test)
    list(APPEND store_tests $<TARGET_FILE:store_${room}_test>)
endforeach()
add_test(NAME process/store COMMAND ${PENSTOCK_PYTHON} -m tests.process.with_postgres ${store_tests}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(process/store PROPERTIES LABELS process TIMEOUT 180
    ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
penstock_pytest(api_commands process 180 tests/process/api_commands_test.py)
