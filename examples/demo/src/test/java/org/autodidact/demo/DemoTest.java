package org.autodidact.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Cancellation;
import org.autodidact.api.RunListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo, shortened: the small model gets better by its own judgement. */
class DemoTest {
  @TempDir Path folder;

  @Test
  void theModelTeachesItself() {
    DemoSettings shortened = new DemoSettings(11, 1, 700, 1800, 500, 250, "additive", false);
    List<Verified> iterates =
        Demo.run(
            Optional.empty(),
            shortened,
            folder,
            Map.of(),
            new RunListener() {},
            new Cancellation());
    assertThat(iterates).extracting(Verified::name).containsExactly("M1", "M2");
    Verified m1 = iterates.get(0);
    Verified m2 = iterates.get(1);
    // Over seeds the whole demo gains 0.6 to 0.8 here; a fifth of it is far outside of chance.
    assertThat(m2.mean())
        .as("M1 %.3f, M2 %.3f", m1.mean(), m2.mean())
        .isGreaterThan(m1.mean() + 0.15);
    assertThat(m1.judgePairwise()).isGreaterThan(0.75);
    assertThat(Files.exists(folder.resolve("report.html"))).isTrue();
  }
}
