#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""As routes.py, routes_paths.py and routes_many.py, with the router in a VRF."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import routes  # noqa: E402
import routes_many  # noqa: E402
import routes_paths  # noqa: E402
from vrtest import main  # noqa: E402

main([test for part in (routes, routes_paths, routes_many) for test in part.tests(True)])
