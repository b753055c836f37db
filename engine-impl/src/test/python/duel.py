"""The numbers of DuelTest: AlpacaEval 2's regression on made-up bouts, by scipy.optimize."""
import math

import numpy as np
from scipy.optimize import minimize


def bouts(n):
    """A small generator that Java has too."""
    x, won, longer = 12345, [], []
    for _ in range(n):
        x = (1103515245 * x + 12345) % 2**31
        longer.append(x % 701 - 300)
        x = (1103515245 * x + 12345) % 2**31
        won.append([0, 0.5, 1, 1][(x >> 16) % 4] if longer[-1] < 0 else [0, 1, 1, 1][(x >> 16) % 4])
    return np.array(won), np.array(longer, float)


def length_controlled(won, longer):
    x = np.tanh(longer / longer.std())

    def loss(p):
        z = p[0] + p[1] * x
        return np.sum(np.logaddexp(0, z) - won * z) + 0.01 / 2 * (p @ p)

    found = minimize(loss, [0, 0], method="BFGS", options={"gtol": 1e-10})
    return 1 / (1 + math.exp(-found.x[0]))


for n in (5, 60):
    w, d = bouts(n)
    print(n, w.mean(), repr(length_controlled(w, d)))
print("separated", repr(length_controlled(np.ones(4), np.array([1.0, 2, 3, 4]))))
