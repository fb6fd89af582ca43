# The protocol, the supervisor and the pipe state table.
penstock_unit_test(model_pipe_state_test tests/unit/common/model/pipe_state_test.c model)
penstock_unit_test(protocol_test tests/unit/worker/protocol/protocol_test.c protocol
    Threads::Threads)
