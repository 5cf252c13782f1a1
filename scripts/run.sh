#!/usr/bin/env bash
# Builds Heddle and runs a solo orderer with an identity and a genesis block of its own.
# Usage: scripts/run.sh [FOLDER]   (default: ./heddle-node; delete it to start afresh)
set -euo pipefail
cd "$(dirname "$0")/.."
node=${1:-heddle-node}

scripts/setup.sh
echo "building (a first release build takes some minutes)"
swift build -c release --product orderer
orderer=$(swift build -c release --show-bin-path)/orderer

if [ ! -e "$node/orderer.yaml" ]; then
  echo "making a node in $node"
  mkdir -p "$node"
  [ -e "$node/msp" ] || examples/new-msp.sh "$node" SampleOrg
  cp sampleconfig/configtx.yaml "$node/"
  # The sample with a genesis block made at the first start, and blocks kept in the node's folder.
  sed -e 's/^  BootstrapMethod: file$/  BootstrapMethod: provisional/' \
    -e 's/^  Location: .*/  Location: ledger/' sampleconfig/orderer.yaml >"$node/orderer.yaml.new"
  mv "$node/orderer.yaml.new" "$node/orderer.yaml"
fi
node=$(cd "$node" && pwd)
example=".venv/bin/python examples/first_transactions.py"
[ "$node" = "$PWD/heddle-node" ] || example="$example --msp-dir '$node/users/client/msp'"

(
  # Says how to go on as soon as the port answers.
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/7050") 2>/dev/null; then
      cat <<TEXT

The orderer serves on 127.0.0.1:7050. In another terminal, send it ten transactions:

    $example

Stop it with Ctrl-C.

TEXT
      exit
    fi
    sleep 0.1
  done
) &
FABRIC_CFG_PATH="$node" exec "$orderer" start
