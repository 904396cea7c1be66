"""Terminals of sessions, made by the child inside. init-control(7), "exec", "hold and attach"."""
import errno
import fcntl
import json
import os
import re
import signal
import struct
import termios

import pytest

from conftest import PROBE, descendants, eventually, is_alive, status_of
from container import container, directory, gone, needs_root, read_all, read_until  # noqa: F401

TIOCGPTN = 0x80045430


def terminal(box, *args, fields=(), channel=None):
    channel = channel or box.connect()
    answer = channel.exec(*args, fields=fields)
    assert answer.name == "started", answer
    return channel, answer, answer.fds[0]


def size_of(fd):
    return struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))[:2]


def test_master_is_a_master(container, how):
    """The client can check that it was given a master; its number is that of the container."""
    box = container(how=how)
    channel, answer, master = terminal(box, "sh", "-c", "tty; exit 5")
    assert struct.unpack("i", fcntl.ioctl(master, TIOCGPTN, bytes(4)))[0] >= 0
    assert not fcntl.fcntl(master, fcntl.F_GETFL) & os.O_NONBLOCK, "as the child opened it"
    assert re.fullmatch(r"/dev/pts/\d+\r\n", read_all(master))
    assert channel.receive().fields == [("code", "5")]
    box.check_well()


@pytest.mark.parametrize("height, width", [(33, 77), (0, 0), (65535, 65535), (24, None)])
def test_size_is_set_before_the_start(container, height, width):
    """Elsewhere a command starts with the wrong window size. Here it is set before the start."""
    box = container()
    fields = [f"height={height}"] + ([f"width={width}"] if width is not None else [])
    _, _, master = terminal(box, "stty", "size", fields=fields)
    assert read_all(master) == f"{height} {width or 0}\r\n"


def test_session_owns_it(container, how):
    """It is the session's controlling terminal, with job control; nothing else is open."""
    box = container(how=how)
    script = 'echo $$; ps -o tpgid=,sid= -p $$; : </dev/tty && echo ok; exec "$0" report'
    _, answer, master = terminal(box, "sh", "-c", script, PROBE)
    words, seen = read_all(master).split("ok")
    assert words.split() == [answer["pid"]] * 3
    seen = json.loads(seen)
    assert set(seen["fds"]) == {"0", "1", "2"} and seen["sid"] == answer.number("pid")


def test_typed_signals_and_resize(container):
    box = container()
    # noflsh: the kernel sends the signal and then drops what was printed, by the trap as well. A
    # signal just before the read(2) is noticed at its end.
    script = ("stty noflsh; trap 'echo INT' INT; trap 'stty size' WINCH; echo ready; "
              "while :; do read -t 0.2 x; done")
    channel, answer, master = terminal(box, "bash", "-c", script)
    read_until(master, "ready")
    os.write(master, b"\x03")
    read_until(master, "INT")
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 55, 0, 0))
    os.write(master, b"\n")
    read_until(master, "44 55")


def test_job_control(container):
    box = container()
    channel, answer, master = terminal(box, "bash", "--norc", "-i", fields=["env=PS1=$ "])
    read_until(master, "$ ")
    # As in harness/terminal.py.
    os.write(master, b"stty noflsh; echo r''eady\n")
    read_until(master, "ready")
    os.write(master, b"sleep 1000\n")
    leader = box.outside(answer["pid"])
    child = eventually(lambda: [p for p in descendants(leader)])[0]
    eventually(lambda: status_of(child)["Name"].strip() == "sleep")
    os.write(master, b"\x1a")
    read_until(master, "Stopped")
    eventually(lambda: status_of(child)["State"].startswith("T"))
    os.write(master, b"kill %1; fg\n")
    eventually(lambda: gone(child))
    os.write(master, b"exit 3\n")
    assert channel.receive().fields == [("code", "3")]


@needs_root
def test_user_owns_his_terminal(container):
    box = container()
    _, _, master = terminal(box, "sh", "-c", "stat -c %u $(tty); echo x >$(tty) && echo ok",
                            fields=["user=1234:55"])
    assert read_all(master).split() == ["1234", "x", "ok"]


