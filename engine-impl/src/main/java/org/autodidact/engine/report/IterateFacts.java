package org.autodidact.engine.report;

/**
 * What is known of an iterate besides what its run stores; written by whoever evaluated it.
 *
 * @param name M1, M2, …
 * @param verifiedMean mean score by something that training never sees
 * @param verifiedStderr its standard error
 * @param perfect share of answers with the full score
 * @param judgePairwiseAccuracy how often the iterate's own judgement orders two answers as the
 *     truth does
 * @param meanTokens tokens an answer
 */
public record IterateFacts(
    String name,
    double verifiedMean,
    double verifiedStderr,
    double perfect,
    double judgePairwiseAccuracy,
    double meanTokens) {}
