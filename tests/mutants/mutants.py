"""Shows that the tests can fail: breaks init in one place at a time and runs the tests for it.

    python3 tests/mutants/mutants.py [PART OF A NAME...]

For each row below a copy of the sources is changed, built, and the tests named are run
on it. A row is told as a line of a Markdown table; it fails where one of its tests does
not, or where the text to change is there no more. With names, only rows with such a
test. Ends with the tests that no row is for.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = ["test_start", "test_signals", "test_reap", "test_exit", "test_end", "test_options",
         "test_resources", "test_unit", "test_cgroup", "test_initctl_cgroup"]

# tests, file, what is there, what is put in its place
MUTANTS = [
    # ---- start
    ("test_child_signal_ignored", "src/process/signals.c", "disposition(SIGCHLD, &standard, &now);",
     "disposition(SIGCHLD, NULL, &now);"),
    ("test_child_signal_ignored", "src/process/signals.c", "if (inherited.child_ignored)", "if (0)"),
    ("test_inherited_ignored_and_mask", "src/process/signals.c",
     "set_mask(SIG_SETMASK, &inherited.mask, NULL);", ""),
    ("test_nohup test_inherited_ignored_and_mask", "src/process/signals.c",
     "struct disposition ignored = {.handler = SIG_IGN};",
     "struct disposition ignored = {.handler = SIG_IGN}, no = {.handler = SIG_DFL};"
     "syscall(SYS_rt_sigaction, SIGHUP, &no, NULL, 8L);"),
    ("test_signal_before_the_group_exists", "src/process/spawn.c",
     ("child = vfork();", "child < 0 ? 0 : read(report[0], &told, sizeof told)"),
     ("child = fork();", "0")),
    ("test_no_standard_descriptors", "init.c", "\tfds_sanitise();\n", ""),
    ("test_closed_standard_descriptors", "src/process/fds.c", "epoll_create1(EPOLL_CLOEXEC)",
     "epoll_create1(0)"),
    ("test_child_not_started_by_init test_status_of_main_among_orphans", "init.c",
     "else if (one.pid == command->pid)\n", "else if (one.pid)\n"),
    ("test_arguments_of_the_command test_options_end_at_the_command", "src/pid1/options.c",
     "options->command = words.next;",
     "{ options->command = words.next; words.next += 2; take_all(options, &words); }"),
    ("test_exec_failure", "src/pid1/command.c", "(error == ENOTDIR && persona->not_a_directory)", "0"),
    ("test_exec_failure_is_told test_chdir test_user_not_permitted", "src/pid1/command.c",
     "failure.error, spawn_stage_text(failure.stage),", "0, spawn_stage_text(failure.stage),"),
    ("test_exec_failure test_texts_and_codes_of", "src/pid1/command.c",
     "return error == EACCES ? persona->denied : persona->other;", "return persona->absent;"),
    ("test_path_is_searched", "src/process/spawn.c", "denied = EACCES;", "return;"),
    ("test_path_is_searched", "src/process/spawn.c", "whole + before + (before > 0)", "whole + before + 1"),
    ("test_no_path", "src/process/spawn.c", '"/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"', '""'),
    ("test_environment_and_directory_pass", "init.c", "self.view.proc = others_open();",
     'self.view.proc = others_open(); if (chdir("/")) return 9;'),
    ("test_environment_and_directory_pass", "init.c", "command_start(&self.options, environ);",
     "command_start(&self.options, environ + 4);"),
    ("test_silence", "init.c", "watch_parent(parent);",
     'watch_parent(parent); if (getpid() != 1) warn("not PID 1"); else warn("PID 1");'),
    ("test_group_and_session test_group_or_single_child", "src/process/spawn.c",
     "\tif (join_group(spawn))", "\tif (0 && join_group(spawn))"),
    ("test_fork_fails", "src/pid1/command.c",
     "failure.stage == SPAWN_EXEC ? exec_code(options->persona, failure.error)",
     "1 ? exec_code(options->persona, failure.error)"),
    # ---- signals
    ("test_each_signal test_each_signal_with_value test_realtime_in_order test_rewrite",
     "src/process/signals.c", "memset(&all, 0xff, sizeof all);\n\tset_mask",
     "sigfillset((sigset_t *)&all);\n\tset_mask"),
    ("test_each_signal", "init.c", "if (!self.view.stopping)\n",
     "if (signal == SIGHUP || signal == SIGCONT || signal == SIGTTIN) return;\n"
     "\tif (!self.view.stopping)\n"),
    ("test_each_signal_with_value test_realtime_in_order test_many_at_once test_from_inside "
     "test_seccomp test_random_user", "src/process/signals.c", "from && from->ssi_code == SI_QUEUE", "0"),
    ("test_many_at_once", "init.c", "length = read(self.signals, batch, sizeof batch);",
     "length = read(self.signals, batch, sizeof batch) & 0x7f;"),
    ("test_group_or_single_child", "src/process/signals.c", "PIDFD_SIGNAL_PROCESS_GROUP))", "0))"),
    ("test_group_or_single_child test_whom_to_signal_of test_group_in_the_environment",
     "src/process/signals.c", "to->group ? -to->pid : to->pid", "-to->pid"),
    ("test_forwarding_not_permitted", "src/pid1/command.c", 'warn_errno("forward ",',
     'die_errno(1, "forward ",'),
    ("test_forwarding_not_permitted_is_told", "src/pid1/command.c", 'warn_errno("forward ",',
     'debug("forward ",'),
    ("test_forwarding_to_nobody", "src/pid1/command.c",
     "if (errno == ESRCH && !self.process.pid)",
     "if (errno == ESRCH)\n\t\t_exit(1);\n\telse if (0)"),
    ("test_rewrite test_rewrite_to_nothing test_rewrite_to_kill", "init.c",
     "self.options.rewrite.to[came]", "came"),
    ("test_stop_and_continue_reach_the_command", "init.c", "if (!self.view.stopping)\n",
     "if (signal != SIGCONT && !self.view.stopping)\n"),
    ("test_nothing_is_forwarded_unasked", "src/pid1/command.c",
     "return from->ssi_code > 0;", "return false;"),
    # ---- reaping
    ("test_twenty_thousand_orphans test_coalesced_child_signals", "init.c",
     "while ((result = reap_next(&one, stops)) == REAP_ONE)",
     "for (int i = 0; i < 1 && (result = reap_next(&one, stops)) == REAP_ONE; i++)"),
    ("test_orphans_are_adopted test_daemonised_many", "src/process/reap.c",
     "return sys_prctl(PR_SET_CHILD_SUBREAPER, 1);", "return 0;"),
    ("test_existing_children", "src/process/reap.c", "waitpid(-1,", "waitpid(-getpgrp(),"),
    ("test_existing_dead_children", "init.c", "\treap();\n\t/* From here", "\t/* From here"),
    ("test_child_that_dies_in_silence", "src/process/reap.c", "WNOHANG | __WALL", "WNOHANG"),
    ("test_child_signal_without_a_death", "src/process/reap.c", "WNOHANG | __WALL", "__WALL"),
    ("test_warning_of_each", "init.c", "&& self.options.warn_on_reap)", "&& 0)"),
    ("test_pause test_pause_alone", "src/pid1/end.c", "if (self.options->pause)\n\t\t\tbegin();",
     "if (0)\n\t\t\tbegin();"),
    ("test_pause_alone", "src/pid1/end.c", "childless && !others_left()",
     "0"),
    # ---- exit
    ("test_codes test_expected", "src/process/reap.c", "WEXITSTATUS(status)", "WEXITSTATUS(status) & 1"),
    ("test_deaths test_death_by_what_init_forwarded", "src/process/reap.c", "128 + WTERMSIG(status)",
     "128"),
    ("test_expected", "src/pid1/end.c", "self.options->expected[self.code]", "0"),
    ("test_death_told_from_exit", "src/pid1/command.c", 'info("command killed by "',
     'info("command exited with "'),
    ("test_verbose", "src/pid1/command.c", 'debug("forwarded "', 'info("forwarded "'),
    ("test_verbose", "src/base/log.c", "log_put(2, line.text, line.length);",
     "if (write(1, line.text, line.length) < 0) return;"),
    # ---- the end
    ("test_siblings_clean_up test_end_comes_early test_killed_command test_no_proc_end "
     "test_stop_of_a_command_with_siblings", "src/pid1/end.c",
     "if (self.options->at_once) {", "if (1) {"),
    ("test_siblings_clean_up test_end_comes_early", "src/pid1/end.c",
     "if (!others_signal(self.view->proc, SIGTERM))", "if (!others_left())"),
    ("test_end_comes_early test_nobody_left_no_wait test_grace_without_end test_daemonised_many",
     "src/pid1/end.c", "childless && !others_left()", "0"),
    ("test_grace_then_kill", "src/pid1/end.c", 'to the rest");\n\t\tkill_others();',
     'to the rest");\n\t\tself.end_at = FOREVER;'),
    ("test_grace_then_kill", "src/pid1/options.c", "options->grace = 2000;", "options->grace = 200;"),
    ("test_grace_without_end", "src/base/number.c", "*milliseconds = -1;", "*milliseconds = 0;"),
    ("test_stopped_sibling", "src/pid1/end.c", "others_signal(self.view->proc, SIGCONT);", ""),
    ("test_second_signal_cuts_short", "src/pid1/end.c",
     "if (self.stops > 1)\n", "if (self.stops > 0)\n"),
    ("test_second_signal_cuts_short test_stop_then_cut_short", "src/pid1/end.c",
     "if (self.stops > 1)\n", "if (0)\n"),
    ("test_other_signals_do_not_cut_short test_kill_after_needs_a_stop", "src/pid1/end.c",
     "return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;", "return signal != 17;"),
    ("test_kill_after", "src/pid1/end.c", "self.kill_at = after(self.options->kill_after);", ";"),
    ("test_kill_after_counts_from_the_first", "src/pid1/end.c", "else if (self.stops == 1)", "else"),
    ("test_wait_all test_wait_all_forwards_to_the_group", "src/pid1/end.c",
     "self.options->wait_all && !self.stops",
     "0"),
    ("test_wait_all_told_to_stop", "src/pid1/end.c", "case LINGERING:\n\t\tbegin();",
     "case LINGERING:"),
    ("test_wait_all_forwards_to_the_group", "src/pid1/command.c",
     "if (!to.pid && self.group)", "if (0)"),
    ("test_code_when_others_fail", "init.c", "\t\telse if (!control_child_died(",
     "\t\telse if (self.view.stopping && WIFSIGNALED(one.status))\n\t\t\t_exit(99);\n"
     "\t\telse if (!control_child_died("),
    ("test_daemonised_many", "src/process/descendants.c", "if (parent == self)\n\t\t\treturn true;",
     "return parent == self;"),
    ("test_bystanders_are_left_alone", "src/process/descendants.c", "if (parent == self)\n",
     "if (parent == self || (parent > 1 && parent == getppid()))\n"),
    ("test_entered_process", "src/process/descendants.c",
     "return getpid() == 1 && (!kill(-1, 0) || errno != ESRCH);", "return false;"),
    ("test_killed_init_takes_the_command_along test_user_is_stopped_and_dies_with_init",
     "src/pid1/command.c",
     ".die_with_us = getpid() != 1,", ".die_with_us = false,"),
    # ---- options
    ("test_help", "src/pid1/usage.c", "--kill-after TIME", "--kill-afterwards"),
    ("test_version", "src/pid1/usage.c", "usage_version(const char *text)\n{",
     "usage_version(const char *text)\n{\n\t(void)!write(2, text, 1);"),
    ("test_license", "src/pid1/options.c", "usage_license();", "usage_help();"),
    ("test_full_stdout", "src/pid1/usage.c", '|| write(1, "\\n", 1) != 1',
     '&& write(1, "\\n", 1) != 1 && 0'),
    ("test_bad_input", "init.c", "signals_block();\n",
     "signals_block();\n\tif (!fork()) _exit(0);\n"),
    ("test_bad_input", "src/pid1/options.c", "if (set_value(options, found->option, value))",
     "if (set_value(options, found->option, value) && 0)"),
    ("test_bad_input test_bad_environment", "src/pid1/options.c",
     'refuse(options, words, "unknown option ", word);\n\tif (found.value)',
     "return;\n\tif (found.value)"),
    ("test_missing_and_superfluous", "src/pid1/options.c", "check_command(options, &words);", ""),
    ("test_control_characters_are_not_printed", "src/base/log.c", "c < ' ' || c == 0x7f", "c == 0x7f"),
    ("test_long_words_are_cut", "src/base/log.c", "char text[512]", "char text[500]"),
    ("test_notations", "src/pid1/options.c", "flag[1] ? flag + 1 : NULL", "NULL"),
    ("test_last_value_counts", "src/pid1/options.c", "*text = value;",
     "*text = *text ? *text : value;"),
    ("test_user", "src/process/credentials.c", "SETGROUPS, (size_t)user->count", "SETGROUPS, user->count > 1L"),
    ("test_user", "src/process/credentials.c", "SETRESUID, uid, uid, uid",
     "SETRESUID, uid, -1, -1"),
    ("test_chdir", "src/process/spawn.c", "if (spawn->directory && chdir(spawn->directory))", "if (0)"),
    ("test_no_new_privileges", "src/process/spawn.c", "if (spawn->no_new_privileges &&", "if (0 &&"),
    ("test_parent_death_signal", "init.c",
     "if (sys_prctl(PR_SET_PDEATHSIG, (unsigned long)self.options.parent_death))", "if (0)"),
    ("test_parent_is_not_watched_unasked", "init.c", "if (!self.options.parent_death)\n\t\treturn;",
     "if (!self.options.parent_death)\n\t\tself.options.parent_death = SIGUSR1;"),
    ("test_options_in_the_environment test_quotes_in_the_environment test_command_line_comes_after "
     "test_bad_environment", "src/pid1/options.c", "take_all(options, &words);\n\tif (*words.next)\n"
     "\t\trefuse", "if (0)\n\t\trefuse"),
    ("test_quotes_in_the_environment", "src/pid1/options.c", "&& quote != '\\''", ""),
    ("test_environment_is_taken", "src/pid1/options.c", "for (; take && *envp; envp++)",
     "for (; 0 && *envp; envp++)"),
    ("test_environment_is_taken", "src/pid1/options.c",
     'while (variable(envp, name, true))\n\t\t;', ""),
    ("test_command_line_comes_after", "src/pid1/options.c",
     "\ttake_environment(options, envp);\n\ttake_all(options, &words);",
     "\ttake_all(options, &words);\n\ttake_environment(options, envp);"),
    ("test_bad_environment", "src/pid1/options.c", "if (count == ENVIRONMENT_WORDS)", "if (0)"),
    ("test_environment_without_effect", "src/pid1/options.c", 'text_is(value, 0, "1")', "true"),
    ("test_verbosity_in_the_environment", "src/pid1/options.c", '"TINI_VERBOSITY"', '"TINI_VERBOSE"'),
    ("test_verbosity_in_the_environment", "src/pid1/options.c", '"DUMB_INIT_DEBUG"', '"DUMB_DEBUG"'),
    ("test_group_in_the_environment", "src/pid1/options.c", '"TINI_KILL_PROCESS_GROUP"', '"TINI_KILL"'),
    ("test_group_in_the_environment", "src/pid1/options.c", '"DUMB_INIT_SETSID"', '"DUMB_SETSID"'),
    ("test_texts_and_codes_of test_whom_to_signal_of test_end_at_once_of "
     "test_dumb_init_parts_with_term", "src/pid1/options.c", "text_last(program, '/')", "program"),
    ("test_dumb_init_parts_with_term", "src/pid1/command.c", "kill(-self.group, SIGTERM);", ";"),
    ("test_dumb_init_parts_with_term", "src/pid1/options.c", "options->rewrite.to[i] = SIGSTOP;", ";"),
    # ---- resources
    ("test_inherited_descriptors test_what_init_holds", "src/process/fds.c",
     "\tclose_range_of(next, ~0U);\n", ""),
    ("test_descriptors_pass_to_the_command", "init.c", "watch_parent(parent);",
     "watch_parent(parent); syscall(SYS_close_range, 4, ~0U, 0);"),
    ("test_descriptors_pass_to_the_command", "src/process/signals.c", "sizeof all, SFD_CLOEXEC)",
     "sizeof all, 0)"),
    ("test_reader_sees_the_end_of_stdout", "src/process/fds.c", "\tsys_dup(filler, 1);\n", ""),
    ("test_reader_sees_the_end_of_stdout test_streams_as_pid_1", "src/process/fds.c",
     "if (same_pipe(1, 2))", "if (0)"),
    ("test_writer_sees_the_end_of_stdin", "src/process/fds.c", "\tsys_dup(filler, 0);\n", ""),
    ("test_directory_is_not_pinned", "init.c", 'if (chdir("/"))', "if (0)"),
    ("test_listen_pid", "src/process/spawn.c", "activation_pass_on(spawn->envp);", ""),
    ("test_listen_pid", "src/process/activation.c", "if (!is_pid(variable, self))", "if (!variable)"),
    ("test_not_dumpable", "init.c", "(proc(5)). */\n\tsys_prctl(PR_SET_DUMPABLE, 0);",
     "(proc(5)). */"),
    ("test_no_wakeups", "init.c",
     "return !timed || poll(&ready, 1, end_sleep(self.expire_at)) > 0;",
     "return poll(&ready, 1, timed ? end_sleep(self.expire_at) : 1000) > 0;"),
    ("test_stderr_that_nobody_reads", "src/base/log.c",
     ("if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))", "(long)RWF_NOWAIT"),
     ("if (0)", "0L")),
    ("test_full_stderr test_broken_stderr", "src/base/log.c",
     ("|| errno == EPIPE)", "return write(fd, text, length) < 0 ? -1 : 0;"),
     (")", "if (write(fd, text, length) < 0)\n\t\t_exit(9);\n\treturn 0;")),
    ("test_broken_stderr", "src/pid1/command.c", "return from->ssi_pid == (unsigned)getpid();",
     "return false;"),
    ("test_bad_input_with_closed_stderr", "src/base/log.c", "\t_exit(code);",
     "\t_exit(write(2, \"\", 0) < 0 ? 1 : code);"),
    ("test_random_user test_no_capabilities", "init.c", "watch_parent(parent);",
     "watch_parent(parent); if (syscall(SYS_setgroups, 0L, 0L)) _exit(9);"),
    ("test_no_new_privileges_inherited test_no_capabilities", "init.c", "watch_parent(parent);",
     "watch_parent(parent); if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)) _exit(9);"),
    ("test_seccomp", "src/pid1/command.c", "self.process.group = options->group",
     "if (self.process.pidfd < 0) _exit(9);\n\tself.process.group = options->group"),
    ("test_seccomp_closes_descriptors", "src/process/fds.c", "close((int)first);", ";"),
    ("test_read_only_root", "init.c", "watch_parent(parent);",
     "watch_parent(parent); if (open(\"/tmp\", O_TMPFILE | O_RDWR, 0600) < 0) _exit(9);"),
    ("test_no_proc", "init.c", "watch_parent(parent);",
     "watch_parent(parent); if (access(\"/proc/self\", F_OK)) _exit(9);"),
    ("test_no_proc_end", "src/process/descendants.c", "if (self == 1)\n",
     "if (self == 1 && access(\"/proc/1\", F_OK))\n\t\treturn true;\n\tif (self == 1)\n"),
    ("test_proc_of_another_namespace", "src/process/descendants.c", "if (pid_of(self) == getpid())", "if (1)"),
    ("test_alone_in_an_empty_root", "Makefile", "LDFLAGS  = -static -no-pie", "LDFLAGS  = -no-pie"),
    ("test_few_descriptors", "init.c", "self.signals = signals_open();",
     "self.signals = sys_fcntl(signals_open(), F_DUPFD_CLOEXEC, 64);"),
    # ---- cgroups
    ("test_init_app_and_ops test_after_one_that_was_killed test_delegated", "src/pid1/command.c",
     ".cgroup = cgroup_part(CGROUP_APP),", ".cgroup = -1,"),
    ("test_init_app_and_ops test_on_a_terminal", "src/channel/session.c",
     "spawn_fork(cgroup_part(CGROUP_OPS), 0, ends[1])", "sys_fork(0)"),
    ("test_while_frozen", "src/channel/session.c", "spawn_fork(cgroup_part(CGROUP_OPS)",
     "spawn_fork(cgroup_part(CGROUP_APP)"),
    ("test_no_clone3_for_sessions test_ops_is_gone", "src/process/spawn.c",
     "if (!child && cgroup_join(cgroup)) {", "if (0) {"),
    ("test_without", "src/container/cgroup.c", "if (!setup->path)\n\t\treturn;",
     "if (!setup->path)\n"
     "\t\tsetup = &(struct cgroup_setup){.path = \"/sys/fs/cgroup/unified/init-test\"};"),
    ("test_no_clone3", "src/process/spawn.c", "if (child >= 0 || errno == EAGAIN)", "if (1)"),
    ("test_no_clone3", "src/process/spawn.c", "if (!child && cgroup_join(cgroup)) {", "if (0) {"),
    ("test_born_there", "src/process/spawn.c", "(pid_t)syscall(SYS_clone3, arguments, sizeof arguments)",
     "-1"),
    ("test_the_command_gets_no_descriptor", "src/container/cgroup.c",
     "return sys_open(self.fds[CGROUP_DIR], name, O_RDONLY | O_DIRECTORY);",
     "return openat(self.fds[CGROUP_DIR], name, O_RDONLY | O_DIRECTORY);"),
    ("test_end test_names_of_the_directory", "src/pid1/end.c", "\tcgroup_remove(true);\n",
     "\t;\n"),
    ("test_end", "src/container/cgroup.c", "\tif (self.made_all)\n\t\tunlinkat(self.fds[PARENT]",
     "\tif (0)\n\t\tunlinkat(self.fds[PARENT]"),
    ("test_failed_start", "init.c", "log_before_death(last_words);", ""),
    ("test_names_of_the_directory", "src/container/cgroup.c", "if (*p == '/' && p[1])", "if (*p == '/')"),
    ("test_cgroups_that_the_command_made test_after_one_that_was_killed", "src/container/cgroup.c",
     "if (entry->type == SYS_DIRECTORY)", "if (0)"),
    ("test_persona_that_ends_at_once", "src/container/cgroup.c",
     '\t\tfile_write(dir, path, "1");\n', ""),
    ("test_frozen_at_the_end", "src/pid1/end.c", "command_kill();",
     "kill(command_process()->pid, SIGUSR1);"),
    ("test_where_it_came_from_is_gone", "src/container/cgroup.c",
     'write(self.fds[ROOT], "0", 1) < 0)', "1)"),
    ("test_it_goes_back", "src/container/cgroup.c", 'write(self.fds[ORIGIN], "0", 1) < 0 &&', ""),
    ("test_in_the_one_that_it_runs_in", "src/container/cgroup.c",
     'if (inside && write(self.fds[ORIGIN], "0", 1) < 0 &&\n'
     '\t\t\t\twrite(self.fds[ROOT], "0", 1) < 0)\n\t\t\t\treturn;', ""),
    ("test_one_that_is_there_stays", "src/container/cgroup.c",
     "self.made_all = !mkdirat(AT_FDCWD, setup->path, 0755);",
     "self.made_all = !mkdirat(AT_FDCWD, setup->path, 0755) || errno == EEXIST;"),
    ("test_others_in_it", "src/container/cgroup.c", 'text_join(path, name, "/cgroup.kill");',
     'text_join(path, "cgroup.kill", "");'),
    ("test_one_that_is_in_use", "src/container/cgroup.c",
     "for (; self.made < NAMES; self.made++) {", "self.made = NAMES;\n\tfor (int i = 0; i < 3; i++) {"),
    ("test_after_one_that_was_killed test_one_that_is_in_use", "src/container/cgroup.c",
     ("if (remove_tree(dir, name + 1))", "if (mkdirat(dir, name + 1, 0755))"),
     ("if (0)", "if (mkdirat(dir, name + 1, 0755) && errno != EEXIST)")),
    ("test_not_a_cgroup", "src/container/cgroup.c", "unlinkat(AT_FDCWD, setup->path, AT_REMOVEDIR);", ";"),
    ("test_not_a_cgroup", "src/base/file_status.c", "(long)fs.f_type == kind", "fs.f_type"),
    ("test_no_parent test_not_delegated", "src/container/cgroup.c",
     "if (!self.made_all && errno != EEXIST)", "if (0)"),
    ("test_a_controller_that_is_missing", "src/container/cgroup.c", "\t\tif (!set)\n", "\t\tif (0)\n"),
    ("test_misused", "src/pid1/options.c", "if (options->cgroup.count && !options->cgroup.path)",
     "if (0)"),
    ("test_what_is_handed_out", "src/channel/exports.c", "= cgroup_part(CGROUP_DIR);", "= -1;"),
    ("test_sessions_one_after_another", "src/process/spawn.c",
     "child = (pid_t)syscall(SYS_clone3,", "dup(cgroup);\n\tchild = (pid_t)syscall(SYS_clone3,"),
    ("test_delegated", "src/container/cgroup.c", 'if (write(self.fds[ENTER], "0", 1) < 0 ||',
     'if (write(self.fds[ROOT], "0", 1) < 0 ||'),
    # ---- units
    ("test_unit", "src/container/cgroup.c",
     "self.fds[CGROUP_DIR], path, uid, gid, 0", "-1, path, uid, gid, 0"),
    ("test_unit", "src/container/cgroup.c", "(namespace && unshare(CLONE_NEWCGROUP))", "0"),
    ("test_unit", "src/base/number.c", "part * each / scale", "part * each"),
    ("test_unit", "src/process/signals.c", "invalid:\n\terrno = EINVAL;", "invalid:"),
    ("test_unit", "src/process/reap.c", "128 + WTERMSIG(status)", "128 | WTERMSIG(status) << 1"),
    ("test_unit", "src/pid1/options.c", "number_parse(value, 255, &number)",
     "number_parse(value, 256, &number)"),
    # ---- initctl: freeze, thaw, kill, limit, stats
    ("test_freeze_and_thaw", "src/initctl/cgroup.c", '"thaw", "cgroup.freeze", "0"',
     '"thaw", "cgroup.freeze", "1"'),
    ("test_freeze_waits", "src/initctl/cgroup.c", "if (!await(cgroup, verb, line))", "if (0)"),
    ("test_shell_while_frozen test_kill_leaves_sessions_alone", "src/initctl/cgroup.c",
     'return open_file(fd, "app", O_RDONLY | O_DIRECTORY);', "return fd;"),
    ("test_freeze_gives_up", "src/initctl/cgroup.c", "now() + DONE_WAIT", "now() + 9 * DONE_WAIT"),
    ("test_the_container_ends_while_it_freezes", "src/initctl/main.c",
     'die_errno(125, "connect to "', 'die_errno(1, "connect to "'),
    ("test_kill", "src/initctl/cgroup.c", '"cgroup.kill", "1"', '"cgroup.kill", ""'),
    ("test_refused_without_a_cgroup", "src/initctl/cgroup.c",
     'die(125, verb, ": init was not started', 'die(1, verb, ": init was not started'),
    ("test_stats_without_a_cgroup", "src/initctl/cgroup.c", '"stats", false', '"stats", true'),
    ("test_limits_that_cannot_be", "src/initctl/cgroup.c", '|| !strncmp(*word, "cgroup.", 7))', ")"),
    ("test_stats", "src/initctl/cgroup.c", "value ? word : NULL", "NULL"),
    ("test_too_many_words", "src/initctl/cgroup.c",
     'verb_no_more(arguments);\n\tcgroup = open_cgroup(context, "stats"',
     'cgroup = open_cgroup(context, "stats"'),
    ("test_a_cgroup_that_is_none", "src/initctl/cgroup.c", "|| (long)fs.f_type != CGROUP2", ""),
]


def names():
    """Every test function there is, to its file."""
    return {name: file for file in FILES for name in re.findall(
        r"^def (test_\w+)", (ROOT / f"tests/{file}.py").read_text(), re.M)}


def change(folder, file, old, new):
    path = folder / file
    text = path.read_text()
    for before, after in zip(*[[x] if isinstance(x, str) else x for x in (old, new)]):
        if text.count(before) != 1:
            return f"its text is there {text.count(before)} times"
        text = text.replace(before, after)
    path.write_text(text)
    return None


def judge(folder, tests, file, old, new):
    """Runs the tests on the mutant. What each did, or why it could not be."""
    if trouble := change(folder, file, old, new):
        return trouble
    targets = ["units"] if "test_unit" in tests else []
    targets += ["build/embed/runtime"] if "test_embed" in FILES else []
    ctl = "test_engines" in FILES or file.startswith("src/ctl/")
    targets += ["build/initctl"] if ctl else []
    make = subprocess.run(["make", "-C", folder, "-j2", "WERROR=", "BARE=", "build/init", "build/probe",
                           *targets], capture_output=True, text=True)
    if make.returncode:
        return f"does not build: {make.stderr[-400:]}"
    return {test: first_failure(folder, test) for test in tests}


def first_failure(folder, test):
    """Which case of a test fails first; None where all pass."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "--tb=no", "-p", "no:cacheprovider",
         f"tests/{names()[test]}.py::{test}"], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "DEADLINE": os.environ.get("DEADLINE") or "5"})
    if result.returncode not in (0, 1):
        sys.exit(f"the tests did not run: {result.stdout[-400:]}{result.stderr[-400:]}")
    found = re.search(rf"^(?:FAILED|ERROR) \S+::({test}\b.*?)(?: - .*)?$", result.stdout, re.M)
    return found and found[1]


def main(wanted):
    where, covered, bad = names(), set(), 0
    print("| first case to fail | broken on purpose |\n|---|---|", flush=True)
    for tests, file, old, new in MUTANTS:
        tests = tests.split()
        if wanted and not any(part in test for part in wanted for test in tests):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch, "copy")
            shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("build", ".git"))
            folder.parent.chmod(0o755)
            seen = judge(folder, tests, file, old, new)
        shown = [" ".join((x if isinstance(x, str) else x[0]).split()) or "(nothing)"
                 for x in (old, new)]
        what = f"{file}: `{shown[0]}` becomes `{shown[1]}`".replace("|", "\\|")
        if isinstance(seen, str):
            print(f"| {' '.join(tests)}: **{seen}** | {what} |", flush=True)
            bad += 1
            continue
        for test, failure in seen.items():
            bad += not failure
            covered |= {test} if failure else set()
            print(f"| {failure or test + ': **none**'} | {what} |", flush=True)
    if not wanted:
        for test in sorted(set(where) - covered):
            print(f"not seen to fail: {test}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
