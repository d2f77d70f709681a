#!/usr/bin/env bash
# Servers on 127.0.0.1 of whose TLS the truth is known, and a farm of fifty for measuring.
#   lab.sh start DIR BASE   makes the certificates, starts nginx; ports BASE+1 to BASE+49, the farm BASE+100 to BASE+149
#   lab.sh stop DIR         ends it
# It needs nginx and openssl 3. What each port is stands in truth.txt beside this script.
set -euo pipefail
command=$1 dir=$(realpath -m "$2")
name=app.lab.test

stop() {
  if [ -f "$dir/nginx.pid" ]; then kill -QUIT "$(cat "$dir/nginx.pid")" || true; fi
}

# Days from now, as `openssl ca` wants them.
at() { date -u -d "@$(($(date +%s) + $1 * 86400))" +%Y%m%d%H%M%SZ; }

# authority NAME: a key and a request.   sign NAME SECTION FROM UNTIL HASH: a certificate by the intermediate.
request() { openssl req -new -key "$1.key" -subj "/CN=${2:-$name}" -out "$1.csr"; }
ec() { openssl ecparam -name "${2:-prime256v1}" -genkey -noout -out "$1.key"; request "$1"; }
rsa() { openssl genrsa -traditional -out "$1.key" "$2"; request "$1"; }
sign() {
  openssl ca -batch -notext -config ca.cnf -cert int.pem -keyfile int.key -md "${5:-sha256}" -startdate "$3" -enddate "$4" \
    -extfile ext.cnf -extensions "$2" -in "$1.csr" -out "$1.leaf.pem"
  cat "$1.leaf.pem" int.pem > "$1.pem"
}

certificates() {
  mkdir -p "$dir/pki" && cd "$dir/pki"
  touch index.txt && echo 'unique_subject = no' > index.txt.attr && echo 1000 > serial
  cat > ca.cnf <<'CNF'
[ca]
default_ca = lab
[lab]
new_certs_dir = .
database = index.txt
serial = serial
policy = any
email_in_dn = no
unique_subject = no
[any]
commonName = supplied
CNF
  cat > ext.cnf <<CNF
[req]
distinguished_name = dn
[dn]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:$name,DNS:localhost,IP:127.0.0.1
[other]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:other.lab.test
[wild]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:*.lab.test
[staple]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:$name
tlsfeature = status_request
[listed]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:$name
crlDistributionPoints = URI:http://127.0.0.1:$((base + 6))/lab.crl
[lost]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:$name
crlDistributionPoints = URI:http://127.0.0.1:$((base + 6))/none.crl
[client]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
subjectAltName = DNS:$name
CNF
  ec root && openssl req -x509 -new -key root.key -days 3650 -subj '/CN=Lab Root' -config ext.cnf -extensions authority -out root.pem
  ec int && request int 'Lab Intermediate'
  # The root signs the intermediate with dates before those of every leaf.
  openssl ca -batch -notext -config ca.cnf -cert root.pem -keyfile root.key -md sha256 -startdate "$(at -400)" -enddate "$(at 1000)" \
    -extfile ext.cnf -extensions authority -in int.csr -out int.pem
  local from until && from=$(at -20) until=$(at 70)
  ec ec && sign ec leaf "$from" "$until"
  ec p384 secp384r1 && sign p384 leaf "$from" "$until"
  rsa rsa 2048 && sign rsa leaf "$from" "$until"
  ec expired && sign expired leaf "$(at -100)" "$(at -10)"
  ec early && sign early leaf "$(at 5)" "$(at 90)"
  ec soon && sign soon leaf "$(at -80)" "$(at 10)"
  ec other && sign other other "$from" "$until"
  ec wild && sign wild wild "$from" "$until"
  ec owes && sign owes staple "$from" "$until"
  ec client && sign client client "$from" "$until"
  rsa weak 1024 && sign weak leaf "$from" "$until" sha1
  ec good && sign good leaf "$from" "$until"
  ec revoked && sign revoked leaf "$from" "$until"
  openssl ca -config ca.cnf -cert int.pem -keyfile int.key -md sha256 -revoke revoked.leaf.pem
  ec listed && sign listed listed "$from" "$until"
  ec struck && sign struck listed "$from" "$until"
  ec lost && sign lost lost "$from" "$until"
  openssl ca -config ca.cnf -cert int.pem -keyfile int.key -md sha256 -revoke struck.leaf.pem
  openssl ca -gencrl -config ca.cnf -cert int.pem -keyfile int.key -md sha256 -crldays 7 | openssl crl -outform DER -out lab.crl
  for one in good revoked; do
    openssl ocsp -index index.txt -rsigner int.pem -rkey int.key -CA int.pem -issuer int.pem -cert $one.leaf.pem -ndays 7 -respout $one.ocsp
  done
  rsa self 2048 && openssl x509 -req -in self.csr -signkey self.key -days 90 -sha256 -extfile ext.cnf -extensions leaf -out self.pem
  cat good.leaf.pem root.pem int.pem > disordered.pem && cp good.key disordered.key
  openssl dhparam -dsaparam -out dh1024.pem 1024
}

