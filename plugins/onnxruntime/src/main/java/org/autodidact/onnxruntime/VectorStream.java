package org.autodidact.onnxruntime;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.AutodidactException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.vectors.ByteAttention;
import org.autodidact.vectors.ByteRows;
import org.autodidact.vectors.RowMath;

/**
 * Runs a {@link VectorDecoder}. Tokens go through a layer in blocks that stay in the processor's
 * caches; padding is not computed. What a token comes to depends on its own row alone, to the last
 * bit.
 */
final class VectorStream implements DecoderStream {
  /** Tokens that go through a layer together. */
  private static final int BLOCK = 64;

  private final VectorDecoder decoder;
  private final ModelConfig config;
  private final ByteCache cache;
  private final ByteCache prefixes;
  private final ByteCache common;
  private final ByteCache desk;
  private final RowMath math = new RowMath();
  private final ByteAttention attention;
  private final int hidden;
  private final int queryWidth;
  private final int keyWidth;
  private final Io toHidden;
  private final Io fromHidden;
  private final Io fromAttended;
  private final Io toQueriesKeysValues;
  private final Io fromGated;
  private final Io toGate;
  private final Io toUp;
  private final float[] queriesKeysValues;
  private final float[] queries;
  private final float[] attended;
  private final float[] added;
  private final float[] gate;
  private final float[] up;
  private final byte[] attendedBytes;
  private final byte[] gatedBytes;
  private final float[] rowScales = new float[BLOCK];
  private final int[] packed;
  private float[] residual = new float[0];
  private byte[] normed = new byte[0];
  private float[] scales = new float[0];
  private NativeBuffer logits = NativeBuffer.ofFloats(0);
  private NativeBuffer probabilities = NativeBuffer.ofFloats(0);
  private NativeBuffer peaks = NativeBuffer.ofFloats(0);

  VectorStream(VectorDecoder decoder) {
    this.decoder = decoder;
    this.config = decoder.config();
    this.cache = new ByteCache(config);
    this.prefixes = new ByteCache(config);
    this.common = new ByteCache(config);
    this.desk = new ByteCache(config);
    int size = config.headSize();
    this.attention = new ByteAttention(size, config.heads() / config.keyValueHeads());
    this.hidden = config.hiddenSize();
    this.queryWidth = config.heads() * size;
    this.keyWidth = config.keyValueHeads() * size;
    int middle = config.intermediateSize();
    OrtEnvironment environment = decoder.environment();
    this.fromHidden = Io.ofBytes(environment, hidden);
    this.toQueriesKeysValues = Io.ofFloats(environment, queryWidth + 2 * keyWidth);
    this.fromAttended = Io.ofBytes(environment, queryWidth);
    this.toHidden = Io.ofFloats(environment, hidden);
    this.toGate = Io.ofFloats(environment, middle);
    this.toUp = Io.ofFloats(environment, middle);
    this.fromGated = Io.ofBytes(environment, middle);
    this.queriesKeysValues = new float[BLOCK * (queryWidth + 2 * keyWidth)];
    this.queries = new float[BLOCK * queryWidth];
    this.attended = new float[BLOCK * queryWidth];
    this.added = new float[BLOCK * hidden];
    this.gate = new float[BLOCK * middle];
    this.up = new float[BLOCK * middle];
    this.attendedBytes = new byte[BLOCK * queryWidth];
    this.gatedBytes = new byte[BLOCK * middle];
    this.packed = new int[size / 4];
  }

  @Override
  public ByteCache cache() {
    return cache;
  }

  @Override
  public ByteCache prefixes() {
    return prefixes;
  }

  @Override
  public ByteCache common() {
    return common;
  }

  @Override
  public ByteCache desk() {
    return desk;
  }

  /**
   * The new tokens of a run, padding left out.
   *
   * @param rows the row of each, among the run's
   * @param places its place in the row's cache
   * @param positions its position in the text
   * @param ids its id
   * @param numbers for each index into the input's ids, which of these it is
   */
  private record Tokens(int[] rows, int[] places, int[] positions, int[] ids, int[] numbers) {

