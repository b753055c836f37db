package org.autodidact.openai;

import java.util.List;
import org.autodidact.api.Candidate;

/**
 * A server's answer to one request.
 *
 * @param promptTokens the prompt's token ids; empty where the server does not tell them
 */
record Answer(Candidate candidate, List<Integer> promptTokens) {}
