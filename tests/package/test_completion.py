"""Completion by a bash on a terminal: all completions are put on the line, which is printed."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from conftest import INIT, PATH, ROOT
from container import container, directory  # noqa: F401 (fixtures)
from initctl import INITCTL
from terminal import Terminal

LIBRARY = "/usr/share/bash-completion/bash_completion"
ALL, HOME, END = "\x1b*", "\x01", "\x05"


class Bash(Terminal):
    def complete(self, line):
        """The words of the line after all completions of its last word were inserted."""
        self.press(f"{line}{ALL}{HOME}printf '<%s>\\n' {END}; echo over\n")
        text = self.expect(r"(?s)(.*)\nover\r").group(1)
        self.prompt()
        return re.findall(r"<([^>\r]*)>\r", text)

    def offers(self, line):
        """The words that completion has added."""
        before = len(line.split()) - (not line.endswith(" "))
        return self.complete(line)[before:]


@pytest.fixture(params=["alone", "library"])
def bash(request, marker, tmp_path):
    """bash without and with Debian's bash-completion, which completes many other commands."""
    if request.param == "library" and not os.path.exists(LIBRARY):
        pytest.skip("bash-completion is not installed")
    for name, program in (("init", INIT), ("initctl", INITCTL)):
        (tmp_path / name).symlink_to(os.path.abspath(program))
    one = Bash(["bash", "--norc", "--noprofile", "-i"], marker, columns=2000,
               env={"PATH": f"{tmp_path}:{PATH}", "TERM": "dumb", "HOME": str(tmp_path)})
    one.prompt()
    one.run("bind 'set enable-bracketed-paste off'")
    if request.param == "library":
        one.run(f". {LIBRARY}")
    for name in ("init", "initctl"):
        assert one.run(f". {ROOT}/src/completion/{name}.bash") in ("", "\r\n", "\r")
    yield one
    one.hang_up()
    one.popen.send_signal(signal.SIGKILL)
    one.close()


def help_of(program, *words):
    text = subprocess.run([program, *(words or ["-h"])], capture_output=True, text=True, check=True).stdout
    return text, set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def test_options_of_init(bash):
    """All options are offered; they are read from --help, so new ones are as well."""
    options = help_of(INIT)[1]
    assert len(options) > 15 and set(bash.offers("init --")) == options
    assert bash.offers("init --chd") == ["--chdir"]
    assert "-g" in bash.offers("init --grace 2 -")


@pytest.mark.parametrize("line, offers", [
    ("init -p TER", ["TERM"]),
    ("init --parent-death-signal=QUI", ["--parent-death-signal=QUIT"]),
    ("init -r TER", ["TERM"]),
    ("init --rewrite TERM:QUI", ["TERM:QUIT"]),
    ("init --control-verbs status,watc", ["status,watch"]),
    ("init --control-verbs=exec,sto", ["--control-verbs=exec,stop"]),
    ("init --grace 5", ["5"]),
    ("init --unshare=pid,us", ["--unshare=pid,user"]),
    ("init --mount proc,hid", ["proc,hidepid"]),
    ("init -p TERMX", ["TERMX"]),
])
def test_values_of_init(bash, line, offers):
    assert bash.offers(line) == offers


