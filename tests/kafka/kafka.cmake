# Replicas against a real Apache Kafka. All with Kafka 3.9.2 on the system's librdkafka, a short part with the newest of both.
# PENSTOCK_KAFKA_MATRIX adds all with every other pair (make test-kafka).
penstock_pytest(apache kafka 900 tests/kafka)
penstock_pytest(apache-newest kafka 600 -m short tests/kafka)
set(pair_newest "PENSTOCK_TEST_KAFKA=4.3.1;PENSTOCK_TEST_LIBRDKAFKA=newest;PENSTOCK_FAULT_PROXY=own")
set_property(TEST kafka/apache-newest APPEND PROPERTY ENVIRONMENT ${pair_newest})
option(PENSTOCK_KAFKA_MATRIX "Run the Kafka suite with every pair of broker and library" OFF)
if(PENSTOCK_KAFKA_MATRIX)
    foreach(kafka 3.9.2 4.3.1)
        foreach(library system newest)
            penstock_pytest(matrix-${kafka}-${library} kafka-matrix 1200 tests/kafka)
            set_property(TEST kafka-matrix/matrix-${kafka}-${library} APPEND PROPERTY ENVIRONMENT
                "PENSTOCK_TEST_KAFKA=${kafka};PENSTOCK_TEST_LIBRDKAFKA=${library}")
        endforeach()
    endforeach()
endif()
