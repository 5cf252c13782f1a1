#!/bin/sh
# Creates a fresh organization with openssl: an orderer's MSP, an admin and a client.
#
#   examples/new-msp.sh [DIR [ORG [HOST...]]]
#
#   DIR   where to put everything, "sampleconfig" by default; must not hold an "msp" yet
#   ORG   the organization's name in the certificates, "SampleOrg" by default
#   HOST  further names or IP addresses of the orderer for its TLS certificate, which always has
#         localhost, 127.0.0.1 and ::1
#
# It makes:
#
#   DIR/msp                the orderer's local MSP; without its keystore the organization's definition
#   DIR/users/admin/msp    an administrator's MSP with certificate and key
#   DIR/users/client/msp   a client's MSP with certificate and key
#   DIR/tls                ca.crt, server.crt, server.key and client.crt, client.key
#   DIR/ca, DIR/tlsca      certificate and key of the two CAs; keep these keys somewhere safe
#
# All keys are ECDSA P-256, all certificates are valid for ten years.
set -eu
umask 077

dir=${1-sampleconfig}
org=${2-SampleOrg}
if [ $# -gt 2 ]; then shift 2; else set --; fi

fail() {
  echo "new-msp.sh: $*" >&2
  exit 1
}

[ -n "$dir" ] || fail "the folder's name is empty"
command -v openssl >/dev/null || fail "openssl is not installed"
case $org in
  '' | *[!A-Za-z0-9.-]*) fail "\"$org\" is no name for an organization; use letters, digits, dots and dashes" ;;
esac
[ ${#org} -le 50 ] || fail "the organization's name is longer than 50 characters"
for made in msp users tls ca tlsca; do
  [ ! -e "$dir/$made" ] || fail "$dir/$made is there already; remove it, or choose another folder"
done

names='DNS:localhost,IP:127.0.0.1,IP:::1'
for host; do
  case $host in
    *[!A-Za-z0-9.:-]*) fail "\"$host\" is no host name and no IP address" ;;
    *:* | *[0-9].*[0-9].*[0-9].*[0-9]) names="$names,IP:$host" ;;
    *) names="$names,DNS:$host" ;;
  esac
done

(umask 022 && mkdir -p "$dir")
work=$(mktemp -d "$dir/.new-msp.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Extensions by kind of certificate.
cat >"$work/extensions" <<EOF
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[signing]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tls]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $names
EOF

# Fabric wants the smaller of the two possible values of an ECDSA signature. openssl takes either by
# chance; this tells whether it was (surely) the smaller one.
has_low_signature() {
  offset=$(openssl asn1parse -in "$1" | sed -n '$s/^ *\([0-9]*\):.*/\1/p')
  s=$(openssl asn1parse -in "$1" -strparse "$offset" | sed -n '$s/.*://p')
  [ ${#s} -lt 64 ] || [ $((0x$(echo "$s" | cut -c1-8))) -lt $((0x7FFFFFFF)) ]
}

# certificate NAME UNIT KIND CA: makes NAME.key and NAME.crt in $work, signed by CA (itself if the same).
certificate() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -pkeyopt ec_param_enc:named_curve -out "$work/$1.key" 2>/dev/null
  # A configuration of our own, since that of the machine may add to the request.
  printf '[req]\nprompt = no\ndistinguished_name = name\n[name]\nO = %s\n%sCN = %s\n' \
    "$org" "${2:+OU = $2
}" "$1.$org" >"$work/request"
  openssl req -new -config "$work/request" -key "$work/$1.key" -out "$work/$1.csr"
  if [ "$1" = "$4" ]; then
    set -- "$1" "$2" "$3" -signkey "$work/$1.key"
  else
    set -- "$1" "$2" "$3" -CA "$work/$4.crt" -CAkey "$work/$4.key"
  fi
  name=$1 kind=$3
  shift 3
  while :; do
    openssl x509 -req -in "$work/$name.csr" "$@" -set_serial "0x$(openssl rand -hex 15 | sed 's/^/1/')" \
      -days 3650 -sha256 -extfile "$work/extensions" -extensions "$kind" \
      -out "$work/$name.crt" 2>"$work/log" || fail "openssl failed: $(cat "$work/log")"
    if has_low_signature "$work/$name.crt"; then return; fi
  done
}

# msp FOLDER NAME: an MSP with the certificate and key of NAME.
msp() {
  mkdir -p "$1/cacerts" "$1/tlscacerts" "$1/signcerts" "$1/keystore"
  cp "$work/ca.crt" "$1/cacerts/ca.pem"
  cp "$work/tlsca.crt" "$1/tlscacerts/tlsca.pem"
  cp "$work/$2.crt" "$1/signcerts/cert.pem"
  cp "$work/$2.key" "$1/keystore/priv_sk"
  {
    echo '# The unit (OU) in a certificate tells the role of its owner.'
    echo 'NodeOUs:'
    echo '  Enable: true'
    for role in client peer admin orderer; do
      echo "  $(echo $role | cut -c1 | tr a-z A-Z)$(echo $role | cut -c2-)OUIdentifier:"
      echo '    Certificate: cacerts/ca.pem'
      echo "    OrganizationalUnitIdentifier: $role"
    done
  } >"$1/config.yaml"
}

certificate ca '' ca ca
certificate tlsca '' ca tlsca
certificate orderer orderer signing ca
certificate admin admin signing ca
certificate client client signing ca
certificate server '' tls tlsca
certificate tlsclient '' tls tlsca

made=$work/made
msp "$made/msp" orderer
msp "$made/users/admin/msp" admin
msp "$made/users/client/msp" client
mkdir "$made/ca" "$made/tlsca" "$made/tls"
for ca in ca tlsca; do
  cp "$work/$ca.crt" "$made/$ca/cert.pem"
  cp "$work/$ca.key" "$made/$ca/key.pem"
done
cp "$work/tlsca.crt" "$made/tls/ca.crt"
cp "$work/server.crt" "$work/server.key" "$made/tls/"
cp "$work/tlsclient.crt" "$made/tls/client.crt"
cp "$work/tlsclient.key" "$made/tls/client.key"

# Everything but keys may be read by others.
find "$made" -type d -exec chmod 755 {} +
find "$made" -type d -name keystore -exec chmod 700 {} +
find "$made" -type f ! -name '*.key' ! -name key.pem ! -name priv_sk -exec chmod 644 {} +
mv "$made"/* "$dir/"

cat <<EOF
Created organization $org in $dir:
  orderer   $dir/msp   (General.LocalMSPDir; General.LocalMSPID is the ID of the MSP in configtx.yaml)
  admin     $dir/users/admin/msp
  client    $dir/users/client/msp
  TLS       $dir/tls
Keep $dir/ca/key.pem and $dir/tlsca/key.pem safe: whoever has them can make members of $org.
EOF