def test_failed_exec_on_a_terminal(container):
    """Neither started nor a master is sent, and the connection may be used again."""
    box = container()
    held = box.idle()
    channel = box.connect()
    for _ in range(20):
        answer = channel.exec("/nowhere")
        assert (answer.name, answer["stage"], answer.fds) == ("failed", "exec", [])
    _, _, master = terminal(box, "echo", "ok", channel=channel)
    assert "ok" in read_all(master)
    assert channel.receive()["code"] == "0"
    channel.close()
    box.check_well(held)


def test_what_was_written_before_the_end(container):
    """Elsewhere output is lost at the exit. Here what is in the terminal can be read after the
    leader's end was reported."""
    box = container()
    channel, _, master = terminal(box, "sh", "-c", "echo first; setsid sleep 1000 & echo last")
    assert channel.receive().fields == [("code", "0")]
    assert "last" in read_until(master, "last")


def test_close_is_a_hang_up(container, how):
    """The foreground group gets HUP as well if the leader has put another group there."""
    box = container(how=how)
    channel, answer, master = terminal(box, "bash", "--norc", "-i", fields=["env=PS1=$ "])
    read_until(master, "$ ")
    os.write(master, b"sleep 1000\n")
    leader = box.outside(answer["pid"]) if how == "pid1" else answer.number("pid")
    child = eventually(lambda: list(descendants(leader)))[0]
    eventually(lambda: status_of(child)["Name"].strip() == "sleep")
    os.close(answer.take())
    channel.close()
    eventually(lambda: gone(leader) and gone(child), what="the end of both")
    box.check_well()


@needs_root
@pytest.mark.parametrize("fake", ["file", "fifo", "/dev/null", "directory", "none"])
def test_fake_ptmx(container, directory, fake):
    """CVE-2025-52565: a false /dev/ptmx of the image is not used."""
    path = directory / "fake"
    if fake == "fifo":
        os.mkfifo(path)
    elif fake == "directory":
        path.mkdir()
    elif fake == "none":
        path.symlink_to("/nowhere")
    else:
        path.write_text("")
    source = fake if fake.startswith("/") else path
    make = ('mount -t tmpfs none /mnt; mkdir /mnt/pts; mount --move /dev/pts /mnt/pts; '
            'cp -a /dev/null /mnt/; cp -a "$0" /mnt/ptmx; mount --move /mnt /dev; exec "$@"')
    box = container(wrap=["sh", "-c", make, source])
    held = box.idle()
    channel, _, master = terminal(box, "tty")
    assert "/dev/pts/" in read_all(master)
    assert channel.receive()["code"] == "0"
    channel.close()
    box.check_well(held)


@needs_root
def test_terminal_that_hangs(container, directory):
    """Where the container makes the open of a path hang, only the child hangs."""
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("needs /dev/fuse, to make an open hang")
    hang = ('mount -t tmpfs none /mnt; cp -a /dev/null /mnt; exec 9<>/dev/fuse; mkdir /mnt/f; '
            'mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 none /mnt/f; '
            'ln -s f/x /mnt/ptmx; mount --move /mnt /dev; exec "$@"')
    box = container("--grace", "1000s", wrap=["sh", "-c", hang, "sh"])
    held = box.idle()
    channel = box.connect()
    channel.send("exec", "terminal=true", args=["tty"])
    other = box.connect()
    eventually(lambda: other.call("status")["sessions"] == "1")
    other.close()
    channel.close()
    box.check_well(held)


@needs_root
def test_container_without_terminals(container):
    box = container(wrap=["sh", "-c", 'mount -t tmpfs none /dev; exec "$@"', "sh"])
    channel = box.connect()
    answer = channel.exec("true")
    assert (answer.name, answer["stage"], answer["errno"]) == ("failed", "terminal",
                                                               str(errno.ENOENT))
    assert channel.call("status").name == "status"


# ---- hold and attach


