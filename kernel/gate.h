/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the configuration of a port lets pass.
 */
#ifndef VROUTER_GATE_H
#define VROUTER_GATE_H

#include "forward.h"

void vr_gate_expect(const struct vr_port *port);
u8 vr_gate_in4(struct vr_forward_in *in, const struct vr_router *router,
	       const struct vr_rib *rib);
u8 vr_gate_in6(struct vr_forward_in *in, const struct vr_router *router,
	       const struct vr_rib *rib);
u8 vr_gate_out4(struct vr_forward_out *out, const struct vr_router *router,
		const struct vr_port *port);
u8 vr_gate_out6(struct vr_forward_out *out);
u8 vr_gate_router(const struct vr_router *router, const struct vr_rib *rib,
		  const struct net *net, bool ipv6);
u8 vr_gate_fallback(const struct vr_router *router);

#endif
