#!/usr/bin/env python3
"""What the shared library is before anybody calls it: library.py STRIP LIBRARY

Its size without symbols, and the threads it starts when it is loaded: none.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# A quarter of the first is AES-GCM for processors with AVX-512, and tables of elliptic curves: with less
# TLS takes nearly twice the time. A third of the second is Rust's own, mostly to print where it panicked.
WITH_TLS, WITHOUT_TLS = 4996 << 10, 1180 << 10
EN_FEATURE_TLS = 1


def stripped_size(strip, library):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "stripped"
        subprocess.run([strip, "-o", out, library], check=True)
        return out.stat().st_size


def main():
    strip, library = sys.argv[1:]
    before = len(os.listdir("/proc/self/task"))
    loaded = ctypes.CDLL(library)
    started = len(os.listdir("/proc/self/task")) - before
    loaded.en_features.restype = ctypes.c_uint64
    limit = WITH_TLS if loaded.en_features() & EN_FEATURE_TLS else WITHOUT_TLS
    size = stripped_size(strip, library)
    print(f"{size} bytes without symbols, at most {limit}; {started} threads started, at most 0")
    sys.exit(size > limit or started > 0)


if __name__ == "__main__":
    main()
