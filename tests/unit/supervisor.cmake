# The protocol, the supervisor and the pipe state table.
penstock_unit_test(model_pipe_state_test tests/unit/common/model/pipe_state_test.c model)
penstock_unit_test(protocol_test tests/unit/worker/protocol/protocol_test.c protocol
    Threads::Threads)
foreach(room assign restart capacity environment child limits metrics_server)
    penstock_unit_test(supervisor_${room}_test tests/unit/worker/supervisor/${room}_test.c
        supervisor)
endforeach()

# These call the store: a fake takes its place at link time.
foreach(room outbox report flush)
    penstock_unit_test(supervisor_${room}_test tests/unit/worker/supervisor/${room}_test.c
        supervisor)
    target_sources(supervisor_${room}_test PRIVATE
        ${CMAKE_SOURCE_DIR}/tests/unit/worker/supervisor/fake_store.c)
endforeach()

# What child_test starts in place of a replica.
add_executable(fake_child ${CMAKE_SOURCE_DIR}/tests/unit/worker/supervisor/fake_child.c)
target_link_libraries(fake_child PRIVATE protocol penstock_warnings penstock_hardening)
target_compile_definitions(supervisor_child_test PRIVATE
    FAKE_CHILD_PATH="$<TARGET_FILE:fake_child>")
add_dependencies(supervisor_child_test fake_child)
