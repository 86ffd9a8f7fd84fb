#!/usr/bin/env bash
# Builds and runs the consumer in the folder $1 with what pkg-config says of the library below $2.
set -eu
# shellcheck source=tests/packaging/check.sh
. "$(dirname "$0")/check.sh"
consumer=$(dirname "$0")/consumer
work=$1
libdir=$(dirname "$(find "$2" -name libeasynet.a)")
export PKG_CONFIG_LIBDIR=$libdir/pkgconfig

expect "the version" "$VERSION" "$(pkg-config --modversion easynet)"
pkg-config --validate easynet
rm -rf "$work"
mkdir -p "$work"

# A linker takes the shared library where both are; the static one is asked for by its name.
static=$(pkg-config --static --libs easynet | sed 's/-leasynet/-l:libeasynet.a/')
whole="$static -static"
shared="$(pkg-config --libs easynet) -Wl,-rpath,$libdir"
for language in c cpp; do
    for kind in shared static whole; do
        program=$work/${language}_$kind
        compiler=$CC
        [ $language = c ] || compiler=$CXX
        # shellcheck disable=SC2046,SC2086 # words are what pkg-config gives
        "$compiler" "$consumer/program.$language" -o "$program" $(pkg-config --cflags easynet) ${!kind}
        expect_program "$program" $kind
    done
done
