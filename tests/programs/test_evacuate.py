# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicilectl evacuate: what a plan takes, from a plan alone and from a region's accounts."""
import re
import signal
import subprocess
import xml.etree.ElementTree as xml

import pytest

from conftest import ROOT, domicilectl, program
from etebase_client import Refused, chunk, new_person
from test_ops_domicilectl import ctl

EXAMPLE = ROOT / "packaging" / "evacuate-2014.plan"


def rows(printed):
    return {line.split()[0]: line for line in printed.splitlines()[1:]}


def test_the_case_of_2014_is_forecast_and_drawn(tmp_path):
    picture = tmp_path / "2014.svg"
    printed = domicilectl("evacuate", "--plan", EXAMPLE, "--dry-run", "--from", "2014-08-01",
                          "--plot", picture)
    phases = rows(printed)
    assert list(phases)[:3] == ["shop", "messages", "last-mile"]
    assert re.search(r"in all +46\.0 million +8\.1 PiB +in 254\.8 days; 4\.0 million", printed)
    assert "2014-09-13 16:00" in phases["messages"]
    drawn = xml.parse(picture).getroot()
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"shop", "messages", "last-mile", "2014-08-01"} <= set(words)
    # What is printed is what the documentation shows.
    documented = (ROOT / "docs" / "evacuate-2014.svg").read_text()
    assert documented == picture.read_text()


def test_without_a_population_the_region_is_asked(region, tmp_path):
    plan = tmp_path / "plan"
    plan.write_text("rate = 60\n[pilot]\ncohort = 2\norder = smallest\n[others]\ncohort = rest\n")
    words = ("evacuate", "--plan", plan, "--dry-run")
    assert "no accounts that could move" in ctl(region, *words, code=1)
    for size in (0, 0, 70_000):
        new_person(region.url).create_collection(chunks=[chunk(size)] if size else [])
    phases = rows(ctl(region, *words))
    assert re.match(r"pilot +2 +0 B ", phases["pilot"])
    assert re.match(r"others +1 +68\.4 KiB ", phases["others"])
    assert "takes 0 arguments" in ctl(region, "evacuate", "survey", code=2)


def test_what_is_wrong_is_said_and_nothing_else(tmp_path):
    plan = tmp_path / "plan"
    assert "needs --plan" in domicilectl("evacuate", "--dry-run", code=2)
    assert "cannot be read" in domicilectl("evacuate", "--dry-run", "--plan", plan, code=1)
    plan.write_text("[a]\ncohort = many\n")
    assert f"{plan}:2: cohort is" in domicilectl("evacuate", "--dry-run", "--plan", plan, code=2)
    for endless in ("/dev/zero", "/dev/urandom"):
        assert "this is not text" in domicilectl(
            "evacuate", "--dry-run", "--plan", endless, code=2)
    assert "takes a date" in domicilectl(
        "evacuate", "--dry-run", "--plan", EXAMPLE, "--from", "soon", code=2)
    assert "needs --to" in domicilectl("evacuate", "--plan", EXAMPLE, code=2)
    assert "cannot be written" in domicilectl(
        "evacuate", "--dry-run", "--plan", EXAMPLE, "--plot", tmp_path / "no" / "x.svg", code=1)


