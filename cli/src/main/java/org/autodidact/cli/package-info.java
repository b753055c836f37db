/** The command line. */
package org.autodidact.cli;
