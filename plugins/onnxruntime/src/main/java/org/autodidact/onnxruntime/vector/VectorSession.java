package org.autodidact.onnxruntime.vector;

import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.backend.StepInput;
import org.autodidact.onnxruntime.quantization.Calibration;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.vectors.Int8Attention;
import org.autodidact.vectors.Int8KvLayout;
import org.autodidact.vectors.RowKernels;

/**
 * Runs a {@link VectorWeights} on a team of threads, in step: each multiplies all tokens by its
 * columns, then does what is between two products for its tokens. Tokens go through a layer in
 * blocks that stay in the processor's caches; padding is not computed. What a token comes to
 * depends on its own row alone, to the last bit.
 */
public final class VectorSession implements DecoderSession {
  /** Rows of a thread that go through a layer together, where it is one of several. */
  static final int ROWS = 64;

  /** The same of a thread alone, which reads all weights for them. */
  private static final int ROWS_ALONE = 128;

  /** Rows whose logits are computed together: each takes as many numbers as there are tokens. */
  private static final int WEIGHED = 32;

  private final VectorWeights decoder;
  private final ModelConfig config;
  private final ThreadTeam team;
  private final int block;
  private final Int8KvCache cache;
  private final Int8KvCache prefixes;
  private final Int8KvCache common;
  private final Int8KvCache desk;
  private final int hidden;
  private final int queryWidth;
  private final int keyWidth;
  private final int middle;
  private final QuantizedActivations normed;
  private final QuantizedActivations attended;
  private final QuantizedActivations gated;
  private final MatMulOutputs queriesKeysValues;
  private final MatMulOutputs attentionOutput;
  private final MatMulOutputs gateAndUp;
  private final MatMulOutputs down;
  private final MatMulOutputs head;
  private final float[] queries;
  private final float[] sums;
  private final float[] rowScales;
  private final List<Hands> hands = new ArrayList<>();
  private final VectorLogits logits;
  private float[] residual = new float[0];
  private byte[] normedBytes = new byte[0];
  private byte[] normedLow = new byte[0];
  private Observer observer = Observer.NONE;
  private float[] scales = new float[0];

  /** Sees each row that a product reads, on the thread that made it. */
  public interface Observer {
    Observer NONE = (input, layer, token, bytes, from, width, scale) -> {};

    void see(
        Calibration.Input input,
        int layer,
        int token,
        byte[] bytes,
        int from,
        int width,
        float scale);
  }

  VectorSession(VectorWeights decoder, ThreadTeam team) {
    this.decoder = decoder;
    this.config = decoder.config();
    this.team = team;
    this.block = team.size() > 1 ? ROWS * team.size() : ROWS_ALONE;
    this.cache = new Int8KvCache(config);
    this.prefixes = new Int8KvCache(config);
    this.common = new Int8KvCache(config);
    this.desk = new Int8KvCache(config);
    this.hidden = config.hiddenSize();
    this.queryWidth = config.heads() * config.headSize();
    this.keyWidth = config.keyValueHeads() * config.headSize();
    this.middle = config.intermediateSize();
    // All tokens of a block may have a second row.
    int rows = 2 * block;
    this.normed = new QuantizedActivations(decoder.environment(), team.size(), rows, hidden);
    this.attended = new QuantizedActivations(decoder.environment(), team.size(), rows, queryWidth);
    this.gated = new QuantizedActivations(decoder.environment(), team.size(), rows, middle);
    VectorWeights.Layer first = decoder.layer(0);
    this.queriesKeysValues =
        new MatMulOutputs(decoder.environment(), team.size(), rows, first.queriesKeysValues());
    this.attentionOutput =
        new MatMulOutputs(decoder.environment(), team.size(), rows, first.attentionOutput());
    this.gateAndUp = new MatMulOutputs(decoder.environment(), team.size(), rows, first.gateAndUp());
    this.down = new MatMulOutputs(decoder.environment(), team.size(), rows, first.down());
    this.head = new MatMulOutputs(decoder.environment(), team.size(), WEIGHED, decoder.head());
    this.queries = new float[block * queryWidth];
    this.sums = new float[block * queryWidth];
    this.rowScales = new float[block];
    for (int i = 0; i < team.size(); i++) {
      hands.add(new Hands(config));
    }
    this.logits = new VectorLogits(config.vocabularySize());
  }

