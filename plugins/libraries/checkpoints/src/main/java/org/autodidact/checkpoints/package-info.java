/**
 * Checkpoints at rest: Hugging Face folders (config, safetensors, tokenizer, chat template) read
 * and written, and GGUF files imported into such folders. Weight files are memory-mapped and
 * bounds-checked; no object of any language is ever deserialized.
 */
package org.autodidact.checkpoints;
