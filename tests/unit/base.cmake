foreach(room status err buf secret clock backoff parse uuid log percent zone zone_rule listen json_text)
    penstock_unit_test(base_${room}_test tests/unit/common/base/${room}_test.c base)
endforeach()
