/* A set of PIDs, to notice one that comes twice. */
#include "keygen/pidset.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "keygen/pidpps.h"

#define FIRST_SLOTS	1024

/*
 * An open-addressing table, at most two thirds full. A PID is kept as the number that
 * its 7 free characters make in base 36, plus 1: 0 marks a free slot.
 */
struct pidset {
	uint64_t *numbers;
	size_t slots, count;	/* slots is a power of two */
};

int pidset_new(struct pidset **out, struct fault *fault)
{
	struct pidset *set = calloc(1, sizeof(*set));

	*out = NULL;
	if (set)
		set->numbers = calloc(FIRST_SLOTS, sizeof(*set->numbers));
	if (!set || !set->numbers) {
		free(set);
		return fault_sys(fault, ENOMEM, "cannot remember PIDs");
	}
	set->slots = FIRST_SLOTS;
	*out = set;
	return 0;
}

void pidset_free(struct pidset **set)
{
	if (*set)
		free((*set)->numbers);
	free(*set);
	*set = NULL;
}

static size_t slot_of(const uint64_t *numbers, size_t slots, uint64_t number)
{
	/* Fibonacci hashing: lists are often numbered in order. */
	size_t i = (size_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (slots - 1);

	while (numbers[i] && numbers[i] != number)
		i = (i + 1) & (slots - 1);
	return i;
}

static int grow(struct pidset *set, struct fault *fault)
{
	size_t slots = set->slots * 2;
	uint64_t *numbers = calloc(slots, sizeof(*numbers));

	if (!numbers)
		return fault_sys(fault, ENOMEM, "cannot remember more than %zu PIDs", set->count);
	for (size_t i = 0; i < set->slots; i++)
		if (set->numbers[i])
			numbers[slot_of(numbers, slots, set->numbers[i])] = set->numbers[i];
	free(set->numbers);
	set->numbers = numbers;
	set->slots = slots;
	return 0;
}

int pidset_add(struct pidset *set, const char *pid, struct fault *fault)
{
	uint64_t number = 0;
	size_t i;
	int rc;

	for (i = 0; i < PID_LENGTH - 1; i++)
		number = number * 36 + (uint64_t)(pid[i] <= '9' ? pid[i] - '0' : pid[i] - 'A' + 10);
	number++;
	if (3 * (set->count + 1) > 2 * set->slots) {
		rc = grow(set, fault);
		if (rc)
			return rc;
	}
	i = slot_of(set->numbers, set->slots, number);
	if (set->numbers[i])
		return 0;
	set->numbers[i] = number;
	set->count++;
	return 1;
}
