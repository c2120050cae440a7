# SPDX-License-Identifier: GPL-2.0
"""What the difference test is made of: two routers, packets, configurations."""
