# One replica against real servers, without its supervisor.
penstock_pytest(replica process 600 tests/process/replica_test.py)
penstock_pytest(replica-mock process 900 tests/process/replica_mock_test.py)
penstock_pytest(outcomes process 600 tests/process/outcomes_test.py)
penstock_pytest(replica-exact process 900 tests/process/replica_exact_test.py)
