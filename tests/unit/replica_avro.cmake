# Avro: schemas, and messages made by hand.
penstock_unit_test(replica_avro_schema_test
    tests/unit/worker/replica/decode/avro/avro_schema_test.c replica)
penstock_unit_test(replica_avro_reader_test
    tests/unit/worker/replica/decode/avro/avro_reader_test.c decode_fixture)
