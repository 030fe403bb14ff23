#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs check_layers.py on made-up trees: it must find each breach, and nothing else."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).with_name("check_layers.py")
APACHE = "// SPDX-License-Identifier: Apache-2.0"
GPL = "// SPDX-License-Identifier: GPL-3.0-or-later"
QT = {"QtCore": ["QObject"], "QtNetwork": ["QTcpSocket"], "QtWebSockets": ["QWebSocket"],
      "QtWidgets": ["QWidget"], "QtCharts": ["QChart"], "QtSql": ["QSqlDatabase"]}
HEADERS = ["shared/types.h", "server/core/rooms.h", "server/net/shard.h", "server/http/http.h",
           "server/cluster/registry.h", "tests/load/options.h", "tests/support/fatal_log.h"]
CONSOLE_HEADERS = ["console/model/history.h", "console/link/fleet.h", "console/view/theme.h"]


def licence(path):
    return GPL if path.startswith("console/") else APACHE


class CheckLayers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "tree"
        self.qt = Path(folder.name) / "qt6"
        for module, headers in QT.items():
            for header in headers:
                self.write(self.qt / module / header, "")
        for path in HEADERS + CONSOLE_HEADERS:
            self.add(path)

    def write(self, file, text):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def add(self, path, *includes):
        self.write(self.root / path, "\n".join([licence(path), *(f"#include {i}" for i in includes), ""]))

    def check(self):
        run = subprocess.run([sys.executable, str(SCRIPT), str(self.root), "--qt-headers", str(self.qt)],
                             capture_output=True, text=True, check=False)
        return run.returncode, run.stdout.splitlines()

    def test_what_is_allowed(self):
        self.add("shared/types.cpp", '"shared/types.h"', "<QObject>", "<tl/expected.hpp>", "<vector>")
        self.add("server/net/shard.cpp", '"server/net/shard.h"', '"server/core/rooms.h"', "<QWebSocket>", "<zlib.h>")
        self.add("server/net/linux/raw_socket.cpp", "<sys/socket.h>", "<unistd.h>")
        self.add("server/process_unix.cpp", "<sys/resource.h>", "<unistd.h>")
        self.add("server/cluster/redis_link.cpp", "<hiredis/read.h>", "<QTcpSocket>")
        self.add("server/http/http.cpp", "<boost/beast/http/parser.hpp>")
        self.add("server/config_file.cpp", "<toml++/toml.h>")
        self.add("server/node.cpp", '"server/net/shard.h"', '"server/cluster/registry.h"', '"weir_version.h"')
        self.add("console/view/theme.cpp", '"console/view/theme.h"', '"console/model/history.h"', "<QtWidgets/QWidget>")
        self.add("console/ctl/main.cpp", '"console/link/fleet.h"', "<CLI/CLI.hpp>")
        self.add("tests/unit/tst_a.cpp", '"server/net/shard.h"', "<simdjson.h>", "<signal.h>", '"tst_a.moc"')
        self.add("build/x/server/core/a.cpp", '"console/view/theme.h"')
        self.assertEqual(self.check(), (0, []))

    def test_breaches(self):
        cases = [
            ("shared/a.cpp", '"server/core/rooms.h"', "shared may not include server/core"),
            ("shared/a.cpp", "<QTcpSocket>", "QtNetwork (QTcpSocket) may not be used in shared"),
            ("server/core/a.cpp", '"server/net/shard.h"', "server/core may not include server/net"),
            ("server/core/a.cpp", "<QTcpSocket>", "QtNetwork"),
            ("server/core/a.cpp", "<QtNetwork/QTcpSocket>", "QtNetwork"),
            ("server/http/a.cpp", "<boost/beast/http.hpp>", "Boost.Beast"),
            ("server/net/a.cpp", '"server/cluster/registry.h"', "server/net may not include server/cluster"),
            ("server/net/a.cpp", "<sys/socket.h>", "operating system"),
            ("server/net/portable/a.cpp", "<unistd.h>", "operating system"),
            ("server/net/portable/a.cpp", "<winsock2.h>", "operating system"),
            ("server/net/a.cpp", "<simdjson.h>", "simdjson"),
            ("server/cluster/a.cpp", '"server/http/http.h"', "server/cluster may not include server/http"),
            ("server/cluster/registry.cpp", "<hiredis/hiredis.h>", "hiredis"),
            ("server/admin/a.cpp", "<zlib.h>", "zlib"),
            ("server/node.cpp", "<toml++/toml.h>", "toml++"),
            ("server/node.cpp", "<CLI/CLI.hpp>", "CLI11"),
            ("server/node.cpp", "<curl/curl.h>", "<curl/curl.h> is of no library in the table"),
            ("server/node.cpp", "<QSqlDatabase>", "QtSql"),
            ("server/node.cpp", '"console/model/history.h"', "server and console"),
            ("server/node.cpp", '"tests/support/fatal_log.h"', "nothing includes tests"),
            ("server/node.cpp", '"node.h"', "is no file from the root"),
            ("server/node.cpp", '"server/gone.h"', "is no file from the root"),
            ("console/model/a.cpp", '"console/link/fleet.h"', "console/model may not include console/link"),
            ("console/model/a.cpp", "<QWidget>", "QtWidgets"),
            ("console/view/a.cpp", '"console/link/fleet.h"', "console/view may not include console/link"),
            ("console/ctl/a.cpp", "<QWidget>", "QtWidgets"),
            ("console/link/a.cpp", '"server/core/rooms.h"', "server and console"),
            ("tests/load/a.cpp", '"server/cluster/registry.h"', "tests/load may not include server/cluster"),
            ("tests/load/a.cpp", "<sys/epoll.h>", "operating system"),
        ]
        for path, include, rule in cases:
            with self.subTest(path=path, include=include):
                self.add(path, "<vector>", include)
                status, lines = self.check()
                (self.root / path).unlink()
                self.assertEqual(status, 1)
                self.assertEqual(len(lines), 1, lines)
                self.assertTrue(lines[0].startswith(f"{path}:3: "), lines[0])
                self.assertIn(rule, lines[0])

    def test_new_folder_needs_a_row(self):
        self.add("server/new/a.cpp", "<vector>")
        self.assertEqual(self.check(), (1, ["server/new/a.cpp:1: server/new is no layer of the table"]))

    def test_licences(self):
        cases = [
            ("server/a.cpp", "int x;\n", "Apache-2.0"),
            ("server/a.cpp", "", "Apache-2.0"),
            ("server/a.cpp", f"{GPL}\n", "Apache-2.0"),
            ("console/a.cpp", f"{APACHE}\n", "GPL-3.0-or-later"),
            ("server/a.cpp", f"\n{APACHE}\n", "Apache-2.0"),
            ("tests/run", "#!/bin/bash\necho\n", "Apache-2.0"),
            ("tests/a.py", "import os\n", "Apache-2.0"),
            ("server/CMakeLists.txt", "add_library(a)\n", "Apache-2.0"),
        ]
        for path, text, expected in cases:
            with self.subTest(path=path, text=text):
                self.write(self.root / path, text)
                status, lines = self.check()
                (self.root / path).unlink()
                self.assertEqual(status, 1)
                self.assertEqual(lines, [f"{path}:1: the first line must be SPDX-License-Identifier: {expected}"])

    def test_script_with_shebang_is_fine(self):
        self.write(self.root / "tests/run", "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n")
        self.assertEqual(self.check(), (0, []))

    def test_usage(self):
        run = subprocess.run([sys.executable, str(SCRIPT), "--nonsense"], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 64)
        run = subprocess.run([sys.executable, str(SCRIPT), "--qt-headers", str(self.root)],
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 69)


if __name__ == "__main__":
    unittest.main()
