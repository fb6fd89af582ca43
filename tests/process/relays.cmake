# The crash harness's eyes, against servers that the test plays itself.
penstock_pytest(relays process 120 tests/process/relays_test.py)
