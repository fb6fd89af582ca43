# The warnings every C file of Penstock is built with; all are errors.
add_library(penstock_warnings INTERFACE)
target_compile_options(penstock_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align
    -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wredundant-decls -Wnested-externs -Wundef -Wvla -Wwrite-strings -Wformat=2
    -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion -Wfloat-equal -Wdate-time
    -fno-common -fno-strict-aliasing)
option(PENSTOCK_WERROR "Treat warnings as errors" ON)
if(PENSTOCK_WERROR)
    target_compile_options(penstock_warnings INTERFACE -Werror)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_compile_options(penstock_warnings INTERFACE
        -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wformat-overflow=2
        -Wformat-truncation=2 -Wjump-misses-init -Wstack-usage=16384 -Walloc-zero)
else()
    target_compile_options(penstock_warnings INTERFACE
        -Wmissing-variable-declarations -Wconditional-uninitialized -Wcomma -Wassign-enum
        -Wextra-semi-stmt -Wunreachable-code -Wmissing-noreturn)
endif()

option(PENSTOCK_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(PENSTOCK_FUZZ "Build the libFuzzer targets (clang), with sanitizers" OFF)
add_library(penstock_hardening INTERFACE)
if(PENSTOCK_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "PENSTOCK_FUZZ needs clang: CC=clang-14 CXX=clang++-14 cmake …")
    endif()
    set(PENSTOCK_SANITIZE ON)
    target_compile_options(penstock_hardening INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(PENSTOCK_SANITIZE)
    target_compile_options(penstock_hardening INTERFACE
        -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
        $<$<C_COMPILER_ID:GNU>:-Wno-stack-usage>)
    target_link_options(penstock_hardening INTERFACE -fsanitize=address,undefined)
else()
    target_compile_options(penstock_hardening INTERFACE
        -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE)
    target_link_options(penstock_hardening INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
