# Mosquitto: MQTT 3.1.1 and 5, with its defaults for max_inflight_messages and max_queued_messages.

mosquitto_ports=(mqtt mqtts mqttsClientCert mqttsWrongName)

mosquitto_binary() { PATH=$PATH:/usr/sbin command -v mosquitto; }

mosquitto_installed() { mosquitto_binary >/dev/null; }

mosquitto_version() { "$(mosquitto_binary)" -h | sed -n 's/^mosquitto version //p'; }

mosquitto_start() {
  local base=$run/mosquitto
  mkdir -p "$base/data"
  rm -f "$base/passwords"
  mosquitto_passwd -b -c "$base/passwords" "$username" "$password"
  render mosquitto.conf "data=$base/data" "tls=$tls" "passwords=$base/passwords" "${settings[@]}" >"$base/mosquitto.conf"
  launch "$base/pid" "$base/log" "$(mosquitto_binary)" -c "$base/mosquitto.conf"
}

mosquitto_stop() { end_process "$run/mosquitto/pid" 10; }
