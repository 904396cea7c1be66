# Completion of init's options for bash, under the name of this file. The options and the
# names of their values are taken from the program's help.

# Sets _init_kinds: for each option the name of its value, or an empty string if it has none.
_init_options() {
	local line option
	declare -gA _init_kinds=()
	while IFS= read -r line; do
		# A line is "  -g, --grace TIME   explanation"; a value begins with a capital.
		[[ $line =~ ^\ *((-[A-Za-z],\ )*)(--[a-z-]+)(\ ([A-Z][^ ]*))? ]] || continue
		for option in ${BASH_REMATCH[1]//,/} "${BASH_REMATCH[3]}"; do
			_init_kinds[$option]=${BASH_REMATCH[5]}
		done
	done < <("$1" -h 2>/dev/null </dev/null)
}

# The words up to the cursor, which bash has cut at = and :, and where each begins.
_init_words() {
	local i word glue=
	words=() starts=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $word == [=:]* || $glue ]] && ((${#words[@]} > 1)); then
			words[-1]+=$word
		else
			words+=("$word")
			starts+=("$i")
		fi
		[[ $word == *[=:] ]] && glue=1 || glue=
	done
}

# Offers words for what stands behind the last = : or comma of the current one.
_init_offer() {
	local item=${cur##*[=:,]} list=${cur##*[=:]}
	list=${list%"$item"}
	# shellcheck disable=SC2207
	COMPREPLY=($(compgen -P "$list" -W "$1" -- "$item"))
}

_init_signals() {
	local names
	names=$(compgen -A signal | sed -n 's/^SIG//p' | grep -v JUNK)
	_init_offer "$names"
}

_init_capabilities="all default CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID
	SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER
	SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE
	SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN
	SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"

# The value of an option, by its name and by what the help calls it.
_init_value() {
	local plain=${cur##*=}
	case $1 in
	--control-verbs) _init_offer "status exec signal sessions hold attach watch wait stop open user privileged" ;;
	--unshare) _init_offer "pid mount uts ipc net user cgroup time all" ;;
	--mount) _init_offer "proc sys dev pts shm mqueue tmp run all hidepid proc-full" ;;
	--cap-keep | --cap-drop) _init_offer "$_init_capabilities" ;;
	--rlimit) _init_offer "AS= CORE= CPU= DATA= FSIZE= LOCKS= MEMLOCK= MSGQUEUE= NICE= NOFILE= NPROC= RSS= RTPRIO= RTTIME= SIGPENDING= STACK=" ;;
	--limit) _init_offer "cpu.max cpu.weight memory.high memory.max memory.swap.max pids.max" ;;
	*)
		case $2 in
		SIG* | FROM:TO*) _init_signals ;;
		DIR*) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$plain") ;;
		PATH* | FILE* | SRC* | DST*)
			compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$plain")
			;;
		esac
		;;
	esac
}

# A command and its arguments, from that word of COMP_WORDS on.
_init_command() {
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	else
		compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

_init() {
	local words starts cur word option= i
	COMPREPLY=()
	_init_words
	_init_options "$1"
	cur=${words[-1]}
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		if [[ $option ]]; then
			option=
		elif [[ $word == -- || $word != -?* ]]; then
			[[ $word == -- ]] && ((i++))
			_init_command "${starts[i]}"
			return
		elif [[ ${_init_kinds[$word]-} ]]; then
			option=$word
		fi
	done
	if [[ $option ]]; then
		_init_value "$option" "${_init_kinds[$option]}"
	elif [[ $cur == --*=* ]]; then
		_init_value "${cur%%=*}" "${_init_kinds[${cur%%=*}]-}"
	elif [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${!_init_kinds[*]}" -- "$cur")
	else
		_init_command "$COMP_CWORD"
	fi
}

_init_name=${BASH_SOURCE[0]##*/}
complete -F _init "${_init_name%.bash}"
unset -v _init_name
