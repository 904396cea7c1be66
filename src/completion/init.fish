# Completion of init's options for fish, under the name of this file. The options and the
# names of their values are taken from the program's help.

# Prints one line for each option: its short names, its name, and the name of its value, which
# begins with a capital.
function __init_options
    command $argv[1] -h 2>/dev/null | string replace -ra ',(?= -)' '' |
        string match -r '^ +(?:-[A-Za-z] )*--[a-z-]+(?: [A-Z]\S*)?'
end

function __init_has_command
    set -l words (commandline -opc)
    set -l values
    for option in (__init_options $words[1])
        string match -qr ' [A-Z]\S*$' -- $option; and set -a values (string match -ra '(?<!\S)--?[A-Za-z][a-z-]*' -- $option)
    end
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case -- '[^-]*'
                return 0
        end
        string match -q -- '-*' $words[1]; or return 0
        contains -- $words[1] $values; and set -e words[1]
        set -e words[1]
    end
    return 1
end

set -l name (status basename | string replace -r '\.fish$' '')
complete -c $name -f -n 'not __init_has_command' -a '(__fish_complete_command)'
complete -c $name -n __init_has_command -a '(__fish_complete_subcommand)'
for option in (__init_options $name)
    set -l words
    for short in (string match -rag ' -([A-Za-z])(?!\S)' -- $option)
        set -a words -s $short
    end
    set -a words -l (string match -rg ' --([a-z-]+)' -- $option)
    switch (string match -r ' [A-Z]\S*$' -- $option)
        case ' DIR*' ' PATH*' ' FILE*' ' SRC*'
            set -a words -r -F
        case ' *'
            set -a words -x
    end
    complete -c $name -n 'not __init_has_command' $words
end
