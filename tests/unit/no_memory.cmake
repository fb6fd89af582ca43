# Decode, block building and the schema registry with a heap that refuses the n-th allocation.
function(penstock_failing_heap target)
    target_sources(${target} PRIVATE
        ${CMAKE_SOURCE_DIR}/tests/unit/worker/replica/decode/failing_heap.c)
    foreach(name malloc calloc realloc strdup strndup)
        target_link_options(${target} PRIVATE -Wl,--wrap=${name})
    endforeach()
endfunction()

penstock_unit_test(replica_no_memory_test
    tests/unit/worker/replica/decode/no_memory_test.c replica PkgConfig::JANSSON)
penstock_failing_heap(replica_no_memory_test)
penstock_unit_test(replica_registry_no_memory_test
    tests/unit/worker/replica/registry/registry_no_memory_test.c replica)
penstock_failing_heap(replica_registry_no_memory_test)
