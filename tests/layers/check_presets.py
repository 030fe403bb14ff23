#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every preset that a workflow, a script or the README names exists.

check_presets.py [ROOT]    exit 0: they do, 1: names those that do not
"""
import json
import re
import sys
from pathlib import Path

PLACES = [".github/workflows/*.yml", ".ci/run", "packaging/quickstart", "packaging/package",
          "packaging/test-packages", "README.md", "CONTRIBUTING.md"]
KINDS = {"cmake --build --preset": "buildPresets", "ctest --preset": "testPresets"}


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    presets = json.loads((root / "CMakePresets.json").read_text())
    names = {kind: {each["name"] for each in presets[kind]}
             for kind in ("configurePresets", "buildPresets", "testPresets")}
    seen, missing = 0, 0
    for pattern in PLACES:
        for path in sorted(root.glob(pattern)):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                for found in re.finditer(r"(cmake --build |ctest )?--preset[ =]([a-z][a-z|]*)", line):
                    kind = KINDS.get((found[1] or "") + "--preset", "configurePresets")
                    for name in found[2].split("|"):
                        seen += 1
                        if name not in names[kind]:
                            missing += 1
                            print(f"{path}:{number}: no preset {name} in {kind}")
    if seen == 0:
        print("no preset is named anywhere: this check has lost its way")
    return 1 if missing or seen == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
