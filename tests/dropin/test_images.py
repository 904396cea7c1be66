"""What public images do with their init, once with that init and once with ours in its place.

Each row of images.py is started as PID 1 of a PID namespace, in a root directory of its own, with
the peer and then with init at the place and under the name that the image has. `probe application`
stands in for the application, run by the same kind of script. What can be seen of it has to be
equal, or to be named in differences.py, with the reason and the sentence of the manual where users
find it. A difference that is named there and is not observed fails, too.
"""
import collections
import os
import shutil
import signal
import time

import pytest

from conftest import sanitized
from differences import DIFFERENT, WHERE, compare, in_time
from images import IMAGES
from standin import KEYS, SIGNALS, Base, Container, Pause, Pod, number_of, program_of
from terminal import process
from test_table import manual

pytestmark = pytest.mark.skipif(sanitized(), reason="a build with sanitizers is dynamic")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return Base(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def roots(base, tmp_path):
    """roots(image) makes a root with the peer and one with ours, one after the other."""
    made = []

    def roots(image):
        for ours in (False, True):
            made.append(tmp_path / f"root{len(made)}")
            base.make(image, program_of(image, ours), made[-1])
            yield made[-1]

    yield roots
    for root in made:
        shutil.rmtree(root)


@pytest.fixture
def run(start, roots):
    """run(image, plan) gives a container with the peer and one with ours, one after the other."""
    containers = []

    def run(image, plan, spoil=None, kind=Container, **options):
        for root in roots(image):
            if spoil:
                spoil(root / image.app[1:])
            containers.append(kind(start, root, image, plan, **options))
            yield containers[-1]

    yield run
    for one in containers:
        one.close()


# ---- the tests

APPLICATIONS = [pytest.param(one, id=one.name) for one in IMAGES if one.app]
PAUSES = [pytest.param(one, id=one.name) for one in IMAGES if not one.app]


def serve(image, one):
    """How it is started, what each signal does, and the stop; and the seconds that this takes."""
    one.get_ready()
    values = one.started()
    for name in one.signals:
        if name not in (image.stop, image.end):
            values[f"signal {name}"] = one.send(name)
            if any(text.endswith("stopped") for text in values[f"signal {name}"]):
                values[f"signal {name}, then CONT"] = one.wake()
    one.received, began = [], time.monotonic()
    os.kill(one.outside["init"], number_of(image.stop))
    end, seconds = one.end(began)
    return {**values, **{f"stop: {key}": value for key, value in end.items()},
            "stop: signals": one.seen()}, seconds


@pytest.mark.parametrize("image", APPLICATIONS)
def test_serves_and_stops(run, image):
    seen, took = zip(*(serve(image, one) for one in run(
        image, f"stop {number_of(image.end)} {image.code}")))
    compare(image, *seen)
    in_time(took)


@pytest.mark.parametrize("image", APPLICATIONS)
def test_in_a_pod(run, image):
    """Where init is not PID 1, also when the application is killed and leaves others behind."""
    plan, seen = f"stop {number_of(image.end)} {image.code}", []
    values, took = zip(*(serve(image, one) for one in run(image, plan, kind=Pod)))
    in_time(took)
    for values, one in zip(values, run(image, plan, kind=Pod)):
        one.get_ready().settle()
        one.received = []
        os.kill(one.outside["main"], signal.SIGKILL)
        end, _ = one.end(time.monotonic())
        values |= {f"killed: {key}": value for key, value in end.items()}
        values["killed: signals"] = one.seen()
        seen.append({f"in a pod: {key}": value for key, value in values.items()})
    compare(image, *seen)


ENDS = ["exit 0", "exit 7", "die 9", "die 15", "die 11"]


@pytest.mark.parametrize("image", APPLICATIONS)
def test_ends_by_itself(run, image):
    """The application exits or dies while three others still run."""
    seen = [{}, {}]
    for plan in ENDS:
        took = []
        for values, one in zip(seen, run(image, plan)):
            end, seconds = one.end(time.monotonic())
            values.update({f"{plan}: {key}": value for key, value in end.items()})
            took.append(seconds)
        in_time(took)
    compare(image, *seen)


UNKNOWN = ("of no known format", "a script that names no interpreter")
SPOILED = {"absent": os.unlink, "not executable": lambda path: os.chmod(path, 0o644),
           "of no known format": lambda path: path.write_bytes(b"\x7fELF" + bytes(100)),
           "a script that names no interpreter": lambda path: path.write_text("exit 7\n"),
           "interpreter absent": lambda path: path.write_text("#!/nowhere\n")}


@pytest.mark.parametrize("image", APPLICATIONS)
def test_cannot_be_executed(run, image):
    """Exit codes and messages. What sh says about a file that it does not know is its own."""
    seen = [{}, {}]
    for name, spoil in SPOILED.items():
        for values, one in zip(seen, run(image, "exit 0", spoil)):
            end, _ = one.end(time.monotonic())
            if name in UNKNOWN and image.direct:
                del end["messages"]
            values.update({f"{name}: {key}": value for key, value in end.items()})
    compare(image, *seen)


@pytest.mark.parametrize("image", APPLICATIONS)
def test_with_a_terminal(run, image):
    """As by docker run -it: who has the terminal, its keys, and what only is so with one."""
    seen, took = [], []
    for one in run(image, f"stop {number_of(image.end)} {image.code}", terminal=True):
        one.get_ready()
        values = one.started()
        foreground = process(one.outside["main"]).foreground
        values["foreground"] = next(
            (role for role, pid in one.outside.items() if pid == foreground), "another")
        for key, name in KEYS.items():
            if name not in (image.stop, image.end):
                values[f"key {name}"] = one.press(key, name)
        for name in ("HUP", "HUP", "CONT", "CONT", "WINCH", "USR1"):
            values[f"signal {name}, again" if f"signal {name}" in values else f"signal {name}"] = (
                one.send(name))
        one.received, began = [], time.monotonic()
        os.kill(one.outside["init"], number_of(image.stop))
        end, seconds = one.end(began)
        seen.append({**values, "stop: code": end["code"], "stop: signals": one.seen()})
        took.append(seconds)
    compare(image, *seen)
    in_time(took)


@pytest.mark.parametrize("image", PAUSES)
def test_pauses(start, roots, image):
    """Which signals end it, how, and how soon; the others do not."""
    seen, times = [], []
    for root in roots(image):
        one, values = None, {}
        for name in SIGNALS:
            if not one:
                one = Pause(start, root, image)
                values["reaps"] = one.reaps()
            values[f"pause: signal {name}"], seconds = one.send(name)
            if values[f"pause: signal {name}"] != "lives":
                one = None
                times.append(seconds)
        seen.append(values)
    compare(image, *seen)
    assert max(times) < min(times) + 1


@pytest.mark.parametrize("where", sorted({
    one.where for several in DIFFERENT.values() for one in several}))
def test_users_find_it(where):
    """The sentence for each difference stands in the manual."""
    assert WHERE[where] in manual()


def test_rows():
    """Enough of each, and no name twice."""
    names = [image.name for image in IMAGES]
    assert len(names) == len(set(names)) >= 20
    peers = collections.Counter(image.peer for image in IMAGES)
    assert peers["dumb-init"] >= 5 and peers["catatonit"] >= 2
    assert set(peers) == set(DIFFERENT)
