"""What root inside a container can do, as a table: a row for each attempt of tests/tools/escape.c,
a column for each sandbox. test_escape.py runs it and writes build/escape.json and build/escape.md.

As a program:

    escape.py --write README.md    puts the table between the two markers of the file
    escape.py --check README.md    compares the cells of the file's table with those of the run

A cell says "allowed", or why it is refused: an errno or a word that escape.c explains. "-" is what
is not there.
"""
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS, TABLE = ROOT / "build/escape.json", ROOT / "build/escape.md"
BEGIN, END = "<!-- escape: made by make test-escape -->", "<!-- escape: end -->"

INIT, USER, DOCKER, BWRAP, FREE = "init", "init, own IDs", "docker", "bwrap", "no sandbox"
OURS, OTHERS = (INIT, USER), (DOCKER, BWRAP)
COLUMNS = (*OURS, *OTHERS, FREE)

# Rows that some kernels lack or do not show even to the host's root: those of this run are named
# below the table. Of all others the column without a sandbox must say "allowed".
OPTIONAL = {
    "raise a hard limit", "lower oom_score_adj", "run in real time",
    "open a node of /dev/mem", "open a node of a disk", "find a device of the host in /dev",
    "mount cgroup2", "mount cgroup v1", "open release_agent of cgroup v1", "mount debugfs",
    "write /proc/sysrq-trigger", "write sysctl kernel.modprobe", "write a file of /sys",
    "read /proc/kcore", "read /proc/keys", "read /proc/timer_list", "read /proc/sched_debug",
    "read addresses in /proc/kallsyms", "leave the root by a file handle",
    "list /proc/acpi", "list /proc/scsi", "list /sys/firmware", "load a module",
    "load another kernel", "add swap", "account for processes", "read quotas of others",
    "use I/O ports", "make a map of BPF", "load a program of BPF", "count events of its own",
    "count events of a processor", "handle page faults of the kernel", "make a ring of io_uring",
}

NO_FILTER = ("init has no seccomp filter of its own: --seccomp-fd gives it one, and the container "
             "inherits that of its caller.")
IN_USER = (
    "Docker's seccomp filter forbids the calls. Capabilities in a user namespace are over what was "
    "made in it; the sysctl user.max_user_namespaces=0 forbids them to all.")
# Row -> the columns of ours that are weaker there than docker or bwrap, and why this is so.
EXCEPTIONS = {
    "run without a seccomp filter": (OURS, NO_FILTER),
    "read the caller's environment": (
        OURS, "init passes its environment on, as bwrap does; env -i starts it without."),
    "use a descriptor of the caller": (
        OURS, "init passes on what its caller has left open, as bwrap does."),
    "make a device node": (
        (INIT,), "CAP_MKNOD is kept, as by Docker, but on no mount can the node be opened."),
    "make a user namespace": (OURS, IN_USER),
    "mount tmpfs in a user namespace": (OURS, IN_USER),
    "write cgroup.procs in a user namespace": (
        (INIT,), "Docker's seccomp filter forbids the calls. The files of cgroups are those of the "
        "host's root, here root's inside as well. With IDs of its own the container can write none."),
    "count events of its own": (
        OURS, "Docker's seccomp filter forbids the call. The sysctl kernel.perf_event_paranoid "
        "limits it to what a process may know of itself."),
    "use keyrings": (
        OURS, "Docker's seccomp filter forbids the calls. The session keyring is the container's."),
    "find a key of the host's root": (
        (INIT,), "The keyring of a user belongs to the user ID, here that of the host's root. With "
        "IDs of its own the container has another."),
    "type into the caller's terminal": (
        OURS, "A terminal on standard input is passed on, as by bwrap without --new-session; the "
        "sysctl dev.tty.legacy_tiocsti=0 forbids it to all."),
}


def parse(output):
    """name -> result, of what escape printed."""
    return dict(line.split(": ", 1) for line in output.splitlines())


def is_capabilities(row):
    return row.startswith("Cap")


