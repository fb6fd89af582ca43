foreach(room dice text order malformed stats)
    penstock_unit_test(demo_${room}_test tests/unit/demo/generator/${room}_test.c
        demo_generator PkgConfig::JANSSON)
endforeach()
penstock_unit_test(demo_atomic_file_test tests/unit/demo/support/atomic_file_test.c demo_support)
penstock_unit_test(demo_commands_test tests/unit/demo/kafka/commands_test.c dev_kafka)
