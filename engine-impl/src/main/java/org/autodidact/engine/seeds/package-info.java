/** Random seeds of a run's parts, derived from the run's own. */
package org.autodidact.engine.seeds;
