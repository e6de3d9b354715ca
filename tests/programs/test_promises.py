#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""docs/promises.md: what it names exists, and the check of it sees what does not."""
import subprocess

import pytest
from conftest import ROOT

PAGE = ROOT / "docs" / "promises.md"


def run(*words):
    return subprocess.run([ROOT / "tools/check-promises", *words], capture_output=True, text=True,
                          check=False)


def test_every_promise_names_what_enforces_and_what_proves_it():
    done = run()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("there, instead, says", [
    ("`consent_check`", "`consent_chekc`", "gate.c has no consent_chekc"),
    ("`src/http/log.c`", "`src/http/logs.c`", "there is no src/http/logs.c"),
    ("`nothing_is_stored_while_everything_is_off`", "`house_open`", "has no test house_open"),
    ("`test_the_log_tells_nothing_about_people`", "`smuggle`", "has no test smuggle"),
    ("**Does not protect from** the loss of what", "The loss of what",
     'no paragraph "Does not protect from"'),
    ("`tests/programs/test_server_http.py` `test_the_log_tells_nothing_about_people`; "
     "`tests/programs/test_ops_metrics.py`\n`test_nothing_about_anybody_is_in_it`", "reading it",
     "no test proves it"),
])
def test_a_promise_without_proof_is_found(tmp_path, there, instead, says):
    text = PAGE.read_text()
    assert there in text
    page = tmp_path / "promises.md"
    page.write_text(text.replace(there, instead, 1))
    done = run(page)
    assert done.returncode == 1 and says in done.stderr, done.stderr
