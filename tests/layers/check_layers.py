#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom: reads every source file and names each breach as FILE:LINE: RULE.

check_layers.py [ROOT] [--qt-headers DIR]    exit 0: no breach, 1: breaches, 64: usage, 69: no Qt headers
"""
import argparse
import re
import sys
from pathlib import Path

# The table. A layer may include itself, the layers named here, and the Qt modules named here beside QtCore.
LAYERS = {
    "shared": ([], []),
    "server/core": (["shared"], []),
    "server/http": (["server/core", "shared"], []),
    "server/dialect": (["server/core", "shared"], []),
    "server/net": (["server/core", "server/dialect", "server/http", "shared"], ["QtNetwork", "QtWebSockets"]),
    "server/cluster": (["server/core", "shared"], ["QtNetwork"]),
    "server/admin": (["server/core", "server/http", "shared"], ["QtNetwork", "QtWebSockets"]),
    "server": (["server/*", "shared"], ["QtNetwork", "QtWebSockets"]),
    "console/model": (["shared"], []),
    # A WebSocket cannot be opened with a token but through QNetworkRequest.
    "console/link": (["shared"], ["QtNetwork", "QtWebSockets"]),
    "console/view": (["console/model", "shared"], ["QtGui", "QtWidgets", "QtCharts", "QtSvg"]),
    "console/ctl": (["console/link", "shared"], []),
    "console": (["console/*", "shared"], ["QtGui", "QtWidgets", "QtCharts", "QtSvg", "QtNetwork", "QtWebSockets"]),
    "tests/load": (["shared", "server/core", "server/http", "server/dialect", "server/net"],
                   ["QtNetwork", "QtWebSockets", "QtTest"]),
    "tests": (["*"], ["*"]),
}

# Headers that only some files may include: (what, prefix of the header, files by pattern). First match wins.
SYSTEM_FILES = [r"server/net/linux/.*", r"(.*/)?process_[^/]*"]
LIBRARIES = [
    ("tl::expected", r"tl/", [r".*"]),
    ("robin_map", r"tsl/", [r".*"]),
    ("spdlog", r"(spdlog|fmt)/", [r".*"]),
    ("hiredis", r"hiredis/", [r"server/cluster/redis_link\.[^/]*"]),
    ("Boost.Beast", r"boost/", [r"server/http/http\.cpp"]),
    ("simdjson", r"simdjson\.h$", [r"server/dialect/.*"]),
    ("zlib", r"zlib\.h$", [r"server/net/.*"]),
    ("msgpack-cxx", r"msgpack(/|\.hpp$)", [r"server/cluster/.*"]),
    ("prometheus-cpp", r"prometheus/", [r"server/admin/.*"]),
    ("toml++", r"toml\+\+/", [r"server/config[^/]*\.cpp"]),
    ("CLI11", r"CLI/", [r"(server|console)/main\.cpp", r"tests/load/main\.cpp", r"console/ctl/.*"]),
    ("QtKeychain", r"qt6?keychain/", [r"console/token_store\.cpp"]),
    ("a header of the operating system", r"(sys|arpa|netinet|net|linux)/|[a-z0-9_]+\.h$", SYSTEM_FILES),
]
# Test code is free in what it uses as an oracle or to start processes, weir-load is not: it is a program.
FREE = r"tests/(?!load/).*"

GENERATED = {"weir_version.h"}
SKIPPED_FOLDERS = {".git", "build", "node_modules", "__pycache__"}
SOURCE_ENDS = (".cpp", ".h", ".h.in", ".py", ".js", ".mjs", ".cmake")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    """The longest folder of the table that `path` lies in, or None.

    `server` and `console` are the files at their top alone: a new folder needs its own row.
    """
    parts = path.split("/")[:-1]
    for count in range(len(parts), 0, -1):
        folder = "/".join(parts[:count])
        if folder in LAYERS:
            return None if folder in ("server", "console") and count < len(parts) else folder
    return None


def may(layer, other):
    allowed = LAYERS[layer][0]
    return other == layer or any(a == other or a == "*" or (a.endswith("/*") and other.startswith(a[:-1]))
                                 for a in allowed)


def matches(path, patterns):
    return any(re.fullmatch(p, path) for p in patterns)


class QtHeaders:
    """Which module a Qt header is of, as the installed Qt has it."""

    def __init__(self, folder):
        self.modules = {}
        for module in sorted(folder.glob("Qt*")):
            if module.is_dir():
                for header in module.iterdir():
                    self.modules.setdefault(header.name, module.name)

    def module(self, header):
        folder, _, name = header.rpartition("/")
        if folder:
            return folder if folder.startswith("Qt") and folder != "Qt" else None
        return self.modules.get(name)


def own_breach(root, path, layer, header):
    if header.endswith(".moc") or header in GENERATED:
        return None
    if "/" not in header or not (root / header).is_file():
        return f'"{header}" is no file from the root: write "folder/name.h"'
    other = layer_of(header)
    if header.startswith("tests/") and not path.startswith("tests/"):
        return "nothing includes tests"
    if {path.split("/")[0], header.split("/")[0]} == {"server", "console"}:
        return "server and console never include each other"
    if other is None or not may(layer, other):
        names = ", ".join(LAYERS[layer][0]) or "nothing of ours"
        return f"{layer} may not include {other or header}, only {names}"
    return None


def library_breach(path, layer, header, qt):
    module = qt.module(header)
    if module:
        modules = LAYERS[layer][1]
        if module == "QtCore" or module in modules or "*" in modules:
            return None
        return f"{module} ({header}) may not be used in {layer}"
    if re.fullmatch(r"[a-z_0-9]+", header) or re.fullmatch(FREE, path):
        return None  # the standard library
    for name, prefix, files in LIBRARIES:
        if re.match(prefix, header):
            return None if matches(path, files) else f"{name} ({header}) only in {' '.join(files)}"
    return f"<{header}> is of no library in the table"


def licence_breach(path, lines):
    expected = "GPL-3.0-or-later" if path.startswith("console/") else "Apache-2.0"
    first = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
    if not first or not re.search(rf"SPDX-License-Identifier: {re.escape(expected)}\s*$", first[0]):
        return f"the first line must be SPDX-License-Identifier: {expected}"
    return None


def is_source(file):
    if file.name == "CMakeLists.txt" or file.name.endswith(SOURCE_ENDS):
        return True
    if "." in file.name:
        return file.suffix == ".sh"
    with file.open("rb") as stream:
        return stream.read(2) == b"#!"


def sources(root):
    for top in ("shared", "server", "console", "tests", "packaging", ".ci", "CMakeLists.txt"):
        start = root / top
        for file in [start] if start.is_file() else sorted(start.rglob("*")):
            if file.is_file() and not file.is_symlink() and not SKIPPED_FOLDERS & set(file.relative_to(root).parts):
                if is_source(file):
                    yield file


def breaches(root, qt):
    for file in sources(root):
        path = file.relative_to(root).as_posix()
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        wrong = licence_breach(path, lines)
        if wrong:
            yield path, 1, wrong
        if not path.endswith((".cpp", ".h", ".h.in")):
            continue
        layer = layer_of(path)
        if layer is None:
            yield path, 1, f"{path.rpartition('/')[0] or path} is no layer of the table"
            continue
        for number, line in enumerate(lines, 1):
            found = INCLUDE.match(line)
            if found:
                kind, header = found.groups()
                wrong = (own_breach(root, path, layer, header) if kind == '"'
                         else library_breach(path, layer, header, qt))
                if wrong:
                    yield path, number, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.error = lambda message: (print(f"check_layers.py: {message}", file=sys.stderr), sys.exit(64))
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--qt-headers", type=Path, help="the folder that holds QtCore, QtNetwork, …")
    arguments = parser.parse_args()
    folders = [arguments.qt_headers] if arguments.qt_headers else sorted(Path("/usr/include").glob("**/qt6"))
    qt = QtHeaders(folders[0]) if folders else None
    if not qt or "QObject" not in qt.modules:
        print("check_layers.py: no Qt headers found; name their folder with --qt-headers", file=sys.stderr)
        return 69
    count = 0
    for path, line, rule in breaches(arguments.root.resolve(), qt):
        print(f"{path}:{line}: {rule}")
        count += 1
    if count:
        print(f"{count} breaches of the layer rules (tests/layers/check_layers.py holds the table)", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
