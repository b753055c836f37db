/** Work that is timed against what a user would pick instead; run by the scripts beside it. */
package org.autodidact.benchmarks;
