# The development Kafka, the event generator and `make demo` itself.
penstock_pytest(dev_kafka e2e 300 tests/e2e/dev_kafka_test.py)
penstock_pytest(demo_events e2e 300 tests/e2e/demo_events_test.py)
penstock_pytest(demo e2e 900 tests/e2e/demo_test.py)
