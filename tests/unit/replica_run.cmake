# The replica's own rooms: loop, Kafka, ledger, sink. (decode and block: replica_decode.cmake.)
penstock_unit_test(replica_ledger_test tests/unit/worker/replica/ledger/ledger_test.c replica)
penstock_unit_test(replica_conf_test tests/unit/worker/replica/kafka/conf_test.c replica)
penstock_unit_test(replica_batch_test tests/unit/worker/replica/batch_test.c replica)
