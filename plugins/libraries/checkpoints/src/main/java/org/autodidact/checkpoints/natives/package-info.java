/** Native libraries, unpacked once into the cache folder and loaded without network. */
package org.autodidact.checkpoints.natives;
