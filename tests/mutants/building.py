# SPDX-License-Identifier: AGPL-3.0-or-later
"""A program with a fault in one of its files.

The file is compiled anew and linked before the library that holds the sound one, so the sound
one is left out.
"""
import json
import pathlib
import shlex
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def compiler_of(build, file):
    """The build's own command for a file, without its output."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if pathlib.Path(build / entry["file"]).resolve() == (ROOT / file).resolve():
            words = shlex.split(entry["command"])
            del words[words.index("-o"):words.index("-o") + 2]
            del words[words.index("-c"):]
            return [word for word in words if word not in ("-MD",)]
    raise AssertionError(f"{file} is not part of {build}")


def linker_of(build, target, mutant, out):
    commands = subprocess.run(["ninja", "-C", build, "-t", "commands", target], check=True,
                              text=True, capture_output=True).stdout.splitlines()
    words = shlex.split(commands[-1])
    assert words[words.index("-o") + 1] == target
    words[words.index("-o") + 1] = str(out)
    words.insert(words.index(str(out)) + 1, str(mutant))
    return words


def without(words, *flags):
    """Drop flags that take the next word along."""
    kept, skip = [], False
    for word in words:
        if not skip and word not in flags:
            kept.append(word)
        skip = not skip and word in flags
    return kept


def edits_of(mutant):
    """All that the fault makes of its file: what stands there, and what then does."""
    return ((mutant.before, mutant.after), *getattr(mutant, "also", ()))


def compile_mutant(build, mutant, folder, is_quiet):
    """The object; None: it does not compile."""
    text = (ROOT / mutant.file).read_text()
    for before, after in edits_of(mutant):
        assert before in text, f"{mutant.file} changed: {before!r} is not in it"
        text = text.replace(before, after, 1)
    source = folder / "mutant.c"
    source.write_text(text)
    compiler = without(compiler_of(build, mutant.file), "-MQ", "-MF")
    # A fault may leave something unused, which is not how it is to be found.
    done = subprocess.run([*compiler, *(["-Wno-error"] if is_quiet else []),
                           "-o", folder / "mutant.o", "-c", source], cwd=build, text=True,
                          capture_output=True)
    assert done.returncode == 0 or not is_quiet, done.stderr
    return folder / "mutant.o" if done.returncode == 0 else None


def link_mutant(build, target, compiled, folder, file=None):
    """The program with that object; file: one that it is made of without a library."""
    words = linker_of(build, target, compiled, folder / "test")
    if file is not None:
        own = "_".join(pathlib.Path(file).parts) + ".o"
        words = [word for word in words if not word.endswith(own)]
    subprocess.run(words, cwd=build, check=True, timeout=120, capture_output=True)
    return folder / "test"
