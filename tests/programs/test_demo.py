# SPDX-License-Identifier: AGPL-3.0-or-later
"""The demonstration does what the README says of it."""
import os
import re
import subprocess

import pytest
from conftest import ROOT, build_folder


@pytest.mark.long
def test_everything_is_restored_and_an_account_moves_without_a_loss():
    done = subprocess.run([ROOT / "tools/demo"], env=dict(os.environ, BUILD=str(build_folder())),
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    restored, moved = done.stdout.splitlines()[-2:]
    assert re.fullmatch(r"demo: restored \d{4,} items and \d+ files, all identical", restored)
    found = re.fullmatch(r"move: (\d+) writes acknowledged, 0 lost, pause (\d+) ms, "
                         r"certificate valid, source empty", moved)
    assert found and int(found.group(1)) > 10 and int(found.group(2)) < 5000, moved
