# Completion of init's words for fish, under the name of this file. What options there are,
# and what values they take, is what the program says of itself.
function __init_has_command
    set -l words (commandline -opc)
    set -l values (command $words[1] -h 2>/dev/null | string match -rag '(-[A-Za-z]|--[a-z-]+) (?:--[a-z-]+ )?[A-Z]')
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
for line in (command $name -h 2>/dev/null | string match -r '^ +-.*' | string replace -ra '   +(?=-)' \n | string split \n)
    set -l head (string match -r '^ *(?:-[A-Za-z] +)*(?:--[a-z-]+)?(?: [A-Z]\S*)?' -- $line)
    set -l words -d (string trim -- (string replace -- $head '' $line))
    for short in (string match -rag '(?:^| )-([A-Za-z])\b' -- $head)
        set -a words -s $short
    end
    for long in (string match -rag -- '--([a-z-]+)' $head)
        set -a words -l $long
    end
    switch (string match -r ' [A-Z]\S*$' -- $head)
        case ' DIR*' ' PATH*' ' FILE*' ' SRC*'
            set -a words -r -F
        case ' *'
            set -a words -x
    end
    complete -c $name -n 'not __init_has_command' $words
end
