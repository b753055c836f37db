/** Losses, and their gradients with respect to log-probabilities of sequences. */
package org.autodidact.pytorch.loss;
