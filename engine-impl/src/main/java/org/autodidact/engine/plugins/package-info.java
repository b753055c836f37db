/** Plugins: found, looked up by name, and what the engine brings itself. */
package org.autodidact.engine.plugins;
