/* SplitMix64, seeded by record. Its constants are those of the paper the header names. */

#include "demo/generator/dice.h"

#include <assert.h>

static const uint64_t golden_gamma = 0x9e3779b97f4a7c15U;

static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
    return bits ^ (bits >> 31);
}

struct dice dice_for(uint64_t seed, uint64_t index, uint64_t purpose)
{
    return (struct dice){.state = mix(mix(seed + purpose * golden_gamma) + index)};
}

uint64_t dice_bits(struct dice *dice)
{
    dice->state += golden_gamma;
    return mix(dice->state);
}

uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
    assert(sides > 0);
    return (uint32_t)(((dice_bits(dice) >> 32) * sides) >> 32);
}

bool dice_chance(struct dice *dice, double percent)
{
    /* 53 bits: what a double holds exactly. */
    double point = (double)(dice_bits(dice) >> 11) * 0x1p-53;
    return point * 100.0 < percent;
}
