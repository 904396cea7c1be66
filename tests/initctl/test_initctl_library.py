"""libinitctl.a, as another program uses it."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import DEADLINE, ROOT
from initctl import container, control  # noqa: F401

HEADER = ROOT / "src/initctl/initctl.h"
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-g"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-D_GNU_SOURCE",
            f"-I{ROOT}/src"]
SOURCES = [ROOT / f"src/{name}.c" for name in
           ("initctl/client", "base/number", "base/seqpacket", "base/text", "base/wire")]


@pytest.fixture(params=["gcc", "musl-gcc", "gcc with sanitizers"])
def program(request, container):
    compiler, *rest = request.param.split()
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    made = container.directory / "embed"
    # Only the header, as it is installed.
    include = container.directory / "include"
    include.mkdir()
    shutil.copy(HEADER, include)
    archive = ROOT / "build/libinitctl.a"
    if not rest and not archive.exists():
        pytest.skip("the library is not built")
    # Sanitizers check only what is compiled with them, so build the library's sources too.
    linked = [*SANITIZE, *SOURCES] if rest else [archive]
    subprocess.run([compiler, *FLAGS, f"-I{include}", "-o", made,
                    ROOT / "tests/initctl/embed_client.c", *linked], check=True,
                   cwd=container.directory, timeout=60, env={**os.environ, "TMPDIR": str(container.directory)})

    def run(*words, socket=container.socket):
        return subprocess.run([made, socket, *words], env=container.environment(), text=True,
                              capture_output=True, timeout=DEADLINE, stdin=subprocess.DEVNULL)

    return run


def test_a_client_of_the_library(container, program):
    done = program("sh", "-c", "pwd; echo $FROM; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "/tmp\nembed_client\n", "session 1\n")
    done = program("sh", "-c", "ulimit -c 0; kill -SEGV $$")
    assert (done.returncode, done.stderr) == (139, "session 2\n")
    done = program("no-such")
    assert (done.returncode, done.stderr) == (126, "failed in exec, errno 2\n")
    done = program("true", socket="/no/such")
    assert (done.returncode, done.stderr) == (
        125, "embed_client: /no/such: No such file or directory\n")
    done = program("x" * 66000)
    assert done.returncode == 125 and "Message too l" in done.stderr


def library():
    archive = ROOT / "build/libinitctl.a"
    if not archive.exists():
        pytest.skip("the library is not built")
    text = subprocess.run(["nm", "-g", archive], check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[-2:] for line in text.splitlines() if line and not line.endswith(":")]
    return ({name for kind, name in symbols if kind != "U"},
            {name for kind, name in symbols if kind == "U"})


def test_symbols_of_the_library():
    """The library exports exactly the functions of its header, all initctl_*, and no data."""
    declared = set(re.findall(r"\b(initctl_\w+)\(", re.sub(r"(?s)/\*.*?\*/", "", HEADER.read_text())))
    defined, needed = library()
    assert len(declared) > 15 and defined == declared
    assert not {name for name in needed if name.startswith(
        ("wire_", "seqpacket_", "number_", "text_", "sys_", "log_", "output_"))}


TOO_MANY = """
#include <errno.h>
#include <sys/socket.h>
#include "initctl.h"

int main(void)
{
	int ends[2], fds[64] = {0};
	char data[64];
	struct initctl_request request;

	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
	initctl_begin(&request, data, sizeof data, "status");
	return initctl_send(ends[0], &request, fds, 64) == -1 && errno == EINVAL ? 0 : 1;
}
"""


def test_too_many_descriptors(tmp_path):
    """Too many descriptors are refused, since the buffer for them on the stack is limited."""
    (tmp_path / "many.c").write_text(TOO_MANY)
    compiler = subprocess.run(["make", "-s", "print-CC"], cwd=ROOT, check=True, capture_output=True,
                              text=True).stdout.strip()
    subprocess.run([compiler, "-static", "-I", HEADER.parent, "-o", tmp_path / "many",
                    tmp_path / "many.c", ROOT / "build/libinitctl.a"], check=True)
    assert subprocess.run([tmp_path / "many"]).returncode == 0


def test_the_library_has_no_state():
    """The library has no writable data, so that threads can use different connections."""
    text = subprocess.run(["nm", ROOT / "build/libinitctl.a"], check=True, capture_output=True,
                          text=True).stdout
    assert not [line for line in text.splitlines() if re.search(r" [bBdDcC] ", line)]


def test_the_header_stands_alone():
    """The header includes only headers of the libc, and every name begins with initctl."""
    text = HEADER.read_text()
    assert re.findall(r"#include (.*)", text) == ["<stdbool.h>", "<stddef.h>"]
    for name in re.findall(r"(?:struct|#define|enum) (\w+)", text):
        assert name.lower().startswith("initctl"), name
    done = subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-x", "c",
                           "-fsyntax-only", HEADER], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
