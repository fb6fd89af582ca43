# penstock-worker with a replica and a probe that follow a script, and the tests of its supervisor.
add_executable(scripted-worker ${CMAKE_SOURCE_DIR}/worker/main.c
    ${CMAKE_SOURCE_DIR}/tests/process/scripted_replica.c)
# replica and probe: only their doors' headers, none of their code.
target_include_directories(scripted-worker PRIVATE ${PENSTOCK_ROOTS}/replica ${PENSTOCK_ROOTS}/probe)
target_link_libraries(scripted-worker PRIVATE supervisor penstock_warnings penstock_hardening)
add_executable(test-migrate ${CMAKE_SOURCE_DIR}/tests/process/migrate.c)
target_link_libraries(test-migrate PRIVATE store penstock_warnings penstock_hardening)
# The next version of the real one, for upgrades: the same but for its name.
set(next_main ${CMAKE_CURRENT_BINARY_DIR}/next_version_main.c)
file(WRITE ${next_main}.new "/* Made by tests/process/supervisor.cmake. */\n#undef PENSTOCK_VERSION\n"
    "#define PENSTOCK_VERSION \"next\"\n#include \"${CMAKE_SOURCE_DIR}/worker/main.c\"\n")
configure_file(${next_main}.new ${next_main} COPYONLY)
add_executable(penstock-worker-next ${next_main})
target_link_libraries(penstock-worker-next PRIVATE supervisor replica probe penstock_warnings
    penstock_hardening)
penstock_test_program(scripted-worker test-migrate penstock-worker-next)
penstock_pytest(supervisor process 900 tests/process/supervisor_test.py)
penstock_pytest(hosts process 240 tests/process/supervisor_hosts_test.py)
penstock_pytest(calm process 180 tests/process/supervisor_calm_test.py)
penstock_pytest(limits process 180 tests/process/supervisor_limits_test.py)
