#ifndef DEMO_GENERATOR_DICE_H
#define DEMO_GENERATOR_DICE_H

/*
 * Repeatable chance: the same seed and record number give the same rolls on every machine, so a
 * record can be built again from two numbers. SplitMix64 (Steele, Lea, Flood 2014); not for
 * secrets.
 */

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* Dice of one record of one seed. `purpose` separates uses that must not depend on each other. */
struct dice dice_for(uint64_t seed, uint64_t index, uint64_t purpose);

/* 64 random bits. */
uint64_t dice_bits(struct dice *dice);

/* 0 … sides - 1; sides is at least 1. */
uint32_t dice_roll(struct dice *dice, uint32_t sides);

/* True in percent of 100 cases, 0.0 … 100.0. */
bool dice_chance(struct dice *dice, double percent);

#endif
