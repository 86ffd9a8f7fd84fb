# For the scripts beside it: checks that say what they expected.

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

expect() { # WHAT WANTED GOT
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# What programs remember of the library: the part of the version that stays while nothing breaks.
soname() {
    case $VERSION in
    0.*) echo "libeasynet.so.${VERSION%.*}" ;;
    *) echo "libeasynet.so.${VERSION%%.*}" ;;
    esac
}

# The shared libraries of that name that the program $1 asks for.
needed() {
    readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(libeasynet.*\)\]/\1/p'
}

expect_program() { # PROGRAM shared|static|whole
    local wanted=
    [ "$2" != shared ] || wanted=$(soname)
    expect "the library that $1 needs" "$wanted" "$(needed "$1")"
    expect "what $1 prints" "easynet $VERSION: EN_EINVAL" "$("$1")"
}
