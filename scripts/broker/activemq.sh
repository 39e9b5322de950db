# ActiveMQ Classic. Queues are created when they are used; the dead letter queue of X is DLQ.X. The port amqpJms turns what
# comes by AMQP into JMS messages; amqp, as it is by default, keeps it as bytes that only AMQP clients understand.

activemq_ports=(openwire amqp amqpJms amqps stomp stomps mqtt mqtts)

activemq_installed() { [[ -d $software/activemq-$activemq_version ]]; }

activemq_version() { printf '%s\n' "$activemq_version"; }

activemq_configure() {
  cp "$here/broker/conf/log4j2.properties" "$1/"
  local asked
  IFS=';' read -ra asked <<<"${SLUICE_ACTIVEMQ_SETTINGS:-}"
  render activemq.xml "${asked[@]}" "memory=128 mb" "persistent=true" "storePassword=$store_password" "${settings[@]}" \
    >"$1/activemq.xml"
}

activemq_start() {
  local base=$run/activemq home=$software/activemq-$activemq_version
  mkdir -p "$base/conf" "$base/tmp"
  activemq_configure "$base/conf"
  # Quick to start, where nobody says otherwise.
  local jvm=(-Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
  [[ -z ${SLUICE_ACTIVEMQ_JVM:-} ]] || read -ra jvm <<<"$SLUICE_ACTIVEMQ_JVM"
  launch "$base/pid" "$base/log" java "${jvm[@]}" \
    --add-reads=java.xml=java.logging --add-opens java.base/java.security=ALL-UNNAMED \
    --add-opens java.base/java.net=ALL-UNNAMED --add-opens java.base/java.lang=ALL-UNNAMED \
    --add-opens java.base/java.util=ALL-UNNAMED --add-opens java.naming/javax.naming.spi=ALL-UNNAMED \
    --add-opens java.base/java.util.concurrent=ALL-UNNAMED \
    --add-opens java.base/java.util.concurrent.atomic=ALL-UNNAMED \
    "-Dactivemq.home=$home" "-Dactivemq.base=$base" "-Dactivemq.conf=$base/conf" "-Dactivemq.data=$base/data" \
    "-Djava.io.tmpdir=$base/tmp" "-Dlog4j2.configurationFile=$base/conf/log4j2.properties" \
    -cp "$home/lib/*" org.apache.activemq.console.command.ShellCommand start "xbean:file:$base/conf/activemq.xml"
}

activemq_stop() { end_process "$run/activemq/pid" 20; }
