// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "netns.h"
#include "undo.h"
#include "vrctl.h"
#include "vrf.h"

/**
 * undo_note() - remember a step
 * @undo: the steps so far
 * @what: what was done
 * @nl: see &struct undo_step, as are the others
 * @ifindex: index of the device, or the table
 * @name: must stay valid
 */
void undo_note(struct undo *undo, enum undo_what what, struct nl *nl, int ifindex,
	       const char *name)
{
	undo->step = xrealloc(undo->step, undo->n + 1, sizeof(*undo->step));
	undo->step[undo->n++] = (struct undo_step) { what, nl, ifindex, name };
}

/** undo_all() - take all steps back, last first; go on where one cannot be */
void undo_all(struct undo *undo)
{
	const struct undo_step *step;
	int err = 0;

	while (undo->n) {
		step = &undo->step[--undo->n];
		switch (step->what) {
		case UNDO_NETNS:
			err = netns_remove(step->name);
			break;
		case UNDO_TABLE:
			err = vrf_open_table(step->nl, step->ifindex);
			break;
		case UNDO_LINK:
			err = link_delete(step->nl, step->ifindex);
			break;
		case UNDO_UP:
			err = link_set_up(step->nl, step->ifindex, false);
			break;
		}
		if (err)
			warning("cannot undo %s: %s", step->name,
				step->nl ? nl_why(step->nl, err) : strerror(-err));
	}
	undo_forget(undo);
}

void undo_forget(struct undo *undo)
{
	free(undo->step);
	memset(undo, 0, sizeof(*undo));
}
