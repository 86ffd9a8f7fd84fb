#!/usr/bin/env bash
# What lies in the prefix $1, and how the shared library is made.
set -eu
# shellcheck source=tests/packaging/check.sh
. "$(dirname "$0")/check.sh"
prefix=$1
libdir=$(dirname "$(find "$prefix" -name libeasynet.a)")
soname=$(soname)
library=$libdir/libeasynet.so.$VERSION

expect "the link of linkers" "$soname" "$(readlink "$libdir/libeasynet.so")"
expect "the link of programs" "libeasynet.so.$VERSION" "$(readlink "$libdir/$soname")"
[ -f "$library" ] && [ ! -L "$library" ] || fail "$library is no file"

dynamic=$(readelf -dW "$library")
expect "the soname" "$soname" "$(sed -n 's/.*Library soname: \[\(.*\)\]/\1/p' <<<"$dynamic")"
grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" || fail "the library may be unloaded: no -z nodelete"
grep -qE '\((RPATH|RUNPATH|TEXTREL)\)' <<<"$dynamic" && fail "RPATH, RUNPATH or TEXTREL: $dynamic"

others=$(nm -D --defined-only "$library" | awk '$NF !~ /^en_[a-z0-9_]+$/')
expect "exports that are not en_*" "" "$others"

docdir=$prefix/share/doc/easynet
for file in "$prefix/include/easynet.h" "$prefix/include/easynet.cdef.h" "$docdir/LICENSE" \
    "$docdir/LICENSE-MIT" "$docdir/LICENSE-APACHE" "$docdir/LICENSE-THIRD-PARTY" "$libdir/pkgconfig/easynet.pc" \
    "$libdir/cmake/easynet/easynetConfig.cmake" "$libdir/cmake/easynet/easynetConfigVersion.cmake"; do
    [ -s "$file" ] || fail "$file is missing or empty"
done

# What is to be moved must not know where it is, or where it was made.
for place in "$prefix" "$SOURCE" "$BUILD"; do
    holders=$(grep -rlF "$place" "$libdir/cmake" "$libdir/pkgconfig" "$prefix/include" || true)
    expect "files that hold $place" "" "$holders"
done