  @Override
  public Int8KvCache cache() {
    return cache;
  }

  @Override
  public Int8KvCache prefixes() {
    return prefixes;
  }

  @Override
  public Int8KvCache common() {
    return common;
  }

  @Override
  public Int8KvCache desk() {
    return desk;
  }

  @Override
  public void forEach(int count, IntConsumer action) {
    team.run(
        thread -> {
          for (int i = thread; i < count; i += team.size()) {
            action.accept(i);
          }
        });
  }

  /** What one thread needs for itself. */
  private static final class Hands {
    private final RowKernels math = new RowKernels();
    private final Int8Attention attention;
    private final int[] packed;
    private final float[] row;
    private final float[] low;

    Hands(ModelConfig config) {
      int size = config.headSize();
      attention = new Int8Attention(size, config.heads() / config.keyValueHeads());
      packed = new int[size / 4];
      int widest =
          Math.max(
              Math.max(config.vocabularySize(), 2 * config.intermediateSize()),
              (config.heads() + 2 * config.keyValueHeads()) * size);
      row = new float[widest];
      low = new float[widest];
    }
  }

  /** Reads a text while somebody looks on. */
  public void read(int[] ids, Observer by) {
    cache.layOut(1, ids.length);
    observer = by;
    try {
      run(Input.ofOne(cache, 0, ids, 0, new int[0], 1));
    } finally {
      observer = Observer.NONE;
    }
  }

  @Override
  public Logits run(Input input) {
    StepInput tokens = StepInput.of(input);
    int count = tokens.count();
    if (scales.length < count) {
      residual = new float[count * hidden];
      normedBytes = new byte[count * hidden];
      scales = new float[count];
    }
    int fine = tokens.fineBefore()[count] * hidden;
    if (normedLow.length < fine) {
      normedLow = new byte[fine];
    }
    logits.layOut(input.wanted().length, input.inverseTemperatures());
    team.run(thread -> run(input, tokens, thread));
    return logits;
  }

  private void run(Input input, StepInput tokens, int thread) {
    Hands mine = hands.get(thread);
    int count = tokens.count();
    for (int i = from(count, thread); i < from(count, thread + 1); i++) {
      embed(tokens, i, mine);
    }
    team.await();
    int last = config.layers() - 1;
    for (int layer = 0; layer < last; layer++) {
      run(input, tokens, layer, thread, mine);
    }
    StepInput left = leave(input, tokens, last, thread, mine);
    run(input, left, last, thread, mine);
    team.await();
    for (int i = from(left.count(), thread); i < from(left.count(), thread + 1); i++) {
      see(Calibration.Input.HEAD, 0, i);
    }
    int wanted = input.wanted().length;
    int most = left.fineBefore()[left.count()] > 0 ? WEIGHED / 2 : WEIGHED;
    for (int from = 0; from < wanted; from += most) {
      weigh(input, left, from, Math.min(most, wanted - from), thread, mine);
    }
  }

  private void run(Input input, StepInput tokens, int layer, int thread, Hands mine) {
    for (int from = 0; from < tokens.count(); from += block) {
      Block part = part(input, tokens, layer, from, thread, mine);
      part.attend();
      part.addMlp();
    }
  }

  /**
   * Leaves the tokens that go through the last layer: those whose logits are wanted. Of the others,
   * keys and values are all that anybody reads.
   */
  private StepInput leave(Input input, StepInput tokens, int layer, int thread, Hands mine) {
    int wanted = input.wanted().length;
    if (wanted >= tokens.count() || input.shared().isPresent() || observer != Observer.NONE) {
      return tokens;
    }
    for (int from = 0; from < tokens.count(); from += block) {
      part(input, tokens, layer, from, thread, mine).project();
    }
    StepInput left = tokens.only(input.wanted());
    team.await();
    if (thread == 0) {
      for (int i = 0; i < wanted; i++) {
        int token = tokens.number(input.wanted()[i]);
        System.arraycopy(residual, token * hidden, residual, i * hidden, hidden);
        System.arraycopy(normedBytes, token * hidden, normedBytes, i * hidden, hidden);
        scales[i] = scales[token];
        if (tokens.fine(token)) {
          int low = tokens.fineBefore()[token] * hidden;
          System.arraycopy(normedLow, low, normedLow, left.fineBefore()[i] * hidden, hidden);
        }
      }
    }
    team.await();
    return left;
  }

