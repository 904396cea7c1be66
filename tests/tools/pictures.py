#!/usr/bin/python3
"""Makes the pictures of README.md: initctl top, ps --tree and cp on a real terminal.

usage: tests/tools/pictures.py DIRECTORY (make pictures). Needs root, and strace to slow a copy.
"""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/harness"))
from screen import Screen  # noqa: E402

INIT, INITCTL = ROOT / "build/init", ROOT / "build/initctl"
# A web server, as far as its names go.
APP = """
(exec -a 'nginx: worker process' bash -c 'while :; do :; done') &
(exec -a 'nginx: worker process' sleep 1000) &
(exec -a 'php-fpm: master process' bash -c "(exec -a 'php-fpm: pool www' sleep 1000) & wait") &
wait
"""


def run(columns, rows, words, enough, keys="", environment=None):
    """What initctl writes to a terminal of that size, until enough(text) is true."""
    pid, master = pty.fork()
    if not pid:
        os.environ.update(environment, TERM="xterm", LC_ALL="C")
        os.execvp(words[0], words)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    text, end, typed = "", time.monotonic() + 60, False
    while time.monotonic() < end:
        if select.select([master], [], [], 0.2)[0]:
            try:
                text += os.read(master, 65536).decode(errors="replace")
            except OSError:
                break
        if not typed and keys and text.count("\x1b[H") > 2:
            os.write(master, keys.encode())
            typed = True
        if enough(text):
            break
    os.kill(pid, 15)
    os.waitpid(pid, 0)
    os.close(master)
    return text


def main(target):
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        socket = f"{directory}/web.sock"
        environment = {"INIT_SOCKET": socket}
        server = Path(directory) / "server"
        server.write_text("#!/bin/bash\nexec -a server bash -c 'eval \"$APP\"'\n")
        server.chmod(0o755)
        init = subprocess.Popen(["/init", "--", "server"], executable=INIT, env={
            **os.environ, "APP": APP, "PATH": f"{directory}:{os.environ['PATH']}",
            "INIT_OPTIONS": f"--unshare pid,mount,net,ipc,uts --mount-proc --control {socket}"})
        try:
            while subprocess.run([INITCTL, "status"], env=environment, capture_output=True).returncode:
                time.sleep(0.1)
            subprocess.run([INITCTL, "exec", "-d", "sleep", "1000"], env=environment, check=True)
            text = run(92, 18, [INITCTL, "top", "--interval", "500ms"],
                       lambda text: text.count("\x1b[H") > 8, "t\x1b[B\x1b[B", environment)
            frame = "\x1b[H" + text.split("\x1b[H")[-2]
            (target / "top.svg").write_text(Screen(18, 92).feed(frame).svg("initctl top"))
            text = run(92, 18, [INITCTL, "ps", "--tree", "-o", "pid,outside,user,state,age,rss,role,command"],
                       lambda text: False, environment=environment)
            (target / "ps.svg").write_text(
                Screen(18, 92).feed("$ initctl ps --tree -o pid,outside,user,state,age,rss,role,command\r\n"
                                    + text).svg("initctl ps --tree"))
            big = Path(directory) / "backup.tar"
            with open(big, "wb") as file:
                file.truncate(1)
                for _ in range(200):
                    file.write(os.urandom(1 << 20))
            text = run(92, 4, ["strace", "-f", "-qq", "-o", "/dev/null", "-e",
                               "inject=copy_file_range,sendfile:delay_enter=150000", INITCTL, "cp",
                               str(big), ":/var/tmp/pictures.tar"],
                       lambda text: len(re.findall(r"left", text)) > 3, environment=environment)
            line = [part for part in text.split("\r") if "left" in part][-1]
            (target / "cp.svg").write_text(
                Screen(4, 92).feed("$ initctl cp backup.tar :/srv/\r\n" + line).svg("initctl cp"))
        finally:
            subprocess.run([INITCTL, "stop", "--grace", "0"], env=environment, check=False)
            init.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
