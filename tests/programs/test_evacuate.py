# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicilectl evacuate: what a plan takes, from a plan alone and from a region's accounts."""
import re
import xml.etree.ElementTree as xml

from conftest import ROOT, domicilectl
from etebase_client import chunk, new_person
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
    assert "takes a date" in domicilectl(
        "evacuate", "--dry-run", "--plan", EXAMPLE, "--from", "soon", code=2)
    assert "say --dry-run" in domicilectl("evacuate", "--plan", EXAMPLE, code=2)
    assert "cannot be written" in domicilectl(
        "evacuate", "--dry-run", "--plan", EXAMPLE, "--plot", tmp_path / "no" / "x.svg", code=1)
