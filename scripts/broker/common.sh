# Words that every other piece uses: messages, processes by pid, templates.

say() { printf '%s\n' "$*"; }

# Ends with a sentence that says what was being done and what to do.
fail() {
  printf 'scripts/brokers: %s\n' "$*" >&2
  exit 1
}

# The node that is there: the scripts need no particular version.
node_path() {
  command -v node || { [[ -x $top/node_modules/.bin/node ]] && say "$top/node_modules/.bin/node"; } ||
    fail "Node.js is not on the PATH. Install it, or run npm ci in $top."
}

# A process is known by its pid and the moment it began, so a pid that was given away is never touched.
# A process that has ended and waits for its parent (Z) counts as gone.
process_start() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# remember_pid FILE PID
remember_pid() { say "$2 $(process_start "$2")" >"$1"; }

# living_pid FILE: prints the pid when that very process lives, fails otherwise.
living_pid() {
  local pid start
  [[ -s $1 ]] && read -r pid start <"$1" && [[ -n $start && $(process_start "$pid") == "$start" ]] && say "$pid"
}

# end_process FILE SECONDS: asks the process of that pid file to end, and after SECONDS makes it.
end_process() {
  local pid deadline=$((SECONDS + $2))
  pid=$(living_pid "$1") || return 0
  kill -TERM "$pid" 2>/dev/null || true
  while living_pid "$1" >/dev/null; do
    ((SECONDS < deadline)) || { kill -KILL "$pid" 2>/dev/null || true; }
    sleep 0.1
  done
}

# launch PIDFILE LOG COMMAND...: starts COMMAND so that it outlives this shell.
launch() {
  local pidfile=$1 log=$2
  shift 2
  setsid "$@" >>"$log" 2>&1 </dev/null 9>&- &
  remember_pid "$pidfile" $!
}

# render TEMPLATE KEY=VALUE...: prints a file of scripts/broker/conf with each @KEY@ replaced.
render() {
  local text pair
  text=$(<"$here/broker/conf/$1")
  shift
  for pair in "$@"; do text=${text//"@${pair%%=*}@"/${pair#*=}}; done
  printf '%s\n' "$text"
}
