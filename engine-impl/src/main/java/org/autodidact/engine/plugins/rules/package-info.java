/** Wrappers that hold what plugins return to the numbered rules of their interfaces. */
package org.autodidact.engine.plugins.rules;
