/* The walk for every processor. */
#include "worker/replica/decode/json_row.h"

bool json_row_baseline(struct walk *w)
{
    return row_walk(w);
}
