/**
 * JSON over HTTP, as a server may refuse, limit, delay and cut it: retries, limits, budget, and
 * many requests at a time.
 */
package org.autodidact.openai.http;
