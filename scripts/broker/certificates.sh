# The certificates of the brokers: one CA, a server certificate for localhost, one with a wrong name,
# and a client certificate (CN=sluice). Made once by openssl; Java's brokers read the PKCS#12 stores.

tls=$software/tls
store_password=sluice-secret

# sign NAME COMMON_NAME EXTENSIONS: a key and a certificate signed by the CA of this folder.
sign() {
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$2" 2>/dev/null
  printf '%s\n' "basicConstraints=CA:FALSE" "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -sha256 \
    -extfile "$1.ext" -out "$1.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
}

# store NAME: NAME.p12 with that key and certificate.
store() {
  openssl pkcs12 -export -in "$1.pem" -inkey "$1.key" -certfile ca.pem -name "$1" \
    -passout "pass:$store_password" -out "$1.p12"
}

make_certificates() {
  [[ -d $tls ]] && return
  command -v openssl >/dev/null || fail "openssl is missing, so no certificates can be made. Run: scripts/brokers install"
  command -v keytool >/dev/null || fail "keytool (Java) is missing, so no trust store can be made. Run: scripts/brokers install"
  say "Making a CA, server certificates and a client certificate in $tls."
  local part=$tls.part
  rm -rf "$part" && mkdir -p "$part"
  (
    cd "$part"
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3650 -sha256 \
      -subj '/CN=Sluice test CA' -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
    sign server localhost $'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth'
    sign wrong-name wrong.example $'subjectAltName=DNS:wrong.example\nextendedKeyUsage=serverAuth'
    sign client sluice 'extendedKeyUsage=clientAuth'
    store server
    store wrong-name
    keytool -importcert -noprompt -alias ca -file ca.pem -keystore trust.p12 -storetype PKCS12 \
      -storepass "$store_password" >/dev/null 2>&1
    chmod 644 ./*
  ) || fail "The certificates could not be made in $part. Look there, remove it and try again."
  mv "$part" "$tls"
}
