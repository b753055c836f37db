/**
 * Between texts and token ids: tokenizer, special tokens, chat template, incremental decoding, ends
 * of turns.
 */
package org.autodidact.checkpoints.tokenizer;
