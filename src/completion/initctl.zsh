#compdef initctl
# What verbs there are, and what options they take, is what the program says of itself.
local line rest
local -a verbs options specs asked
local -A kinds
# Adds to the verbs and the options what a help says. Only its left column counts, which two spaces
# end.
_initctl_help() {
	local -a match mbegin mend
	for line in ${(f)"$(_call_program help $words[1] $@ </dev/null 2>/dev/null)"}; do
		if [[ $1 == -h && $line =~ '^  ([a-z]+)( .*|$)' ]]; then
			verbs+=("$match[1]:${${match[2]##*  }## #}")
		fi
		if [[ $line =~ '^  (-[A-Za-z0-9])?(, )?(--[a-z-]+)?( ([A-Z][^ ]*))?(  |$)' ]]; then
			for rest in $match[1] $match[3]; do
				kinds[$rest]=$match[5]
			done
		fi
	done
	specs=()
	for line in ${(k)kinds}; do
		case $kinds[$line] in
		('') specs+=("*$line") ;;
		(DIR) specs+=("*$line:folder:_files -/") ;;
		(SOCKET|FILE) specs+=("*$line:file:_files") ;;
		(*) specs+=("*$line:${kinds[$line]//[^A-Za-z0-9,]/ }: ") ;;
		esac
	done
}
_initctl_help -h
integer at=2
while (( at < CURRENT )) && [[ $words[at] == -* ]]; do
	[[ -n $kinds[$words[at]] ]] && (( at++ ))
	(( at++ ))
done
if (( at >= CURRENT )); then
	_arguments -S $specs "1:verb:{_describe verb verbs}"
	return
fi
asked=($words[1,at-1])
local verb=$words[at]
_initctl_help help $verb
shift $at words
(( CURRENT -= at ))
words=($verb $words)
(( CURRENT++ ))
# Paths inside the container, as "ls" tells them; folders end with a slash.
_initctl_inside() {
	local folder=${(M)PREFIX##*/} line
	local -a folders names match mbegin mend
	for line in ${(f)"$($asked --timeout 2 --json ls -a -- ${folder:-.} 2>/dev/null </dev/null)"}; do
		[[ $line =~ '"name":"([^"\\]*)","type":"([a-z]*)' && $match[1] != (.|..) ]] || continue
		if [[ $match[2] == directory ]]; then
			folders+=($match[1]/)
		else
			names+=($match[1])
		fi
	done
	compadd -p "$folder" -S '' -a folders
	compadd -p "$folder" -a names
}
# A file, or a path inside behind a colon.
_initctl_copied() {
	if compset -P :; then
		_initctl_inside
	else
		_files
	fi
}
case $verb in
(cat|tail|ls) _arguments -S -s $specs '*:path inside:_initctl_inside' ;;
(exec|debug) _arguments -S -A '-*' $specs '(-)1:command: _command_names -e' '*::arguments: _normal' ;;
(signal)
	if (( CURRENT == 2 )); then
		_signals -s
	else
		_wanted targets expl target compadd main all \
			${(f)"$($asked sessions --json 2>/dev/null | sed -n 's/.*"session":"*\([0-9]*\).*/%\1/p')"}
	fi
	;;
(ns)
	_arguments -S -A '-*' $specs '1:namespaces:_values -s , namespace net uts ipc pid mnt user cgroup time' \
		'(-)2:command: _command_names -e' '*::arguments: _normal'
	;;
(limit) _wanted limits expl limit compadd -S = cpu.max cpu.weight memory.high memory.max pids.max ;;
(attach)
	_arguments -S $specs
	_wanted sessions expl session compadd \
		${(f)"$($asked sessions --json 2>/dev/null | sed -n 's/.*"session":"*\([0-9]*\).*/\1/p')"}
	;;
(cp) _arguments -S $specs '*:file:_initctl_copied' ;;
(list) _arguments -S $specs '*:folder:_files -/' ;;
(*) _arguments -S $specs ;;
esac
