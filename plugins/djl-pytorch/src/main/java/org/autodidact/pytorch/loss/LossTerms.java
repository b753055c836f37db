package org.autodidact.pytorch.loss;

/**
 * What the gradients of a micro-batch's loss are computed from on the device, beside the
 * log-probabilities: the script's {@code loss_gradients}. With m = d(chosen) − d(rejected), d a
 * sequence's Σ ln p less the reference's, divided, the gradient with respect to a chosen answer's Σ
 * ln p is weight · (right · f′(m) − (1 − right) · f′(−m)) / divisor + constant; a rejected one's
 * has the other sign before its own divisor.
 *
 * @param kind 0: the constant alone; f′ is for 1 −β σ(γ − β m), for 2 −β where β m is below 1 and
 *     else 0, for 3 2 (m − 1 / (2 β))
 * @param rows [4, sequences]: the reference's Σ ln p, NaN where it is the micro-batch's own; the
 *     divisors; right, of chosen answers; the constants
 */
public record LossTerms(int kind, double weight, double beta, double gamma, double... rows) {}