  private Block part(Input input, StepInput tokens, int layer, int from, int thread, Hands mine) {
    int count = Math.min(block, tokens.count() - from);
    return new Block(input, tokens, layer, from, count, thread, mine);
  }

  /** Where a thread's part of some tokens begins. */
  private int from(int count, int thread) {
    return count * thread / team.size();
  }

  private void embed(StepInput tokens, int token, Hands mine) {
    FloatBuffer embedding = decoder.embedding();
    embedding.get(tokens.ids()[token] * hidden, residual, token * hidden, hidden);
    norm(tokens, token, decoder.layer(0).queriesKeysValues(), mine);
  }

  /** Norms and rounds a token for a product. */
  private void norm(StepInput tokens, int token, VectorWeights.Product reader, Hands mine) {
    int at = token * hidden;
    float[] row = mine.row;
    mine.math.norm(residual, at, hidden, (float) config.norm().epsilon(), row);
    mine.math.subtract(row, 0, reader.centre());
    scales[token] = mine.math.round(row, 0, hidden, normedBytes, at);
    if (tokens.fine(token)) {
      int low = tokens.fineBefore()[token] * hidden;
      mine.math.roundRest(row, 0, hidden, normedBytes, at, normedLow, low);
    }
  }

  /** Shows a row of the normed stream. */
  private void see(Calibration.Input as, int layer, int token) {
    observer.see(as, layer, token, normedBytes, token * hidden, hidden, scales[token]);
  }

  private void weigh(Input input, StepInput tokens, int from, int count, int thread, Hands mine) {
    int vocabulary = config.vocabularySize();
    int first = from(count, thread);
    int end = from(count, thread + 1);
    int[] lows = new int[count];
    int rows = count;
    for (int i = 0; i < count; i++) {
      lows[i] = tokens.fine(tokens.number(input.wanted()[from + i])) ? rows++ : -1;
    }
    for (int i = first; i < end; i++) {
      putNormed(tokens, tokens.number(input.wanted()[from + i]), i, lows[i]);
    }
    team.await();
    head.run(decoder.head(), normed, rows, thread);
    team.await();
    for (int i = first; i < end; i++) {
      int at = (from + i) * vocabulary;
      head.get(i, lows[i], logits.values(), at, mine.math, mine.low);
      float scale = scales[tokens.number(input.wanted()[from + i])];
      mine.math.scale(logits.values(), at, scale, decoder.head().bias(), vocabulary);
      logits.weigh(from + i, mine.row);
    }
    team.await();
  }

  /** Puts a token's normed stream where products read it; its low bytes where it has such. */
  private void putNormed(StepInput tokens, int token, int row, int low) {
    normed.put(row, normedBytes, token * hidden);
    if (low >= 0) {
      normed.put(low, normedLow, tokens.fineBefore()[token] * hidden);
    }
  }

  /**
   * Some tokens in one layer, as one thread sees them: its own are {@code first} to {@code end}.
   */
  private final class Block {
    private final Input input;
    private final StepInput tokens;
    private final int layer;
    private final VectorWeights.Layer products;
    private final int from;
    private final int count;
    private final int thread;
    private final Hands mine;
    private final int first;
    private final int end;
    private final int rows;

    Block(Input input, StepInput tokens, int layer, int from, int count, int thread, Hands mine) {
      this.input = input;
      this.tokens = tokens;
      this.layer = layer;
      this.products = decoder.layer(layer);
      this.from = from;
      this.count = count;
      this.thread = thread;
      this.mine = mine;
      this.first = from(count, thread);
      this.end = from(count, thread + 1);
      this.rows = count + tokens.fineBefore()[from + count] - tokens.fineBefore()[from];
    }