    static Tokens of(Input input) {
      int width = input.width();
      int count = input.lengths().length;
      boolean padded = width > 1 && count > 1;
      int most = input.ids().length;
      Tokens all =
          new Tokens(new int[most], new int[most], new int[most], new int[most], new int[most]);
      int n = 0;
      for (int row = 0; row < count; row++) {
        int length = input.lengths()[row];
        int start = padded ? 0 : length - width;
        for (int i = 0; start + i < length; i++) {
          int at = row * width + i;
          all.rows[n] = row;
          all.places[n] = start + i;
          all.positions[n] = input.positions()[row] + i;
          all.ids[n] = (int) input.ids()[at];
          all.numbers[at] = n++;
        }
      }
      return new Tokens(
          Arrays.copyOf(all.rows, n),
          Arrays.copyOf(all.places, n),
          Arrays.copyOf(all.positions, n),
          Arrays.copyOf(all.ids, n),
          all.numbers);
    }

    int count() {
      return rows.length;
    }
  }

  @Override
  public Logits run(Input input) {
    Tokens tokens = Tokens.of(input);
    embed(tokens);
    for (int layer = 0; layer < config.layers(); layer++) {
      for (int from = 0; from < tokens.count(); from += BLOCK) {
        int count = Math.min(BLOCK, tokens.count() - from);
        attend(layer, input, tokens, from, count);
        addMlp(layer, from, count);
      }
    }
    return weigh(input, tokens);
  }

  private void embed(Tokens tokens) {
    int count = tokens.count();
    if (scales.length < count) {
      residual = new float[count * hidden];
      normed = new byte[count * hidden];
      scales = new float[count];
    }
    FloatBuffer embedding = decoder.embedding();
    for (int i = 0; i < count; i++) {
      embedding.get(tokens.ids()[i] * hidden, residual, i * hidden, hidden);
      norm(i);
    }
  }

  private void norm(int token) {
    int at = token * hidden;
    scales[token] =
        math.normAndRound(residual, at, hidden, (float) config.norm().epsilon(), normed, at);
  }

  private void attend(int layer, Input input, Tokens tokens, int from, int count) {
    int width = queryWidth + 2 * keyWidth;
    int size = config.headSize();
    fromHidden.put(normed, from * hidden, count);
    decoder
        .layer(layer)
        .queriesKeysValues()
        .run(fromHidden.tensor(count), toQueriesKeysValues.tensor(count));
    toQueriesKeysValues.get(queriesKeysValues, count);
    ByteCache target = (ByteCache) input.target();
    float[] bias = decoder.bias("qkv." + layer);
    for (int i = 0; i < count; i++) {
      int at = i * width;
      int token = from + i;
      math.scale(queriesKeysValues, at, scales[token], bias, width);
      for (int head = 0; head < config.heads() + config.keyValueHeads(); head++) {
        math.rope(
            queriesKeysValues,
            at + head * size,
            size,
            decoder.cosines(),
            decoder.sines(),
            tokens.positions()[token]);
      }
      // Spreads what a few channels of keys have over all, so that 8 bits suffice (QuaRot).
      math.hadamard(queriesKeysValues, at, queryWidth + keyWidth, size);
      System.arraycopy(queriesKeysValues, at, queries, i * queryWidth, queryWidth);
      store(layer, target, input.firstRow() + tokens.rows()[token], tokens.places()[token], at);
    }
    Arrays.fill(attended, 0, count * queryWidth, 0);
    attention.begin(count * config.heads());
    for (int head = 0; head < config.keyValueHeads(); head++) {
      attendTo(layer, head, input, tokens, from, count);
    }
    for (int i = 0; i < count; i++) {
      int at = i * queryWidth;
      attention.finish(attended, at, i * config.heads(), config.heads());
      rowScales[i] = math.round(attended, at, queryWidth, attendedBytes, at);
    }
    fromAttended.put(attendedBytes, 0, count);
    decoder.layer(layer).attentionOutput().run(fromAttended.tensor(count), toHidden.tensor(count));
    add(decoder.bias("o." + layer), from, count);
  }

  private void store(int layer, ByteCache target, int row, int place, int at) {
    int size = config.headSize();
    ByteCache.Layer stored = target.layer(layer);
    int quarter = target.words();
    for (int head = 0; head < config.keyValueHeads(); head++) {
      int scale = target.scales(row, head);
      int key = at + queryWidth + head * size;
      stored.keyScales()[scale + place] = ByteRows.pack(queriesKeysValues, key, size, packed, 0);
      ByteRows.putKey(packed, quarter, stored.keys(), scale * quarter, place);
      stored.valueScales()[scale + place] =
          ByteRows.pack(
              queriesKeysValues, key + keyWidth, size, stored.values(), (scale + place) * quarter);
    }
  }

