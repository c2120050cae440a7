#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# Hold the layering of the module: which file may call which, seen in the symbols
# of the objects. One line a file: what it is, and whom it may call.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"

# Leaves know no net device and no packet; a stage of the data path calls the next
# one or a leaf; control calls setters of the data path, never the reverse.
layers='
fib            fib_plane fib_sheet fib_edit fib_store fib_node fib_bulk fib_held fib_census
fib_read       fib_store
fib_plane      fib_sheet fib_store fib_node
fib_sheet      fib_store fib_node
fib_edit       fib_store fib_node
fib_bulk
fib_held       fib_store
fib_census     fib_store fib_node fib_shape
fib_store
fib_node       fib_shape fib_round
fib_shape
fib_round
drr
guard
mactable
stats
rules
rib            fib nexthop nexthop_make siblings
siblings
nexthop        port
nexthop_make   nexthop port
demux          ingress mactable egress
ingress        drr guard stats forward egress ahead gate
ahead          fib rib way
ingress_queue  ingress drr stats
forward        gate way egress rib stats
gate           port
way            rib fib nexthop port
egress         mactable share
explain        gate way rib fib
change         rib siblings
quota          change rib
routes         rib fib nexthop
mirror         mirror_tell mirror_net change rib nexthop quota fib rules siblings
mirror_note    mirror change quota rules nexthop
mirror_tell    mirror change quota nexthop fib gate netlink
mirror_net     mirror
mirror_info    rib fib
nic            demux mactable
share
sch_vrouter    sch_class sch_codel sch_netlink sch_wire drr
sch_class      sch_codel share drr
sch_codel      sch_wire
sch_netlink
sch_wire
port           nic demux egress ingress_queue router mirror netlink
port_link      nic port netlink
router         port ingress_queue mirror mirror_info gate stats netlink share
watch          port router mirror nexthop netlink
netlink        netlink_fill netlink_fib netlink_route netlink-gen router port mirror mirror_info
netlink-gen    netlink netlink_fib netlink_route
netlink_fill   router port explain mirror_info stats
netlink_fib    netlink explain port router mirror_info rib fib
netlink_route  netlink router rib routes
main           fib ingress_queue mirror netlink watch router port sch_vrouter
'

# Functions of these files carry the name of another file.
alias_of()
{
	case "$1" in
	vr_port_next | vr_port_forget | vr_port_init | vr_port_exit | vr_port_event)
		echo port ;;
	vrouter_nl_fib_*) echo netlink_fib ;;
	vrouter_nl_route_*) echo netlink_route ;;
	vrouter_nl_* | vr_netlink_*) echo netlink ;;
	vrouter_*) echo netlink-gen ;;
	vr_ingress_enqueue | vr_ingress_setup | vr_ingress) echo ingress ;;
	vr_ingress_*) echo ingress_queue ;;
	vr_sched_parse | vr_sched_apply | vr_sched_dump | vr_sched_class_ops)
		echo sch_netlink ;;
	vr_sched_class_*) echo sch_class ;;
	vr_sched_codel_*) echo sch_codel ;;
	vr_sched_count_frames | vr_sched_frame_time) echo sch_wire ;;
	vr_sched_*) echo sch_vrouter ;;
	vr_mirror_flag | vr_mirror_reflag | vr_mirror_tell_state | vr_mirror_check_*)
		echo mirror_tell ;;
	vr_mirror_net_*) echo mirror_net ;;
	vr_mirror_reset | vr_mirror_get_info) echo mirror_info ;;
	vr_nexthop_get4 | vr_nexthop_get6) echo nexthop_make ;;
	vr_rib_*) echo rib ;;
	vr_fib_node_*) echo fib_node ;;
	vr_fib_shape_*) echo fib_shape ;;
	vr_fib_round_*) echo fib_round ;;
	vr_fib_store_* | vr_fib_view* | vr_fib_list_* | vr_fib_owned_*) echo fib_store ;;
	vr_fib_edit_*) echo fib_edit ;;
	vr_fib_plane_*) echo fib_plane ;;
	vr_fib_sheet_* | vr_fib_slot_*) echo fib_sheet ;;
	vr_fib_census) echo fib_census ;;
	vr_fib_bulk_begin | vr_fib_bulk_end) echo fib ;;
	vr_fib_bulk_*) echo fib_bulk ;;
	vr_fib_held_*) echo fib_held ;;
	*) echo "$1" | sed -E 's/^vr_([a-z]+)_?.*/\1/' ;;
	esac
}

[ $# -gt 0 ] || vr_need binutils
ko=$("$top/scripts/build.sh" 6.12 2>/dev/null | tail -1)
dir=$(dirname "$ko")
bad=0

while read -r file allowed; do
	[ -n "$file" ] || continue
	object=$dir/$file.o
	[ -f "$object" ] || { echo "no object for $file"; bad=1; continue; }
	while read -r symbol; do
		callee=$(alias_of "$symbol")
		[ "$callee" != "$file" ] || continue
		case "$file" in
		port_link | mirror_note | mirror_tell | mirror_net | netlink_fill | netlink_fib | netlink_route)
			[ "$callee" != "${file%_*}" ] || continue ;;
		esac
		case " $allowed " in
		*" $callee "*) ;;
		*) echo "$file.c must not call $symbol"; bad=1 ;;
		esac
	done < <(nm -u "$object" | awk '{ print $2 }' | grep -E '^(vr_|vrouter_)' || true)
	case "$file" in
	fib* | drr | mactable | stats)
		nm -u "$object" | awk '{ print $2 }' |
			grep -E 'skb|netdev|dev_|netif|rtnl' &&
			{ echo "$file.c is a leaf: no packets, no devices"; bad=1; }
		;;
	esac
done <<<"$layers"

for object in "$dir"/*.o; do
	file=$(basename "$object" .o)
	case "$file" in
	vrouter | vrouter.mod | .*) continue ;;
	esac
	grep -qE "^$file( |\$)" <<<"$layers" || { echo "$file.c has no layer"; bad=1; }
done
exit "$bad"
