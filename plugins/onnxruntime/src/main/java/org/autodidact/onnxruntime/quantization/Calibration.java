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
import org.autodidact.onnxruntime.backend.ContextWindow;
import org.autodidact.onnxruntime.quantization.ActivationObserver.Site;
import org.autodidact.vectors.Int8;

/**
 * Statistics of the activations that each projection of a checkpoint reads, taken while a first
 * quantization of it prefills half a page of text; the second quantization uses them ({@link
 * GptqRounding}). Immutable.
 */
public final class Calibration {
  /** Without statistics. */
  public static final Calibration NONE = new Calibration(Map.of());

  private static final String TEXT = "calibration.txt";
  private static final String SEPARATOR = "\\n----\\n";

  private final Map<Site, ActivationStatistics[]> statistics;

  private Calibration(Map<Site, ActivationStatistics[]> statistics) {
    this.statistics = statistics;
  }

  /** Questions, each followed by its answer. */
  private static List<int[]> texts(ModelFolder model) {
    List<int[]> all = new ArrayList<>();
    String[] texts = resource().split(SEPARATOR);
    for (int i = 0; i < texts.length; i += 2) {
      int[] question = model.encoder().prompt(List.of(Message.user(texts[i])));
      int[] answer = model.encoder().text(texts[i + 1]);
      int[] ids = Arrays.copyOf(question, question.length + answer.length);
      System.arraycopy(answer, 0, ids, question.length, answer.length);
      ids = Arrays.copyOf(ids, Math.min(ids.length, model.config().contextLength()));
      ContextWindow.requireFits(model.config(), TEXT, ids, 0);
      all.add(ids);
    }
    return all;
  }

  /** What the calibration texts are for this model, before they are tokens. */
  static String rendered(ModelFolder model) {
    String[] texts = resource().split(SEPARATOR);
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < texts.length; i += 2) {
      all.append(model.encoder().render(List.of(Message.user(texts[i])))).append(texts[i + 1]);
    }
    return all.toString();
  }

  /** Prefills the calibration texts and takes statistics of all sites and layers. */
  public static Calibration of(
      ModelFolder model, ActivationObserver.Session session, Cancellation cancellation) {
    List<int[]> texts = texts(model);
    int tokens = texts.stream().mapToInt(ids -> ids.length).sum();
    Map<Site, QuantizedRow[][]> rows = new EnumMap<>(Site.class);
    for (Site site : Site.values()) {
      int layers = site == Site.LM_HEAD ? 1 : model.config().layers();
      rows.put(site, new QuantizedRow[layers][tokens]);
    }
    int first = 0;
    for (int[] ids : texts) {
      cancellation.throwIfCancelled();
      int begin = first;
      session.prefill(
          ids,
          (site, layer, token, bytes, from, width, scale) ->
              rows.get(site)[layer][begin + token] =
                  new QuantizedRow(Arrays.copyOfRange(bytes, from, from + width), scale));
      first += ids.length;
    }
    Map<Site, ActivationStatistics[]> statistics = new EnumMap<>(Site.class);
    rows.forEach(
        (site, rowsOfLayers) -> {
          ActivationStatistics[] ofLayers = new ActivationStatistics[rowsOfLayers.length];
          statistics.put(site, ofLayers);
          session.forEach(
              ofLayers.length,
              layer -> {
                cancellation.throwIfCancelled();
                ofLayers[layer] = ActivationStatistics.of(dequantize(rowsOfLayers[layer]));
              });
        });
    return new Calibration(statistics);
  }

  /** A row of activations, unsigned bytes with 128 for 0. */
  private record QuantizedRow(byte[] bytes, float scale) {}

  private static float[][] dequantize(QuantizedRow[] rows) {
    float[][] all = new float[rows.length][rows[0].bytes().length];
    for (int i = 0; i < rows.length; i++) {
      for (int k = 0; k < all[i].length; k++) {
        all[i][k] = ((rows[i].bytes()[k] & 255) - Int8.ZERO_POINT) * rows[i].scale();
      }
    }
    return all;
  }

  private static String resource() {
    try (InputStream in = Calibration.class.getResourceAsStream(TEXT)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AutodidactException("the jar is damaged: " + TEXT + " cannot be read", e);
    }
  }

  /** Statistics of a site's activations, each row of {@code width} numbers. */
  public ActivationStatistics of(Site site, int layer, int width) {
    ActivationStatistics[] layers = statistics.get(site);
    return layers == null ? ActivationStatistics.none(width) : layers[layer];
  }
}
