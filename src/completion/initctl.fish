# Completion of initctl's words for fish. What verbs and options there are is what the
# program says of itself.
function __initctl_verb
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case -S --jobs --timeout
                set -e words[1]
            case '-*'
            case '*'
                echo $words[1]
                return
        end
        set -e words[1]
    end
    return 1
end

function __initctl_sessions
    set -l words (commandline -opc)
    command $words[1] sessions --json 2>/dev/null | string match -rg '"session":"?([0-9]+)'
end

# Paths inside the container, as "ls" tells them; folders end with a slash. They stand behind $argv.
function __initctl_inside
    set -l ask (commandline -opc)[1]
    set -l words (commandline -opc)
    if set -l at (contains -i -- -S $words)
        set ask $ask -S $words[(math $at + 1)]
    end
    set -l word (string replace -r -- "^$argv" '' (commandline -ct))
    set -l folder (string match -r -- '^.*/' $word)
    set -l path .
    test -z "$folder"; or set path $folder
    for line in (command $ask --timeout 2 --json ls -a -- $path 2>/dev/null </dev/null)
        set -l name (string match -rg -- '"name":"([^"\\\\]*)"' $line); or continue
        contains -- $name . ..; and continue
        string match -q -- '*"type":"directory"*' $line; and set name $name/
        echo "$argv$folder$name"
    end
end

# The command of exec, debug or ns, from the first word behind it that is no option on.
function __initctl_command
    set -l words (commandline -opc) (commandline -ct)
    set -l at (contains -i -- (__initctl_verb) $words)
    set words $words[(math $at + 1)..]
    while set -q words[2]; and string match -q -- '-*' $words[1]
        if contains -- $words[1] -u -w -e --program --umask --rlimit --detach-keys --fd --from --tools
            set -e words[1]
        end
        set -e words[1]
    end
    if test (__initctl_verb) = ns
        if not set -q words[2]
            printf '%s\n' net uts ipc pid mnt user cgroup time
            return
        end
        set -e words[1]
        test "$words[1]" != --; or set -e words[1]
    end
    string match -q -- '-*' $words[1]; or complete -C "$words"
end

# Completes the options of the lines of a help, under the condition that comes first. Only the left
# column counts, which two spaces end.
function __initctl_options
    for line in $argv[2..]
        set -l left (string match -rg '^  (-.*?)(?:  |$)' -- $line); or continue
        set -l kind
        if string match -q -r -- ' (SOCKET|FILE|DIR)$' $left
            set kind -r -F
        else if string match -q -r -- ' [A-Z]' $left
            set kind -x
        end
        for found in (string match -rag '(?:^|, )(-[A-Za-z0-9]|--[a-z-]+)' -- $left)
            if string match -q -- '--*' $found
                complete -c initctl -n $argv[1] -l (string sub -s 3 -- $found) $kind
            else
                complete -c initctl -n $argv[1] -s (string sub -s 2 -- $found) $kind
            end
        end
    end
end

complete -c initctl -f
set -l help (command initctl -h 2>/dev/null)
__initctl_options true $help
for line in $help
    for verb in (string match -rg '^  ([a-z]+)(?: |$)' -- $line)
        complete -c initctl -n 'not __initctl_verb' -a $verb -d (string replace -r '.*  ' '' -- $line)
        __initctl_options "test \"\$(__initctl_verb)\" = $verb" (command initctl help $verb 2>/dev/null)
    end
end
complete -c initctl -n 'contains -- (__initctl_verb) exec debug ns' -a '(__initctl_command)'
complete -c initctl -n 'test "$(__initctl_verb)" = signal' -a '(__fish_make_completion_signals; printf "%s\n" $__kill_signals | string replace -r ".* " "") main all'
complete -c initctl -n 'test "$(__initctl_verb)" = attach' -a '(__initctl_sessions)'
complete -c initctl -n 'contains -- (__initctl_verb) cat tail ls' -a '(__initctl_inside)'
complete -c initctl -n 'test "$(__initctl_verb)" = cp' -F
complete -c initctl -n 'test "$(__initctl_verb)" = cp; and string match -q ":*" -- (commandline -ct)' -a '(__initctl_inside :)'
complete -c initctl -n 'test "$(__initctl_verb)" = list' -a '(__fish_complete_directories)'
