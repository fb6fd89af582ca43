# Settings, sealed credentials and the command line of penstock-api.
penstock_unit_test(config_test tests/unit/common/config/config_test.c config)
penstock_unit_test(store_key_ring_test tests/unit/common/store/key_ring_test.c store)
penstock_unit_test(api_cli_test tests/unit/api/cli_test.c api_rooms)