keys() { echo "ssl_certificate $dir/pki/$1.pem; ssl_certificate_key $dir/pki/${2:-$1}.key;"; }
remember='add_header Strict-Transport-Security "max-age=63072000; includeSubDomains" always;'
modern='ssl_protocols TLSv1.3;'
intermediate='ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;'
# The security level of the library would silently switch off what is to be found.
legacy='ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:!aNULL:!eNULL@SECLEVEL=0;'
server() { # PORT DIRECTIVES [not tls]
  echo "server { listen 127.0.0.1:$(($base + $1))${3-" ssl"}; server_name $name; $2 location / { return 200 'ok'; } }"
}

configuration() {
  cat <<CONF
worker_processes 2; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;
CONF
  server 1 "$(keys ec) $modern $remember"
  server 2 "$(keys rsa) $intermediate $remember"
  server 3 "$(keys rsa) $legacy"
  server 4 "$(keys expired) $intermediate $remember"
  server 5 "$(keys self) $intermediate"
  server 6 "location = /lab.crl { alias $dir/pki/lab.crl; } location = /none.crl { return 404; }" ""
  server 7 "$(keys early) $intermediate"
  server 9 "$(keys rsa) ssl_protocols TLSv1; ssl_ciphers ALL:!aNULL@SECLEVEL=0;"
  server 10 "$(keys rsa) ssl_protocols TLSv1.1; ssl_ciphers ALL:!aNULL@SECLEVEL=0;"
  server 11 "$(keys other) $intermediate $remember"
  server 12 "$(keys ec.leaf ec) $intermediate $remember"
  server 13 "$(keys ec) $intermediate $remember ssl_verify_client on; ssl_client_certificate $dir/pki/root.pem; ssl_verify_depth 3;"
  server 14 "$(keys disordered) $intermediate $remember"
  server 15 "$(keys soon) $intermediate $remember"
  server 16 "$(keys client) $intermediate $remember"
  server 17 "$(keys wild) $intermediate $remember"
  server 22 "$(keys weak) ssl_protocols TLSv1.2; ssl_ciphers ALL:!aNULL@SECLEVEL=0;"
  server 30 "$(keys ec) $intermediate add_header Strict-Transport-Security 'max-age=300' always;"
  server 31 "$(keys good) $intermediate $remember ssl_stapling on; ssl_stapling_file $dir/pki/good.ocsp;"
  server 32 "$(keys revoked) $intermediate $remember ssl_stapling on; ssl_stapling_file $dir/pki/revoked.ocsp;"
  server 33 "$(keys owes) $intermediate $remember"
  server 34 "$(keys rsa) ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA:AES256-SHA:ECDHE-RSA-AES128-SHA; ssl_prefer_server_ciphers on;"
  server 35 "$(keys rsa) ssl_protocols TLSv1.2; ssl_ciphers DHE-RSA-AES128-GCM-SHA256@SECLEVEL=0; ssl_dhparam $dir/pki/dh1024.pem;"
  server 36 "return 301 https://\$host\$request_uri;" ""
  server 37 "$(keys ec) $(keys rsa) $intermediate $remember"
  server 38 "$(keys rsa) ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers HIGH:!aNULL;"
  server 39 "$(keys p384) $modern ssl_ecdh_curve secp384r1; $remember"
  server 40 "$(keys ec) $intermediate add_header Set-Cookie 'open=1; Path=/'; add_header Set-Cookie 'shut=1; Secure';"
  server 41 "$(keys ec) $intermediate ssl_session_tickets off;"
  server 44 "$(keys listed) $intermediate"
  server 45 "$(keys struck) $intermediate"
  server 46 "$(keys lost) $intermediate"
  # Without the right name there is nothing here.
  echo "server { listen 127.0.0.1:$(($base + 42)) ssl default_server; ssl_reject_handshake on; }"
  server 42 "$(keys ec) $intermediate $remember"
  server 43 "$(keys rsa) ssl_protocols TLSv1.2; ssl_ciphers 'aNULL:eNULL@SECLEVEL=0';"
  for at in $(seq 0 49); do
    case $((at % 5)) in
      0) server $((100 + at)) "$(keys ec) $modern $remember" ;;
      1) server $((100 + at)) "$(keys rsa) $intermediate $remember" ;;
      2) server $((100 + at)) "$(keys rsa) $legacy" ;;
      3) server $((100 + at)) "$(keys expired) $intermediate" ;;
      4) server $((100 + at)) "$(keys self) $intermediate" ;;
    esac
  done
  echo '}'
}

case $command in
  start)
    base=$3
    mkdir -p "$dir"
    if [ ! -f "$dir/pki/dh1024.pem" ]; then (certificates) > "$dir/pki.log" 2>&1 || { cat "$dir/pki.log" >&2; exit 1; }; fi
    configuration > "$dir/nginx.conf"
    for at in $(seq 100 149); do echo "$name:$(($base + at)) at=127.0.0.1 public"; done > "$dir/farm.txt"
    nginx -p "$dir" -e "$dir/nginx.log" -c "$dir/nginx.conf"
    ;;
  stop) stop ;;
  *) echo "lab.sh start DIR BASE | lab.sh stop DIR" >&2; exit 2 ;;
esac
