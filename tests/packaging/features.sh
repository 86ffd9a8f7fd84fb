#!/usr/bin/env bash
# Builds without TLS, as if for another machine, and with TLS by ring, in the folder $1, and looks at what
# RUSTFLAGS change; $2 is a Python for the test of symbols.
set -eu
# shellcheck source=tests/packaging/check.sh
. "$(dirname "$0")/check.sh"
here=$(cd "$(dirname "$0")" && pwd)
work=$1
python=$2

# Quick to compile; and not where others build: the libraries would have the same name.
configure() { # NAME ARGUMENTS...
    local name=$1
    shift
    "$CMAKE" -S "$SOURCE" -B "$work/$name" -DCMAKE_BUILD_TYPE=Debug \
        -DEASYNET_CARGO_TARGET_DIR="$work/cargo" "$@"
}

run_program() { # NAME WANTED
    "$CC" -std=c99 -Wall -Wextra -pedantic -Werror -I"$SOURCE/include" "$here/consumer/tls.c" \
        -L"$work/$1/lib" -leasynet -o "$work/$1/program"
    expect "what the program prints with the build $1" "$2" \
        "$(LD_LIBRARY_PATH=$work/$1/lib "$work/$1/program")"
}

has() { # LIBRARY PREFIX
    nm "$1" | grep -q " $2" && echo yes || echo no
}

rm -rf "$work/plain" "$work/ring" "$work/wrong" "$work/flags" "$work"/cargo/*/debug/libeasynet.so
LDFLAGS=-Wl,--build-id=0x00ea51e7 configure plain -DEASYNET_TLS=OFF -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$(uname -m)"
"$CMAKE" --build "$work/plain"
ls "$work/cargo/$(uname -m)"-unknown-linux-*/debug/libeasynet.so >/dev/null || fail "cargo built for this machine"
readelf -n "$work/plain/lib/libeasynet.so" | grep -q "Build ID: 00ea51e7" || fail "LDFLAGS did not count"
run_program plain \
    "this easynet was built without TLS: build it with the feature \"tls\" [EN_EOPNOTSUPP, errno 95]"
"$python" -B "$SOURCE/tests/api/test_symbols.py" "$work/plain/lib/libeasynet.so" "$SOURCE/include"

configure ring -DEASYNET_TLS_PROVIDER=ring
"$CMAKE" --build "$work/ring"
run_program ring "TLS is there"
"$python" -B "$SOURCE/tests/api/test_symbols.py" "$work/ring/lib/libeasynet.so" "$SOURCE/include"
expect "functions of ring" yes "$(has "$work/ring/lib/libeasynet.so" "[tT] ring_core_")"
expect "functions of aws-lc" no "$(has "$work/ring/lib/libeasynet.so" "[tT] aws_lc_")"

if configure wrong -DEASYNET_TLS_PROVIDER=openssl >"$work/complaint" 2>&1; then
    fail "a provider that there is not was taken"
fi
grep -q 'EASYNET_TLS_PROVIDER is "openssl"' "$work/complaint" || fail "$(cat "$work/complaint")"

# What a static link needs depends on what the environment tells the compiler; and it says which cargo asks.
printf '#!/bin/sh\ntouch "%s"\nexec "%s" "$@"\n' "$work/flags/asked" "$(command -v cargo)" >"$work/some-cargo"
chmod +x "$work/some-cargo"
CARGO=$work/some-cargo RUSTFLAGS="-l resolv" configure flags
[ -e "$work/flags/asked" ] || fail "CARGO did not count"
grep -q "^Libs.private:.* -lresolv" "$work/flags/easynet.pc" || fail "$(cat "$work/flags/easynet.pc")"
