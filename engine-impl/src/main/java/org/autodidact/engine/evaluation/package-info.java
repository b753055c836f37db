/** Metrics of a judge against a ranking, and comparisons of two models. */
package org.autodidact.engine.evaluation;
