# SPDX-License-Identifier: GPL-2.0
"""Who asks: processes with other rights than the test's own, which is root of the
initial user namespace."""
import ctypes
import json
import os
import subprocess

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
NOBODY = 65534
LIBC = ctypes.CDLL(None, use_errno=True)


def call(function, *args):
    """A system call by libc."""
    if getattr(LIBC, function)(*args):
        raise OSError(ctypes.get_errno(), function)


def can_userns():
    """User namespaces can be made here; not from within a chroot."""
    return subprocess.run(["unshare", "-U", "true"], check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def child(work, *ready):
    """Run work() in a process of its own; return its pid and where its answer comes.

    It must never return: whatever happens, it tells and ends there."""
    r, w = os.pipe()
    pid = os.fork()
    if pid:
        os.close(w)
        for fd in ready:
            os.close(fd)
        return pid, r
    try:
        out = work()
    except BaseException as e:  # pylint: disable=broad-except
        out = {"exception": repr(e)}
    with os.fdopen(w, "w") as f:
        f.write(json.dumps(out))
    os._exit(0)                 # pylint: disable=protected-access


def answer(pid, r):
    """What a child says."""
    with os.fdopen(r) as f:
        out = json.loads(f.read() or '{"exception": "no answer"}')
    os.waitpid(pid, 0)
    if isinstance(out, dict) and "exception" in out:
        raise ChildProcessError(out["exception"])
    return out


def enter(netns):
    """Go to the network namespace of a file; None is where we are."""
    if netns:
        call("setns", os.open(netns, os.O_RDONLY), CLONE_NEWNET)


def as_root(work, netns=None):
    """work() as what the test is, there."""
    def inner():
        enter(netns)
        return work()
    return answer(*child(inner))


def as_user(work, netns=None):
    """work() as an unprivileged user, there."""
    def inner():
        enter(netns)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        return work()
    return answer(*child(inner))


class Userns:
    """A process that is root of a new user namespace. It stands in a network
    namespace that this one owns, or, if `netns` is given, in one that it does not."""

    def __init__(self, work, netns=None):
        go, ready = os.pipe(), os.pipe()

        def inner():
            os.close(go[1])
            enter(netns)
            call("unshare", CLONE_NEWUSER | (0 if netns else CLONE_NEWNET))
            os.write(ready[1], b"x")
            if not os.read(go[0], 1):
                return {"exception": "the host gave up"}
            os.setgid(0)
            os.setuid(0)
            return work()
        self.pid, self.pipe = child(inner, ready[1], go[0])
        self.start = go[1]
        os.read(ready[0], 1)
        os.close(ready[0])
        for what, text in (("setgroups", "deny"), ("uid_map", "0 0 1"),
                           ("gid_map", "0 0 1")):
            with open(f"/proc/{self.pid}/{what}", "w", encoding="ascii") as f:
                f.write(text)

    def go(self):
        """Let it work; return what it says."""
        os.write(self.start, b"x")
        os.close(self.start)
        return answer(self.pid, self.pipe)

    def give_up(self):
        """It need not work."""
        os.close(self.start)
        os.close(self.pipe)
        os.waitpid(self.pid, 0)
