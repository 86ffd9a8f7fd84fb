#!/usr/bin/env python3
"""How many instructions of user space one packet costs: instructions.py VALGRIND PROGRAM

Callgrind counts a run with many packets and one with twice as many; the difference is theirs.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

COUNT = 16384
# The way, and the most instructions of one packet of 64 bytes, of the caller's loop too.
LIMITS = {
    "recv_packet": 284,
    "recv_packets": 65,
    "recv_start": 98,
    "recv_packet_on_loop": 2560,
    "send_packet": 252,
    "send_packet_buffered": 134,
    "send_packets": 63,
    "udp_recv_packet": 338,
    "udp_recv_packet_offload": 242,
    "udp_recv_packets_offload": 55,
    "udp_send_packet": 219,
    "udp_send_packets": 65,
    "recv_with_descriptor": 960,
    "send_with_descriptor": 545,
}


def instructions(valgrind, program, way, count):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [valgrind, "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
        subprocess.run([*command, program, way, str(count)], check=True)
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.MULTILINE)[1])


def main():
    valgrind, program = sys.argv[1:]
    failed = False
    for way, limit in LIMITS.items():
        once = instructions(valgrind, program, way, COUNT)
        twice = instructions(valgrind, program, way, 2 * COUNT)
        each = (twice - once) / COUNT
        verdict = "ok" if each <= limit else "TOO MANY"
        failed |= each > limit
        print(f"{way}: {each:.1f} instructions a packet, at most {limit}: {verdict}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
