# The development ClickHouse by itself: what the other suites rely on.
penstock_pytest(dev_clickhouse e2e 300 tests/e2e/dev_clickhouse_test.py)