class Evacuation:
    """domicilectl evacuate under way."""

    def __init__(self, site, plan, target):
        self.process = subprocess.Popen(
            [program("DOMICILECTL", "src/daemon/domicilectl"), "-c", str(site.configuration),
             "evacuate", "--plan", str(plan), "--to", target],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def line(self):
        return self.process.stdout.readline()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        rest, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, errors
        return rest


def proposal(person):
    return person.get("/domicile/v1/moves/proposal/")


def test_people_are_told_and_can_refuse_and_nobody_moves_without_an_order(pair, tmp_path):
    home, other = pair
    people = [new_person(home.address, region=home.name) for _ in range(3)]
    people[0].create_collection(chunks=[chunk(70_000)])
    plan = tmp_path / "plan"
    plan.write_text("notice = 1h\n[pilot]\ncohort = 2\norder = smallest\n[others]\ncohort = rest\n")
    evacuation = Evacuation(home, plan, other.name)
    assert re.match(r"pilot +2 told, 0 agreed, 0 refused", evacuation.line())
    with pytest.raises(Refused) as refused:  # the largest is not in this phase
        proposal(people[0])
    assert refused.value.status == 404
    seen = proposal(people[1])
    assert (seen["target"], seen["answer"]) == (other.name, "none")
    assert seen["begins"] - seen["told"] == pytest.approx(3600 * 1000, abs=2000)
    people[1].post("/domicile/v1/moves/proposal/", {"refuse": True})
    assert re.match(r"pilot +2 told, 0 agreed, 1 refused", evacuation.line())
    assert "the same command goes on" in evacuation.interrupt()
    # Begun again it asks nobody twice.
    evacuation = Evacuation(home, plan, other.name)
    assert re.match(r"pilot +2 told, 0 agreed, 1 refused", evacuation.line())
    evacuation.interrupt()
    assert "2 proposals withdrawn" in home.control("evacuate", "--withdraw")
    with pytest.raises(Refused):
        proposal(people[1])


def test_a_plan_to_nowhere_tells_nobody(pair, tmp_path):
    plan = tmp_path / "plan"
    plan.write_text("[all]\ncohort = rest\n")
    new_person(pair[0].address, region=pair[0].name)
    for nowhere in ("mars", pair[0].name):
        assert "nobody was told" in pair[0].control(
            "evacuate", "--plan", plan, "--to", nowhere, code=2)
    assert "nobody to tell" in pair[1].control(
        "evacuate", "--plan", plan, "--to", pair[0].name, code=1)


def until(read, wanted):
    """The lines up to the first that matches."""
    lines = []
    for _ in range(40):
        lines.append(read())
        if not lines[-1] or re.search(wanted, lines[-1]):
            break
    assert re.search(wanted, lines[-1]), lines
    return lines


def test_who_agrees_moves_when_the_plan_says_so_and_nobody_else(pair, tmp_path):
    home, other = pair
    yes, no, silent = (new_person(home.address, region=home.name) for _ in range(3))
    kept = yes.create_collection(chunks=[chunk(70_000)])
    plan = tmp_path / "plan"
    plan.write_text("notice = 1m\ngrace = 1\n[all]\ncohort = rest\n")
    evacuation = Evacuation(home, plan, other.name)
    until(evacuation.line, "all +3 told")
    no.post("/domicile/v1/moves/proposal/", {"refuse": True})
    yes.order_move(home.name, other.name, seconds=3600)
    until(evacuation.line, "3 told, 1 agreed, 1 refused")
    # The order waits: its phase has not begun.
    [move] = yes.moves()
    assert move["state"] == "ordered" and proposal(yes)["answer"] == "agreed"
    with pytest.raises(Refused) as refused:  # who has signed an order cancels that
        yes.post("/domicile/v1/moves/proposal/", {"refuse": True})
    assert "order" in refused.value.detail
    evacuation.interrupt()
    home.control("evacuate", "--withdraw")
    # Of the plan's own clock: begun again without a notice, everybody is home but who agreed.
    plan.write_text("grace = 1\n[now]\ncohort = rest\n")
    evacuation = Evacuation(home, plan, other.name)
    until(evacuation.line, r"now +\[")
    assert yes.moves()[0]["state"] == "ordered"  # another phase's
    evacuation.interrupt()
    for person in (no, silent):
        assert person.moves() == []
        assert proposal(person)["answer"] == "none"
    move = silent.order_move(home.name, other.name, seconds=3600)
    evacuation = Evacuation(home, plan, other.name)
    until(evacuation.line, "1 of 1 moved")
    there = silent.follow(moved(silent))
    assert there.moves()[0]["side"] == "target"
    assert no.collections() == [] and len(yes.collections()) == 1 and kept
    evacuation.interrupt()


def moved(person):
    with pytest.raises(Refused) as refused:
        person.collections()
    return refused.value
