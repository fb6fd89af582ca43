/* The walk for processors with AVX2 and BMI2; CMake compiles this file for them. */
#include "worker/replica/decode/json_row.h"

bool json_row_avx2(struct walk *w)
{
    bool is_ok = row_walk(w);
#if defined(__AVX2__)
    _mm256_zeroupper(); /* once here instead of after every function (-mno-vzeroupper) */
#endif
    return is_ok;
}
