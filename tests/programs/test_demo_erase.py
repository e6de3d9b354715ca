#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""make demo-erase: the story in small, and that its scanner is not blind."""
import importlib.machinery
import importlib.util
import os
import random
import re
import subprocess
import sys

import pytest
from conftest import ROOT, build_folder


@pytest.fixture(scope="module")
def demo():
    sys.path.insert(0, str(ROOT / "tools"))
    loader = importlib.machinery.SourceFileLoader("demo_erase", str(ROOT / "tools/demo-erase"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("demo_erase", loader))
    loader.exec_module(module)
    return module


def test_the_scanner_finds_what_stands_anywhere(demo, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[demo.Scanner.__module__], "BLOCK", 4096)
    dice = random.Random(1)
    markers = [dice.randbytes(24) for _ in range(60)] + [b"somebody@example.org"]
    data = bytearray(dice.randbytes(20000))
    # At every alignment, over the edges of blocks, at both ends.
    places = [0, 4096 - 5, 8192 - 23, 12288 - 8, 16384, *range(101, 4000, 101)][:40]
    for marker, at in zip(markers, places):
        data[at:at + len(marker)] = marker
    data[-24:] = markers[40]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(data)
    (tmp_path / "somebody@example.org.log").write_bytes(b"")
    (tmp_path / "short").write_bytes(markers[59][:23])
    found = demo.Scanner(markers).folders(tmp_path)
    assert found.keys() == {*markers[:41], b"somebody@example.org"}
    assert demo.Scanner(markers).folders(tmp_path / "nothing") == {}


def test_pieces_of_text_are_no_markers(demo):
    dice = random.Random(2)
    text = b"HTTP/1.1 200 OK\r\ncontent-length: 4711\r\n\r\n" * 200
    assert demo.pieces(text, 50, dice) == []
    cipher = dice.randbytes(5000)
    found = demo.pieces(text + cipher, 50, dice)
    assert len(found) == 50 and sum(piece in cipher for piece in found) > 40


def test_what_is_erased_is_gone_also_after_an_older_backup_is_restored(tmp_path):
    done = subprocess.run(
        [ROOT / "tools/demo-erase", "--small", "--folder", tmp_path / "demo"],
        env=dict(os.environ, BUILD=str(build_folder())), capture_output=True, text=True,
        check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    found = re.fullmatch(r"erase: (\d+) markers planted, 0 found, receipt valid", last)
    assert found and int(found.group(1)) >= 150, last
