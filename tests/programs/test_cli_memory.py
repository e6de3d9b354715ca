#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""domicile stays small however large the input is."""
import hashlib
import random
import re
import time

import pytest
from cli_device import Device, sms

PEAK_BYTES_MAX = 64_000_000


def peak_of(pid, before):
    """VmHWM, which unlike ru_maxrss does not count what the parent had before exec()."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
    except OSError:
        found = None
    return max(before, int(found.group(1)) * 1024) if found else before


def run_measured(device, *words):
    """(standard output, peak resident bytes)"""
    process = device.start(*words)
    peak = 0
    while process.poll() is None:
        peak = peak_of(process.pid, peak)
        time.sleep(0.002)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert peak > 0
    return out, peak


def digest(path):
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def random_file(path, size):
    """Half random, half holes, so that neither case is left out."""
    rng = random.Random(7)
    with open(path, "wb") as out:
        for at in range(0, size, 2 << 20):
            out.seek(at)
            out.write(rng.randbytes(min(1 << 20, size - at)))
        out.truncate(size)


def message_file(path, size):
    """Messages with attachments from 1 kB to 90 MB, as phones export them."""
    rng = random.Random(9)
    with open(path, "w", encoding="ascii") as out:
        out.write("<?xml version='1.0' encoding='UTF-8'?>\n<smses count=\"0\">\n")
        at = 0
        while out.tell() < size:
            at += 1
            out.write(sms(1_600_000_000_000 + at, f"number {at}"))
            attachment = 90_000_000 if at == 3 else rng.choice((1000, 30_000, 400_000))
            out.write(f'  <mms date="{1_600_000_000_000 + at}" address="+12025550123" msg_box="1" '
                      f'm_id="{at}"><parts><part seq="0" ct="image/jpeg" data="')
            block = rng.randbytes(12_000).hex()
            for _ in range(attachment // len(block) + 1):
                out.write(block)
            out.write('" /></parts></mms>\n')
        out.write("</smses>\n")
    return at


def check_file(region, tmp_path, size):
    source = tmp_path / "big.bin"
    random_file(source, size)
    device = Device(tmp_path).signup(region, services=["files"])
    _, backup_peak = run_measured(device, "backup", source)
    _, again_peak = run_measured(device, "backup", source)
    _, restore_peak = run_measured(device, "restore", tmp_path / "restored")
    _, verify_peak = run_measured(device, "verify")
    print(f"peak: {backup_peak} {again_peak} {restore_peak} {verify_peak}")
    assert digest(tmp_path / "restored" / "big.bin") == digest(source)
    assert max(backup_peak, again_peak, restore_peak, verify_peak) < PEAK_BYTES_MAX


def check_messages(region, tmp_path, size):
    source = tmp_path / "sms.xml"
    count = message_file(source, size)
    device = Device(tmp_path).signup(region, services=["messages"])
    out, backup_peak = run_measured(device, "backup", source)
    assert f"{2 * count:,} read: {2 * count:,} new" in out
    out, again_peak = run_measured(device, "backup", source)
    assert f"{2 * count:,} already stored" in out
    _, restore_peak = run_measured(device, "restore", tmp_path / "restored")
    print(f"peak: {backup_peak} {again_peak} {restore_peak}")
    restored = (tmp_path / "restored" / "messages.xml").stat().st_size
    assert abs(restored - source.stat().st_size) < 200
    assert max(backup_peak, again_peak, restore_peak) < PEAK_BYTES_MAX


@pytest.mark.timing
def test_a_file_of_100_megabytes_needs_little_memory(region, tmp_path):
    check_file(region, tmp_path, 100_000_000)


@pytest.mark.timing
@pytest.mark.long
def test_a_file_of_500_megabytes_needs_little_memory(region, tmp_path):
    check_file(region, tmp_path, 500_000_000)


@pytest.mark.timing
@pytest.mark.long
def test_messages_of_300_megabytes_need_little_memory(region, tmp_path):
    check_messages(region, tmp_path, 300_000_000)
