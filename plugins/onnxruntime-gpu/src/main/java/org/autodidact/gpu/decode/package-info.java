/** Weights, slots and batches on a device, and the generator and scorer over them. */
package org.autodidact.gpu.decode;
