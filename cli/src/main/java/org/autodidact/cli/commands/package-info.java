/** The commands of {@code autodidact}, a class each. */
package org.autodidact.cli.commands;
