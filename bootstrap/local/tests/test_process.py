"""The process: how it starts and stops, and that nothing is left of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
import urllib.request
from pathlib import Path

from support import PACKAGE, Server, eventually, invoke, make_function


def processes_below(directory: Path) -> list[str]:
    """The processes whose program or arguments are below a directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
        except OSError:
            continue
        if str(directory) in command:
            found.append(command)
    return found


class ProcessTest(unittest.TestCase):
    def start(self, *arguments: str) -> Server:
        server = Server(*arguments)
        self.addCleanup(server.stop)
        return server

    def test_a_clean_exit_is_prompt_and_complete(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                server = self.start()
                invoke(server, make_function(server))
                started = time.monotonic()
                server.process.send_signal(number)
                self.assertEqual(0, server.process.wait(timeout=3))
                self.assertLess(time.monotonic() - started, 3)
                self.assertFalse((server.directory / "endpoint.json").exists())
                self.assertEqual([], processes_below(server.directory))

    def test_a_function_that_is_running_does_not_hold_up_the_exit(self) -> None:
        server = self.start()
        function = make_function(server)
        server.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'{"sleep": 60}')
        eventually(lambda: len(processes_below(server.directory)), lambda seen: seen >= 2)
        server.process.terminate()
        self.assertEqual(0, server.process.wait(timeout=3))
        self.assertEqual([], processes_below(server.directory))

    @unittest.skipUnless(sys.platform == "linux", "reads /proc")
    def test_a_kill_takes_the_functions_along(self) -> None:
        server = self.start()
        invoke(server, make_function(server))
        self.assertGreaterEqual(len(processes_below(server.directory)), 2)
        server.process.kill()
        server.process.wait()
        self.assertEqual([], eventually(lambda: processes_below(server.directory), lambda seen: seen == []))

    @unittest.skipUnless(sys.platform == "linux", "reads /proc")
    def test_it_exits_with_its_parent_but_not_with_a_thread_of_it(self) -> None:
        parent = textwrap.dedent(
            """
            import pathlib, subprocess, sys, threading, time
            directory = pathlib.Path(sys.argv[1])
            command = [sys.executable, "-m", "outrigger_local", "--directory", str(directory), "--exit-with-parent"]
            starter = threading.Thread(target=lambda: subprocess.Popen(command, stdout=subprocess.DEVNULL))
            starter.start()
            starter.join()
            while not (directory / "endpoint.json").exists():
                time.sleep(0.02)
            time.sleep(0.7)
            print((directory / "endpoint.json").exists())
            """
        )
        with tempfile.TemporaryDirectory(prefix="outrigger-local-") as name:
            directory = Path(name)
            environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
            ended = subprocess.run(
                [sys.executable, "-c", parent, name],
                env=environment,
                cwd="/",
                capture_output=True,
                text=True,
                timeout=30,
            )
            self.assertEqual("True", ended.stdout.strip(), ended.stderr)
            self.assertEqual([], eventually(lambda: processes_below(directory), lambda seen: seen == []))
            self.assertFalse((directory / "endpoint.json").exists())

    @unittest.skipUnless(sys.platform == "linux", "reads /proc")
    def test_it_listens_on_loopback_only(self) -> None:
        server = self.start()
        invoke(server, make_function(server))
        listening = set()
        for table in ("tcp", "tcp6"):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    listening.add((fields[9], fields[1].partition(":")[0]))
        own = {os.readlink(link) for link in Path(f"/proc/{server.process.pid}/fd").iterdir() if link.is_symlink()}
        addresses = {address for inode, address in listening if f"socket:[{inode}]" in own}
        self.assertEqual({"0100007F"}, addresses)

    def test_the_announcement(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        server = self.start("--port", str(port), "--no-iam")
        self.assertEqual(f"http://127.0.0.1:{port}", server.endpoint)
        self.assertEqual(server.process.pid, server.announcement["pid"])
        self.assertEqual("1.5.33", server.announcement["version"])
        with urllib.request.urlopen(f"{server.endpoint}/_outrigger/health") as answer:
            self.assertEqual(200, answer.status)
        # without enforcement a role without policies may do anything
        called = invoke(server, make_function(server), service="dynamodb", operation="list_tables", arguments={})
        self.assertEqual("ok", called)
        self.assertEqual([], [path.name for path in Path(tempfile.gettempdir()).glob(f"ministack*{port}*")])

    def test_faults_from_the_file(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="outrigger-local-"))
        (directory / "faults.json").write_text('{"throttle": [{"service": "sts", "operation": "*", "times": 1}]}')
        server = Server(directory=directory)
        self.addCleanup(server.stop)
        with self.assertRaisesRegex(Exception, "Throttling"):
            server.client("sts").get_caller_identity()
