#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Count the results in TAP and KTAP files.

usage: tapcount.py FILE...    print "N passed, N failed, N skipped"
       tapcount.py --selftest test this program, print TAP

Leaves are counted: a result line with subtests above it only sums them up.
A parent that failed though none of its subtests did is a failure of its own,
and so is a plan that was not kept, a "Bail out!", or a file with no result.
"""
import re
import sys

RESULT = re.compile(r"^(\s*)(ok|not ok)\b\s*\d*\s*(?:- )?(.*)$")
PLAN = re.compile(r"^(\s*)1\.\.(\d+)\s*(#\s*skip.*)?$", re.I)
SKIP = re.compile(r"#\s*(skip|xfail)\b", re.I)
TODO = re.compile(r"#\s*todo\b", re.I)


class Level:
    """Results at one depth of indentation that have no parent yet."""

    def __init__(self, indent):
        self.indent = indent
        self.plan = None
        self.results = 0
        self.failed = 0


def count(lines, problems, name=""):
    """Return [passed, failed, skipped]; append what is wrong to problems."""
    total = [0, 0, 0]
    levels = [Level(0)]
    any_result = False

    def fail(text):
        total[1] += 1
        levels[-1].failed += 1
        problems.append("%s: %s" % (name, text) if name else text)

    def close(to_indent):
        """End the levels deeper than to_indent; return (had, failed)."""
        had, failed = False, 0
        while levels[-1].indent > to_indent:
            level = levels[-1]
            if level.plan is not None and level.plan != level.results:
                fail("%d of %d planned tests" % (level.results, level.plan))
            had = had or level.results > 0 or level.plan is not None
            failed += levels.pop().failed
        return had, failed

    for line in lines:
        line = line.rstrip("\r\n")
        plan = PLAN.match(line)
        result = RESULT.match(line)
        if line.strip().startswith("Bail out!"):
            fail(line.strip())
        if not plan and not result:
            continue
        indent = len((plan or result).group(1).expandtabs())
        if indent > levels[-1].indent:
            levels.append(Level(indent))
        had, failed = close(indent)
        if levels[-1].indent < indent:
            levels.append(Level(indent))
        level = levels[-1]
        if plan:
            if level.plan is not None and level.plan != level.results:
                fail("%d of %d planned tests" % (level.results, level.plan))
            if level.plan is None and level.results == int(plan.group(2)):
                # a plan at the end
                level.plan = level.results
            else:
                # several suites one after the other in one file
                level.plan, level.results = int(plan.group(2)), 0
            if plan.group(2) == "0":
                any_result = True
                total[2] += 1
            continue
        any_result = True
        level.results += 1
        good, text = result.group(2) == "ok", result.group(3)
        if had:
            level.failed += failed
            if not good and not failed and not SKIP.search(text):
                fail(text + " (its subtests did not fail)")
        elif SKIP.search(text):
            total[2] += 1
        elif good or TODO.search(text):
            total[0] += 1
        else:
            fail(text)
    close(0)
    level = levels[0]
    if level.plan is not None and level.plan != level.results:
        fail("%d of %d planned tests" % (level.results, level.plan))
    if not any_result:
        fail("no test result")
    return total


CASES = [
    ("flat", "1..3\nok 1 a\nnot ok 2 b\nok 3 c # SKIP why\n", [1, 1, 1]),
    ("nested once", "1..1\n    1..2\n    ok 1 a\n    ok 2 b\nok 1 p\n", [2, 0, 0]),
    ("nested failure", "1..1\n    1..2\n    ok 1 a\n    not ok 2 b\nnot ok 1 p\n",
     [1, 1, 0]),
    ("parent alone failed", "1..1\n    1..1\n    ok 1 a\nnot ok 1 p\n", [1, 1, 0]),
    ("deep", "1..1\n    1..2\n        ok 1 x\n        ok 2 y\n    ok 1 a\n"
             "    ok 2 b\nok 1 p\n", [3, 0, 0]),
    ("two parents", "1..2\n    ok 1 a\nok 1 p\n    ok 1 a\n    ok 2 b\nok 2 q\n",
     [3, 0, 0]),
    ("plan not kept", "1..3\nok 1 a\n", [1, 1, 0]),
    ("inner plan not kept", "1..1\n    1..2\n    ok 1 a\nnot ok 1 p\n", [1, 1, 0]),
    ("died inside", "1..1\n    1..2\n    ok 1 a\n", [1, 2, 0]),
    ("plan last", "ok 1 a\nok 2 b\n1..2\n", [2, 0, 0]),
    ("two plans", "1..1\nok 1 a\n1..1\nok 1 b\n", [2, 0, 0]),
    ("empty", "", [0, 1, 0]),
    ("all skipped", "1..0 # SKIP no kernel\n", [0, 0, 1]),
    ("parent skip", "1..1\nok 1 selftests: a.sh # SKIP\n", [0, 0, 1]),
    ("bail out", "1..2\nok 1 a\nBail out! no\nok 2 b\n", [2, 1, 0]),
    ("noise", "# x\nokay\nnot okay\n1..1\nok 1 a\n", [1, 0, 0]),
    ("no plan", "ok 1 a\nok 2 b\n", [2, 0, 0]),
    ("xfail", "1..1\nok 1 a # XFAIL known\n", [0, 0, 1]),
]


def selftest():
    bad = 0
    print("1..%d" % len(CASES))
    for i, (name, text, want) in enumerate(CASES, 1):
        got = count(text.splitlines(), [])
        bad += got != want
        print("%s %d tapcount: %s" % ("ok" if got == want else "not ok", i, name))
        if got != want:
            print("# got %s, want %s" % (got, want))
    return 1 if bad else 0


def main(argv):
    if argv[1:] == ["--selftest"]:
        return selftest()
    total, problems = [0, 0, 0], []
    for path in argv[1:]:
        with open(path, errors="replace") as f:
            one = count(f, problems, path.rsplit("/", 1)[-1])
        total = [a + b for a, b in zip(total, one)]
    for text in problems:
        print("failed: " + text)
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
