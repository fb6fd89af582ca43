/* UUIDs from text for processors with AVX2; CMake compiles this file for them. */
#include "worker/replica/decode/avro/avro_uuid.h"

const uint8_t *avro_run_uuid_avx2(
    struct avro_run *r, const struct avro_node *n, struct column *column, const uint8_t *at)
{
    return avro_run_uuid(r, n, column, at);
}
