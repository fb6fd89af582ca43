# The lint: one ctest entry each, label "lint".
function(penstock_lint name)
    add_test(NAME lint/${name}
        COMMAND ${PENSTOCK_PYTHON} ${CMAKE_SOURCE_DIR}/tests/lint/${name}.py)
    set_tests_properties(lint/${name} PROPERTIES LABELS lint TIMEOUT 900
        ENVIRONMENT "PENSTOCK_BUILD_DIR=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
endfunction()

foreach(name walls budget bans format tidy enums headers readme proofs scripts)
    penstock_lint(${name})
endforeach()

# memleak is off: cppcheck does not understand the cleanup attribute (CLEANUP); LeakSanitizer in
# `make asan` covers leaks.
add_test(NAME lint/cppcheck COMMAND cppcheck --quiet --error-exitcode=1 --inline-suppr
    --enable=warning,performance,portability --suppress=missingIncludeSystem
    --suppress=normalCheckLevelMaxBranches --suppress=unmatchedSuppression --suppress=memleak
    --std=c11 -D_GNU_SOURCE -j 2 -I ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/api
    ${CMAKE_SOURCE_DIR}/common ${CMAKE_SOURCE_DIR}/worker)
set_tests_properties(lint/cppcheck PROPERTIES LABELS lint TIMEOUT 600)
# alse: the end of "false", which the JSON reader compares four bytes at a time.
# crate: a Rust package.
# infinit: a value in docs/type-mapping.md that is refused.
add_test(NAME lint/spell COMMAND codespell --quiet-level=2
    --skip=./build*,./.git,./.demo,*.svg,./web/node_modules --ignore-words-list=te,ans,nd,fo,ot,crate,alse,infinit
    ${CMAKE_SOURCE_DIR}/api ${CMAKE_SOURCE_DIR}/common ${CMAKE_SOURCE_DIR}/worker
    ${CMAKE_SOURCE_DIR}/docs ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/openapi)
set_tests_properties(lint/spell PROPERTIES LABELS lint TIMEOUT 120)
