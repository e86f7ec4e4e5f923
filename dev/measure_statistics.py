"""Prints the constants of runtime/measure/src/statistics/tests.rs (pip install numpy scipy).

Measured with numpy 2.4.6 and scipy 1.17.1; the tests ask for agreement to 1e-8.
"""

import numpy as np
from scipy import stats


def show(name, numbers, clusters):
    """The cluster-robust error, from its definition."""
    n, mean, names = len(numbers), numbers.mean(), sorted(set(clusters))
    sums = [sum(x - mean for x, own in zip(numbers, clusters) if own == c) for c in names]
    k = len(names)
    error = np.sqrt(k / (k - 1) * np.sum(np.square(sums))) / n
    if k == n:
        assert np.isclose(error, numbers.std(ddof=1) / np.sqrt(n))
    print(name, mean, error, stats.t.interval(0.95, k - 1, loc=mean, scale=error))


for df in [1, 2, 4, 30, 1000]:
    print("t", df, [float(stats.t.ppf(p, df)) for p in (0.9, 0.975, 0.995)])
show("mean", np.array([0.2, 0.5, 0.9, 0.4, 0.7]), range(5))
difference = np.array([1, 0, 1, 1, 0, 1.0]) - np.array([0, 0, 1, 0, 1, 1.0])
show("paired", difference, range(6))
show("clustered", difference, "aabccc")
for hits, n, level in [(7, 10, 0.95), (0, 20, 0.95), (431, 1861, 0.99)]:
    print("wilson", stats.binomtest(hits, n).proportion_ci(level, method="wilson"))
