/** What commands print: progress, tables, the line of {@code --json}, ordered JSON lines. */
package org.autodidact.cli.output;
