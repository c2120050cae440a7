# SPDX-License-Identifier: GPL-2.0
"""What punt.py is made of: packets, what comes out, and cases."""
