/** Judges that need only a generator. */
package org.autodidact.engine.judge;
