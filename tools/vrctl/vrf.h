/* SPDX-License-Identifier: GPL-2.0 */
/* VRF devices and their tables. */
#ifndef VRCTL_VRF_H
#define VRCTL_VRF_H

#include <stdint.h>

#include "nl.h"

int vrf_free_table(struct nl *nl, uint32_t *table);
int vrf_close_table(struct nl *nl, uint32_t table);
int vrf_open_table(struct nl *nl, uint32_t table);

#endif
