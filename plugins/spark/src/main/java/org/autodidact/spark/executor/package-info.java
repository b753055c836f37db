/** What runs on an executor: the opened model, its checkpoint, and a partition's requests. */
package org.autodidact.spark.executor;
