/** The run store: what a run has done, in one SQLite file, so that it can go on after any cut. */
package org.autodidact.engine.store;
