#!/usr/bin/env bash
# Regenerates Sources/Foundations/FabricProtos/Generated from the .proto files beside this script.
# Needs protoc (Debian: protobuf-compiler) and protoc-gen-swift 1.39 on the PATH
# (`swift build --product protoc-gen-swift` in a checkout of apple/swift-protobuf).
set -euo pipefail
cd "$(dirname "$0")"
out=../Sources/Foundations/FabricProtos/Generated
rm -rf "$out"
mkdir -p "$out"
find . -name '*.proto' -printf '%P\n' | sort | xargs protoc --proto_path=. \
  --swift_opt=Visibility=Package,FileNaming=PathToUnderscores --swift_out="$out"
