/** Wiring for hosts that use Guice, in a package of its own: others do not see it. */
package org.autodidact.engine.guice;
