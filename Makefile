# SPDX-License-Identifier: GPL-2.0
# `make help` tells what there is.

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
DOCDIR ?= $(PREFIX)/share/doc/vrouter
INSTALL ?= install
M := $(CURDIR)/kernel
DOCS = README.md $(wildcard Documentation/*/*.* Documentation/netlink/specs/*.yaml)
# Debian's headers ask for BTF even where pahole (package dwarves) is absent.
NO_BTF := $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)
KBUILD := $(MAKE) -C $(KDIR) M=$(M) CONFIG_VROUTER=m $(NO_BTF)

.PHONY: all modules tools install uninstall clean check check-all check-debug coverage static \
	kunit demo guest uml bench bench-forward bench-fib help

all: modules tools

modules:
	@test -e "$(KDIR)/Makefile" || { \
		echo "There are no kernel headers in $(KDIR)." >&2; \
		echo "Install your kernel's (Debian: apt install linux-headers-amd64)," >&2; \
		echo "or name some: make KDIR=/path/to/headers" >&2; \
		echo "To build for a test kernel instead: scripts/build.sh 6.12" >&2; \
		exit 1; }
	$(KBUILD) modules

tools:
	@if [ -f tools/Makefile ]; then $(MAKE) -C tools; fi

install: all
	$(KBUILD) \
		INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates modules_install
	if [ -z "$(DESTDIR)" ]; then \
		depmod -a "$$($(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease)"; fi
	if [ -f tools/Makefile ]; then \
		$(MAKE) -C tools install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX); fi
	for f in $(DOCS); do \
		$(INSTALL) -D -m 644 "$$f" "$(DESTDIR)$(DOCDIR)/$$f" || exit 1; done

# The kernel's settings say whether its modules are compressed.
uninstall:
	release=$$($(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease) || exit 1; \
	for suffix in "" .gz .xz .zst; do \
		rm -f "$(DESTDIR)/lib/modules/$$release/updates/vrouter.ko$$suffix"; done; \
	if [ -z "$(DESTDIR)" ]; then depmod -a "$$release"; fi
	if [ -f tools/Makefile ]; then \
		$(MAKE) -C tools uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX); fi
	for f in $(DOCS); do rm -f "$(DESTDIR)$(DOCDIR)/$$f"; done
	if [ -d "$(DESTDIR)$(DOCDIR)" ]; then \
		find "$(DESTDIR)$(DOCDIR)" -depth -type d -empty -delete; fi

clean:
	if [ -e "$(KDIR)/Makefile" ]; then $(KBUILD) clean; fi
	if [ -f tools/Makefile ]; then $(MAKE) -C tools clean; fi
	rm -rf build

check:
	scripts/check.sh

check-all:
	VR_LONG=1 VR_LIMIT=18000 VR_TIMEOUT=2400 \
		scripts/check.sh static tools kunit uml guest-6.12 guest-6.1 guest-7.2 guest-rt

check-debug:
	VR_LIMIT=5400 scripts/check.sh kunit-debug uml-debug uml-kmemleak uml-realloc

coverage:
	scripts/coverage.sh

static:
	scripts/check.sh static

kunit:
	scripts/check.sh kunit

demo:
	scripts/demo.sh

guest:
	scripts/guest.sh shell

uml:
	scripts/uml.sh shell

bench:
	scripts/bench.sh

bench-forward:
	scripts/bench-forward.sh

bench-fib:
	scripts/bench-fib.sh

help:
	@echo "all            module for KDIR ($(KDIR)) and tools (the default)"
	@echo "install        both, and the documentation (DESTDIR, PREFIX)"
	@echo "uninstall      remove what install put there (the same KDIR, DESTDIR, PREFIX)"
	@echo "clean          remove what was built"
	@echo "check          every test that needs no more than this machine"
	@echo "check-all      the same, longer, and on two kernels more"
	@echo "check-debug    unit and kselftests under KASAN, lockdep and their like"
	@echo "coverage       which lines of the module the tests run, and which not"
	@echo "static, kunit  parts of check"
	@echo "demo           see it work, in a guest"
	@echo "guest          shell in a QEMU guest with the module loaded"
	@echo "uml            shell in User-Mode Linux with the module loaded"
	@echo "bench          experiments: throughput, latency, isolation, shares, of all peers"
	@echo "bench-forward  how fast it forwards, next to plain Linux"
	@echo "bench-fib      its routing tables with a full table, next to Linux'"
