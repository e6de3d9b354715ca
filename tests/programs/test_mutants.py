# SPDX-License-Identifier: AGPL-3.0-or-later
"""Take the checks out of the gate, one at a time, and see a unit test fail."""
import subprocess
import sys

import pytest
from conftest import ROOT, build_folder

sys.path.insert(0, str(ROOT / "tests" / "mutants"))
from building import compile_mutant, link_mutant  # noqa: E402 (found by the line above)
from gate import MUTANTS  # noqa: E402


def is_alive(mutant, folder):
    """Do the tests pass although the fault is in?  False: they saw it."""
    build = build_folder()
    compiled = compile_mutant(build, mutant, folder, mutant.test is not None)
    if mutant.test is None:
        return compiled is not None
    program = link_mutant(build, f"tests/unit/services/test_services_{mutant.test}", compiled,
                          folder)
    return subprocess.run([program], cwd=folder, timeout=120,
                          capture_output=True).returncode == 0


def parameters():
    return [pytest.param(mutant, id=mutant.name.replace(" ", "-"),
                         marks=[] if mutant.often else [pytest.mark.long])
            for mutant in MUTANTS]


@pytest.mark.parametrize("mutant", parameters())
def test_a_gate_with_a_fault_is_seen(mutant, tmp_path):
    assert not is_alive(mutant, tmp_path), f"nobody noticed: {mutant.name}"


def test_every_fault_still_has_its_place():
    for mutant in MUTANTS:
        assert mutant.before in (ROOT / mutant.file).read_text(), mutant.name


def test_a_sound_gate_passes_the_same_way(tmp_path):
    """Else every fault would be seen for another reason."""
    for file, test in (("src/services/consent/gate.c", "terms"),
                       ("src/services/consent/gate.c", "consent")):
        sound = MUTANTS[0]._replace(file=file, before="#include", after="#include", test=test)
        (tmp_path / test).mkdir()
        assert is_alive(sound, tmp_path / test)
