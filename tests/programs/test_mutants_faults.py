# SPDX-License-Identifier: AGPL-3.0-or-later
"""Put faults into what must hold when memory and disks fail, and see sim-faults find them."""
import subprocess
import sys

import pytest
from conftest import ROOT, build_folder

sys.path.insert(0, str(ROOT / "tests" / "mutants"))
from building import compile_mutant, link_mutant  # noqa: E402 (found by the line above)
from faults import FAULTS  # noqa: E402

PROGRAM = "sim/sim-faults"


def is_alive(fault, folder):
    """Does sim-faults find nothing wrong although the fault is in?"""
    build = build_folder()
    compiled = compile_mutant(build, fault, folder, True)
    own = fault.file if fault.file.startswith("src/daemon/") else None
    program = link_mutant(build, PROGRAM, compiled, folder, own)
    stride = ["--stride", str(fault.stride)] if fault.stride else []
    done = subprocess.run([program, *stride, "--only", fault.only], cwd=folder, timeout=600,
                          text=True, capture_output=True)
    return done.returncode == 0


@pytest.mark.parametrize("fault", [
    pytest.param(fault, id=fault.name.replace(" ", "-"), marks=[] if fault.often else
                 [pytest.mark.long]) for fault in FAULTS])
def test_a_store_with_a_fault_is_seen(fault, tmp_path):
    assert not is_alive(fault, tmp_path), f"nothing is wrong with it: {fault.name}"


def test_every_fault_still_has_its_place():
    for fault in FAULTS:
        assert fault.before in (ROOT / fault.file).read_text(), fault.name


def test_a_sound_store_passes_the_same_way(tmp_path):
    """Else every fault would be seen for another reason."""
    sound = FAULTS[0]._replace(before="#include", after="#include", only="LOGOUT", stride=9)
    assert is_alive(sound, tmp_path)
