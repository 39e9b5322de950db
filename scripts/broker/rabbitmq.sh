# RabbitMQ 3 (Debian's package) and RabbitMQ 4 (in a Debian 13 root). Each has a node name and an epmd of its
# own. Queues are declared by a client (AMQP 0-9-1, STOMP /queue/X) or by HTTP: PUT /api/queues/%2F/X.

rabbitmq3_ports=(amqp amqps mqtt mqtts stomp stomps http epmd distribution)
rabbitmq4_ports=("${rabbitmq3_ports[@]}")

rabbitmq3_root() { say ''; }
rabbitmq4_root() { say "$software/rabbitmq4-root"; }

rabbitmq3_installed() { [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]]; }
rabbitmq4_installed() { [[ -d $software/rabbitmq4-root ]]; }

rabbitmq3_version() { rabbitmq_version rabbitmq3; }
rabbitmq4_version() { rabbitmq_version rabbitmq4; }
rabbitmq3_start() { rabbitmq_start rabbitmq3; }
rabbitmq4_start() { rabbitmq_start rabbitmq4; }
rabbitmq3_configure() { rabbitmq_configure "$1"; }
rabbitmq4_configure() { rabbitmq_configure "$1"; }
rabbitmq3_stop() { rabbitmq_stop rabbitmq3; }
rabbitmq4_stop() { rabbitmq_stop rabbitmq4; }

rabbitmq_version() { ls "$("${1}_root")/usr/lib/rabbitmq/lib" | sed -n 's/^rabbitmq_server-//p'; }

# Where a node keeps its files, as the node sees it: a path inside its root when it has one.
rabbitmq_base() {
  if [[ -n $("${1}_root") ]]; then say "/srv/$(cksum <<<"$run" | cut -d' ' -f1)/$1"; else say "$run/$1/node"; fi
}

# rabbitmq_command NAME COMMAND...: fills the array `inside` with COMMAND as it runs where NAME lives. A root gets
# its /proc in a mount namespace of its own, which ends with the process.
rabbitmq_command() {
  local root
  root=$("${1}_root")
  shift
  if [[ -z $root ]]; then
    inside=("$@")
  elif unshare --mount true 2>/dev/null; then
    inside=(unshare --mount sh -c 'mount -t proc proc "$0/proc"; exec chroot "$0" "$@"' "$root" "$@")
  else
    inside=(chroot "$root" "$@")
  fi
}

# The environment of a node and of its rabbitmqctl. Prints KEY=VALUE lines; the ports come from `port`.
rabbitmq_environment() {
  local base
  base=$(rabbitmq_base "$1")
  printf '%s\n' "HOME=$base" "PATH=/usr/sbin:/usr/bin:/sbin:/bin" "LANG=C.UTF-8" \
    "RABBITMQ_NODENAME=sluice-$1-${port[distribution]}@localhost" "RABBITMQ_DIST_PORT=${port[distribution]}" \
    "ERL_EPMD_PORT=${port[epmd]}" "ERL_EPMD_ADDRESS=127.0.0.1" \
    "RABBITMQ_MNESIA_BASE=$base/data" "RABBITMQ_LOG_BASE=$base/logs" "RABBITMQ_CONFIG_FILE=$base/rabbitmq.conf" \
    "RABBITMQ_ENABLED_PLUGINS_FILE=$base/enabled_plugins" "RABBITMQ_CONF_ENV_FILE=$base/none" \
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none" \
    "RUNNING_UNDER_SYSTEMD=1"
}

rabbitmq_configure() {
  render rabbitmq.conf "${settings[@]}" >"$1/rabbitmq.conf"
  say '[rabbitmq_amqp1_0,rabbitmq_auth_mechanism_ssl,rabbitmq_management,rabbitmq_mqtt,rabbitmq_stomp].' \
    >"$1/enabled_plugins"
}

rabbitmq_start() {
  local name=$1 base root environment inside
  base=$(rabbitmq_base "$name") root=$("${name}_root")
  mkdir -p "$root$base/tls"
  cp "$tls"/{ca,server}.pem "$tls/server.key" "$root$base/tls/"
  settings=("tls=$base/tls" "${settings[@]}")
  rabbitmq_configure "$root$base"
  mapfile -t environment < <(rabbitmq_environment "$name")
  rabbitmq_command "$name" env -i "${environment[@]}" epmd
  launch "$run/$name/epmd.pid" "$run/$name/epmd.log" "${inside[@]}"
  rabbitmq_command "$name" env -i "${environment[@]}" /usr/lib/rabbitmq/bin/rabbitmq-server
  launch "$run/$name/pid" "$run/$name/log" "${inside[@]}"
}

# SIGTERM is the orderly stop of a node: it closes its connections and its data.
rabbitmq_stop() {
  end_process "$run/$1/pid" 30
  end_process "$run/$1/epmd.pid" 5
}
