"""Shows that the tests for those who embed init can fail: mutants.py with the rows for them.

    python3 tests/mutants/mutants_embed.py [PART OF A NAME...]
"""
import sys

import mutants

STARTS = "\tif (self.options.command)\n\t\tcommand_start(&self.options, environ);"
TELL = 'notify_exited(status);'
ROOM = "if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))"
CLAIM = "return sys_fcntl(fd, F_SETFD, FD_CLOEXEC);"
STATUS_FD = "return set_descriptor(&options->notify.fds[NOTIFY_STATUS], value);"
DEAD = "if (getppid() == parent && !(channel.revents & POLLHUP))"

mutants.FILES = ["test_ready", "test_status_fd", "test_embed"]
mutants.MUTANTS = [
    # ---- ready
    ("test_not_before_exec test_systemd_is_told_when_it_runs test_never_where_the_start_fails "
     "test_systemd_is_not_told_where_the_start_fails test_start_fails test_set_up_fails",
     "init.c", STARTS, "\tnotify_started(7, true);\n" + STARTS),
    ("test_one_newline_and_the_end test_pause test_socket test_file test_systemd_is_told "
     "test_in_the_environment test_beside_a_descriptor", "src/process/notify.c",
     "const bool line = i == NOTIFY_READY;", "const bool line = i != NOTIFY_READY;"),
    ("test_closed_while_the_command_runs test_not_held_any_more test_systemd_is_told",
     "src/process/notify.c", "\t\tclose(fds[i]);\n", ""),
    ("test_channel_is_served test_check_and_stop", "init.c", "\tserve_control();\n\tsettle",
     "\tself.controlled = false;\n\tsettle"),
    ("test_never_where_the_channel_is_not_served", "init.c", "self.unserved = true;", ";"),
    ("test_never_where_the_channel_is_not_served", "src/channel/server.c",
     ("\tself.view = view;\n", "\tself.epoll = epoll_create1(EPOLL_CLOEXEC);\n"),
     ("", "\tself.view = view;\n\tself.epoll = epoll_create1(EPOLL_CLOEXEC);\n")),
    ("test_number_that_cannot_be", "src/pid1/options.c", "|| number < 3)", ")"),
    ("test_descriptor_that_cannot_be", "src/process/fds.c",
     "!(sys_fcntl(fd, F_GETFL, 0) & (O_WRONLY | O_RDWR)) ||", ""),
    ("test_one_descriptor_for_two", "src/process/fds.c", "(sys_fcntl(fd, F_GETFD, 0) & FD_CLOEXEC)", "0"),
    ("test_command_does_not_get_it test_lines_come_at_once test_no_proc_and_no_path", "src/process/fds.c",
     CLAIM, "return 0;"),
    ("test_nobody_reads test_lines_nobody_reads test_nobody_reads_a_failure "
     "test_systemd_does_not_read", "src/base/log.c", (ROOM, "(long)RWF_NOWAIT"), ("if (0)", "0L")),
    ("test_description_is_left_as_it_was", "src/process/notify.c",
     "memcpy(fds, setup->fds, sizeof setup->fds);", "memcpy(fds, setup->fds, sizeof setup->fds); "
     "sys_fcntl(fds[NOTIFY_READY], F_SETFL, O_NONBLOCK);"),
    ("test_reader_is_gone test_reader_of_lines_is_gone", "src/pid1/command.c",
     "return from->ssi_pid == (unsigned)getpid();", "return false;"),
    ("test_outer_process_holds_nothing", "src/container/outer.c",
     "\tfds_keep(keep, sizeof keep / sizeof *keep);\n", "\t(void)keep;\n"),
    # ---- systemd
    ("test_systemd_is_told", "src/pid1/options.c", 'take_variable(envp, "NOTIFY_SOCKET")',
     'variable(envp, "NOTIFY_SOCKET", false)'),
    ("test_systemd_is_told test_systemd_is_told_when_it_runs test_systemd_does_not_read "
     "test_systemd_is_gone_meanwhile", "src/process/notify.c", "address.sun_path[0] = 0;", ";"),
    ("test_command_speaks_for_itself", "src/pid1/options.c", "if (options->notify.service)", "if (1)"),
    ("test_no_systemd", "src/process/notify.c", "if (!setup->socket)\n\t\treturn;", ""),
    ("test_socket_that_cannot_be", "src/process/notify.c", "if (fds[SERVICE] < 0)", "if (0)"),
    ("test_systemd_is_gone_meanwhile", "src/process/notify.c", 'warn_errno("tell', 'die_errno(9, "tell'),
    # ---- lines
    ("test_exit test_exit_is_told_before_the_end test_code_is_the_command_s test_check_and_stop",
     "src/pid1/end.c", TELL, ";"),
    ("test_death", "src/process/notify.c", 'WIFSIGNALED(status) ? " signal=" : NULL', "NULL"),
    ("test_code_is_the_command_s", "src/pid1/end.c", TELL,
     "notify_exited(self.options->expected[self.code] ? 0 : status);"),
    ("test_start_fails test_user_fails test_fault test_by_another_name test_set_up_fails",
     "init.c", "log_before_death(last_words);", ";"),
    ("test_start_fails_in_a_namespace_of_our_own", "init.c", 'notify_stage("mounts");', ";"),
    ("test_user_fails test_start_fails", "src/pid1/command.c",
     "notify_stage(spawn_stage_name(failure.stage));",
     ";"),
    ("test_by_another_name", "init.c", "notify_failed(error, code);",
     "notify_failed(error, 127);"),
    ("test_words_that_are_not_understood", "src/pid1/options.c", STATUS_FD,
     "if (set_descriptor(&options->notify.fds[NOTIFY_STATUS], value)) return -1; "
     'return write(options->notify.fds[NOTIFY_STATUS], "event=begun\\n", 12) < 0;'),
    ("test_pause_has_no_exit", "src/process/notify.c", '" pid=", pid, -1', '" pid=", pid ? pid : 1, -1'),
    ("test_session_does_not_get_it", "src/process/fds.c", ("\tsort(keep, count);\n", CLAIM),
     ("\tif (count < 999)\n\t\treturn;\n\tsort(keep, count);\n", "return 0;")),
    ("test_lines_on_a_socket test_lines_in_a_file", "src/process/notify.c", "if (fds[NOTIFY_STATUS])",
     "if (0)"),
    # ---- a runtime
    ("test_exit_of_the_command", "tests/embed/runtime.c", "WEXITSTATUS(status);", "SETUP;"),
    ("test_init_fails", "tests/embed/runtime.c", 'die("run init");', "_exit(0);"),
    ("test_it_runs_from_memory", "tests/embed/runtime.c", "\tclose(file);\n\treturn copy;",
     "\treturn file;"),
    ("test_container_dies_with_the_runtime test_runtime_that_dies_before_init_asks",
     "tests/embed/runtime.c", "--parent-death-signal=KILL", "--parent-death-signal=CONT"),
    ("test_no_proc_and_no_path", "init.c", "watch_parent(parent);",
     'watch_parent(parent); if (sys_open(AT_FDCWD, "/proc/self", O_PATH) < 0) _exit(9);'),
    ("test_whatever_it_is_called", "src/pid1/options.c", "? row : 0];", "? row : 1];"),
    ("test_by_descriptor", "src/pid1/options.c", "? row : 0];", "? 0 : 0];"),
    ("test_runtime_that_dies_before_init_asks test_parent_outside_that_dies_before_init_asks",
     "init.c", "poll(&channel, 1, 0);", ";"),
    ("test_parent_that_dies_before_init_asks", "init.c", DEAD,
     "if (!(channel.revents & POLLHUP))"),
    ("test_runtime_that_dies_before_init_asks", "init.c",
     "if (self.options.parent_death == SIGKILL)", "if (0)"),
    ("test_channel_that_is_there", "init.c", DEAD, "if (getppid() == parent && channel.revents)"),
]

if __name__ == "__main__":
    sys.exit(mutants.main(sys.argv[1:]))
