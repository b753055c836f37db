/** Files and folders: bounded reading, atomic writing, locks, hashes, the cache folder. */
package org.autodidact.checkpoints.files;
