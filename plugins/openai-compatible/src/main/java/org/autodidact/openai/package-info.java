/**
 * Generators over HTTP: models on a server that has OpenAI's chat completions, and what vLLM,
 * SGLang and llama.cpp add to them.
 */
package org.autodidact.openai;
