/**
 * The engine: the self-rewarding loop, its configuration, the run store, the built-in judges and
 * pair selector, and the discovery of plugins. {@link org.autodidact.engine.Autodidact} is the way
 * in.
 */
package org.autodidact.engine;
