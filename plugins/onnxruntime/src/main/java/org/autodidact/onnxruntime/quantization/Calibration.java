package org.autodidact.onnxruntime.quantization;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Message;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.vector.VectorSession;

/**
 * What a checkpoint's products read while it reads a text of half a page, seen in a first rounding
 * of it; the second is made by it ({@link GptqRounding}). Read only.
 */
public final class Calibration {
  /** Of a checkpoint about which nothing is known. */
  public static final Calibration NONE = new Calibration(Map.of());

  private static final String TEXT = "calibration.txt";
  private static final String BETWEEN = "\\n----\\n";

  private final Map<Input, ActivationStatistics[]> seen;

  /** What products read. */
  public enum Input {
    /** The normed stream, by the queries, keys and values. */
    ATTENTION,
    /** By the product after attention. */
    ATTENDED,
    /** The normed stream, by gate and up. */
    MLP,
    /** By down. */
    GATED,
    /** The last normed stream; there is one layer of it. */
    HEAD
  }

  private Calibration(Map<Input, ActivationStatistics[]> seen) {
    this.seen = seen;
  }

  /** Questions, each followed by its answer. */
  private static List<int[]> read(ModelFolder model) {
    List<int[]> all = new ArrayList<>();
    String[] texts = texts().split(BETWEEN);
    for (int i = 0; i < texts.length; i += 2) {
      int[] question = model.encoder().prompt(List.of(Message.user(texts[i])));
      int[] answer = model.encoder().text(texts[i + 1]);
      int[] ids = Arrays.copyOf(question, question.length + answer.length);
      System.arraycopy(answer, 0, ids, question.length, answer.length);
      ids = Arrays.copyOf(ids, Math.min(ids.length, model.config().contextLength()));
      CpuGenerator.requireFits(model.config(), TEXT, ids, 0);
      all.add(ids);
    }
    return all;
  }

  /** Reads the texts. */
  public static Calibration of(ModelFolder model, VectorSession stream, Cancellation cancellation) {
    List<int[]> texts = read(model);
    int tokens = texts.stream().mapToInt(ids -> ids.length).sum();
    Map<Input, Row[][]> rows = new EnumMap<>(Input.class);
    for (Input input : Input.values()) {
      rows.put(input, new Row[input == Input.HEAD ? 1 : model.config().layers()][tokens]);
    }
    int first = 0;
    for (int[] ids : texts) {
      cancellation.throwIfCancelled();
      int begin = first;
      stream.read(
          ids,
          (input, layer, token, bytes, from, width, scale) ->
              rows.get(input)[layer][begin + token] =
                  new Row(Arrays.copyOfRange(bytes, from, from + width), scale));
      first += ids.length;
    }
    Map<Input, ActivationStatistics[]> seen = new EnumMap<>(Input.class);
    rows.forEach(
        (input, ofLayers) -> {
          ActivationStatistics[] directions = new ActivationStatistics[ofLayers.length];
          seen.put(input, directions);
          stream.forEach(
              directions.length,
              layer -> {
                cancellation.throwIfCancelled();
                directions[layer] = ActivationStatistics.of(floats(ofLayers[layer]));
              });
        });
    return new Calibration(seen);
  }

  /** A row that a product read, as it read it. */
  private record Row(byte[] bytes, float scale) {}

  private static float[][] floats(Row[] rows) {
    float[][] all = new float[rows.length][rows[0].bytes().length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < all[i].length; k++) {
        all[i][k] = ((rows[i].bytes()[k] & 255) - 128) * rows[i].scale();
      }
    }
    return all;
  }

  private static String texts() {
    try (InputStream in = Calibration.class.getResourceAsStream(TEXT)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AutodidactException("the jar is damaged: " + TEXT + " cannot be read", e);
    }
  }

  /** The directions of what the products of a layer read, each of {@code width} numbers. */
  public ActivationStatistics of(Input input, int layer, int width) {
    ActivationStatistics[] layers = seen.get(input);
    return layers == null ? ActivationStatistics.none(width) : layers[layer];
  }
}