    /** The row of low bytes of a token of this block; -1 if it has none. */
    private int low(int i) {
      int token = from + i;
      int before = tokens.fineBefore()[token] - tokens.fineBefore()[from];
      return tokens.fine(token) ? count + before : -1;
    }

    /** Makes queries, and keys and values, which the cache keeps. */
    void project() {
      putNormed(Calibration.Input.ATTENTION);
      team.await();
      queriesKeysValues.run(products.queriesKeysValues(), normed, rows, thread);
      team.await();
      for (int i = first; i < end; i++) {
        takeQueriesKeysValues(i);
      }
    }

    /** Adds what attention gives to the residual stream. */
    void attend() {
      project();
      // A token may attend to those of other threads.
      team.await();
      Arrays.fill(sums, first * queryWidth, end * queryWidth, 0);
      mine.attention.begin((end - first) * config.heads());
      for (int keyHead = 0; keyHead < config.keyValueHeads() && first < end; keyHead++) {
        attendToShared(keyHead);
        attendToOwn(keyHead);
      }
      for (int i = first; i < end; i++) {
        int at = i * queryWidth;
        mine.attention.finish(sums, at, (i - first) * config.heads(), config.heads());
        mine.math.subtract(sums, at, products.attentionOutput().centre());
        rowScales[i] = attended.round(i, low(i), sums, at, mine.math);
        observe(Calibration.Input.ATTENDED, i, attended);
      }
      team.await();
      attentionOutput.run(products.attentionOutput(), attended, rows, thread);
      team.await();
      add(attentionOutput, products.attentionOutput().bias(), products.gateAndUp());
    }

    private void putNormed(Calibration.Input as) {
      for (int i = first; i < end; i++) {
        int token = from + i;
        VectorSession.this.putNormed(tokens, token, i, low(i));
        see(as, layer, token);
      }
    }

    private void takeQueriesKeysValues(int i) {
      int token = from + i;
      int size = config.headSize();
      float[] row = mine.row;
      queriesKeysValues.get(i, low(i), row, 0, mine.math, mine.low);
      mine.math.scale(
          row, 0, scales[token], products.queriesKeysValues().bias(), queryWidth + 2 * keyWidth);
      for (int at = 0; at < queryWidth + keyWidth; at += size) {
        mine.math.rope(
            row, at, size, decoder.cosines(), decoder.sines(), tokens.positions()[token]);
      }
      // Spreads what a few channels of keys have over all, so that 8 bits suffice (QuaRot).
      mine.math.hadamard(row, 0, queryWidth + keyWidth, size);
      System.arraycopy(row, 0, queries, i * queryWidth, queryWidth);
      Int8KvCache target = (Int8KvCache) input.target();
      Int8KvCache.Layer stored = target.layer(layer);
      int place = tokens.places()[token];
      // Keys, then values, by one call: the more is inlined here, the sooner the compiler stops in
      // the midst of a vector, which then becomes an object.
      for (int head = 0; head < 2 * config.keyValueHeads(); head++) {
        int keyHead = head % config.keyValueHeads();
        int scale = target.scales(input.firstRow() + tokens.rows()[token], keyHead);
        float step = Int8KvLayout.pack(row, queryWidth + head * size, size, mine.packed, 0);
        if (head < config.keyValueHeads()) {
          stored.keyScales()[scale + place] = step;
          Int8KvLayout.putKey(
              mine.packed, target.words(), stored.keys(), scale * target.words(), place);
        } else {
          stored.valueScales()[scale + place] = step;
          int value = (scale + place) * target.words();
          System.arraycopy(mine.packed, 0, stored.values(), value, target.words());
        }
      }
    }

    /** What all rows share, then what groups share: tokens that all see all of it. */
    private void attendToShared(int keyHead) {
      if (input.shared().isEmpty()) {
        return;
      }
      SharedPrefixes shared = input.shared().get();
      attendTo(keyHead, (Int8KvCache) shared.common(), 0, shared.commonLength(), first, end);
      for (int i = first; i < end; ) {
        int group = shared.groups()[from + i];
        int next = i + 1;
        while (next < end && shared.groups()[from + next] == group) {
          next++;
        }
        attendTo(keyHead, (Int8KvCache) shared.cache(), group, shared.lengths()[group], i, next);
        i = next;
      }
    }

