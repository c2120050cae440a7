// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "hist.h"

/**
 * hist_add() - count into a bucket, which is made when it is not there
 * @hist: the histogram
 * @min: least value of the bucket, ns
 * @count: how many more
 *
 * What no longer fits is left out: there are more buckets than bits.
 */
void hist_add(struct hist *hist, uint64_t min, uint64_t count)
{
	unsigned int i;

	for (i = 0; i < hist->n && hist->bucket[i].min < min; i++)
		;
	if (i == hist->n || hist->bucket[i].min != min) {
		if (hist->n == HIST_BUCKETS)
			return;
		memmove(&hist->bucket[i + 1], &hist->bucket[i],
			(hist->n - i) * sizeof(hist->bucket[0]));
		hist->bucket[i].min = min;
		hist->bucket[i].count = 0;
		hist->n++;
	}
	hist->bucket[i].count += count;
}

uint64_t hist_total(const struct hist *hist)
{
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < hist->n; i++)
		total += hist->bucket[i].count;
	return total;
}

/**
 * hist_percentile() - estimate a percentile
 * @hist: the histogram
 * @p: 0 to 1
 *
 * Values are taken as spread evenly over their bucket.
 *
 * Return: the value, 0 for an empty histogram
 */
uint64_t hist_percentile(const struct hist *hist, double p)
{
	double rank = p * hist_total(hist), before = 0;
	const struct hist_bucket *b = NULL;
	unsigned int i;

	for (i = 0; i < hist->n; i++) {
		if (!hist->bucket[i].count)
			continue;
		b = &hist->bucket[i];
		if (before + b->count >= rank)
			return b->min + b->min * ((rank - before) / b->count);
		before += b->count;
	}
	return b ? 2 * b->min : 0;
}

/**
 * hist_since() - what came in between two readings
 * @diff: result
 * @now: later reading
 * @then: earlier reading; a bucket that has less now was reset
 */
void hist_since(struct hist *diff, const struct hist *now, const struct hist *then)
{
	uint64_t old;
	unsigned int i, j;

	memset(diff, 0, sizeof(*diff));
	for (i = 0; i < now->n; i++) {
		old = 0;
		for (j = 0; j < then->n; j++)
			if (then->bucket[j].min == now->bucket[i].min)
				old = then->bucket[j].count;
		if (old > now->bucket[i].count)
			old = 0;
		if (now->bucket[i].count > old)
			hist_add(diff, now->bucket[i].min, now->bucket[i].count - old);
	}
}
