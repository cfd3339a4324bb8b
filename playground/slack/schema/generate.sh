#!/bin/sh
# Writes blocks.schema.json anew from Slack's published types. Needs node 20 or newer and npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --save-exact \
  @slack/types@3.2.0 ts-json-schema-generator@2.10.0
npx ts-json-schema-generator \
  --path node_modules/@slack/types/dist/index.d.ts --type KnownBlock \
  --jsDoc none --no-type-check --out "$here/blocks.schema.json"
