package org.autodidact.onnxruntime;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;

/**
 * Weighs texts on a GPU by {@link ReadingGraph}; continuations of one token are weighed by one
 * reading. By TensorRT where that is asked for; texts beyond the shapes that its engine has go to
 * CUDA.
 */
final class DeviceScorer implements Scorer, AutoCloseable {
  /** Texts of a run, tokens of a text, and weighed places of a run that an engine is built for. */
  private static final int TEXTS = 8;

  private static final int TOKENS = 2048;

  private static final int USUAL = 512;

  private final ModelFolder model;
  private final Device device;
  private final int longest;
  private Optional<OrtSession> within = Optional.empty();
  private Optional<OrtSession> beyond = Optional.empty();

  DeviceScorer(ModelFolder model, Device device) {
    this.model = model;
    this.device = device;
    this.longest = Math.min(TOKENS, model.config().contextLength());
  }

  /** One row of ids, its places from {@code first} on, and for each the tokens asked for. */
  private record Text(Answer answer, int[] ids, int first, List<Target> targets) {
    int places() {
      return ids.length - first;
    }
  }

  /** The {@code index}th continuation's tokens. */
  private record Target(int index, int[] tokens) {}

  /** A request's answer in the making. */
  private static final class Answer {
    private final ScoringRequest request;
    private final double[] sums;
    private final Integer[] tokens;
    private int open;

    Answer(ScoringRequest request) {
      this.request = request;
      this.sums = new double[request.continuations().size()];
      this.tokens = new Integer[sums.length];
    }

    Scoring scoring() {
      return new Scoring(
          request.prompt().id(), Arrays.stream(sums).boxed().toList(), List.of(tokens));
    }
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<Text> texts = new ArrayList<>();
    for (ScoringRequest request : requests) {
      texts.addAll(texts(new Answer(request)));
    }
    texts.sort(Comparator.comparingInt((Text t) -> t.ids().length).reversed());
    for (int from = 0; from < texts.size(); ) {
      cancellation.throwIfCancelled();
      int to = from + 1;
      int places = texts.get(from).places();
      while (to < texts.size() && to - from < TEXTS && places + texts.get(to).places() <= TOKENS) {
        places += texts.get(to++).places();
      }
      run(texts.subList(from, to), places, results);
      from = to;
    }
  }

  private List<Text> texts(Answer answer) {
    ScoringRequest request = answer.request;
    int[] prompt =
        concat(
            model.encoder().prompt(request.prompt().messages()),
            model.encoder().text(request.prefix()));
    int[] end = request.endOfText() ? model.encoder().endOfTurn() : new int[0];
    Map<List<Integer>, Text> distinct = new LinkedHashMap<>();
    for (int i = 0; i < request.continuations().size(); i++) {
      int[] scored = concat(model.encoder().text(request.continuations().get(i)), end);
      int[] whole = concat(prompt, scored);
      OnnxGenerator.requireFits(model.config(), request.prompt().id(), whole, 0);
      answer.tokens[i] = scored.length;
      int[] ids = Arrays.copyOf(whole, whole.length - 1);
      distinct
          .computeIfAbsent(
              Arrays.stream(ids).boxed().toList(),
              k -> new Text(answer, ids, prompt.length - 1, new ArrayList<>()))
          .targets()
          .add(new Target(i, scored));
    }
    answer.open = distinct.size();
    return List.copyOf(distinct.values());
  }

  private static int[] concat(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }

  private void run(List<Text> texts, int places, Consumer<Scoring> results) {
    int width = texts.get(0).ids().length;
    long[] ids = new long[texts.size() * width];
    long[] rows = new long[places];
    List<long[]> targets = new ArrayList<>();
    int place = 0;
    for (int i = 0; i < texts.size(); i++) {
      Text text = texts.get(i);
      for (int t = 0; t < text.ids().length; t++) {
        ids[i * width + t] = text.ids()[t];
      }
      for (Target target : text.targets()) {
        for (int t = 0; t < target.tokens().length; t++) {
          targets.add(new long[] {place + t, target.tokens()[t]});
        }
      }
      for (int t = text.first(); t < text.ids().length; t++) {
        rows[place++] = (long) i * width + t;
      }
    }
    float[] found = weigh(ids, width, rows, targets);
    int at = 0;
    for (Text text : texts) {
      for (Target target : text.targets()) {
        for (int t = 0; t < target.tokens().length; t++) {
          text.answer().sums[target.index()] += found[at++];
        }
      }
      if (--text.answer().open == 0) {
        results.accept(text.answer().scoring());
      }
    }
  }

  private float[] weigh(long[] ids, int width, long[] rows, List<long[]> targets) {
    try (Tensors tensors = new Tensors()) {
      tensors.put("input_ids", ids, ids.length / width, width);
      tensors.put("rows", rows, rows.length);
      tensors.put(
          "targets", targets.stream().flatMapToLong(Arrays::stream).toArray(), targets.size(), 2);
      boolean fits = width <= longest && rows.length <= TOKENS && targets.size() <= TOKENS;
      try (OrtSession.Result result = session(fits).run(tensors.inputs())) {
        return (float[]) result.get(0).getValue();
      }
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  private OrtSession session(boolean fits) {
    if (fits || !device.buildsEngines()) {
      if (within.isEmpty()) {
        within = Optional.of(device.open(model, ReadingGraph.build(model), shapes()));
      }
      return within.get();
    }
    if (beyond.isEmpty()) {
      beyond = Optional.of(device.open(model, ReadingGraph.build(model)));
    }
    return beyond.get();
  }

  private Device.Shapes shapes() {
    int usual = Math.min(USUAL, longest);
    return new Device.Shapes(
        "input_ids:1x1,rows:1,targets:1x2",
        "input_ids:" + TEXTS + "x" + usual + ",rows:" + TEXTS + ",targets:" + 6 * TEXTS + "x2",
        "input_ids:" + TEXTS + "x" + longest + ",rows:" + TOKENS + ",targets:" + TOKENS + "x2");
  }

  @Override
  public void close() {
    try {
      if (within.isPresent()) {
        within.get().close();
      }
      if (beyond.isPresent()) {
        beyond.get().close();
      }
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed to close: " + e.getMessage(), e);
    }
  }
}
