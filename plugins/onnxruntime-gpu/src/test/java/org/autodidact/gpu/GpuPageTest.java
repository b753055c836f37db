package org.autodidact.gpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import org.autodidact.api.Setting;
import org.autodidact.api.Settings;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** docs/gpu.md has the options of the generator, with their defaults and ranges. */
class GpuPageTest {
  @Test
  void thePageHasEveryOptionWithItsDefaultAndRange() throws Exception {
    Path file = Path.of("../../docs/gpu.md");
    Assumptions.assumeTrue(Files.exists(file), "without the documents");
    String page = Files.readString(file);
    for (RecordComponent option : OnnxRuntimeGpuPlugin.Options.class.getRecordComponents()) {
      Setting setting = option.getAnnotation(Setting.class);
      String byDefault = setting.byDefault();
      String range = setting.range().replaceAll("\\[(.+), (.+)]", "$1 to $2");
      assertThat(page)
          .contains(
              "| `"
                  + Settings.key(option.getName())
                  + "` | "
                  + (byDefault.isEmpty() ? "" : byDefault + " |")
                  + (range.isEmpty() ? "" : " " + range + " |"));
    }
  }
}
