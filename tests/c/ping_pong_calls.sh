#!/bin/sh
# Counts the system calls of ping_pong ($1) in the way $2: a thousand round trips must cost $3 thousand,
# not counting what the first one sets up. A wait that becomes long costs a few more.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

calls() {
    strace -o "$folder/trace" "$1" "$2" "$3"
    sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' "$folder/trace" >"$folder/calls.$3"
    wc -l <"$folder/calls.$3"
}

one=$(calls "$1" "$2" 1)
many=$(calls "$1" "$2" 1001)
echo "1000 round trips cost $((many - one)) system calls"
if [ $((many - one)) -gt "$3"020 ]; then
    sort "$folder/calls.1001" | uniq -c
    exit 1
fi
