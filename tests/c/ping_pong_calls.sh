#!/bin/sh
# Counts the system calls of ping_pong ($1): a thousand round trips must cost two thousand more
# than none.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

calls() {
    strace -o "$folder/trace" "$1" "$2"
    sed -n 's/^\([a-z_0-9]*\)(.*/\1/p' "$folder/trace" >"$folder/calls.$2"
    wc -l <"$folder/calls.$2"
}

none=$(calls "$1" 0)
thousand=$(calls "$1" 1000)
echo "1000 round trips cost $((thousand - none)) system calls"
if [ $((thousand - none)) -ne 2000 ]; then
    sort "$folder/calls.1000" | uniq -c
    exit 1
fi
