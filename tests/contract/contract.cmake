# The REST contract against the real api, PostgreSQL and ClickHouse engine.
penstock_pytest(api contract 900 tests/contract --ignore=tests/contract/schemathesis_test.py)
penstock_pytest(schemathesis contract 900 tests/contract/schemathesis_test.py)
