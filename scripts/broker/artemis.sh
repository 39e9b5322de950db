# Artemis. Addresses and queues are created when they are used; dead letters of X are in DLQ::DLQ.X.

artemis_ports=(core amqp amqps amqpsClientCert amqpsWrongName stomp stomps stompsClientCert stompsWrongName mqtt mqtts)

artemis_installed() { [[ -d $software/artemis ]]; }

artemis_version() { ls "$software/artemis/lib" | sed -n 's/^artemis-server-\([0-9].*\)\.jar$/\1/p'; }

# artemis_keys STORE: the TLS part of an acceptor.
artemis_keys() {
  printf 'sslEnabled=true;keyStorePath=@tls@/%s.p12;keyStoreType=PKCS12;keyStorePassword=%s;' "$1" "$store_password"
  printf 'trustStorePath=@tls@/trust.p12;trustStoreType=PKCS12;trustStorePassword=%s' "$store_password"
}

artemis_configure() {
  local amqp='protocols=AMQP;useEpoll=true;amqpCredits=1000;amqpLowCredits=300;amqpMinLargeMessageSize=102400'
  cp "$here/broker/conf/log4j2.properties" "$1/"
  render artemis-broker.xml "server=$(artemis_keys server)" "wrongName=$(artemis_keys wrong-name)" \
    "amqpOptions=$amqp;amqpDuplicateDetection=true;anycastPrefix=queue://;multicastPrefix=topic://" \
    "stompOptions=protocols=STOMP;useEpoll=true;anycastPrefix=/queue/;multicastPrefix=/topic/" \
    "${settings[@]}" >"$1/broker.xml"
}

artemis_start() {
  local base=$run/artemis home=$software/artemis etc=$run/artemis/etc
  mkdir -p "$etc" "$base/tmp"
  artemis_configure "$etc"
  render artemis-bootstrap.xml "etc=$etc" >"$etc/bootstrap.xml"
  render artemis-management.xml >"$etc/management.xml"
  render artemis-login.config >"$etc/login.config"
  say "$username = $password" >"$etc/artemis-users.properties"
  say "amq = $username" >"$etc/artemis-roles.properties"
  launch "$base/pid" "$base/log" java -Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    --add-opens java.base/jdk.internal.misc=ALL-UNNAMED "-Djava.io.tmpdir=$base/tmp" \
    "-Djava.security.auth.login.config=$etc/login.config" "-Dlog4j2.configurationFile=$etc/log4j2.properties" \
    "-Dartemis.home=$home" "-Dartemis.instance=$base" "-Dartemis.instance.etc=$etc" "-Ddata.dir=$base/data" \
    "-Djava.library.path=$home/bin/lib/linux-$(uname -m)" -classpath "$home/lib/artemis-boot.jar" \
    org.apache.activemq.artemis.boot.Artemis run
}

artemis_stop() { end_process "$run/artemis/pid" 20; }
