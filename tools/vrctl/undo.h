/* SPDX-License-Identifier: GPL-2.0 */
/* What was done so far, so that it can be taken back in reverse. */
#ifndef VRCTL_UNDO_H
#define VRCTL_UNDO_H

#include "nl.h"

enum undo_what {
	UNDO_NETNS,
	UNDO_TABLE,
	UNDO_LINK,
	UNDO_UP,
};

/**
 * struct undo_step - something that was done
 * @what: a namespace, a VRF table's last route or a device was made, or a device
 *	set up
 * @nl: rtnetlink socket in the namespace of the device
 * @ifindex: of the device; for UNDO_TABLE the table
 * @name: of the namespace or the device
 */
struct undo_step {
	enum undo_what what;
	struct nl *nl;
	int ifindex;
	const char *name;
};

/**
 * struct undo - steps, in the order in which they were done
 * @step: the steps
 * @n: how many
 */
struct undo {
	struct undo_step *step;
	size_t n;
};

void undo_note(struct undo *undo, enum undo_what what, struct nl *nl, int ifindex,
	       const char *name);
void undo_all(struct undo *undo);
void undo_forget(struct undo *undo);

#endif
