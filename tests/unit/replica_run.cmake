penstock_unit_test(replica_ledger_test tests/unit/worker/replica/ledger/ledger_test.c replica)
