#compdef init container-init
# The options and the names of their values are taken from the program's help.
local line value option
local -a specs
for line in ${(f)"$(_call_program options $words[1] -h </dev/null 2>/dev/null)"}; do
	# A line is "  -g, --grace TIME   explanation"; a value begins with a capital.
	[[ $line =~ '^ *((-[A-Za-z], )*)(--[a-z-]+)( ([A-Z][^ ]*))?' ]] || continue
	value=$match[5]
	for option in ${=match[1]//,/} $match[3]; do
		case $value in
		('') specs+=("*$option") ;;
		(SIG*) specs+=("*${option}:signal:_signals -s") ;;
		(DIR*) specs+=("*${option}:folder:_files -/") ;;
		(PATH*|FILE*|SRC*) specs+=("*${option}:file:_files") ;;
		(*) specs+=("*${option}:${value//[^A-Za-z0-9,]/ }: ") ;;
		esac
	done
done
_arguments -S -A '-*' $specs '(-)1:command: _command_names -e' '*::arguments: _normal'
