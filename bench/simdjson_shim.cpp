// simdjson's DOM parser behind C functions.
#include "bench/simdjson_shim.h"

#include <new>
#include <simdjson.h>

struct simdjson_shim {
    simdjson::dom::parser parser;
};

static_assert(SIMDJSON_SHIM_PADDING_BYTES >= simdjson::SIMDJSON_PADDING, "padding");

simdjson_shim *simdjson_shim_new(void)
{
    return new (std::nothrow) simdjson_shim;
}

void simdjson_shim_free(simdjson_shim *shim)
{
    delete shim;
}

bool simdjson_shim_parse(simdjson_shim *shim, const char *text, size_t len_bytes)
{
    simdjson::dom::element element;
    return shim->parser.parse(text, len_bytes, false).get(element) == simdjson::SUCCESS;
}

const char *simdjson_shim_kernel(void)
{
    static const std::string name = simdjson::get_active_implementation()->name();
    return name.c_str();
}
