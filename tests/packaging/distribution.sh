#!/usr/bin/env bash
# As a distribution packs it, in the folder $1: a library folder for each kind of machine, DESTDIR,
# stripped, and the two libraries apart.
set -eu
# shellcheck source=tests/packaging/check.sh
. "$(dirname "$0")/check.sh"
here=$(cd "$(dirname "$0")" && pwd)
work=$1
libdir=lib/some-linux-gnu

rm -rf "$work"
# shellcheck disable=SC2086 # these are several words
"$CMAKE" -S "$SOURCE" -B "$work/build" $CARGO_ARGUMENTS -DCMAKE_INSTALL_PREFIX=/usr \
    -DCMAKE_INSTALL_LIBDIR=$libdir -DCMAKE_INSTALL_INCLUDEDIR=include/net
"$CMAKE" --build "$work/build"
DESTDIR=$work/image "$CMAKE" --install "$work/build" --strip
installed=$work/image/usr/$libdir

expect "what is not below DESTDIR/usr" "usr" "$(ls "$work/image")"
expect "symbols left by --strip" "" "$(nm "$installed/libeasynet.so.$VERSION" 2>/dev/null)"
[ -s "$work/image/usr/include/net/easynet.h" ] || fail "no header in include/net"
PKG_CONFIG_SYSROOT_DIR=$work/image "$here/pkg_config.sh" "$work/pkg_config" "$installed"
expect "flags for folders that compilers search anyway" "-leasynet" \
    "$(PKG_CONFIG_LIBDIR=$installed/pkgconfig PKG_CONFIG_SYSTEM_INCLUDE_PATH=/usr/include/net \
        PKG_CONFIG_SYSTEM_LIBRARY_PATH=/usr/$libdir pkg-config --cflags --libs easynet | xargs)"

# The package's CMake files go on without the static library, and without the shared one.
consume() { # KIND
    mkdir -p "$work/only"
    cat >"$work/only/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.18)
project(only LANGUAGES C)
find_package(easynet CONFIG REQUIRED)
add_executable(program "$here/consumer/program.c")
target_link_libraries(program PRIVATE easynet::easynet)
EOF
    rm -rf "$work/only/build"
    "$CMAKE" -S "$work/only" -B "$work/only/build" -Deasynet_DIR="$installed/cmake/easynet"
    "$CMAKE" --build "$work/only/build"
    expect_program "$work/only/build/program" "$1"
}
mv "$installed/libeasynet.a" "$work"
consume shared
mv "$work/libeasynet.a" "$installed"
rm "$installed"/libeasynet.so*
consume static