def test_hold_and_attach(container, how):
    """A held session runs on without a client; attach returns its terminal."""
    box = container(how=how)
    script = "echo ready; while read x; do echo got $x; done"
    channel, answer, master = terminal(box, "sh", "-c", script)
    read_until(master, "ready")
    held = channel.call("hold", fds=[master])
    assert (held.name, held["session"]) == ("held", answer["session"])
    os.close(answer.take())
    channel.close()
    other = box.connect()
    assert other.list_sessions()[0]["state"] == "held"
    back = other.call("attach", f"session={answer['session']}")
    assert back.name == "attached"
    assert (back["session"], back["pid"]) == (answer["session"], answer["pid"])
    os.write(back.fds[0], b"word\n")
    read_until(back.fds[0], "got word")
    # It belongs to this connection now, as if it had been started on it.
    assert other.list_sessions()[0]["state"] == "attached"
    assert other.call("signal", "signal=KILL").name == "signalled"
    assert other.receive().fields == [("signal", "9")]
    other.close()
    box.check_well()


def test_attached_session_goes_with_its_new_connection(container):
    box = container()
    channel, answer, master = terminal(box, "sleep", "1000")
    channel.call("hold", fds=[master])
    os.close(answer.take())
    pid = box.outside(answer["pid"])
    other = box.connect()
    assert other.call("attach", f"session={answer['session']}").name == "attached"
    channel.close()
    assert is_alive(pid)
    assert other.call("status")["sessions"] == "1"
    other.close()
    eventually(lambda: gone(pid))


def test_hold_without_a_terminal(container):
    box = container()
    channel, answer = box.started("sleep", "1000")
    assert channel.call("hold").name == "held"
    # The connection may start another.
    assert channel.exec("true", stdio=box.null()).name == "started"
    assert channel.receive()["code"] == "0"
    channel.close()
    back = box.connect()
    assert back.call("attach", f"session={answer['session']}").fds == []


def test_held_terminal_without_its_master(container):
    """The terminal is hung up when its last master is closed: the session gets HUP."""
    box = container()
    channel, answer, master = terminal(box, "sleep", "1000")
    assert channel.call("hold").name == "held"
    os.close(answer.take())
    channel.close()
    box.check_well()


def test_attach_and_hold_that_are_refused(container):
    box = container()
    channel = box.connect()

    def errno_of(answer):
        assert answer.name == "failed", answer
        return answer.number("errno")

    assert errno_of(channel.call("attach", "session=77")) == errno.ESRCH
    assert errno_of(channel.call("hold")) == errno.ESRCH
    mine, answer = box.started("sleep", "1000")
    assert errno_of(channel.call("attach", f"session={answer['session']}")) == errno.EBUSY
    assert mine.call("hold").name == "held"
    assert errno_of(mine.call("hold")) == errno.ESRCH
    busy, _ = box.started("sleep", "1000")
    assert errno_of(busy.call("attach", f"session={answer['session']}")) == errno.EBUSY
    assert channel.call("attach", f"session={answer['session']}").name == "attached"
    assert errno_of(mine.call("attach", f"session={answer['session']}")) == errno.EBUSY


def test_held_session_that_ends(container):
    box = container()
    held = box.idle()
    channel, answer, master = terminal(box, "sh", "-c", "read x")
    channel.call("hold", fds=[master])
    os.write(master, b"\n")
    os.close(answer.take())
    channel.close()
    box.check_well(held)
    answer = box.connect().call("attach", f"session={answer['session']}")
    assert answer["errno"] == str(errno.ESRCH)


def test_held_descriptor_is_given_back_as_it_was(container):
    """Init keeps the descriptor that it is given and passes it to whoever attaches; it is the
    client that has to check it."""
    box = container()
    channel, answer = box.started("sleep", "1000")
    read, write = box.pipe()
    assert channel.call("hold", fds=[write]).name == "held"
    box.disown(write)
    back = channel.call("attach", f"session={answer['session']}")
    os.write(back.fds[0], b"x")
    os.close(back.take())
    assert read_all(read) == "x"


def test_end_of_the_container_hangs_held_ones_up(container):
    box = container()
    read, write = box.pipe()
    null = box.null()[0]
    channel, _ = box.started(PROBE, "signals", "--until", "15", stdio=(null, write, null))
    box.disown(write)
    read_until(read, "ready\n")
    channel.call("hold")
    channel.close()
    box.init.signal(signal.SIGTERM)
    assert read_all(read).startswith("1 ")


