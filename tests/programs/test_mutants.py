# SPDX-License-Identifier: AGPL-3.0-or-later
"""Take the checks out of the gate, one at a time, and see a unit test fail.

Each fault is one file compiled anew and linked before the library that holds
the sound one, so the sound one is left out.
"""
import json
import pathlib
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT, build_folder

sys.path.insert(0, str(ROOT / "tests" / "mutants"))
from gate import MUTANTS  # noqa: E402 (it is found by the line above)


def compiler_of(build, file):
    """The build's own command for a file of src/services, without its output."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if pathlib.Path(build / entry["file"]).resolve() == (ROOT / file).resolve():
            words = shlex.split(entry["command"])
            del words[words.index("-o"):words.index("-o") + 2]
            del words[words.index("-c"):]
            return [word for word in words if word not in ("-MD",)]
    raise AssertionError(f"{file} is not part of {build}")


def linker_of(build, target, mutant, out):
    commands = subprocess.run(["ninja", "-C", build, "-t", "commands", target], check=True,
                              text=True, capture_output=True).stdout.splitlines()
    words = shlex.split(commands[-1])
    assert words[words.index("-o") + 1] == target
    words[words.index("-o") + 1] = str(out)
    words.insert(words.index(str(out)) + 1, str(mutant))
    return words


def without(words, *flags):
    """Drop flags that take the next word along."""
    kept, skip = [], False
    for word in words:
        if not skip and word not in flags:
            kept.append(word)
        skip = not skip and word in flags
    return kept


def is_alive(mutant, folder):
    """Do the tests pass although the fault is in?  False: they saw it."""
    build = build_folder()
    text = (ROOT / mutant.file).read_text()
    assert text.count(mutant.before) >= 1, f"{mutant.file} changed: {mutant.before!r} is not in it"
    source = folder / "mutant.c"
    source.write_text(text.replace(mutant.before, mutant.after, 1))
    compiler = without(compiler_of(build, mutant.file), "-MQ", "-MF")
    # A fault may leave something unused, which is not how it is to be found.
    quiet = [] if mutant.test is None else ["-Wno-error"]
    done = subprocess.run([*compiler, *quiet, "-o", folder / "mutant.o", "-c", source], cwd=build,
                          text=True, capture_output=True)
    if mutant.test is None:
        return done.returncode == 0
    assert done.returncode == 0, done.stderr
    target = f"tests/unit/services/test_services_{mutant.test}"
    subprocess.run(linker_of(build, target, folder / "mutant.o", folder / "test"), cwd=build,
                   check=True, timeout=60, capture_output=True)
    return subprocess.run([folder / "test"], cwd=folder, timeout=120,
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
