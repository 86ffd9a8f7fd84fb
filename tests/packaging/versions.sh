#!/usr/bin/env bash
# Asks in the folder $1 for versions of the package in the prefix $2: what fits is found.
set -eu
# shellcheck source=tests/packaging/check.sh
. "$(dirname "$0")/check.sh"
work=$1
prefix=$2
IFS=. read -r major minor patch <<<"$VERSION"

ask() { # found|refused VERSION...
    local wanted=$1 got=found
    shift
    mkdir -p "$work"
    cat >"$work/CMakeLists.txt" <<EOF
cmake_minimum_required(VERSION 3.18)
project(asks LANGUAGES C)
find_package(easynet $* CONFIG REQUIRED)
EOF
    "$CMAKE" -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" >"$work/log" 2>&1 || got=refused
    [ "$wanted" = "$got" ] || cat "$work/log"
    expect "find_package(easynet $*)" "$wanted" "$got"
}

rm -rf "$work"
ask found
ask found "$VERSION"
ask found "$VERSION" EXACT
ask found "$major.$minor"
ask refused "$major.$minor.$((patch + 1))"
ask refused "$major.$((minor + 1))"
ask refused "$((major + 1)).0"
[ "$minor" = 0 ] || ask refused "$major.$((minor - 1))" # a minor version may break, before 1.0
ask refused "$VERSION" COMPONENTS nonsense
