# The probe's pure parts.
foreach(room text_kind shape avro_fields)
    penstock_unit_test(probe_${room}_test tests/unit/worker/probe/infer/${room}_test.c probe)
endforeach()
penstock_unit_test(probe_cell_json_test tests/unit/worker/probe/cell_json_test.c probe)
penstock_unit_test(probe_cursor_test tests/unit/worker/probe/replay/cursor_test.c probe)
foreach(room replay_rows replay_sql)
    penstock_unit_test(clickhouse_${room}_test tests/unit/common/clickhouse/${room}_test.c clickhouse)
endforeach()
