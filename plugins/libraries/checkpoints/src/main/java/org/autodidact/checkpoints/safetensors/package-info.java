/**
 * The safetensors format: headers checked before they are believed, tensors mapped, files written.
 */
package org.autodidact.checkpoints.safetensors;
