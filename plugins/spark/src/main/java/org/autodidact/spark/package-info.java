/**
 * Generators whose work is done by the executors of Apache Spark. {@code driver} sends a call's
 * requests as the partitions of a job, {@code executor} answers a partition with a generator of its
 * own, {@code wire} is what passes between them.
 */
package org.autodidact.spark;
