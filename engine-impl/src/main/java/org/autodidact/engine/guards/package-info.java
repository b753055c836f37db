/** Metrics that show reward hacking, and the limits that stop it. */
package org.autodidact.engine.guards;
