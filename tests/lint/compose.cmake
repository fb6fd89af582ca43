# The container files, as far as they can be judged without an engine.
penstock_pytest(compose lint 120 tests/lint/compose_test.py)