def test_files_and_folders(bash, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    both = {f"{tmp_path}/folder/", f"{tmp_path}/file"}
    folder = f"{tmp_path}/folder/"
    assert set(bash.offers(f"init --control {tmp_path}/f")) in (both, {w.rstrip("/") for w in both})
    assert [w.rstrip("/") + "/" for w in bash.offers(f"init --chdir {tmp_path}/f")] == [folder]
    assert [w.rstrip("/") + "/" for w in bash.offers(f"initctl exec -w {tmp_path}/f")] == [folder]
    assert bash.offers(f"initctl -S {tmp_path}/fi") == [f"{tmp_path}/file"]
    assert bash.offers(f"initctl shell --program {tmp_path}/fi") == [f"{tmp_path}/file"]
    assert bash.offers(f"initctl debug --tools {tmp_path}/fi") == [f"{tmp_path}/file"]


@pytest.mark.parametrize("before", ["init", "init --", "init -v --grace 5s --", "init --grace=5s",
                                    "init -r TERM:QUIT", "initctl exec", "initctl exec -t -u 1 --",
                                    "initctl -S /none --json exec", "initctl ns --fd 3 net,uts",
                                    "initctl ns net --", "initctl debug --tools /bin/sh --"])
def test_command(bash, before, tmp_path):
    """The command and its arguments are completed as without init."""
    program = tmp_path / "odd-command"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert set(bash.offers(f"{before} odd-comm")) == {"odd-command"}
    (tmp_path / "argument").touch()
    assert bash.offers(f"{before} odd-command {tmp_path}/argu") == [f"{tmp_path}/argument"]
    assert bash.offers(f"{before} odd-command --chdi") == ["--chdi"]


def test_verbs_and_options_of_initctl(bash):
    text, _ = help_of(INITCTL)
    options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.M))
    lines = re.findall(r"^  ([a-z]+(?:, [a-z]+)*)\b", text, re.M)
    verbs = set(", ".join(lines).split(", "))
    assert len(verbs) > 5 and bash.offers("initctl ") == sorted(verbs)
    assert bash.offers("initctl ns net,ut") == ["net,uts"]
    assert bash.offers("initctl -S /none sess") == ["sessions"]
    of_exec = help_of(INITCTL, "help", "exec")[1]
    assert len(of_exec) > 5 and set(bash.offers("initctl exec --")) == (options | of_exec) - {"--help"}
    assert bash.offers("initctl signal HU") == ["HUP"]
    assert bash.offers("initctl signal -HU") == ["-HU"]
    assert bash.offers("initctl list /us") == ["/usr"]
    assert bash.offers("initctl --all --jobs 9 sessi") == ["sessions"]


def test_sessions(bash, container):  # noqa: F811
    box = container()
    channel, answer = box.started("sleep", "1000")
    socket, session = box.path, answer["session"]
    assert bash.offers(f"initctl -S {socket} attach ") == [session]
    assert set(bash.offers(f"initctl -S {socket} signal TERM ")) == {"main", "all", f"%{session}"}
    channel.close()


@pytest.fixture
def folder(tmp_path):
    """A folder of the container, which has the host's root here."""
    one = tmp_path / "inside"
    (one / "folder").mkdir(parents=True)
    for name in ("file", "folder/a b", ".dot", "folder/c"):
        (one / name).touch()
    return one


def test_paths_inside(bash, container, folder):  # noqa: F811
    box = container()
    box.connect().close()
    ask = f"initctl -S {box.path}"
    assert set(bash.offers(f"{ask} cat {folder}/")) == {f"{folder}/file", f"{folder}/folder/"}
    assert bash.offers(f"{ask} tail -f {folder}/fi") == [f"{folder}/file"]
    assert bash.offers(f"{ask} ls -l {folder}/.d") == [f"{folder}/.dot"]
    assert bash.offers(f"{ask} ls {folder}/folder/a") == [f"{folder}/folder/a b"]
    assert "/etc/" in bash.offers(f"{ask} cat /e")


@pytest.mark.parametrize("breaks", [True, False])
def test_paths_of_cp(bash, container, folder, tmp_path, breaks):  # noqa: F811
    """They are those inside behind a colon, whether that breaks words or not, and else ours."""
    box = container()
    box.connect().close()
    (folder / "only-outside").touch()
    if not breaks:
        bash.run("COMP_WORDBREAKS=${COMP_WORDBREAKS//:}")
    ask = f"initctl -S {box.path} cp"
    relative = str(folder).lstrip("/")
    assert bash.offers(f"{ask} :{folder}/fi") == [f":{folder}/file"]
    # Where the colon breaks words, it is no part of what bash puts in the place of one.
    assert sorted(one.lstrip(":") for one in bash.offers(f"{ask} -a x :{folder}/f")) == [
        f"{folder}/file", f"{folder}/folder/"]
    assert bash.offers(f"{ask} :{relative}/fi") == [f":{relative}/file"]
    assert bash.offers(f"{ask} :{folder}/folder/a") == [f":{folder}/folder/a b"]
    assert ":/etc/" in bash.offers(f"{ask} :/e")
    assert bash.offers(f"{ask} :{folder}/file {folder}/only") == [f"{folder}/only-outside"]