def is_weaker(row, ours, other):
    """Whether ours allows what the other does not."""
    if is_capabilities(row):
        mine, theirs = (int(result.removeprefix("is "), 16) for result in (ours, other))
        return bool(mine & ~theirs)
    return ours == "allowed" != other


def weaker(results):
    """(row, column of ours) -> those of the others that are stronger there."""
    found = {}
    for row in results[INIT]:
        for column in OURS:
            stronger = [other for other in OTHERS
                        if is_weaker(row, results[column][row], results[other][row])]
            if stronger:
                found[row, column] = stronger
    return found


def is_told(results, row):
    """Whether this kernel allows it to anyone, so that a refusal is due to the sandbox."""
    return is_capabilities(row) or results[FREE][row] == "allowed"


def cell(result):
    return {"allowed": "allowed", "absent": "-"}.get(result) or result.split(" ", 1)[1]


def text(results, versions):
    """The table, with the exceptions below it."""
    heads = ["root inside can", *(f"{column} {versions.get(column, '')}".strip()
                                  for column in COLUMNS)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    notes, untold = [], []
    for row in results[INIT]:
        if not is_told(results, row):
            untold.append(row)
            continue
        cells = []
        for column in COLUMNS:
            this = cell(results[column][row])
            columns, note = EXCEPTIONS.get(row, ((), ""))
            if column in columns:
                if note not in notes:
                    notes.append(note)
                this += f" ({notes.index(note) + 1})"
            cells.append(this)
        lines.append("| " + " | ".join([row, *cells]) + " |")
    lines += [""] + [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    if untold:
        lines += ["", "The kernel of this run allows these to nobody, or does not have them: "
                  + ", ".join(untold) + "."]
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip() + "\n"


def save(results, versions):
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"results": results, "versions": versions}, indent=1) + "\n")
    TABLE.write_text(text(results, versions))


def load():
    saved = json.loads(RESULTS.read_text())
    return saved["results"], saved["versions"]


def between(page):
    """The page in three parts: before the table, the table, and after it."""
    before, rest = page.split(BEGIN + "\n")
    table, after = rest.split(END)
    return before + BEGIN + "\n", table, END + after


def write(path):
    before, _, after = between(path.read_text())
    path.write_text(f"{before}\n{text(*load())}\n{after}")


def cells_of(table):
    """row -> cells, and the headings, without references to exceptions."""
    lines = [[cell.strip().split(" (")[0] for cell in line.strip("|").split("|")]
             for line in table.splitlines() if line.startswith("|")]
    return {line[0]: line[1:] for line in lines[2:]}, lines[0][1:] if lines else []


def check(path):
    """Rows of the run must agree with the file on what is allowed; a row that either does not have,
    and columns of another version, are only reported."""
    if not RESULTS.exists():
        print(f"escape: not compared with {path.name}: not run")
        return 0
    results, versions = load()
    there, heads = cells_of(between(path.read_text())[1])
    here, now = cells_of(text(results, versions))
    if not there:
        print(f"escape: {path.name} has no table yet: --write puts it there")
        return 1
    wrong = 0
    for row, cells in here.items():
        if row not in there:
            print(f"escape: {path.name} does not have the row {row!r}")
            continue
        for column, head, stands, is_so in zip(now, heads, there[row], cells):
            same = stands == is_so if is_capabilities(row) else (
                (stands == "allowed") == (is_so == "allowed"))
            if not same:
                print(f"escape: {row}, {column}: {path.name} says {stands!r}, the run {is_so!r}")
                # What the caller of the others has depends on the machine.
                wrong += column == head and (not is_capabilities(row) or column in OURS)
    print(f"escape: {path.name} " + (f"has {wrong} cells that are not so" if wrong else "agrees"))
    return wrong


if __name__ == "__main__":
    action, page = sys.argv[1:]
    sys.exit(min({"--write": write, "--check": check}[action](Path(page)) or 0, 1))
