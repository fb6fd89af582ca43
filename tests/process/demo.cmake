penstock_pytest(demo_driver process 120 tests/process/demo_driver_test.py)
