# SPDX-License-Identifier: AGPL-3.0-or-later
# The commands that people use; Meson and Ninja do the building.
#
#   make demo [EXPORT=dir]   install what is missing, build, show the main job
#   make demo-erase          show that what is erased is gone
#   make check               the same set-up, then every test
#   make run                 a region on 127.0.0.1:8037 for daily use, data under ./run/
#   make check-long          also sanitizers, fuzzing and the slow tests
#   make sim-report          what the simulator covers, into docs/simulation.md
#   make bench [QUICK=1]     measure the server against the machine's limits
#   make format              bring the C files into shape
#   make install DESTDIR=... what a package needs

BUILD ?= build
EXPORT ?=
FUZZ_SECONDS ?= 60
SIM_SECONDS ?= 600
SIM_MINUTES ?= 2

.PHONY: all demo demo-erase check check-long sim-report run bench format install clean

all:
	@tools/install-packages build
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD)
	@ninja -C $(BUILD)

demo:
	@tools/install-packages build demo
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/demo $(if $(EXPORT),'$(EXPORT)')

demo-erase:
	@tools/install-packages build demo
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/demo-erase

check:
	@tools/install-packages build demo check
	@BUILD=$(BUILD) tools/check

check-long:
	@tools/install-packages build demo check long
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) SIM_MINUTES=$(SIM_MINUTES) tools/check --long

run: all
	@BUILD=$(BUILD) tools/run-region

# What the simulator covers, into docs/simulation.md.
sim-report: all
	@BUILD=$(BUILD) tools/sim-report --seconds $(SIM_SECONDS)

bench:
	@tools/install-packages build bench
	@$(MAKE) --no-print-directory all
	@ninja -C $(BUILD) --quiet bench/server_load bench/raw_limits bench/store_commit
	@BUILD=$(BUILD) tools/bench

format:
	git ls-files -co --exclude-standard '*.[ch]' | xargs clang-format -i

install: all
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) $(BUILD)-*
