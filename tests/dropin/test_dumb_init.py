"""dumb-init on a terminal: what its command finds there, and what the keys do, beside ours.

dumb-init gives its command a session of its own, and with -c leaves it in its process group; so
other things happen than with the other inits, of which process/test_terminal.py is.
"""
import pytest

from conftest import descendants
from peers import Tool
from terminal import BASH, INTERRUPT, SUSPEND, process, terminal  # noqa: F401 (fixture)


@pytest.fixture
def both(tmp_path, run, start):
    """Does the same with dumb-init and with ours: their facts are the same."""
    def both(look):
        theirs, ours = [look(Tool("dumb-init", ours, tmp_path, run, start))
                        for ours in (False, True)]
        assert ours == theirs
        return ours
    return both


def place(t, command, program):
    """Where the command is, relative to the program that started it."""
    command, program = process(command), process(program)
    return {"its session": command.session == command.pid, "ours": command.session == program.session,
            "its group": command.pgrp == command.pid, "our group": command.pgrp == program.pgrp,
            "a terminal": command.tty != 0, "in front": command.pgrp == t.foreground()}


@pytest.mark.parametrize("option", [[], ["-c"]], ids=["", "-c"])
def test_as_leader(terminal, both, option):
    """As docker run -it starts it."""
    def look(tool):
        t = terminal([tool.program, *option, "sh", "-c", "echo up; exec sleep 1000"])
        t.expect("up")
        one = t.find_foreground("sleep")
        seen = place(t, one.pid, t.pid())
        t.press(INTERRUPT)
        # Ours dies of what was typed as well, where it can: so container-init(8).
        return {**seen, "code": {-2: 130}.get(code := t.wait(), code)}

    seen = both(look)
    assert seen["its session"] != bool(option) and seen["a terminal"] and seen["code"] == 130


@pytest.mark.parametrize("option", [[], ["-c"]], ids=["", "-c"])
def test_hang_up(terminal, both, option):
    def look(tool):
        t = terminal([tool.program, *option, "sh", "-c",
                      f"trap 'echo hung up >{tool.folder}/hup' HUP; echo up; "
                      f"while :; do sleep 0.05; test -e {tool.folder}/hup && exit 4; done"])
        t.expect("up")
        t.hang_up()
        return {"code": t.wait(), "heard": (tool.folder / "hup").exists()}

    assert both(look)["heard"]


@pytest.mark.parametrize("option", ["", "-c"])
def test_as_a_job(terminal, both, option):
    """From a shell: Ctrl-Z stops both, fg resumes both, Ctrl-C ends the command."""
    def look(tool):
        t = terminal(BASH, env={"TOOL": str(tool.program)})
        t.prompt()
        t.type(f"$TOOL {option} sh -c 'echo up; exec sleep 1000'")
        t.expect("up")
        sleep = t.find("sleep").pid
        program = process(sleep).ppid
        seen = place(t, sleep, program)
        states = []
        for key, state in ((SUSPEND, "T"), (None, "S")):
            if key:
                t.press(key)
                t.expect("Stopped")
                t.prompt()
            else:
                t.type("fg")
            t.until(lambda: {process(p).state for p in (sleep, program)} == {state}, "both")
            states.append(state)
        t.press(INTERRUPT)
        t.prompt()
        seen["code"] = int(t.run("echo code=$?").split("code=")[1])
        return {**seen, "states": states, "left": len(descendants(t.pid()))}

    seen = both(look)
    assert seen["its session"] != bool(option) and seen["code"] == 130
