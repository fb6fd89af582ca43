# End to end, against a real Kafka, ClickHouse engine and PostgreSQL that each suite starts itself.
penstock_pytest(delivery e2e 900 tests/e2e/delivery_test.py)
penstock_pytest(records e2e 600 tests/e2e/records_test.py)
penstock_pytest(destination e2e 600 tests/e2e/destination_test.py)
penstock_pytest(source e2e 600 tests/e2e/source_test.py)
penstock_pytest(chaos e2e 600 tests/e2e/chaos_test.py)
penstock_pytest(operator e2e 600 tests/e2e/operator_test.py)
penstock_pytest(types e2e 600 tests/e2e/types_test.py)
