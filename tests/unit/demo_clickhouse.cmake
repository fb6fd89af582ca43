if(TARGET dev_clickhouse)
    foreach(room split decode fault auth arguments format_type data_directory)
        penstock_unit_test(demo_clickhouse_${room}_test tests/unit/demo/clickhouse/${room}_test.c
            dev_clickhouse)
    endforeach()
endif()
