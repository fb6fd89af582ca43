# The REST contract against the real api, PostgreSQL and ClickHouse engine.
penstock_pytest(api contract 300 tests/contract)
