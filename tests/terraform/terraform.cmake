# The official Terraform provider, where there is one; without it the entry is "Skipped", with the reason.
add_test(NAME terraform/provider COMMAND ${CMAKE_SOURCE_DIR}/tests/terraform/run)
set_tests_properties(terraform/provider PROPERTIES LABELS terraform TIMEOUT 900 SKIP_RETURN_CODE 77
    ENVIRONMENT "PENSTOCK_BUILD_DIR=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
