/** Timings of what is not public in the generator's package. */
package org.autodidact.onnxruntime;
