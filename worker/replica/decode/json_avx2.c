/* The walk for processors with AVX2 and BMI2; CMake compiles this file for them. */
#include "worker/replica/decode/json_row.h"

bool json_row_avx2(struct walk *w)
{
    return row_walk(w);
}
