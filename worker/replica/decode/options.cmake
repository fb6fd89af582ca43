# How the JSON walk is compiled: for speed, and a second time for processors with AVX2 and BMI2.
# decoder.c chooses at run time. Included from the top, where the layer's target is made.
set(decode ${CMAKE_SOURCE_DIR}/worker/replica/decode)
set_source_files_properties(${decode}/json_baseline.c ${decode}/json_walk.c ${decode}/number.c
    ${decode}/json_number.c ${decode}/datetime.c
    PROPERTIES COMPILE_OPTIONS "-O3;-fno-stack-clash-protection")
set(decode_avx2 "-O3;-fno-stack-clash-protection")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND decode_avx2 -mavx2 -mbmi -mbmi2 -mlzcnt -mprfchw -mno-vzeroupper)
endif()
set_source_files_properties(${decode}/json_avx2.c PROPERTIES COMPILE_OPTIONS "${decode_avx2}")
set(decode_avro ${decode}/avro)
set_source_files_properties(${decode_avro}/avro_containers.c ${decode_avro}/avro_input.c
    ${decode_avro}/avro_numbers.c ${decode_avro}/avro_quick.c ${decode_avro}/avro_texts.c
    ${decode_avro}/avro_times.c
    PROPERTIES COMPILE_OPTIONS "-O3;-fno-stack-clash-protection")
set(decode_uuid_avx2 "-O3;-fno-stack-clash-protection")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND decode_uuid_avx2 -mavx2)
endif()
set_source_files_properties(${decode_avro}/avro_uuid_avx2.c
    PROPERTIES COMPILE_OPTIONS "${decode_uuid_avx2}")
