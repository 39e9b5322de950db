# up, down and status, and the file that tells others where the brokers are: state.json.
#
# A broker has a folder run/NAME with its data, its log, `ports` (kept, so that a restart has the same ones) and
# `pid`. state.json is written anew from these folders after every change, under a lock.

username=sluice
password=sluice-secret
start_timeout=${SLUICE_BROKERS_TIMEOUT:-120}

# read_ports NAME: fills the array `port`, and `settings` with what a configuration template needs.
read_ports() {
  local key value
  port=() settings=("host=127.0.0.1" "username=$username" "password=$password")
  settings+=("data=$run/$1/data" "conf=$run/$1" "tls=$tls")
  while IFS='=' read -r key value; do
    port[$key]=$value
    settings+=("$key=$value")
  done <"$run/$1/ports"
}

# Kept ports are taken again when they are free, else new ones are picked. Only under the lock.
choose_ports() {
  local -n wanted=$1_ports
  local kept=''
  mkdir -p "$run/$1"
  [[ -s $run/$1/ports ]] && kept=$(<"$run/$1/ports")
  "$(node_path)" "$here/broker/ports.mjs" "$run" "$kept" "${wanted[@]}" >"$run/$1/ports.part" ||
    fail "No free ports could be picked for $1. The line above says why."
  mv "$run/$1/ports.part" "$run/$1/ports"
}

bring_up() {
  local name failed=0 pids=()
  make_certificates_once
  for name in "$@"; do
    "${name}_installed" || fail "$name is not installed in $software. Run: scripts/brokers install"
  done
  exec 9>"$run/brokers.lock"
  flock 9
  for name in "$@"; do
    living_pid "$run/$name/pid" >/dev/null && continue
    "${name}_stop" # what a killed broker left behind
    choose_ports "$name"
  done
  for name in "$@"; do
    start_one "$name" &
    pids+=($!)
  done
  for name in "${pids[@]}"; do wait "$name" || failed=1; done
  write_state
  exec 9>&-
  ((failed == 0)) || fail "Not every broker came up; the lines above say which and why."
}

make_certificates_once() {
  exec 7>"$software/tls.lock"
  flock 7
  make_certificates
  exec 7>&-
}

start_one() {
  local -A port
  local settings began=$SECONDS
  read_ports "$1"
  if living_pid "$run/$1/pid" >/dev/null; then
    say "$1 is up already."
    return
  fi
  "$1_start"
  if ! describe "$1" | "$(node_path)" "$here/broker/probe.mjs" "$start_timeout"; then
    "$1_stop"
    fail "$1 did not come up within $start_timeout s and was ended. Its log is $run/$1/log; its last lines: $(tail -3 "$run/$1/log")"
  fi
  say "$1 answers after $((SECONDS - began)) s."
}

bring_down() {
  local name pids=()
  exec 9>"$run/brokers.lock"
  flock 9
  for name in "$@"; do
    if living_pid "$run/$name/pid" >/dev/null; then say "Ending $name."; fi
    "${name}_stop" &
    pids+=($!)
  done
  for name in "${pids[@]}"; do wait "$name" || true; done
  write_state
  exec 9>&-
}

remove_brokers() {
  local name
  bring_down "$@"
  exec 9>"$run/brokers.lock"
  flock 9
  for name in "$@"; do
    [[ $name == rabbitmq* ]] && rm -rf "$("${name}_root")$(rabbitmq_base "$name")"
    rm -rf "${run:?}/$name"
  done
  write_state
  exec 9>&-
}

# describe NAME: the broker as state.json has it. pid is null when it does not run.
describe() {
  local -A port
  local -n order=$1_ports
  local settings key list=''
  read_ports "$1"
  for key in "${order[@]}"; do list+="${list:+, }\"$key\": ${port[$key]:-null}"; done
  printf '{ "name": "%s", "version": "%s", "pid": %s, "host": "127.0.0.1", "ports": { %s },' \
    "$1" "$("$1_version")" "$(living_pid "$run/$1/pid" || say null)" "$list"
  printf ' "username": "%s", "password": "%s",' "$username" "$password"
  printf ' "tls": { "ca": "%s", "cert": "%s", "key": "%s" } }' "$tls/ca.pem" "$tls/client.pem" "$tls/client.key"
}

write_state() {
  local name separator='{'
  for name in "${all_brokers[@]}"; do
    [[ -s $run/$name/ports ]] && "${name}_installed" || continue
    printf '%s\n  "%s": %s' "$separator" "$name" "$(describe "$name")"
    separator=','
  done >"$state.part"
  [[ -s $state.part ]] || printf '{' >"$state.part"
  printf '\n}\n' >>"$state.part"
  mv "$state.part" "$state"
}

# write_configuration NAME FOLDER KEY=VALUE...: the configuration alone, for a broker that runs elsewhere (in a
# container): host, data, conf and tls are paths there. Its ports are 20001 and on, listed in FOLDER/ports.
write_configuration() {
  local name=$1 folder=$2 settings=("username=$username" "password=$password") number=20000 key
  local -n ports_of=$1_ports
  shift 2
  mkdir -p "$folder"
  settings+=("$@")
  for key in "${ports_of[@]}"; do settings+=("$key=$((++number))"); done
  printf '%s\n' "${settings[@]: -${#ports_of[@]}}" >"$folder/ports"
  "${name}_configure" "$folder"
}

show_status() {
  local name state
  printf '%-10s %-8s %-8s %s\n' broker state version ports
  for name in "${all_brokers[@]}"; do
    state=down
    living_pid "$run/$name/pid" >/dev/null && state=up
    "${name}_installed" || { printf '%-10s %-8s\n' "$name" 'not installed'; continue; }
    printf '%-10s %-8s %-8s %s\n' "$name" "$state" "$("${name}_version")" \
      "$([[ -s $run/$name/ports ]] && tr '\n' ' ' <"$run/$name/ports")"
  done
}
