# The schema registries of the harness by themselves: what the suites with Avro and JSON Schema rely on.
penstock_pytest(dev_registry e2e 300 tests/e2e/dev_registry_test.py)
penstock_pytest(registry e2e 900 tests/e2e/registry_test.py)
penstock_pytest(avro e2e 600 tests/e2e/avro_test.py)
