"""Servers of Debian as the command: a request that is being served survives a graceful reload.

A server's main process takes the signal to reload, and ends its workers when they have served what
they have begun. Where the workers themselves die of that signal it has to go to the main process
alone: --main-only.
"""
import shutil
import socket
import struct
import threading

import pytest

from conftest import AS_ROOT, eventually
from container import directory  # noqa: F401

GUNICORN, NGINX = "/usr/bin/gunicorn", "/usr/sbin/nginx"
FPM = next((path for n in range(9, -1, -1) if (path := shutil.which(f"php-fpm8.{n}"))),
           shutil.which("php-fpm8.2") or "/usr/sbin/php-fpm8.2")

APP = """
import os, time
folder = os.path.dirname(os.path.abspath(__file__))
open(f"{folder}/loaded-{os.getpid()}", "w").close()
def app(environ, start_response):
    open(f"{folder}/begun", "w").close()
    while not os.path.exists(f"{folder}/go"):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "6")])
    return [b"served"]
"""

PHP = """<?php
touch(__DIR__ . "/begun");
while (!file_exists(__DIR__ . "/go")) { usleep(10000); clearstatcache(); }
echo "served";
"""

FPM_CONF = """[global]
error_log = {folder}/log
daemonize = no
process_control_timeout = 30
[www]
{user}
listen = {folder}/sock
pm = static
pm.max_children = 2
"""

NGINX_CONF = """daemon off;
pid {folder}/pid;
error_log {folder}/log notice;
worker_processes 1;
{user}
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{ listen unix:{folder}/sock; location / {{ proxy_pass http://unix:{folder}/backend; }} }}
}}
"""


def connect(path):
    def connected():
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(str(path))
            return peer
        except OSError:
            peer.close()
            return None
    return eventually(connected, what=f"a server at {path}")


def everything_from(peer):
    data = b""
    try:
        while more := peer.recv(4096):
            data += more
    except ConnectionResetError:
        pass
    return data


class Request(threading.Thread):
    """A request that is being answered; answer() waits for it."""

    def __init__(self, path, data):
        super().__init__()
        self.peer, self.got = connect(path), None
        self.peer.sendall(data)
        self.start()

    def run(self):
        with self.peer:
            self.got = everything_from(self.peer)

    def answer(self):
        self.join(15)
        assert not self.is_alive(), "no answer"
        return self.got


HTTP = b"GET / HTTP/1.0\r\nHost: x\r\n\r\n"


def fast_cgi(**variables):
    """A request in FastCGI's records: begin, its variables, their end, the end of the body."""
    def record(kind, data=b""):
        return struct.pack(">BBHHBB", 1, kind, 1, len(data), 0, 0) + data
    pairs = b"".join(struct.pack(">BB", len(k), len(v)) + k.encode() + v.encode()
                     for k, v in variables.items())
    return record(1, struct.pack(">HB5x", 1, 0)) + record(4, pairs) + record(4) + record(5)


def survives(request, init, folder, number, reloaded):
    """Whether the request is answered that was begun before the reload."""
    eventually((folder / "begun").exists, what="the request")
    init.signal(number)
    eventually(reloaded, what="the reload")
    (folder / "go").touch()
    return b"served" in request.answer()


def stop(init):
    init.signal(15)
    init.wait()


@pytest.mark.skipif(not shutil.which(GUNICORN), reason="needs Debian's gunicorn")
@pytest.mark.parametrize("options, served", [(["--main-only=HUP"], True), (["-c"], True),
                                             ([], False)], ids=str)
def test_gunicorn(start, directory, options, served):
    """Its workers die of HUP."""
    (directory / "app.py").write_text(APP)
    init = start([*options, "--", GUNICORN, "--chdir", directory, "--bind",
                  f"unix:{directory}/sock", "--worker-tmp-dir", directory, "app:app"])
    request = Request(directory / "sock", HTTP)
    assert survives(request, init, directory, 1,
                    lambda: len(list(directory.glob("loaded-*"))) >= 2) == served
    if served:
        stop(init)


@pytest.mark.skipif(not shutil.which(FPM), reason="needs Debian's php-fpm")
@pytest.mark.parametrize("options, served", [(["--main-only=USR1,USR2"], True), (["-c"], True),
                                             ([], False)], ids=str)
def test_php_fpm(start, directory, options, served):
    """Its workers die of USR1 and USR2."""
    (directory / "wait.php").write_text(PHP)
    directory.chmod(0o777)
    user = "user = daemon\ngroup = daemon\nlisten.mode = 0666" if AS_ROOT else ""
    (directory / "conf").write_text(FPM_CONF.format(folder=directory, user=user))
    init = start([*options, "--", FPM, "-y", directory / "conf"])
    request = Request(directory / "sock", fast_cgi(
        SCRIPT_FILENAME=f"{directory}/wait.php", REQUEST_METHOD="GET", QUERY_STRING=""))
    log = directory / "log"
    assert survives(request, init, directory, 12,
                    lambda: "Reloading in progress" in log.read_text()) == served
    if served:
        eventually(lambda: "using inherited socket" in log.read_text(), what="the new main process")
        stop(init)


@pytest.mark.skipif(not shutil.which(NGINX), reason="needs Debian's nginx")
@pytest.mark.parametrize("options", [[], ["--main-only=HUP"]], ids=str)
def test_nginx(start, directory, options):
    """Its workers know which signals are for the main process, and ignore them."""
    (directory / "conf").write_text(NGINX_CONF.format(
        folder=directory, user="user daemon;" if AS_ROOT else ""))
    directory.chmod(0o777)
    with socket.socket(socket.AF_UNIX) as backend:
        backend.bind(str(directory / "backend"))
        (directory / "backend").chmod(0o666)
        backend.listen()
        backend.settimeout(15)
        init = start([*options, "--", NGINX, "-e", directory / "log", "-c", directory / "conf"])
        request = Request(directory / "sock", HTTP)
        with backend.accept()[0] as peer:
            (directory / "begun").touch()

            def answer():
                eventually((directory / "go").exists, what="the reload")
                peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nserved")
            thread = threading.Thread(target=answer)
            thread.start()
            log = directory / "log"
            assert survives(request, init, directory, 1,
                            lambda: log.read_text().count("start worker process ") >= 2)
            thread.join()
        stop(init)