def test_paths_inside_in_fish(programs, container, folder):  # noqa: F811
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    box = container()
    box.connect().close()
    script = (f"source {ROOT}/src/completion/initctl.fish; "
              f"complete -C 'initctl -S {box.path} cat {folder}/f'")
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True,
                          env={"PATH": programs, "HOME": str(folder), "LC_ALL": "C.UTF-8"})
    assert (done.stderr, done.stdout.split()) == ("", [f"{folder}/file", f"{folder}/folder/"])
    # From the container's root, not from a directory here.
    relative = str(folder).lstrip("/")
    script = script.replace(f"cat {folder}/f", f"cp -a x :{relative}/f")
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True,
                          env={"PATH": programs, "HOME": str(folder), "LC_ALL": "C.UTF-8"})
    assert (done.stderr, done.stdout.split()) == ("", [f":{relative}/file", f":{relative}/folder/"])


def test_other_name(bash, tmp_path):
    """A package may install init by another name: completion is for the name of the file."""
    shutil.copy(ROOT / "src/completion/init.bash", tmp_path / "container-init")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/container-init").symlink_to(os.path.abspath(INIT))
    bash.run(f"PATH=$PATH:{tmp_path}/bin; . {tmp_path}/container-init")
    assert bash.offers("container-init --wai") == ["--wait-all"]


OTHERS = [("init --wai", "--wait-all"), ("init --chdir /us", "/usr"), ("init -p WINC", "WINCH"),
          ("init --grace 2 odd-comm", "odd-command"), ("initctl ses", "sessions"),
          ("initctl exec --no-n", "--no-new-privs"),
          ("initctl list /us", "/usr"), ("initctl --all --jobs 9 sessi", "sessions"), ("initctl -S /none exec odd-comm", "odd-command"),
          ("initctl signal WINC", "WINCH"), ("initctl tha", "thaw"),
          ("initctl ns net odd-comm", "odd-command"),
          ("initctl debug --tools /bin/sh odd-comm", "odd-command"),
          ("init odd-command /us", "/usr"), ("initctl exec odd-command /us", "/usr")]


@pytest.fixture
def programs(tmp_path):
    """A PATH with init and initctl, and with a program whose name is unique."""
    for name, program in (("init", INIT), ("initctl", INITCTL), ("odd-command", "/bin/true")):
        (tmp_path / name).symlink_to(os.path.abspath(program))
    return f"{tmp_path}:{PATH}"


@pytest.mark.parametrize("line, offered", OTHERS)
def test_fish(programs, tmp_path, line, offered):
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    script = f"source {ROOT}/src/completion/{line.split()[0]}.fish; complete -C '{line}'"
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True,
                          env={"PATH": programs, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})
    assert done.stderr == ""
    # For values it completes only files.
    wanted = [] if line.startswith("init -p") else [offered]
    assert [word.split("\t")[0].rstrip("/") for word in done.stdout.splitlines()] == wanted


def complete_in_zsh(programs, marker, tmp_path, line):
    """The last word of the line after it was completed."""
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    functions = tmp_path / "functions"
    functions.mkdir()
    for name in ("init", "initctl"):
        shutil.copy(ROOT / f"src/completion/{name}.zsh", functions / f"_{name}")
    one = Bash(["zsh", "-f", "-i"], marker, columns=2000,
               env={"PATH": programs, "TERM": "dumb", "HOME": str(tmp_path)})
    try:
        one.prompt()
        one.run(f"unsetopt zle_bracketed_paste; fpath=({functions} $fpath); autoload -U compinit; "
                f"compinit -u -d {tmp_path}/dump; bindkey -e")
        one.press(f"{line}\t{HOME}printf '<%s>\\n' {END}; echo over\n")
        text = one.expect(r"(?s)(.*)\nover\r").group(1)
        return re.findall(r"<([^>%\r]*)>\r", text)[-1]
    finally:
        one.hang_up()
        one.popen.send_signal(signal.SIGKILL)
        one.close()


@pytest.mark.parametrize("line, offered", OTHERS)
def test_zsh(programs, marker, tmp_path, line, offered):
    assert complete_in_zsh(programs, marker, tmp_path, line).rstrip("/") == offered


def test_paths_inside_in_zsh(programs, marker, tmp_path, container, folder):  # noqa: F811
    box = container()
    box.connect().close()
    line = f"initctl -S {box.path} tail -f {folder}/fi"
    assert complete_in_zsh(programs, marker, tmp_path, line) == f"{folder}/file"


def test_paths_of_cp_in_zsh(programs, marker, tmp_path, container, folder):  # noqa: F811
    box = container()
    box.connect().close()
    line = f"initctl -S {box.path} cp -a x :{folder}/fi"
    assert complete_in_zsh(programs, marker, tmp_path, line) == f":{folder}/file"
