#!/usr/bin/env bash
# Passes every test on a fresh Debian 12 with Swift 6.3: installs, builds, unit tests, interoperability.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --tests
scripts/build.py --build-tests
swift package dump-package | .venv/bin/python scripts/check_imports.py
HEDDLE_PYTHON=$PWD/.venv/bin/python swift test --skip-build
.venv/bin/python -m pytest -q Tests/Interop --orderer "$(swift build --show-bin-path)/orderer"
