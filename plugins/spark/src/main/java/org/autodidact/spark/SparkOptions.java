package org.autodidact.spark;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Setting;

/** The options of a generator on Spark. */
record SparkOptions(
    @Setting("Spark's master, as local[4]; spark-submit sets it otherwise") Optional<String> master,
    @Setting(
            value =
                "partitions that the requests of a call are cut into; by default one for each task"
                    + " at a time, and so many that none has more than 64 requests",
            range = "[1, 1000000]")
        Optional<Integer> partitions,
    @Setting(
            value =
                "how executors get the checkpoint: 'shared', its path leads there on every machine;"
                    + " 'files', Spark sends it; or the URI of a folder, as hdfs:///models, through"
                    + " which it goes",
            byDefault = "shared")
        String checkpoints,
    @Setting("the options of the generator on the executors, as url=http://localhost:8000/v1")
        Optional<List<String>> generatorOptions) {

  /** The options of the generator on the executors, by key. */
  Map<String, String> delegateOptions() {
    Map<String, String> options = new HashMap<>();
    for (String option : generatorOptions.orElse(List.of())) {
      int equals = option.indexOf('=');
      if (equals < 1) {
        throw new InvalidInputException(
            "the option 'generator-options' must be KEY=VALUE, or more of them separated by commas,"
                + " found '"
                + option
                + "'");
      }
      options.put(option.substring(0, equals), option.substring(equals + 1));
    }
    return options;
  }
}
