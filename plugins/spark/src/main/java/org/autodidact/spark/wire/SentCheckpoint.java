package org.autodidact.spark.wire;

import java.io.Serializable;
import java.util.TreeMap;

/**
 * A checkpoint as executors find it.
 *
 * @param name as M1
 * @param way how they find it
 * @param location a path or a reference; the name of an archive that Spark sends; a folder of
 *     Hadoop's
 * @param files sizes in bytes of its files, by their paths within its folder; empty for a reference
 * @param id distinguishes it from all others, and from itself after a change
 */
public record SentCheckpoint(
    String name, Way way, String location, TreeMap<String, Long> files, String id)
    implements Serializable {

  /** How executors find a checkpoint. */
  public enum Way {
    /** A reference, which the generator understands. */
    REFERENCE,
    /** Its path is the same everywhere. */
    SHARED,
    /** Spark's driver sends an archive. */
    ARCHIVE,
    /** It lies in a file system of Hadoop's. */
    HADOOP
  }
}
