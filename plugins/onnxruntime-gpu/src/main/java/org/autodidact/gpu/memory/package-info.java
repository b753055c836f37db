/** Memory of the device that a graph computes on. */
package org.autodidact.gpu.memory;
