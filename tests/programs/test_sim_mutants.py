# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plant a fault in the real code, and see the simulator find it.

Each fault is one file compiled anew and linked before the library that holds
the sound one, as in test_mutants.py.
"""
import subprocess
import sys

import pytest
from conftest import ROOT, build_folder

sys.path.insert(0, str(ROOT / "tests" / "mutants"))
from building import compile_mutant, edits_of, link_mutant  # noqa: E402 (found by the line above)
from world import MUTANTS  # noqa: E402


def simulator_with(mutant, folder):
    """The program with the fault in it."""
    build = build_folder()
    return link_mutant(build, "sim/sim", compile_mutant(build, mutant, folder, True), folder)


def search(simulator, seeds, faults="", moves=False):
    only = (["--faults", faults] if faults else []) + (["--moves"] if moves else [])
    return subprocess.run([simulator, "--seeds", str(seeds), "--no-shrink", *only], text=True,
                          capture_output=True, timeout=1200)


@pytest.mark.long
@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant.name.replace(" ", "-"))
                                    for mutant in MUTANTS])
def test_the_simulator_finds(mutant, tmp_path):
    done = search(simulator_with(mutant, tmp_path), mutant.seeds, mutant.faults,
                  mutant.moves)
    assert done.returncode == 1, f"{mutant.seeds} seeds did not find: {mutant.name}\n{done.stdout}"
    assert "broken: " in done.stdout


def test_every_fault_of_the_simulators_still_has_its_place():
    for mutant in MUTANTS:
        text = (ROOT / mutant.file).read_text()
        for before, _ in edits_of(mutant):
            assert before in text, mutant.name


def test_a_sound_region_passes_the_same_way(tmp_path):
    """Else every fault would be found for another reason."""
    sound = MUTANTS[0]._replace(before="#include", after="#include")
    done = search(simulator_with(sound, tmp_path), 8)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("sim: 8 seeds, ")
    assert done.stdout.splitlines()[-1].endswith(" 0 lost writes, 0 double homes")
