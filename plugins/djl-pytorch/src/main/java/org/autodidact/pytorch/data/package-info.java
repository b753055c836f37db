/** Training data: examples as token ids, packed into micro-batches. */
package org.autodidact.pytorch.data;
