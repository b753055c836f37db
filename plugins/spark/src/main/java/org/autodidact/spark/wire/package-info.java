/** What passes between driver and executors: requests and results as bytes, and what to open. */
package org.autodidact.spark.wire;
