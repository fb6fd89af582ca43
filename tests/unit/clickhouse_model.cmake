# The pipe model, the HTTP client, and ClickHouse's requests, answers and SQL.
penstock_unit_test(base_utf8_test tests/unit/common/base/utf8_test.c base)
penstock_unit_test(base_base64_test tests/unit/common/base/base64_test.c base)
penstock_unit_test(model_pipe_spec_test tests/unit/common/model/pipe_spec_test.c model)
penstock_unit_test(model_pipe_settings_test tests/unit/common/model/pipe_settings_test.c model)
