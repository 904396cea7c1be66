# Completion of initctl's words for bash, under the name of this file. What verbs there are,
# and what options they take, is what the program says of itself (-h, help VERB).

# Adds to _initctl_verbs, and to _initctl_kinds: an option to the name of its value. The words are a
# command that prints a help, of which only the left column counts, which two spaces end.
_initctl_help() {
	local line word
	while IFS= read -r line; do
		[[ $2 == help || ! $line =~ ^\ \ ([a-z]+)(\ |$) ]] || _initctl_verbs+=("${BASH_REMATCH[1]}")
		[[ $line =~ ^\ \ (-[A-Za-z0-9])?(,\ )?(--[a-z-]+)?(\ ([A-Z][^ ]*))?(\ \ |$) ]] || continue
		for word in ${BASH_REMATCH[1]} ${BASH_REMATCH[3]}; do
			[[ $word == --help ]] || _initctl_kinds[$word]=${BASH_REMATCH[5]}
		done
	done < <("$@" 2>/dev/null </dev/null)
}

# The ids of the sessions, where the channel can be asked.
_initctl_sessions() {
	"$@" sessions --json 2>/dev/null </dev/null |
		sed -n 's/.*"session":"\{0,1\}\([0-9]*\).*/\1/p'
}

# Paths inside the container that begin with $1, as "ls" tells them; folders end with a slash.
_initctl_inside() {
	local folder=${1%"${1##*/}"} hidden=() name
	[[ ${1##*/} != .* ]] || hidden=(-a)
	compopt -o filenames -o nospace
	while IFS= read -r name; do
		[[ $folder$name != "$1"* || $name == ./ || $name == ../ ]] || COMPREPLY+=("$folder$name")
	done < <("${ask[@]}" --timeout 2 --json ls "${hidden[@]}" -- "${folder:-.}" 2>/dev/null </dev/null |
		sed -n 's/.*"name":"\([^"\\]*\)","type":"directory".*/\1\//p; t
			s/.*"name":"\([^"\\]*\)",.*/\1/p')
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} == */ ]] || compopt +o nospace
}

_initctl_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen "$1" -- "${cur##*=}")
}

_initctl_value() {
	case ${_initctl_kinds[$1]-} in
	SOCKET | FILE) _initctl_files -f ;;
	DIR) _initctl_files -d ;;
	NAME*) [[ $1 != -e ]] || mapfile -t COMPREPLY < <(compgen -e -- "$cur") ;;
	esac
}

# A file, or a path inside behind a colon, which breaks words in bash unless somebody has changed that.
_initctl_copied() {
	local colon=
	if [[ ${COMP_LINE:0:COMP_POINT} =~ [[:blank:]]:([^[:blank:]]|\\[[:blank:]])*$ ]]; then
		[[ $COMP_WORDBREAKS == *:* ]] || colon=:
		_initctl_inside "${cur#:}"
		COMPREPLY=("${COMPREPLY[@]/#/$colon}")
	else
		_initctl_files -f
	fi
}

# What stands behind a verb that runs no command; before is what stood there already.
_initctl_argument() {
	local names
	case $1 in
	signal)
		if ((before == 0)); then
			names=$(compgen -A signal | sed -n 's/^SIG//p' | grep -v JUNK)
		else
			names="main all $(_initctl_sessions "${ask[@]}" | sed 's/^/%/')"
		fi
		;;
	limit) names="cpu.max cpu.weight memory.high memory.max memory.swap.max pids.max" ;;
	ns)
		names=${cur%"${cur##*,}"}
		mapfile -t COMPREPLY < <(compgen -P "$names" -W "net uts ipc pid mnt user cgroup time" \
			-- "${cur##*,}")
		return
		;;
	attach) names=$(_initctl_sessions "${ask[@]}") ;;
	cat | tail | ls)
		_initctl_inside "$cur"
		return
		;;
	cp)
		_initctl_copied
		return
		;;
	list)
		_initctl_files -d
		return
		;;
	esac
	# shellcheck disable=SC2207
	COMPREPLY=($(compgen -W "$names" -- "$cur"))
}

# A command of the container: what is here may be there, too.
_initctl_command() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	else
		_initctl_files -f
	fi
}

_initctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} word verb= option= i before=0 ask=("$1")
	COMPREPLY=()
	_initctl_verbs=()
	declare -gA _initctl_kinds=()
	_initctl_help "$1" -h
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $option ]]; then
			[[ $option != -S ]] || ask+=(-S "${word/#\~/$HOME}")
			option=
		elif [[ $word == -* && $word != -- && ! ($verb == signal && $before == 0) ]]; then
			[[ ! ${_initctl_kinds[$word]-} ]] || option=$word
		elif [[ ! $verb ]]; then
			verb=$word
			_initctl_help "$1" help "$verb"
		elif [[ $verb == @(exec|debug) || ($verb == ns && $before == 1) ]]; then
			[[ $word != -- ]] || ((i++))
			_initctl_command "$i"
			return
		else
			((before++))
		fi
	done
	if [[ $option ]]; then
		_initctl_value "$option"
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${!_initctl_kinds[*]}" -- "$cur")
	elif [[ ! $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${_initctl_verbs[*]}" -- "$cur" | sort -u)
	elif [[ $verb == @(exec|debug) || ($verb == ns && $before == 1) ]]; then
		_initctl_command "$COMP_CWORD"
	else
		_initctl_argument "$verb"
	fi
}

_initctl_name=${BASH_SOURCE[0]##*/}
complete -F _initctl "${_initctl_name%.bash}"
unset -v _initctl_name
