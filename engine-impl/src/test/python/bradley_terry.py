"""Prints the strengths that JudgesTest holds BradleyTerry to: scipy minimizes the likelihood itself."""
import numpy as np
from scipy.optimize import minimize

wins = np.array([[0, 3, 5.5, 0.25], [1, 0, 2, 4], [0.5, 2, 0, 1.75], [2.75, 0, 1.25, 0]])
wins = wins + 0.25 * (1 - np.eye(4))


def loss(free):
    s = np.concatenate([[0.0], free])
    d = s[:, None] - s[None, :]
    return float(np.sum(wins * np.log1p(np.exp(-d)) * (1 - np.eye(4))))


found = minimize(loss, np.zeros(3), method="BFGS", options={"gtol": 1e-12}).x
found = minimize(loss, found, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-16}).x
w = np.exp(np.concatenate([[0.0], found]))
print(", ".join(f"{x:.10f}" for x in w / w.sum()))
