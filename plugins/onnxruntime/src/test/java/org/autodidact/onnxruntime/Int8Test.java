package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.LongStream;
import org.autodidact.checkpoints.Golden;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 8-bit products over the rotated model against float32. */
class Int8Test {
  @TempDir Path folder;

  private static float[] logits(DecoderSession session, ModelFolder model, int rows, long... ids) {
    long[] all = new long[rows * ids.length];
    int[] lengths = new int[rows];
    long[] wanted = new long[rows];
    float[] inverse = new float[rows];
    for (int r = 0; r < rows; r++) {
      System.arraycopy(ids, 0, all, r * ids.length, ids.length);
      lengths[r] = ids.length;
      wanted[r] = (long) (r + 1) * ids.length - 1;
      inverse[r] = 1;
    }
    session.cache().layOut(rows, ids.length);
    DecoderSession.Logits found = session.run(0, all, ids.length, lengths, wanted, inverse);
    float[] last = new float[model.config().vocabularySize()];
    found.copyLogits(rows - 1, last);
    return last;
  }

  /** KL(p ‖ q) of two rows of logits, in nats. */
  private static double divergence(float[] p, float[] q) {
    double sumP = 0;
    double sumQ = 0;
    for (int i = 0; i < p.length; i++) {
      sumP += Math.exp(p[i]);
      sumQ += Math.exp(q[i]);
    }
    double kl = 0;
    for (int i = 0; i < p.length; i++) {
      double lnP = p[i] - Math.log(sumP);
      kl += Math.exp(lnP) * (lnP - (q[i] - Math.log(sumQ)));
    }
    return kl;
  }

  private static DecoderSession rounded(ModelFolder model, boolean signed) {
    return new DecoderSession(model, 2, Optional.of(Int8Weights.of(model, signed, 2)));
  }

  @Test
  void aRowIsTheSameAloneAndAmongOthers() {
    try (ModelFolder model = ModelFolder.open(TinyModel.write(folder.resolve("tiny"), 5));
        DecoderSession session = rounded(model, Int8Kernel.signedIsExact())) {
      float[] alone = logits(session, model, 1, 40, 50, 60, 70);
      assertThat(logits(session, model, 7, 40, 50, 60, 70)).containsExactly(alone, within(1e-5f));
    }
  }

  /** Unsigned weights are exact everywhere; signed ones where the check says so. */
  @Test
  void signedAndUnsignedWeightsGiveOneResult() {
    try (ModelFolder model = ModelFolder.open(TinyModel.write(folder.resolve("tiny"), 5));
        DecoderSession plain = new DecoderSession(model, 2);
        DecoderSession unsigned = rounded(model, false);
        DecoderSession chosen = rounded(model, Int8Kernel.signedIsExact())) {
      float[] expected = logits(plain, model, 1, 40, 50, 60, 70, 80);
      float[] found = logits(unsigned, model, 1, 40, 50, 60, 70, 80);
      assertThat(divergence(expected, found)).isLessThan(0.01);
      assertThat(logits(chosen, model, 1, 40, 50, 60, 70, 80))
          .containsExactly(found, within(1e-4f));
    }
  }

  @Test
  void theRotatedModelSaysWhatTheModelSays() {
    try (ModelFolder model = ModelFolder.open(Golden.smollm2());
        DecoderSession plain = new DecoderSession(model, 2);
        DecoderSession rounded = rounded(model, Int8Kernel.signedIsExact())) {
      double sum = 0;
      int same = 0;
      JsonNode prompts = Golden.numbers().path("prompts");
      for (JsonNode prompt : prompts) {
        long[] ids =
            LongStream.range(0, prompt.path("ids").size())
                .map(i -> prompt.path("ids").path((int) i).asLong())
                .toArray();
        float[] p = logits(plain, model, 1, ids);
        float[] q = logits(rounded, model, 1, ids);
        double kl = divergence(p, q);
        sum += kl;
        same += argmax(p) == argmax(q) ? 1 : 0;
      }
      assertThat(sum / prompts.size()).isLessThan(0.03);
      assertThat(same).isGreaterThanOrEqualTo(prompts.size() - 1);
    }
  }

  private static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }
}
