/**
 * Models by name: downloads from a hub that speaks Hugging Face's API into the cache that Python's
 * huggingface_hub uses, so that both share it.
 */
package org.autodidact.hub;
