/** The trainer {@code external}: a command trains. */
package org.autodidact.external;
