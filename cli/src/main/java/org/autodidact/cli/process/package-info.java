/** Signals and the end of the process. */
package org.autodidact.cli.process;
