# SPDX-License-Identifier: AGPL-3.0-or-later
"""Regions for tests, which end with them; regions.py has what they are."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from regions import (  # noqa: E402, F401 (for the tests)
    ROOT, Region, Group, Site, build_folder, domicilectl, domiciled_path, program)


@pytest.fixture
def make_region(tmp_path):
    """make_region(name=.., settings={..}, tls=..) starts one; all end with the test."""
    regions = []

    def make(start=True, **options):
        region = Region(tmp_path / f"region{len(regions)}", **options)
        regions.append(region)
        return region.start() if start else region

    yield make
    end_all(regions)


def end_all(regions):
    codes = [region.stop() for region in regions]
    for region, code in zip(regions, codes):
        assert code in (None, 0), f"it ended with {code}:\n{region.log}"
        for fault in ("Sanitizer", "runtime error:", "Assertion"):
            assert fault not in region.log, region.log


@pytest.fixture
def group(tmp_path):
    return Group(tmp_path / "group")


@pytest.fixture
def make_site(tmp_path):
    """make_site(name, group, ..) makes a region, see regions.Site; all end with the test."""
    sites = []

    def make(name, group=None, **options):
        sites.append(Site(tmp_path / name, name, group, **options))
        return sites[-1]

    yield make
    end_all(sites)


@pytest.fixture
def pair(group, make_site):
    """The regions "in" and "sg" of one group, which serve."""
    sites = [make_site(name, group) for name in ("in", "sg")]
    group.sign()
    return [site.start() for site in sites]


@pytest.fixture
def region(make_region):
    return make_region()


@pytest.fixture
def tls_region(make_region):
    return make_region(tls=True)


@pytest.fixture
def domiciled():
    """Run domiciled to its end: domiciled("--version") -> CompletedProcess."""
    def run(*arguments, timeout=20):
        return subprocess.run([domiciled_path(), *map(str, arguments)], timeout=timeout,
                              capture_output=True, text=True, check=False)

    return run