    private void attendTo(int keyHead, Int8KvCache seen, int row, int length, int i, int next) {
      for (int start = 0; start < length; start += Int8Attention.STRETCH) {
        int places = Math.min(Int8Attention.STRETCH, length - start);
        unfold(keyHead, seen, row, start, places);
        for (int token = i; token < next; token++) {
          attend(token, keyHead, places);
        }
      }
    }

    /** A row's own: each token sees itself and what is before it. */
    private void attendToOwn(int keyHead) {
      Int8KvCache own = (Int8KvCache) input.target();
      for (int i = first; i < end; ) {
        int row = tokens.rows()[from + i];
        int next = i + 1;
        while (next < end && tokens.rows()[from + next] == row) {
          next++;
        }
        int length = tokens.places()[from + next - 1] + 1;
        for (int start = 0; start < length; start += Int8Attention.STRETCH) {
          int places = Math.min(Int8Attention.STRETCH, length - start);
          unfold(keyHead, own, input.firstRow() + row, start, places);
          for (int token = i; token < next; token++) {
            int seen = tokens.places()[from + token] + 1 - start;
            if (seen > 0) {
              attend(token, keyHead, Math.min(places, seen));
            }
          }
        }
        i = next;
      }
    }

    private void unfold(int keyHead, Int8KvCache seen, int row, int start, int places) {
      Int8KvCache.Layer stored = seen.layer(layer);
      int scale = seen.scales(row, keyHead);
      mine.attention.unfold(
          stored.keys(),
          stored.keyScales(),
          stored.values(),
          stored.valueScales(),
          scale * seen.words(),
          scale,
          start,
          places);
    }

    private void attend(int i, int keyHead, int places) {
      int query = keyHead * (config.heads() / config.keyValueHeads());
      mine.attention.attend(
          queries,
          i * queryWidth + query * config.headSize(),
          (i - first) * config.heads() + query,
          sums,
          places);
    }

    /** Adds what the MLP gives to the residual stream. */
    void addMlp() {
      putNormed(Calibration.Input.MLP);
      team.await();
      gateAndUp.run(products.gateAndUp(), normed, rows, thread);
      team.await();
      for (int i = first; i < end; i++) {
        gateAndUp.get(i, low(i), mine.row, 0, mine.math, mine.low);
        mine.math.scale(mine.row, 0, scales[from + i], products.gateAndUp().bias(), 2 * middle);
        mine.math.gate(mine.row, 0, mine.row, middle, middle);
        mine.math.hadamard(mine.row, 0, middle, Int8Weights.block());
        mine.math.subtract(mine.row, 0, products.down().centre());
        rowScales[i] = gated.round(i, low(i), mine.row, 0, mine.math);
        observe(Calibration.Input.GATED, i, gated);
      }
      team.await();
      down.run(products.down(), gated, rows, thread);
      team.await();
      boolean last = layer == config.layers() - 1;
      add(
          down,
          products.down().bias(),
          last ? decoder.head() : decoder.layer(layer + 1).queriesKeysValues());
    }

    private void observe(Calibration.Input as, int i, QuantizedActivations bytes) {
      bytes.show(observer, as, layer, from + i, i, rowScales[i]);
    }

    /** Adds what a product wrote to the residual stream, and norms it for the next reader. */
    private void add(MatMulOutputs added, float[] bias, VectorWeights.Product reader) {
      for (int i = first; i < end; i++) {
        added.get(i, low(i), mine.row, 0, mine.math, mine.low);
        mine.math.add(residual, (from + i) * hidden, mine.row, 0, rowScales[i], bias, hidden);
        norm(tokens, from + i, reader, mine);
      }
    }
  }

  /** Lets go of all that is cached. */
  void forget() {
    List.of(cache, prefixes, common, desk).forEach(Int8KvCache::close);
  }

  @Override
  public void close() {
    forget();
    List.of(normed, attended, gated).forEach(QuantizedActivations::close);
    List.of(queriesKeysValues, attentionOutput, gateAndUp, down, head)
        .forEach(MatMulOutputs::close);
  }
}
