package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import org.autodidact.api.Cancellation;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.graph.GraphSession;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 8-bit products over the rotated model against float32. */
class Int8Test {
  private static final int PROMPTS = 40;

  @TempDir Path folder;

  /** Logits after the last of {@code ids}, in the last of {@code rows} equal rows. */
  private static float[] logits(Opened opened, int rows, long... ids) {
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
    DecoderSession session = opened.session();
    session.cache().layOut(rows, ids.length);
    DecoderSession.Logits found =
        session.run(
            new DecoderSession.Input(
                session.cache(),
                0,
                all,
                ids.length,
                lengths,
                new int[rows],
                wanted,
                inverse,
                Optional.empty()));
    float[] last = new float[opened.decoder().config().vocabularySize()];
    found.copyLogits(rows - 1, last);
    return last;
  }

  private record Opened(OrtDecoder decoder, DecoderSession session, Optional<Int8Weights> int8)
      implements AutoCloseable {
    static Opened of(ModelFolder model, Optional<Int8Weights> int8) {
      OrtDecoder decoder = new OrtDecoder(model, 2, int8, false, model.config().contextLength());
      return new Opened(decoder, new GraphSession(decoder, false), int8);
    }

    static Opened quantized(ModelFolder model, boolean exact) {
      return of(model, Optional.of(Int8Weights.of(model, exact, 2, new Cancellation())));
    }

    @Override
    public void close() {
      decoder.close();
      session.close();
      int8.ifPresent(Int8Weights::close);
    }
  }

  @Test
  void aRowIsTheSameAloneAndAmongOthers() {
    try (ModelFolder model = ModelFolder.open(TinyModel.write(folder.resolve("tiny"), 5));
        Opened session = Opened.quantized(model, Int8MatMulCheck.isExact())) {
      float[] alone = logits(session, 1, 40, 50, 60, 70);
      assertThat(logits(session, 7, 40, 50, 60, 70)).containsExactly(alone, within(1e-5f));
    }
  }

  /** Weights for processors whose products saturate cost little more. */
  @Test
  void coarserWeightsGiveNearlyTheSame() {
    try (ModelFolder model = ModelFolder.open(TinyModel.write(folder.resolve("tiny"), 5));
        Opened plain = Opened.of(model, Optional.empty());
        Opened coarse = Opened.quantized(model, false)) {
      Random random = new Random(3);
      double kl = 0;
      for (int i = 0; i < PROMPTS; i++) {
        long[] ids = random.longs(3 + i, 3, 253).toArray();
        kl += QualityTest.divergence(logits(plain, 1, ids), logits(coarse, 1, ids)) / PROMPTS;
      }
      assertThat(kl).isLessThan(0.012);
    }
  }
}
