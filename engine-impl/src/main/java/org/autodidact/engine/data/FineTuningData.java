package org.autodidact.engine.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample;
import org.autodidact.engine.judge.JudgeTemplate;

/** The fine-tuning data of M0: instruction following (IFT) and evaluation fine-tuning (EFT). */
public final class FineTuningData {
  private FineTuningData() {}

  /**
   * IFT lines are demonstrations; an EFT line {"instruction", "response", "judgement"} becomes the
   * judge prompt and the judgement to write (paper, section 2.1).
   *
   * @param ift the file of instruction-following examples
   * @param eft the file of judgements
   * @param template the file of the judge template, where the judge has its own
   */
  public static List<TrainingExample> read(
      Optional<Path> ift, Optional<Path> eft, Optional<Path> template) {
    JudgeTemplate judge = JudgeTemplate.additive(template.map(FineTuningData::readText));
    List<TrainingExample> examples = new ArrayList<>();
    ift.ifPresent(f -> examples.addAll(JsonLines.read(f, Examples::demonstration)));
    eft.ifPresent(
        f ->
            examples.addAll(
                JsonLines.read(
                    f,
                    line ->
                        new TrainingExample.Demonstration(
                            List.of(
                                Message.user(
                                    judge.fill(line.text("instruction"), line.text("response")))),
                            line.written("judgement")))));
    return examples;
  }

  /** A text file's content. */
  public static String readText(Path file) {
    return SmallFile.read(file, "a judge template");
  }
}
