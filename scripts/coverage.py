#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which lines of the module have run.

usage: coverage.py BUILD PERCENT RUN...
BUILD is the directory with the objects and their .gcno, each RUN one with the .gcda of
a run. A line has run if it did in one of them. Prints a table, the lines that did not,
and fails if less than PERCENT of them all did.
"""
import collections
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile


def gcov(build, run):
    """Yield (path, line, count) of all objects of a run."""
    with tempfile.TemporaryDirectory() as tmp:
        found = []
        for top, _, files in os.walk(run):
            for name in files:
                if not name.endswith(".gcda"):
                    continue
                stem = os.path.relpath(os.path.join(top, name), run)[:-5]
                base = os.path.join(tmp, stem.replace("/", "-"))
                shutil.copy(os.path.join(top, name), base + ".gcda")
                shutil.copy(os.path.join(build, stem + ".gcno"), base + ".gcno")
                found.append(base + ".gcda")
        if not found:
            sys.exit("no data in " + run)
        subprocess.run(["gcov", "--json-format"] + found, cwd=tmp, check=True,
                       stdout=subprocess.DEVNULL)
        for name in os.listdir(tmp):
            if not name.endswith(".gcov.json.gz"):
                continue
            with gzip.open(os.path.join(tmp, name)) as f:
                data = json.load(f)
            for source in data["files"]:
                path = os.path.join(data["current_working_directory"], source["file"])
                path = os.path.normpath(path)
                if os.path.commonpath([path, build]) != build:
                    continue
                for line in source["lines"]:
                    yield os.path.relpath(path, build), line["line_number"], line["count"]


def ranges(lines):
    """[1, 2, 3, 7] as "1-3", "7"."""
    start = last = None
    for line in sorted(lines) + [None]:
        if last is not None and line == last + 1:
            last = line
            continue
        if start is not None:
            yield str(start) if start == last else "%d-%d" % (start, last)
        start = last = line


def main():
    build, percent = os.path.realpath(sys.argv[1]), float(sys.argv[2])
    count = collections.defaultdict(collections.Counter)
    for run in sys.argv[3:]:
        for path, line, n in gcov(build, run):
            count[path][line] += n
    # the tests themselves are no part of it
    count = {path: lines for path, lines in count.items() if not path.startswith("tests/")}
    total = ran = 0
    for path in sorted(count):
        lines = count[path]
        here = sum(n > 0 for n in lines.values())
        print("%-22s %5d of %5d lines, %5.1f %%" %
              (path, here, len(lines), 100 * here / len(lines)))
        total += len(lines)
        ran += here
    print("%-22s %5d of %5d lines, %5.1f %%" % ("total", ran, total, 100 * ran / total))
    print("\nnot run:")
    for path in sorted(count):
        for where in ranges([line for line, n in count[path].items() if not n]):
            print("kernel/%s:%s" % (path, where))
    if 100 * ran / total < percent:
        sys.exit("less than %g %% of the lines have run" % percent)


main()
