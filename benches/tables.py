"""Results as tables, and whether the goals are met."""

import re
from statistics import median

import peers

COLUMNS = ["work", "pinning", "contender", "rate/s", "p50 µs", "p99 µs", "CPU ns", "calls", "bytes",
           "rate ×", "p50 ×", "CPU ×", "goal", "best peer"]


def file_name(work):
    """Of its plot."""
    return re.sub("[^a-z0-9]+", "-", work.lower()).strip("-") + ".svg"


def introduction(run):
    return (f"{run['rounds']} rounds of {run['milliseconds']} ms. Ratios are to the first of each work, in "
            "brackets the lowest and the highest round; CPU is the client's own, of user and system; "
            "bytes are memory of the program that a client holds. On one core (*same*) the rate is also "
            "the server's. A peer is a library that people use instead; what is written by hand, and "
            "rustls by itself, are the limit.")


def table(results, columns=COLUMNS):
    """Markdown."""
    chosen = [COLUMNS.index(name) for name in columns]
    rows = [COLUMNS, ["---"] * 3 + ["---:"] * 9 + ["---"] * 2, *(row(result) for result in results)]
    rows = [[cells[index] for index in chosen] for cells in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("| " + " | ".join(map(str.ljust, cells, widths)) + " |" for cells in rows)


def missed(results):
    """What is not met, a line each."""
    return [f"{result['work']} ({result['pinning']}), {result['contender']}: {words}"
            for result in results for words in verdicts(result) if "NOT" in words]


def row(result):
    of = result["figures"]
    cells = [result["work"], result["pinning"], result["contender"], f"{of['rate']:,.0f}"]
    cells += [f"{of[name] / 1000:.2f}" if name in of else "" for name in ("p50", "p99")]
    cells += [f"{of['cpu']:,.1f}", f"{of['calls']:.4f}" if "calls" in of else "",
              f"{of['bytes']:,.0f}" if "bytes" in of else ""]
    cells += ["1" if result["reference"] and name in of else ratio(result["ratios"].get(name))
              for name in ("rate", "p50", "cpu")]
    return [*cells, ", ".join(verdicts(result)), peers.cell(result)]


def ratio(values):
    return f"{median(values):.3f} ({min(values):.2f}–{max(values):.2f})" if values else ""


def verdicts(result):
    return [judge(name, result["goals"][name], *reached(result, name)) for name in judged(result)]


# Goals are ratios, but for memory, which is the same on every machine.
def reached(result, name):
    if name == "bytes":
        return result["figures"]["bytes"], 0
    return median(result["ratios"][name]), result["noise"][name]


# Two cores measure a stream's throughput. CPU time is judged on one core, where it is not that of
# waking up; a rate is judged there only if nothing else can be: with large packets it is chance
# which of the two processes the kernel's own work is counted for.
def judged(result):
    names = [name for name in ("p50", "cpu", "rate", "calls", "bytes") if name in result["goals"]]
    dropped = "cpu" if result["pinning"] == "split" else "rate" if "cpu" in names else None
    return [name for name in names if name != dropped]


def judge(name, goal, reached, noise):
    sign, short = ("≥", goal - reached) if name == "rate" else ("≤", reached - goal)
    said = "met" if short <= 0 else "within the noise" if short <= noise else "NOT met"
    places = (0, 0) if name == "bytes" else (2, 3)
    return f"{name} {sign} {goal:.{places[0]}f}: {reached:.{places[1]}f}, {said}"
