#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a traced program kept to the system calls that its unit allows.

allowed_calls.py UNIT STRACE_OUTPUT PROGRAM    exit 0: it did, 1: names those that the filter would have refused
"""
import re
import subprocess
import sys
from pathlib import Path


def members(group, seen=None):
    """The system calls of one of systemd's groups, groups within it included."""
    seen = set() if seen is None else seen
    if group in seen:
        return set()
    seen.add(group)
    text = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, capture_output=True, text=True)
    calls = set()
    for line in text.stdout.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls |= members(word, seen)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def allowed(unit):
    calls = set()
    for line in Path(unit).read_text().splitlines():
        found = re.match(r"SystemCallFilter=(~?)(.*)", line)
        if not found:
            continue
        named = set()
        for word in found[2].split():
            named |= members(word) if word.startswith("@") else {word}
        calls = calls - named if found[1] else calls | named
    return calls | members("@default")


def used(trace, program):
    """Calls after the program began: what came before is the tracer's and chroot's."""
    calls, has_begun = set(), False
    for line in Path(trace).read_text(errors="replace").splitlines():
        call = re.match(r"\d+\s+(?:<\.\.\. )?(\w+)(?:\(| resumed>)", line)
        if call and has_begun:
            calls.add(call[1])
        elif f'execve("{program}"' in line:
            has_begun = True
    return calls


def main():
    if len(sys.argv) != 4:
        print(__doc__.strip().splitlines()[2], file=sys.stderr)
        return 64
    calls = used(sys.argv[2], sys.argv[3])
    if not calls:
        print(f"{sys.argv[2]}: {sys.argv[3]} was not traced", file=sys.stderr)
        return 65
    refused = sorted(calls - allowed(sys.argv[1]))
    for call in refused:
        print(f"the unit refuses {call}, which {sys.argv[3]} uses")
    if not refused:
        print(f"{len(calls)} different system calls, all allowed")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
