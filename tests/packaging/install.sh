#!/usr/bin/env bash
# Installs what the build made to the prefix $2; "moved" installs to another one first, and moves it.
set -eu
how=$1
prefix=$2

rm -rf "$prefix" "$prefix.before"
if [ "$how" = moved ]; then
    "$CMAKE" --install "$BUILD" --prefix "$prefix.before" >/dev/null
    mv "$prefix.before" "$prefix"
else
    "$CMAKE" --install "$BUILD" --prefix "$prefix"
fi
