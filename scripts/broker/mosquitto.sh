# Mosquitto: MQTT 3.1.1 and 5, with its defaults for max_inflight_messages and max_queued_messages.

mosquitto_ports=(mqtt mqtts mqttsClientCert mqttsWrongName)

mosquitto_binary() { PATH=$PATH:/usr/sbin command -v mosquitto; }

mosquitto_installed() { mosquitto_binary >/dev/null; }

mosquitto_version() { "$(mosquitto_binary)" -h | sed -n 's/^mosquitto version //p'; }

# The password file has Mosquitto's own form, $7$: PBKDF2 with SHA-512.
mosquitto_configure() {
  "$(node_path)" -e '
    const { pbkdf2Sync, randomBytes } = require("node:crypto")
    const [username, password] = process.argv.slice(1)
    const salt = randomBytes(12)
    const hash = pbkdf2Sync(password, salt, 101, 64, "sha512").toString("base64")
    console.log(`${username}:$7$101$${salt.toString("base64")}$${hash}`)' "$username" "$password" >"$1/passwords"
  render mosquitto.conf "${settings[@]}" >"$1/mosquitto.conf"
}

mosquitto_start() {
  local base=$run/mosquitto
  mkdir -p "$base/data"
  mosquitto_configure "$base"
  launch "$base/pid" "$base/log" "$(mosquitto_binary)" -c "$base/mosquitto.conf"
}

mosquitto_stop() { end_process "$run/mosquitto/pid" 10; }
