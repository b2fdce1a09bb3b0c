"""Numbers that the statistics of this crate are tested against.

Run once: python statistics.py > statistics.json
Nothing here shares code with the crate: SciPy, statsmodels and NumPy compute.
"""

import json
import platform

import numpy
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

DRAWS = 400_000


def groups():
    """Accuracies of few runs, as a comparison has them."""
    return {
        "joint": [0.958, 0.952, 0.964, 0.949, 0.967],
        "dgl": [0.987, 0.986, 0.988, 0.981, 0.979],
        "two": [0.91, 0.9],
        "close": [0.9571, 0.9572, 0.957, 0.9573, 0.957, 0.9571],
        "skewed": [0.2, 0.5, 0.7, 0.9, 1.1, 1.3, 1.8, 2.4, 3.9, 8.1, 0.4, 0.6],
    }


def summaries():
    def one(name, x):
        mean, sem = numpy.mean(x), stats.sem(x)
        t = {str(level): list(stats.t.interval(level, len(x) - 1, mean, sem)) for level in (0.8, 0.95, 0.99)}
        return {"name": name, "values": x, "mean": mean, "sd": numpy.std(x, ddof=1), "sem": sem, "t_interval": t,
                "p_of_zero_mean": stats.ttest_1samp(x, 0.0).pvalue}

    return [one(name, x) for name, x in groups().items()]


def paired():
    def one(a, b):
        test = stats.ttest_rel(a, b)
        interval = test.confidence_interval(0.95)
        return {"first": a, "second": b, "difference": numpy.mean(numpy.subtract(a, b)), "p": test.pvalue,
                "low": interval.low, "high": interval.high}

    g = groups()
    near = [0.96, 0.95, 0.95, 0.96, 0.96]
    return [one(g["dgl"], g["joint"]), one(g["joint"], near), one([0.91, 0.93], [0.9, 0.9])]


def bootstraps():
    def one(name, x, statistic, method):
        result = stats.bootstrap((x,), statistic, n_resamples=DRAWS, method=method, vectorized=True,
                                 rng=numpy.random.default_rng(1), batch=10_000)
        interval = result.confidence_interval
        return {"values": x, "statistic": name, "method": method, "low": interval.low, "high": interval.high}

    g = groups()
    return [one(name, x, statistic, method)
            for x in (g["skewed"], g["dgl"])
            for name, statistic in (("mean", numpy.mean), ("deviation", numpy.std))
            for method in ("percentile", "BCa")]


def right(seed, sample, better):
    """Right or wrong of a made-up run; the crate's test makes the same ones."""
    return (seed * 7 + sample * 13 + (seed * sample) % 5 + 3 * better * (sample % 4 == 0)) % 10 < 6 + seed % 3 + better


def samples():
    """McNemar and paired bootstrap on the same test samples, and seeds with samples."""
    seeds, count = 4, 250
    grids = [numpy.array([[right(i, j, k) for j in range(count)] for i in range(seeds)], float) for k in (0, 1)]
    gap = grids[1] - grids[0]
    pairs = []
    for a, b in zip(grids[1], grids[0]):
        table = [[int(((a == x) & (b == y)).sum()) for y in (1, 0)] for x in (1, 0)]
        exact, corrected = mcnemar(table, exact=True), mcnemar(table, exact=False, correction=True)
        interval = stats.bootstrap((a, b), lambda x, y, axis: numpy.mean(x - y, axis=axis), paired=True,
                                   n_resamples=DRAWS // 4, method="percentile", vectorized=True,
                                   rng=numpy.random.default_rng(2), batch=2_000).confidence_interval
        pairs.append({"only_first": table[0][1], "only_second": table[1][0], "exact": exact.pvalue,
                      "statistic": corrected.statistic, "corrected": corrected.pvalue,
                      "low": interval.low, "high": interval.high})
    rng = numpy.random.default_rng(3)
    draws = {"shared": [], "nested": []}
    for _ in range(100_000):
        chosen = rng.integers(0, seeds, seeds)
        draws["shared"].append(gap[chosen][:, rng.integers(0, count, count)].mean())
        draws["nested"].append(numpy.mean([gap[i][rng.integers(0, count, count)].mean() for i in chosen]))
    ends = {kind: list(numpy.quantile(values, [0.025, 0.975])) for kind, values in draws.items()}
    return {"seeds": seeds, "samples": count, "pairs": pairs, "grid": ends}


def mcnemars():
    def one(b, c):
        exact, corrected = mcnemar([[0, b], [c, 0]], exact=True), mcnemar([[0, b], [c, 0]], exact=False, correction=True)
        return {"only_first": b, "only_second": c, "exact": exact.pvalue, "statistic": corrected.statistic,
                "corrected": corrected.pvalue}

    return [one(*counts) for counts in ((6, 1), (10, 25), (0, 5), (121, 59), (400, 350), (1, 0), (7, 6), (30, 90))]


def holms():
    lists = ([0.01, 0.04, 0.03, 0.005, 0.5, 0.04], [0.2], [0.9, 0.8, 0.7], [1e-9, 0.049, 0.051, 0.0249])
    return [{"p": p, "adjusted": list(multipletests(p, method="holm")[1])} for p in lists]


def quantiles():
    x = sorted(groups()["skewed"])
    at = [0.0, 0.1, 0.25, 0.5, 0.975, 1.0]
    return {"values": x, "at": at, "quantiles": list(numpy.quantile(x, at))}


source = {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": numpy.__version__,
          "python": platform.python_version()}
numbers = {"source": source, "summaries": summaries(), "paired": paired(), "bootstraps": bootstraps(), "samples": samples(),
           "mcnemar": mcnemars(), "holm": holms(), "quantiles": quantiles()}
print(json.dumps(numbers, indent=1, default=float))
