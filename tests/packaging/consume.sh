#!/usr/bin/env bash
# Builds and runs the consumer in the folder $2, in the way $1; further arguments are for CMake.
set -eu
# shellcheck source=tests/packaging/check.sh
. "$(dirname "$0")/check.sh"
consumer=$(dirname "$0")/consumer
way=$1
work=$2
shift 2

build() { # FOLDER DEFAULT ARGUMENTS...
    local folder=$1 default=$2 language
    shift 2
    # shellcheck disable=SC2086 # these are several words
    "$CMAKE" -S "$consumer" -B "$folder" $CARGO_ARGUMENTS -DWAY="$way" "$@"
    "$CMAKE" --build "$folder"
    for language in c cpp; do
        expect_program "$folder/${language}_shared" shared
        expect_program "$folder/${language}_static" static
        expect_program "$folder/${language}_default" "$default"
    done
}

rm -rf "$work"
build "$work" shared "$@"
# The same folder again: now the consumer asks for static libraries.
build "$work" static -DBUILD_SHARED_LIBS=OFF "$@"
build "$work" shared -DBUILD_SHARED_LIBS=ON "$@"
[ ! -e "$work/easynet/tests" ] || fail "the tests of easynet are part of the consumer's build"
