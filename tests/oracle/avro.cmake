# Avro against ClickHouse's own reader, and messages of official serializers.
penstock_pytest(avro oracle 600 tests/oracle/avro_oracle_test.py)
penstock_pytest(avro_golden oracle 300 tests/oracle/avro_golden_test.py)
