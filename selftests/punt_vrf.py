#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""As punt.py, with the router in a VRF."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from punt import tests  # noqa: E402
from vrtest import main  # noqa: E402

main(list(tests(True)))
