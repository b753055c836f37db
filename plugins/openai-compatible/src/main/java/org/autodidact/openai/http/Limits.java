package org.autodidact.openai.http;

import java.time.Duration;
import java.util.Optional;

/**
 * How a server is asked.
 *
 * @param timeout for one whole answer
 * @param retries how often a request that failed is sent again
 * @param requestsPerMinute requests a minute at most, evenly; empty: no limit
 */
public record Limits(Duration timeout, int retries, Optional<Integer> requestsPerMinute) {}
