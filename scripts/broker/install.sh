# Fetches what the brokers need. Every step says what it does and does nothing when it was done before.

activemq_version=6.3.1
# The newest in this range that the configured Maven repository offers.
artemis_range='[2.30,2.50)'

install_all() {
  [[ $(id -u) == 0 ]] || fail "Installing packages needs root. Run it as root."
  exec 8>"$software/install.lock"
  flock 8
  install_packages
  install_rabbitmq4
  install_maven_brokers
  install_jms_programs
  make_certificates
  say "Everything is there. Next: scripts/brokers up"
}

missing_packages() {
  local package
  for package in rabbitmq-server mosquitto debootstrap openssl; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' $package 2>/dev/null) == installed ]] || say $package
  done
  command -v java >/dev/null && command -v javac >/dev/null && command -v keytool >/dev/null || say openjdk-17-jdk-headless
  command -v mvn >/dev/null || say maven
}

# Debian starts the services of what it installs; a policy-rc.d that refuses keeps them from it.
install_packages() {
  local packages policy=/usr/sbin/policy-rc.d log=$software/packages.log
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]})) || return 0
  say "Installing Debian packages: ${packages[*]}. Their services are not started (log: $log)."
  if [[ ! -e $policy ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1 </dev/null 8>&- ||
    fail "apt-get could not install ${packages[*]}. The last lines of $log say why: $(tail -3 "$log")"
  [[ -d /run/systemd/system ]] || return 0
  local service
  for service in rabbitmq-server mosquitto; do
    [[ " ${packages[*]} " == *" $service "* ]] && systemctl disable --now $service >>"$log" 2>&1 || true
  done
}

# RabbitMQ 4 is in Debian 13: a small Debian 13 in a folder of its own, from the mirror that apt uses here.
install_rabbitmq4() {
  local root=$software/rabbitmq4-root log=$software/rabbitmq4-root.log mirror
  [[ -d $root ]] && return
  say "Installing RabbitMQ 4 into a Debian 13 root at $root, about a minute (log: $log)."
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || { apt-get update >"$log" 2>&1 && mirror=$(debian_mirror); }
  [[ -n $mirror ]] || fail "No Debian mirror is configured for apt. Put one into /etc/apt and try again."
  rm -rf --one-file-system "$root.part"
  debootstrap --variant=minbase --include=rabbitmq-server trixie "$root.part" "$mirror" \
    >>"$log" 2>&1 </dev/null 8>&- ||
    fail "debootstrap could not make a Debian 13 from $mirror. The last lines of $log say why: $(tail -3 "$log")"
  mv "$root.part" "$root"
}

debian_mirror() {
  local codename
  codename=$(. /etc/os-release && say "$VERSION_CODENAME")
  apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
    awk -v codename="$codename" '$2 == codename && $3 == "Debian" { print $1; exit }'
}

install_maven_brokers() {
  install_activemq
  install_from_maven artemis apache-artemis "$artemis_range"
}

# JMS applications, which tests run: with them Maven has all that it needs for building them again.
install_jms_programs() {
  [[ -e $top/test/jms/target/made ]] || say "Compiling the JMS programs of the tests with Maven (log: test/jms/target/maven.log)."
  "$top/test/jms/build" 8>&- || fail "The JMS programs of the tests could not be compiled; the lines above say why."
}

# The jars that its distribution is made of: not every Maven repository keeps the distribution itself.
install_activemq() {
  local target=$software/activemq-$activemq_version part=$software/activemq.part
  [[ -d $target ]] && return
  say "Fetching ActiveMQ Classic $activemq_version with Maven into $target (log: $software/activemq.maven.log)."
  rm -rf "$part" && mkdir -p "$part"
  render activemq-pom.xml "version=$activemq_version" >"$part/pom.xml"
  maven_copy activemq "$part" "$part/lib"
  mv "$part" "$target"
}

# maven_copy NAME FOLDER TO: copies what the pom.xml in FOLDER depends on.
maven_copy() {
  local log=$software/$1.maven.log
  mvn -B -U -ntp -f "$2/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime "-DoutputDirectory=$3" >"$log" 2>&1 </dev/null 8>&- ||
    fail "Maven could not fetch $1. The reason is in $log: $(grep -m1 ERROR "$log")"
}

# install_from_maven NAME ARTIFACT RANGE: unpacks the newest binary distribution of that range.
install_from_maven() {
  local target=$software/$1 part=$software/$1.part
  [[ -d $target ]] && return
  say "Fetching $2 $3 with Maven into $target (log: $software/$1.maven.log)."
  rm -rf "$part" && mkdir -p "$part"
  render maven-pom.xml "artifact=$2" "range=$3" >"$part/pom.xml"
  maven_copy "$1" "$part" "$part"
  tar -xzf "$part"/*.tar.gz -C "$part" || fail "The archive in $part could not be unpacked. Remove $part and try again."
  mv "$part/$2"-*/ "$target"
  rm -rf "$part"
}
