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
            result["best_peers"] = {name: against(result, best(peers, name), name, results[0])
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


def against(result, peer, name, reference):
    """Worse is what is worse in every round, and by more than the noise."""
    rounds = [ours[name] / theirs[name] for ours, theirs in zip(result["rounds"], peer["rounds"])]
    reached, sign = median(rounds), -1 if name == "rate" else 1
    behind = (sign * (reached - 1) > result["noise"][name]
              and all(sign * (ratio - 1) > 0 for ratio in rounds))
    return {"peer": peer["contender"], "ratio": reached, "behind": behind,
            "reference": reference["contender"],
            "reference_ratio": reference["figures"][name] / peer["figures"][name]}


def cell(result):
    """For a table."""
    return "; ".join(words(name, found) for name, found in result.get("best_peers", {}).items())


def behind(results):
    """Where easynet is worse than the best peer, a line each, with what the reference reaches."""
    return [f"{result['work']} ({result['pinning']}), {result['contender']}: {words(name, found)}"
            f" ({found['reference']}: {found['reference_ratio']:.3f})"
            for result in results for name, found in result.get("best_peers", {}).items()
            if found["behind"]]


def words(name, found):
    return f"{name} {found['ratio']:.3f} × {found['peer']}"
