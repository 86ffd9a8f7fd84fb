"""easynet beside the best of its peers: the libraries that people use instead. What is written by hand,
and bare rustls, are not peers but the limit."""

from statistics import median

import tables


def compare(results):
    """Gives each result of easynet its best peers, for each figure that counts. The results are those of
    one work and pinning."""
    peers = [result for result in results if result["peer"]]
    for result in results:
        if result["own"] and peers:
            result["best_peers"] = {name: against(result, best(peers, name), name)
                                    for name in compared(result)}


def compared(result):
    """The figures that have goals, or would have; and memory."""
    of = result["figures"]
    names = [name for name in tables.judged(result) if name != "calls"]
    usual = "p50" if "p50" in of else "rate" if result["pinning"] == "split" else "cpu"
    return list(dict.fromkeys((names or [usual]) + [name for name in ("bytes",) if name in of]))


def best(peers, name):
    choose = max if name == "rate" else min
    return choose(peers, key=lambda peer: peer["figures"][name])


def against(result, peer, name):
    ratio = median(ours[name] / theirs[name] for ours, theirs in zip(result["rounds"], peer["rounds"]))
    behind = (1 - ratio if name == "rate" else ratio - 1) > result["noise"][name]
    return {"peer": peer["contender"], "ratio": ratio, "behind": behind}


def cell(result):
    return "; ".join(words(name, found) for name, found in result.get("best_peers", {}).items())


def behind(results):
    """Where easynet is worse than the best peer by more than the noise, a line each."""
    return [f"{result['work']} ({result['pinning']}), {result['contender']}: {words(name, found)}"
            for result in results for name, found in result.get("best_peers", {}).items()
            if found["behind"]]


def words(name, found):
    return f"{name} {found['ratio']:.3f} × {found['peer']}"
