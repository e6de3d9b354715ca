# SPDX-License-Identifier: AGPL-3.0-or-later
"""How to get mounts of one's own, for tests that fill a small disk.

Root may just take a mount namespace; other people need a user namespace around
it, which in turn root cannot always have (in a changed root, for example).
"""
import functools
import subprocess


@functools.cache
def own_mounts():
    """The command that runs another one with mounts of its own."""
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    raise RuntimeError("neither root nor user namespaces: a small disk cannot be mounted here")
