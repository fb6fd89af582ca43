# Layers: the walls of docs/architecture.md, built by the compiler.
#
# penstock_layer(NAME DIR) makes a static library from every .c file directly below DIR (and the
# folders named after SUBDIRS) and an include root that shows DIR and nothing else. A layer sees the
# headers of the layers it links, so a forbidden include fails with "no such file".
include_guard()

set(PENSTOCK_ROOTS ${CMAKE_BINARY_DIR}/roots)

function(penstock_include_root name dir)
    set(link ${PENSTOCK_ROOTS}/${name}/${dir})
    get_filename_component(parent ${link} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${dir} ${link} SYMBOLIC)
endfunction()

function(penstock_layer name dir)
    cmake_parse_arguments(ARG "" "" "SUBDIRS;LAYERS;LIBRARIES;EXCLUDE" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/*.c)
    foreach(sub IN LISTS ARG_SUBDIRS)
        file(GLOB more CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${dir}/${sub}/*.c)
        list(APPEND sources ${more})
    endforeach()
    foreach(drop IN LISTS ARG_EXCLUDE)
        list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${dir}/${drop})
    endforeach()
    penstock_include_root(${name} ${dir})
    if(NOT sources)
        add_library(${name} INTERFACE)
        target_include_directories(${name} INTERFACE ${PENSTOCK_ROOTS}/${name})
        target_link_libraries(${name} INTERFACE ${ARG_LAYERS} ${ARG_LIBRARIES})
        return()
    endif()
    add_library(${name} STATIC ${sources})
    target_include_directories(${name} PUBLIC ${PENSTOCK_ROOTS}/${name})
    target_link_libraries(${name} PUBLIC ${ARG_LAYERS} PRIVATE penstock_warnings penstock_hardening
        PUBLIC ${ARG_LIBRARIES})
endfunction()

# penstock_unit_test(NAME SOURCE LAYERS…): one cmocka program, label "unit"; run by ctest.
function(penstock_unit_test name source)
    add_executable(${name} ${CMAKE_SOURCE_DIR}/${source})
    penstock_include_root(unit_header tests/unit)
    target_include_directories(${name} PRIVATE ${PENSTOCK_ROOTS}/unit_header)
    target_link_libraries(${name} PRIVATE ${ARGN} PkgConfig::CMOCKA penstock_warnings
        penstock_hardening)
    add_test(NAME unit/${name} COMMAND ${name})
    set_tests_properties(unit/${name} PROPERTIES LABELS unit TIMEOUT 120)
    set_property(GLOBAL APPEND PROPERTY PENSTOCK_UNIT_TESTS ${name})
endfunction()
