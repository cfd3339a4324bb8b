#!/bin/sh
# Makes watch_pb2.py and watch_pb2.pyi from watch.proto; run it after every change of that file.
# An argument names another folder to write into.
set -eu
cd "$(dirname "$0")/../../.."
out="${1:-.}"
exec "${PYTHON:-.venv/bin/python}" -m grpc_tools.protoc --proto_path=. \
    --python_out="$out" --pyi_out="$out" bot/swarm/event_stream/watch.proto
