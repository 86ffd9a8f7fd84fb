# For the scripts beside it: checks that say what they expected.

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

expect() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# The shared libraries of that name that the program $1 asks for.
needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(libeasynet.*\)\]/\1/p'
}

expect_program() { # PROGRAM shared|static|whole
    local wanted=
    [ "$2" != shared ] || wanted=libeasynet.so.${VERSION%%.*}
    expect "the library that $1 needs" "$wanted" "$(needed "$1")"
    expect "what $1 prints" "easynet $VERSION: EN_EINVAL" "$("$1")"
}
