#compdef init container-init
# What options there are, and what values they take, is what the program says of itself.
local line value option
local -a specs
for line in ${(f)"$(_call_program options $words[1] -h </dev/null 2>/dev/null)"}; do
	# An option's names begin the line; a word in capitals after them is its value.
	[[ $line =~ '^  ((-[A-Za-z], )*) *(--[a-z-]+)( ([A-Z][^ ]*))?  ' ]] || continue
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
