# SPDX-License-Identifier: AGPL-3.0-or-later
"""How to get mounts of one's own, for tests that fill a small disk.

Root may just take a mount namespace; other people need a user namespace around
it, which in turn root cannot always have (in a changed root, for example).  The
root of a chroot has to be a mount itself (mount --bind ROOT ROOT), else what is
mounted in it could show outside, and the kernel refuses.
"""
import functools
import subprocess


@functools.cache
def own_mounts():
    """The command that runs another one with mounts of its own."""
    said = []
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        done = subprocess.run([*command, "true"], capture_output=True, check=False, text=True)
        if done.returncode == 0:
            return command
        said.append(done.stderr.strip())
    raise RuntimeError("neither root nor user namespaces can mount a small disk here: "
                       + "; ".join(said))
