# SPDX-License-Identifier: AGPL-3.0-or-later
"""One seed is one run: whatever ran before it, wherever memory lies, whatever stood there."""
import os
import re
import subprocess

import pytest
from conftest import build_folder


def digests(*arguments, filler=0):
    """What each world came to; filler: what malloc() and free() leave in memory (slow)."""
    done = subprocess.run([build_folder() / "sim" / "sim", "--digests", *arguments],
                          env={**os.environ, "MALLOC_PERTURB_": str(filler)},
                          text=True, capture_output=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^seed (\d+): digest ([0-9a-f]{16})$", done.stdout, re.M))


def many(kind, first, count):
    """All in one process, one after the other."""
    return digests(*kind, "--from", str(first), "--seeds", str(count))


# The system lays out memory anew for each process, so that an order by addresses would show.
@pytest.mark.parametrize("kind, count", [
    pytest.param([], 2, id="all that people do"),
    pytest.param(["--moves"], 2, id="moves"),
])
def test_a_seed_is_the_same_run_alone(kind, count):
    forwards = many(kind, 3, count)
    assert len(set(forwards.values())) == count
    last = str(3 + count - 1)
    assert digests(*kind, "--seed", last) == {last: forwards[last]}


def test_a_seed_knows_not_what_was_before_it():
    """Worlds of one, two and three regions, and of both kinds of phones."""
    forwards = many([], 3, 5)
    backwards = digests("--from", "3", "--seeds", "5", "--backwards")
    assert list(backwards) == list(reversed(forwards))
    assert backwards == forwards


@pytest.mark.parametrize("words, said", [
    (["sim", "--seed", "x"], "--seed wants a number"),
    (["sim", "--seed", "5", "--seeds", "3"], "--seed is one world"),
    (["sim", "--seeds", "0"], "search for nothing"),
    (["sim", "--seeds", "-5"], "--seeds wants a number"),
    (["sim", "--seconds", "0"], "--seconds wants"),
    (["sim", "--only", "1"], "--seed says which"),
    (["sim", "seeds=5"], '"seeds=5" is no option'),
    (["sim-faults", "a write"], '"a write" is no option'),
    (["sim-faults", "--only", "a wrote"], 'no scenario has "a wrote"'),
])
def test_a_slip_of_the_pen_does_not_say_that_all_is_well(words, said):
    done = subprocess.run([build_folder() / "sim" / words[0], *words[1:]], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 2 and said in done.stderr, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("kind, count", [
    pytest.param([], 80, id="all that people do"),
    pytest.param(["--moves"], 8, id="moves"),
])
def test_many_seeds_are_the_same_runs(kind, count):
    forwards = many(kind, 1000, count)
    assert digests(*kind, "--from", "1000", "--seeds", str(count), "--backwards") == forwards
    for seed in list(forwards)[::4]:
        assert digests(*kind, "--seed", seed, filler=170) == {seed: forwards[seed]}
