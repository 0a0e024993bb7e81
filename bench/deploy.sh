#!/bin/sh
# The image without an engine: see bench/deploy/__main__.py. It needs Python's standard library alone.
cd "$(dirname "$0")/.." && exec python3 -m bench.deploy "$@"
