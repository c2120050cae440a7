/* SPDX-License-Identifier: GPL-2.0 */
/* Switches for forwarding, in a namespace. */
#ifndef VRCTL_SYSCTL_H
#define VRCTL_SYSCTL_H

void sysctl_forward_netns(int netns);
void sysctl_forward_port(int netns, const char *port);

#endif
