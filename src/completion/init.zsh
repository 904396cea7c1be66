#compdef init container-init
# What options there are, and what values they take, is what the program says of itself.
local line rest text value option
local -a specs names
for line in ${(f)"$(_call_program options $words[1] -h </dev/null 2>/dev/null)"}; do
	rest=$line names=() value=
	while [[ $rest =~ '^ *(-[A-Za-z]|--[a-z-]+)( ([A-Z][^ ]*))?(.*)$' ]]; do
		names+=($match[1]) value=$match[3] rest=$match[4]
		[[ -z $value ]] || break
	done
	text=${${rest## #}//[^A-Za-z0-9 ,.-]/ }
	for option in $names; do
		case $value in
		('') specs+=("*${option}[$text]") ;;
		(SIG*) specs+=("*${option}[$text]:signal:_signals -s") ;;
		(DIR*) specs+=("*${option}[$text]:folder:_files -/") ;;
		(PATH*|FILE*) specs+=("*${option}[$text]:file:_files") ;;
		(*) specs+=("*${option}[$text]:${value//[^A-Za-z0-9,]/ }: ") ;;
		esac
	done
done
_arguments -S -A '-*' $specs '(-)1:command: _command_names -e' '*::arguments: _normal'
