/** What runs on the driver: the Spark context, the checkpoint's way to executors, and jobs. */
package org.autodidact.spark.driver;
