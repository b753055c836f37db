/** What shows that a model games its own judge, and the limits that stop it. */
package org.autodidact.engine.guards;
