"""Shows that the tests of terminals can fail: mutants.py with the rows for them.

    python3 tests/mutants/mutants_terminal.py [PART OF A NAME...]
"""
import sys

import mutants

EAGER = "tty->eager = getpgrp() == getpid() && !is_pipe(0) && !is_pipe(1);"
TAKE_BACK = "if (now > 0 && (now == group || (kill(-now, 0) && errno == ESRCH)))"
MODE = "getpgrp() ? TTY_JOB : TTY_OUTSIDE"
GIVE = ".foreground = give ? self.tty.fd : -1"
STOPPED = "const bool asked = signal"
KERNEL = "return from->ssi_code == SI_KERNEL && self.tty.mode == TTY_OUTSIDE && self.process.pid;"
TAKEN = "if (command_had(from) || !signal || command_yields(from))"

mutants.FILES = ["test_terminal"]
mutants.MUTANTS = [
    ("test_leader_gives_the_terminal_to_the_command test_leader_key_kills_the_command "
     "test_leader_typed_signals_come_once test_leader_suspend_does_not_freeze "
     "test_leader_hang_up_reaches_the_command test_tmux_pane", "src/pid1/command.c",
     ".take = self.tty.mode == TTY_LEADER ? self.tty.fd : -1", ".take = -1"),
    ("test_leader_start_loses_and_invents_no_signal", "src/process/tty.c", "pid_t child = vfork(), none;",
     "pid_t child, none;\n\tif (!ioctl(tty->fd, TIOCNOTTY))\n\t\treturn 0;\n\tchild = vfork();"),
    ("test_leader_of_a_terminal_that_is_nobodys", "src/process/tty.c", "\t\ttty_take(0);", "\t\t;"),
    ("test_leader_interrupt_cuts_the_end_short", "src/pid1/command.c", "tty_take(self.tty.fd);", ";"),
    ("test_leader_pause_ends_by_key", "src/pid1/command.c",
     "if (!options->pause)\n\t\ttty_find", "tty_find"),
    ("test_foreground_group_is_the_commands test_quit_key test_kill_of_a_stopped_job "
     "test_interrupt_leaves_the_loop test_window_size test_hang_up_ends_a_stopped_job",
     "src/process/tty.c", EAGER, ""),
    ("test_python_ends_by_key", "src/process/tty.c", EAGER, EAGER.replace("getpgrp() == getpid()", "true")),
    ("test_pipeline_forwards_what_is_typed", "src/process/tty.c", EAGER,
     "tty->eager = getpgrp() == getpid();"),
    ("test_script_reads_after_it test_script_reads_beside_it test_parent_reads_beside_it "
     "test_pager_of_a_pipeline", "src/process/tty.c", (EAGER, TAKE_BACK),
     ("tty->eager = true;", "if (now > 0 && now < 0)")),
    ("test_nested_shell_killed_under_its_job", "src/pid1/command.c",
     "tty_take_back(&self.tty, self.group);", ";"),
    ("test_background_leaves_the_shell_alone test_background_read_stops_until_fg "
     "test_orphaned_background_read_fails test_orphaned_later", "src/process/tty.c",
     "return tty->mode == TTY_JOB && foreground(tty) == getpgrp();",
     "return tty->mode == TTY_JOB;"),
    ("test_suspend_and_resume test_suspend_resume_in_background test_full_screen_program "
     "test_background_brought_to_front_reads test_background_write_with_tostop "
     "test_script_stops_by_key test_pipeline_reads_the_terminal "
     "test_interactive_shell_in_a_pipeline test_nested_shell test_init_in_init "
     "test_suspend_without_a_shell", "src/pid1/command.c", "if (hand)\n", "if (hand && 0)\n"),
    ("test_foreground_reads_the_terminal", "src/pid1/command.c", (GIVE, STOPPED),
     (".foreground = -1", "if (1)\n\t\treturn;\n\t" + STOPPED)),
    ("test_command_that_stops_itself test_nested_shell_suspended", "src/pid1/command.c",
     STOPPED, "if (signal == SIGSTOP)\n\t\treturn;\n\t" + STOPPED),
    ("test_stop_without_a_shell", "src/pid1/command.c", "asked ? signal : SIGTSTP", "signal"),
    ("test_pipeline_gets_a_key_once", "src/pid1/command.c", "asked || given ? 0 : getpid()", "0"),
    ("test_orphaned_later", "src/pid1/command.c", "kill(-self.process.pid, SIGHUP);", ";"),
    ("test_both_ends_of_a_pipeline_read", "init.c", TAKEN, "if (command_had(from) || !signal)"),
    ("test_command_substitution", "src/pid1/command.c", ".asks = ours && !give", ".asks = false"),
    ("test_killed_in_raw_mode test_interrupt_leaves_the_loop", "src/pid1/command.c",
     "return was_foreground || signal == self.typed ?", "return signal == self.typed ?"),
    ("test_script_ends_by_key", "src/pid1/command.c", "return was_foreground || signal == self.typed ?",
     "return was_foreground ?"),
    ("test_script_ends_by_key", "src/pid1/command.c", "\t\tkill(0, signal);", "\t\t;"),
    ("test_init_killed", "src/pid1/command.c", ".die_with_us = getpid() != 1", ".die_with_us = false"),
    ("test_hang_up_of_a_shell", "src/pid1/command.c",
     ("getsid(0) == getpid() ? SPAWN_OWN_SESSION : SPAWN_OWN_GROUP",
      "if (!to.pid)\n\t\treturn"),
     ("SPAWN_OWN_SESSION", "if (!to.pid || signal == SIGHUP)\n\t\treturn")),
    ("test_background_log_with_tostop", "src/process/signals.c", "set_mask(SIG_SETMASK, &all",
     "all.word[0] &= ~(1UL << (SIGTTOU - 1));\n\tset_mask(SIG_SETMASK, &all"),
    ("test_grace_can_be_suspended_and_interrupted test_pause_as_a_job", "init.c",
     "if (!command_process()->pid &&", "if (false &&"),
    ("test_make_ends_by_key test_outside_pause_ends_by_key "
     "test_outside_interrupt_cuts_the_end_short", "src/pid1/command.c", KERNEL,
     "return from->ssi_code == SI_KERNEL;"),
    ("test_typed_signal_reaches_the_whole_group", "src/pid1/command.c", "to.group = true; /*", "; /*"),
    ("test_other_stdio", "src/process/tty.c",
     'sys_open(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK)', "-1"),
    ("test_outside_typed_signals_come_once", "src/pid1/command.c", KERNEL, "return false;"),
    ("test_outside_reads_the_terminal", "src/pid1/command.c", "spawn.group = SPAWN_OUR_GROUP;", ";"),
    ("test_outside_script_reads_after_it", "src/process/tty.c", (MODE, EAGER),
     ("TTY_JOB", "tty->eager = true;")),
]

if __name__ == "__main__":
    sys.exit(mutants.main(sys.argv[1:]))
