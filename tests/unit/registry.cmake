# The replica's schema registry, against a scripted server.
foreach(room registry_read registry)
    penstock_unit_test(replica_${room}_test tests/unit/worker/replica/registry/${room}_test.c
        replica script_server)
endforeach()
