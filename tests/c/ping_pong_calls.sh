#!/bin/sh
# Counts the system calls of ping_pong ($1): a thousand round trips must cost two thousand, not
# counting what the first one sets up. A wait that becomes long costs a few more.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

calls() {
    strace -o "$folder/trace" "$1" "$2"
    sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' "$folder/trace" >"$folder/calls.$2"
    wc -l <"$folder/calls.$2"
}

one=$(calls "$1" 1)
many=$(calls "$1" 1001)
echo "1000 round trips cost $((many - one)) system calls"
if [ $((many - one)) -gt 2020 ]; then
    sort "$folder/calls.1001" | uniq -c
    exit 1
fi
