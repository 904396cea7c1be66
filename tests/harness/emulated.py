"""Tests that cannot be run where INIT is a script that runs init in qemu's user mode.

There the system calls of init are translated by the emulator, and programs that it starts
run on the machine itself. Found with qemu 7.2; each test is skipped with its reason.
"""
import re
import sys
from pathlib import Path

import pytest

# The name of a test and its parameters: why it cannot be run.
EXCEPT = {
    r"\[plain": "the emulator knows no PR_SET_CHILD_SUBREAPER, which init needs where it is not PID 1",
    r"test_(each_signal|each_signal_with_value|realtime_in_order|deaths|"
    r"death_by_what_init_forwarded)\[pid1-(3[2-9]|[456]\d)\]|test_rewrite\[.*-(3[2-9]|[456]\d)\b|"
    r"test_rewrite_to_nothing|test_group_or_single_child|test_signal_(of|to)\w*\[.*RT|"
    r"test_from_inside|test_watch_what_operators|test_signal\w*\[.*-(3[2-9]|[456]\d)\]":
        "the emulator keeps real-time signals for itself and shifts the others by two",
    r"test_each_signal(_with_value)?\[pid1-[48]\]":
        "the emulator dies of an ILL or FPE sent to it, as of one of its own",
    r"test_each_signal(_with_value)?\[pid1-(7|11)\]":
        "the emulator never blocks BUS and SEGV, so they may miss the signalfd",
    r"test_child_signal_ignored|test_nohup|test_inherited_ignored_and_mask\[pid1-ignore[123]":
        "the emulator handles signals that it inherited as ignored, and never blocks its own",
    r"test_child_signal_without_a_death": "the emulator is not asleep when its signal is taken",
    r"test_fork_fails": "the emulator needs a thread before init starts",
    r"test_rlimits": "the emulator leaves out limits of memory, which would hit itself",
    r"test_(passed_program|passed_arguments\[|too_much_for_exec|program_that_cannot_be_executed)|"
    r"test_wrong_number_of_descriptors\[exec-fields3": "the emulator knows no execveat",
    r"test_(wrong_number_of_descriptors|too_many_to_hold|very_many_descriptors\[(7|8|100|253)|"
    r"descriptors_with_a_bad_message\[5)":
        "descriptors that are cut off of a message stay open in the emulator",
    r"test_environment_is_taken": "the shell that starts the emulator adds a PWD",
}


# If init has 32 bits and the programs that it starts have 64.
NARROW = {r"test_realtime_in_order": "a negative value of 64 bits does not fit through an init of 32"}


def exceptions(program):
    text = Path(program).read_bytes()[:4096]
    if text.startswith(b"\x7fELF\x01") and sys.maxsize > 1 << 32:
        return NARROW
    return EXCEPT if text.startswith(b"#!") and b"/qemu-" in text else {}


def skip(items, program):
    for names, why in exceptions(program).items():
        for item in items:
            if re.search(names, item.name):
                item.add_marker(pytest.mark.skip(reason=why))
