# The JSON Schema validator: a Rust static library (engine/), built when cargo is there. Without it
# both programs build all the same, and pipes that need it are refused with what to install.
# Included from the top, where the layer's target is made: sets JSON_SCHEMA_LIBRARIES.
set(PENSTOCK_JSON_SCHEMA AUTO CACHE STRING "JSON Schema validator: AUTO, ON or OFF")
set(engine ${CMAKE_SOURCE_DIR}/worker/replica/decode/validate/engine)
set(JSON_SCHEMA_LIBRARIES "")
set(has_json_schema 0)
if(PENSTOCK_JSON_SCHEMA)
    execute_process(COMMAND ${engine}/build --check
        RESULT_VARIABLE engine_check ERROR_VARIABLE engine_reason ERROR_STRIP_TRAILING_WHITESPACE)
    if(engine_check EQUAL 0)
        set(has_json_schema 1)
    elseif(PENSTOCK_JSON_SCHEMA STREQUAL ON)
        message(FATAL_ERROR "${engine_reason}")
    else()
        message(STATUS "No JSON Schema validation: ${engine_reason}")
    endif()
endif()
if(has_json_schema)
    set(engine_library ${CMAKE_BINARY_DIR}/libpenstock_json_schema.a)
    add_custom_command(OUTPUT ${engine_library}
        COMMAND ${engine}/build --output ${engine_library}
        DEPENDS ${engine}/build ${engine}/Cargo.toml ${engine}/Cargo.lock ${engine}/src/lib.rs
        COMMENT "Building the JSON Schema validator" VERBATIM)
    add_custom_target(json_schema_engine DEPENDS ${engine_library})
    add_library(json_schema_library STATIC IMPORTED)
    set_target_properties(json_schema_library PROPERTIES IMPORTED_LOCATION ${engine_library})
    add_dependencies(json_schema_library json_schema_engine)
    # What the Rust standard library needs of the system.
    set(JSON_SCHEMA_LIBRARIES json_schema_library gcc_s dl)
endif()
set_source_files_properties(${CMAKE_SOURCE_DIR}/worker/replica/decode/validate/json_schema.c
    PROPERTIES COMPILE_DEFINITIONS PENSTOCK_HAS_JSON_SCHEMA=${has_json_schema})
