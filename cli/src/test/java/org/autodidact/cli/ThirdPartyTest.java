package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ThirdPartyTest {
  /** The build writes the list from the class path, so that a changed dependency shows here. */
  @Test
  void theDocumentedListOfLibrariesIsTheBuilds() {
    assertThat(Path.of("../docs/third-party.md"))
        .hasSameTextualContentAs(Path.of("target/classes/META-INF/THIRD-PARTY.txt"));
  }
}
