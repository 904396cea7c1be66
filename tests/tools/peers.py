"""Prints which tests fail with other inits: a Markdown table with a line for each such test.

    python3 tests/tools/peers.py [PEER...]

PEER is the name of a program; the default is those that Debian has. A cell is the number of
a test's cases that fail, also by processes that are left behind; `-` is none. Tests that
use options which only init has are left out; tests/mutants/run.py shows that these can
fail.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = ["start", "signals", "reap", "exit", "end", "resources"]
# These use options or messages that only init has, or test many things at once.
OWN = set("""
random_user no_new_privileges_inherited no_capabilities seccomp seccomp_closes_descriptors
read_only_root few_descriptors
exec_failure_is_told fork_fails group_or_single_child forwarding_not_permitted_is_told
forwarding_to_nobody rewrite rewrite_to_nothing rewrite_to_kill warning_of_each pause pause_alone
existing_dead_children expected death_told_from_exit end_comes_early no_standard_descriptors
nobody_left_no_wait grace_then_kill grace_without_end stopped_sibling second_signal_cuts_short
stop_then_cut_short other_signals_do_not_cut_short kill_after
kill_after_counts_from_the_first kill_after_needs_a_stop wait_all wait_all_told_to_stop
wait_all_forwards_to_the_group bystanders_are_left_alone stderr_that_nobody_reads full_stderr
broken_stderr bad_input_with_closed_stderr no_proc_end proc_of_another_namespace
""".split())


def main(peers):
    table, total = {}, {}
    for peer in peers:
        program = shutil.which(peer)
        if not program:
            sys.exit(f"{peer} is not installed")
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rA", "--tb=no", "-p", "no:cacheprovider",
             *(str(next(ROOT.glob(f"tests/*/test_{name}.py"))) for name in FILES)], cwd=ROOT, capture_output=True,
            text=True, env={**os.environ, "INIT": program,
                            "DEADLINE": os.environ.get("DEADLINE") or "3"})
        cases = {}
        for how, case in re.findall(r"^(PASSED|FAILED|ERROR) \S+?::(\S+)", result.stdout, re.M):
            cases[case] = cases.get(case, False) or how != "PASSED"
        for case, failed in cases.items():
            test = case.split("[")[0]
            if test.removeprefix("test_") in OWN:
                continue
            table.setdefault(test, {}).setdefault(peer, 0)
            table[test][peer] += failed
            total[test, peer] = total.get((test, peer), 0) + 1
    print("| test | " + " | ".join(peers) + " |\n|---|" + "---|" * len(peers))
    for test, failed in table.items():
        cells = [f"{failed[p]} of {total[test, p]}" if failed.get(p) else "-" for p in peers]
        print(f"| {test} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(sys.argv[1:] or ["tini", "dumb-init", "catatonit"])