  /** One head of keys: what all rows share, what groups share, then each row's own. */
  private void attendTo(int layer, int head, Input input, Tokens tokens, int from, int count) {
    input
        .shared()
        .ifPresent(
            shared -> {
              ByteCache all = (ByteCache) shared.common();
              if (shared.commonLength() > 0) {
                attendTo(layer, head, all, 0, shared.commonLength(), 0, count);
              }
              ByteCache prompts = (ByteCache) shared.cache();
              for (int[] run : groups(shared.groups(), from, count)) {
                int group = run[0];
                attendTo(layer, head, prompts, group, shared.lengths()[group], run[1], run[2]);
              }
            });
    ByteCache own = (ByteCache) input.target();
    for (int i = 0; i < count; ) {
      int row = tokens.rows()[from + i];
      int next = i + 1;
      while (next < count && tokens.rows()[from + next] == row) {
        next++;
      }
      attendToOwn(layer, head, own, input.firstRow() + row, tokens, from, i, next - i);
      i = next;
    }
  }

  /** Neighbours of one group: the group, the first of them in the block, how many. */
  private static List<int[]> groups(int[] groupOfRow, int from, int count) {
    List<int[]> runs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int group = groupOfRow[from + i];
      if (!runs.isEmpty() && runs.get(runs.size() - 1)[0] == group) {
        runs.get(runs.size() - 1)[2]++;
      } else {
        runs.add(new int[] {group, i, 1});
      }
    }
    return runs;
  }

  /** Tokens that all see all of a row. */
  private void attendTo(
      int layer, int head, ByteCache seen, int row, int length, int first, int count) {
    for (int start = 0; start < length; start += ByteAttention.STRETCH) {
      int places = Math.min(ByteAttention.STRETCH, length - start);
      unfold(layer, head, seen, row, start, places);
      for (int i = first; i < first + count; i++) {
        attend(i, head, places);
      }
    }
  }

  /** Neighbours in one row, each of which sees itself and what is before it. */
  private void attendToOwn(
      int layer, int head, ByteCache own, int row, Tokens tokens, int from, int first, int count) {
    int last = tokens.places()[from + first + count - 1];
    for (int start = 0; start <= last; start += ByteAttention.STRETCH) {
      unfold(layer, head, own, row, start, Math.min(ByteAttention.STRETCH, last + 1 - start));
      for (int i = first; i < first + count; i++) {
        int seen = tokens.places()[from + i] + 1 - start;
        if (seen > 0) {
          attend(i, head, Math.min(ByteAttention.STRETCH, seen));
        }
      }
    }
  }

  private void unfold(int layer, int head, ByteCache seen, int row, int start, int places) {
    ByteCache.Layer stored = seen.layer(layer);
    int scale = seen.scales(row, head);
    attention.unfold(
        stored.keys(),
        stored.keyScales(),
        stored.values(),
        stored.valueScales(),
        scale * seen.words(),
        scale,
        start,
        places);
  }

  private void attend(int token, int head, int places) {
    int perHead = config.heads() / config.keyValueHeads();
    int query = token * config.heads() + head * perHead;
    attention.attend(queries, query * config.headSize(), query, attended, places);
  }

  private void addMlp(int layer, int from, int count) {
    VectorDecoder.Layer products = decoder.layer(layer);
    fromHidden.put(normed, from * hidden, count);
    products.gate().run(fromHidden.tensor(count), toGate.tensor(count));
    products.up().run(fromHidden.tensor(count), toUp.tensor(count));
    toGate.get(gate, count);
    toUp.get(up, count);
    int middle = config.intermediateSize();
    float[] gateBias = decoder.bias("gate." + layer);
    float[] upBias = decoder.bias("up." + layer);
    for (int i = 0; i < count; i++) {
      int at = i * middle;
      math.scale(gate, at, scales[from + i], gateBias, middle);
      math.scale(up, at, scales[from + i], upBias, middle);
      math.gate(gate, at, up, at, middle);
      math.hadamard(gate, at, middle, Int8Weights.block());
      rowScales[i] = math.round(gate, at, middle, gatedBytes, at);
    }
    fromGated.put(gatedBytes, 0, count);
    products.down().run(fromGated.tensor(count), toHidden.tensor(count));
    add(decoder.bias("down." + layer), from, count);
  }

  /** Adds what a product wrote to the residual stream, and norms it for the next. */
  private void add(float[] bias, int from, int count) {
    toHidden.get(added, count);
    for (int i = 0; i < count; i++) {
      math.add(residual, (from + i) * hidden, added, i * hidden, rowScales[i], bias, hidden);
      norm(from + i);
    }
  }

  private Logits weigh(Input input, Tokens tokens) {
    int wanted = input.wanted().length;
    int vocabulary = config.vocabularySize();
    reserve(wanted);
    byte[] bytes = new byte[wanted * hidden];
    float[] inputScales = new float[wanted];
    for (int i = 0; i < wanted; i++) {
      int token = tokens.numbers()[(int) input.wanted()[i]];
      System.arraycopy(normed, token * hidden, bytes, i * hidden, hidden);
      inputScales[i] = scales[token];
    }
    Logits result =
        new Logits(
            logits.floats(0, (long) wanted * vocabulary),
            probabilities.floats(0, (long) wanted * vocabulary),
            peaks.floats(0, 2 * wanted),
            vocabulary);
    OrtEnvironment environment = decoder.environment();
    ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    try (OnnxTensor in =
            OnnxTensor.createTensor(
                environment, direct, new long[] {wanted, hidden}, OnnxJavaType.UINT8);
        OnnxTensor scale = column(inputScales);
        OnnxTensor inverse = column(input.inverseTemperatures());
        OnnxTensor out =
            OnnxTensor.createTensor(environment, result.logits(), new long[] {wanted, vocabulary});
        OnnxTensor probability =
            OnnxTensor.createTensor(
                environment, result.probabilities(), new long[] {wanted, vocabulary});
        OnnxTensor peak =
            OnnxTensor.createTensor(environment, result.peaks(), new long[] {wanted, 2})) {
      decoder
          .head()
          .run(
              Map.of("bytes", in, "scale", scale, "inverse_temperature", inverse),
              Set.of(),
              Map.of("logits", out, "probabilities", probability, "peaks", peak))
          .close();
      return result;
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  private OnnxTensor column(float[] values) throws OrtException {
    return OnnxTensor.createTensor(
        decoder.environment(), FloatBuffer.wrap(values), new long[] {values.length, 1});
  }

  private void reserve(int rows) {
    if (peaks.capacity() < 2L * rows) {
      closeLogits();
      logits = NativeBuffer.ofFloats((long) rows * config.vocabularySize());
      probabilities = NativeBuffer.ofFloats((long) rows * config.vocabularySize());
      peaks = NativeBuffer.ofFloats(2 * rows);
    }
  }

  private void closeLogits() {
    logits.close();
    probabilities.close();
    peaks.close();
  }

  @Override
  public void close() {
    cache.close();
    prefixes.close();
    common.close();
    desk.close();
    closeLogits();
    List.of(fromHidden, toQueriesKeysValues, fromAttended, toHidden, toGate, toUp, fromGated)
        .forEach(Io::close);
  }

  /** Memory that products read or write, up to {@link #BLOCK} rows, and its tensors. */
  private static final class Io implements AutoCloseable {
    private final OrtEnvironment environment;
    private final NativeBuffer memory;
    private final boolean bytes;
    private final int width;
    private final OnnxTensor[] tensors = new OnnxTensor[BLOCK + 1];

    private Io(OrtEnvironment environment, NativeBuffer memory, boolean bytes, int width) {
      this.environment = environment;
      this.memory = memory;
      this.bytes = bytes;
      this.width = width;
    }

    static Io ofBytes(OrtEnvironment environment, int width) {
      return new Io(environment, NativeBuffer.ofBytes((long) BLOCK * width), true, width);
    }

    static Io ofFloats(OrtEnvironment environment, int width) {
      return new Io(environment, NativeBuffer.ofFloats((long) BLOCK * width), false, width);
    }

    void put(byte[] values, int from, int rows) {
      memory.bytes().put(0, values, from, rows * width);
    }

    void get(float[] values, int rows) {
      memory.floats(0, (long) rows * width).get(0, values, 0, rows * width);
    }

    /** The first rows. */
    OnnxTensor tensor(int rows) {
      if (tensors[rows] == null) {
        long[] shape = {rows, width};
        try {
          tensors[rows] =
              bytes
                  ? OnnxTensor.createTensor(
                      environment, memory.bytes().limit(rows * width), shape, OnnxJavaType.UINT8)
                  : OnnxTensor.createTensor(
                      environment, memory.floats(0, (long) rows * width), shape);
        } catch (OrtException e) {
          throw new AutodidactException("ONNX Runtime refused a tensor: " + e.getMessage(), e);
        }
      }
      return tensors[rows];
    }

    @Override
    public void close() {
      for (OnnxTensor tensor : tensors) {
        if (tensor != null) {
          tensor.close();
        }
      }
      memory.close();
    }
  }
}
