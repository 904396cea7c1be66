"""Shows that the tests in engines can fail: mutants.py with the rows for them.

    python3 tests/mutants/mutants_engines.py [PART OF A NAME...]

What init has no part in is broken in the engine's module. That the manifest is held against
a schema, and what does not fit is told, is a part of that test itself.
"""
import os
import sys

import mutants

os.environ.setdefault("REPLICAS", "5")
ARGUMENTS = 'return ["/init", *self.settings(), "--", *self.words]'
# podman has every item of the list, runc is quick.
ALL = ["test_engine_top", "test_engine_cp", "test_engine_stats", "test_engine_pause"]
PODMAN, MATRIX, REAP = "tests/engines/podman.py", "tests/engines/engine.py", "REAP_ONE) {\n"

mutants.FILES = ["test_engines", "test_engines_dropin", "test_engines_swarm",
                 "test_engines_kubernetes"]
mutants.MUTANTS = [
    ("test_init_is_pid_1", MATRIX, ARGUMENTS,
     'return ["/bin/sh", "-c", \'"$@"; exit $?\', "sh", *["/init", *self.settings(), "--", '
     '*self.words]]'),
    ("test_exit_code", "src/process/reap.c", "128 + WTERMSIG(status)", "128 | WTERMSIG(status) << 1"),
    ("test_stop test_environment", "src/pid1/command.c", "if (!signal_forward(&to, signal, from)) {",
     "if (1) {"),
    ("test_orphans test_engine_exec test_orphans_are_reaped", "init.c", REAP,
     REAP + "\t\tif (one.pid != command->pid)\n\t\t\tbreak;\n"),
    ("test_ctrl_c test_resize", "src/pid1/command.c",
     ".take = self.tty.mode == TTY_LEADER ? self.tty.fd : -1",
     ".take = -1"),
    ("test_stop_lets_a_sibling_finish", "src/pid1/options.c", "options->grace = 2000;",
     "options->grace = 200;"),
    ("test_initctl_exec test_sidecar_operates_the_app", "init.c",
     "control_child_died(one.pid, one.status)", "control_child_died(one.pid, 0)"),
    ("test_initctl_shell", "src/process/spawn.c", "if (spawn->take >= 0 && tty_take(spawn->take))",
     "if (0)"),
    ("test_engine_top", PODMAN, '"hpid", "pid"', '"pid", "pid"'),
    ("test_engine_cp", PODMAN, '"cp", source, f"{box.name}:{target}"',
     '"cp", source, f"{box.name}:/"'),
    ("test_engine_stats", PODMAN, "{{.PIDs}}", "{{.MemPerc}}"),
    ("test_engine_pause", PODMAN, '"pause", box.name', '"inspect", box.name'),
    ("test_line", "src/pid1/options.c", '"dumb-init v1.2.5 - init " INIT_VERSION, .group = true,',
     '"dumb-init v1.2.5 - init " INIT_VERSION,'),
    ("test_no_such_command", "src/pid1/options.c", ".absent = 2,", ".absent = 127,"),
    ("test_environment", "src/pid1/options.c", '"TINI_KILL_PROCESS_GROUP"', '"TINI_KILL_GROUP"'),
    ("test_replicas", "tests/engines/test_engines_swarm.py", "INIT_OPTIONS=--grace 20 ", "INIT_OPTIONS="),
    ("test_pid_1 test_orphans_are_reaped", "tests/engines/test_engines_kubernetes.py",
     """["/init", "--pause"]'""", """["/bin/sleep", "infinity"]'"""),
    ("test_stop_waits_for_clean_up", "tests/engines/test_engines_kubernetes.py",
     'str(self.spec["terminationGracePeriodSeconds"])', '"0"'),
]

first_failure = mutants.first_failure


def in_engine(folder, test):
    os.environ["ENGINE"] = "podman" if test in ALL else "runc"
    return first_failure(folder, test)


mutants.first_failure = in_engine

if __name__ == "__main__":
    sys.exit(mutants.main(sys.argv[1:]))
