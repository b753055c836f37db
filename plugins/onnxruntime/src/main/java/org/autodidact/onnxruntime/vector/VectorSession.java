package org.autodidact.onnxruntime.vector;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.SessionCaches;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.backend.StepInput;
import org.autodidact.onnxruntime.quantization.ActivationObserver;
import org.autodidact.onnxruntime.quantization.ActivationObserver.Site;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.vectors.Int8Attention;
import org.autodidact.vectors.Int8KvLayout;
import org.autodidact.vectors.RowKernels;

/**
 * Runs {@link VectorWeights} on a team of threads. In each projection a thread computes its shard
 * of the columns for all tokens; between projections it computes its own tokens, N · thread /
 * threads on. Tokens go through a layer in tiles that stay in the processor's caches; padding is
 * not computed. A token's result depends on its own row alone, to the last bit.
 *
 * <p>Indices: a {@code token} is one of the run's, an index into {@link StepInput}; {@code i} is a
 * token of the tile, {@code token - from}. A tile's matmuls have a row for each of its tokens, then
 * a row of low bytes for each of those that are quantized to 16 bits.
 */
public final class VectorSession implements DecoderSession, ActivationObserver.Session {
  /** Tokens of a tile for each thread of several (not measured). */
  static final int TILE_PER_THREAD = 64;

  /** Tokens of a tile of a single thread, which reads all weights for them (not measured). */
  private static final int TILE_OF_ONE_THREAD = 128;

  /** Rows of logits computed together, low bytes included (not measured). */
  private static final int LOGITS_TILE = 32;

  private final VectorWeights weights;
  private final ModelConfig config;
  private final ThreadTeam team;
  private final int hidden;
  private final int queryWidth;
  private final int keyWidth;
  private final int intermediate;

  /** Tokens of a tile, T. */
  private final int tile;

  private final SessionCaches caches;

  /** Inputs of a tile's projections: [2 T, hidden], [2 T, query width], [2 T, intermediate]. */
  private final QuantizedActivations normed;

  private final QuantizedActivations attended;
  private final QuantizedActivations gated;

  /** Outputs of a tile's projections, 2 T rows each; of the logits, {@link #LOGITS_TILE} rows. */
  private final MatMulOutputs qkv;

  private final MatMulOutputs oProj;
  private final MatMulOutputs gateUp;
  private final MatMulOutputs downProj;
  private final MatMulOutputs lmHead;

  /** Queries of a tile [T, query width], rotated; and Σ attention weight × value, likewise. */
  private final float[] queries;

  private final float[] attentionSums;

  /** Scales of the quantized attention output or gated activations of a tile [T]. */
  private final float[] tileScales;

  private final List<ThreadScratch> scratches = new ArrayList<>();
  private final VectorLogits logits;

  /** Residual stream of the N tokens of a run [N, hidden]. */
  private float[] residual = new float[0];

  /** The normed residual stream, quantized: high bytes [N, hidden] and scales [N]. */
  private byte[] normedBytes = new byte[0];

  private float[] normedScales = new float[0];

  /** Low bytes of the tokens that are quantized to 16 bits [their number, hidden]. */
  private byte[] normedLowBytes = new byte[0];

  private ActivationObserver observer = NO_OBSERVER;

  private static final ActivationObserver NO_OBSERVER =
      (site, layer, token, bytes, from, width, scale) -> {};

  VectorSession(VectorWeights weights, ThreadTeam team) {
    this.weights = weights;
    this.config = weights.config();
    this.team = team;
    this.tile = team.size() > 1 ? TILE_PER_THREAD * team.size() : TILE_OF_ONE_THREAD;
    this.caches = SessionCaches.of(() -> new Int8KvCache(config));
    this.hidden = config.hiddenSize();
    this.queryWidth = config.heads() * config.headSize();
    this.keyWidth = config.keyValueHeads() * config.headSize();
    this.intermediate = config.intermediateSize();
    int rows = 2 * tile;
    this.normed = inputs(rows, hidden);
    this.attended = inputs(rows, queryWidth);
    this.gated = inputs(rows, intermediate);
    VectorWeights.LayerMatMuls first = weights.layer(0);
    this.qkv = outputs(rows, first.qkv());
    this.oProj = outputs(rows, first.oProj());
    this.gateUp = outputs(rows, first.gateUp());
    this.downProj = outputs(rows, first.downProj());
    this.lmHead = outputs(LOGITS_TILE, weights.lmHead());
    this.queries = new float[tile * queryWidth];
    this.attentionSums = new float[tile * queryWidth];
    this.tileScales = new float[tile];
    for (int i = 0; i < team.size(); i++) {
      scratches.add(new ThreadScratch(config));
    }
    this.logits = new VectorLogits(config.vocabularySize());
  }

  private QuantizedActivations inputs(int rows, int width) {
    return new QuantizedActivations(weights.environment(), team.size(), rows, width);
  }

  private MatMulOutputs outputs(int rows, VectorWeights.ShardedMatMul matMul) {
    return new MatMulOutputs(weights.environment(), team.size(), rows, matMul);
  }

  @Override
  public SessionCaches caches() {
    return caches;
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

  /** Kernels and scratch memory of one thread. */
  private static final class ThreadScratch {
    private final RowKernels kernels = new RowKernels();
    private final Int8Attention attention;

    /** A packed head of a key or value, [head size / 4]. */
    private final int[] packedHead;

    /** A row of the widest output, and one for what its low bytes give. */
    private final float[] row;

    private final float[] lowRow;

    ThreadScratch(ModelConfig config) {
      int size = config.headSize();
      attention = new Int8Attention(size, config.heads() / config.keyValueHeads());
      packedHead = new int[size / 4];
      int widest =
          Math.max(
              Math.max(config.vocabularySize(), 2 * config.intermediateSize()),
              (config.heads() + 2 * config.keyValueHeads()) * size);
      row = new float[widest];
      lowRow = new float[widest];
    }
  }

  @Override
  public void prefill(int[] ids, ActivationObserver by) {
    cache().layOut(1, ids.length);
    observer = by;
    try {
      run(Input.ofPrompt(cache(), 0, ids, 0, new int[0], 1));
    } finally {
      observer = NO_OBSERVER;
    }
  }

  @Override
  public Logits run(Input input) {
    StepInput tokens = StepInput.of(input);
    int count = tokens.count();
    if (normedScales.length < count) {
      residual = new float[count * hidden];
      normedBytes = new byte[count * hidden];
      normedScales = new float[count];
    }
    int lowBytes = tokens.int16Before()[count] * hidden;
    if (normedLowBytes.length < lowBytes) {
      normedLowBytes = new byte[lowBytes];
    }
    logits.layOut(input.wanted().length, input.inverseTemperatures());
    team.run(thread -> run(input, tokens, thread));
    return logits;
  }

  /** A run as one thread computes it. */
  private record ThreadRun(Input input, StepInput tokens, int thread, ThreadScratch scratch) {}

  private void run(Input input, StepInput tokens, int thread) {
    ThreadRun run = new ThreadRun(input, tokens, thread, scratches.get(thread));
    int end = first(tokens.count(), thread + 1);
    for (int token = first(tokens.count(), thread); token < end; token++) {
      embed(run, token);
    }
    team.await();
    int last = config.layers() - 1;
    for (int layer = 0; layer < last; layer++) {
      runLayer(run, layer);
    }
    ThreadRun kept = dropUnwanted(run, last);
    runLayer(kept, last);
    team.await();
    int count = kept.tokens.count();
    for (int token = first(count, thread); token < first(count, thread + 1); token++) {
      showNormed(Site.LM_HEAD, 0, token);
    }
    int wanted = input.wanted().length;
    int most = kept.tokens.int16Before()[count] > 0 ? LOGITS_TILE / 2 : LOGITS_TILE;
    for (int from = 0; from < wanted; from += most) {
      computeLogits(kept, from, Math.min(most, wanted - from));
    }
  }

  private void runLayer(ThreadRun run, int layer) {
    for (int from = 0; from < run.tokens.count(); from += tile) {
      LayerStep step = new LayerStep(run, layer, from);
      step.addAttention();
      step.addMlp();
    }
  }

  /**
   * Drops the tokens whose logits are not wanted before the last layer; of these only keys and
   * values are computed. The others move to the front of the run's buffers.
   */
  private ThreadRun dropUnwanted(ThreadRun run, int layer) {
    StepInput tokens = run.tokens;
    long[] wanted = run.input.wanted();
    if (wanted.length >= tokens.count()
        || run.input.shared().isPresent()
        || observer != NO_OBSERVER) {
      return run;
    }
    for (int from = 0; from < tokens.count(); from += tile) {
      new LayerStep(run, layer, from).projectQkv();
    }
    StepInput kept = tokens.only(wanted);
    team.await();
    if (run.thread == 0) {
      for (int i = 0; i < wanted.length; i++) {
        int token = tokens.token(wanted[i]);
        System.arraycopy(residual, token * hidden, residual, i * hidden, hidden);
        System.arraycopy(normedBytes, token * hidden, normedBytes, i * hidden, hidden);
        normedScales[i] = normedScales[token];
        if (tokens.isInt16(token)) {
          int low = tokens.int16Before()[token] * hidden;
          int keptLow = kept.int16Before()[i] * hidden;
          System.arraycopy(normedLowBytes, low, normedLowBytes, keptLow, hidden);
        }
      }
    }
    team.await();
    return new ThreadRun(run.input, kept, run.thread, run.scratch);
  }

  /** The first of a thread's own among {@code count} tokens. */
  private int first(int count, int thread) {
    return count * thread / team.size();
  }

  private void embed(ThreadRun run, int token) {
    weights.embedding().copyRow(run.tokens.ids()[token], residual, token * hidden);
    norm(run, token, weights.layer(0).qkv());
  }

  /** RMSNorm of a token's residual stream, quantized for the projection that reads it. */
  private void norm(ThreadRun run, int token, VectorWeights.ShardedMatMul reader) {
    int start = token * hidden;
    float[] row = run.scratch.row;
    RowKernels kernels = run.scratch.kernels;
    StepInput tokens = run.tokens;
    kernels.norm(residual, start, hidden, (float) config.norm().epsilon(), row);
    kernels.subtract(row, 0, reader.inputMean());
    normedScales[token] = kernels.quantize(row, 0, hidden, normedBytes, start);
    if (tokens.isInt16(token)) {
      int low = tokens.int16Before()[token] * hidden;
      kernels.quantizeLow(row, 0, hidden, normedBytes, start, normedLowBytes, low);
    }
  }

  private void showNormed(Site site, int layer, int token) {
    observer.observe(site, layer, token, normedBytes, token * hidden, hidden, normedScales[token]);
  }

  /**
   * Logits {@code from} to {@code from + count} of those wanted, at most a {@link #LOGITS_TILE}.
   */
  private void computeLogits(ThreadRun run, int from, int count) {
    StepInput tokens = run.tokens;
    ThreadScratch scratch = run.scratch;
    int vocabulary = config.vocabularySize();
    int first = first(count, run.thread);
    int end = first(count, run.thread + 1);
    int[] wanted = new int[count];
    int[] lowRows = new int[count];
    int rows = count;
    for (int i = 0; i < count; i++) {
      wanted[i] = tokens.token(run.input.wanted()[from + i]);
      lowRows[i] = tokens.isInt16(wanted[i]) ? rows++ : -1;
    }
    for (int i = first; i < end; i++) {
      putNormed(tokens, wanted[i], i, lowRows[i]);
    }
    multiply(lmHead, weights.lmHead(), normed, rows, run.thread);
    for (int i = first; i < end; i++) {
      int start = (from + i) * vocabulary;
      lmHead.get(i, lowRows[i], logits.values(), start, scratch.kernels, scratch.lowRow);
      scratch.kernels.scale(
          logits.values(), start, normedScales[wanted[i]], weights.lmHead().bias(), vocabulary);
      logits.finish(from + i, scratch.row);
    }
    team.await();
  }

  /** Multiplies a tile's inputs by a thread's shards, when all threads have put theirs. */
  private void multiply(
      MatMulOutputs outputs,
      VectorWeights.ShardedMatMul matMul,
      QuantizedActivations inputs,
      int rows,
      int thread) {
    team.await();
    outputs.run(matMul, inputs, rows, thread);
    team.await();
  }

  /**
   * Puts a token's normed residual stream, and its low bytes where it has some, into matmul rows.
   */
  private void putNormed(StepInput tokens, int token, int row, int lowRow) {
    normed.put(row, normedBytes, token * hidden);
    if (lowRow >= 0) {
      normed.put(lowRow, normedLowBytes, tokens.int16Before()[token] * hidden);
    }
  }

  /**
   * A tile of tokens in one layer, as one thread computes it: projections for the whole tile, all
   * else for its own tokens, {@code first} to {@code end}.
   */
  private final class LayerStep {
    private final ThreadRun run;
    private final StepInput tokens;
    private final ThreadScratch scratch;
    private final int layer;
    private final VectorWeights.LayerMatMuls matMuls;
    private final int from;
    private final int count;
    private final int first;
    private final int end;
    private final int rows;

    LayerStep(ThreadRun run, int layer, int from) {
      this.run = run;
      this.tokens = run.tokens;
      this.scratch = run.scratch;
      this.layer = layer;
      this.matMuls = weights.layer(layer);
      this.from = from;
      this.count = Math.min(tile, tokens.count() - from);
      this.first = first(count, run.thread);
      this.end = first(count, run.thread + 1);
      this.rows = count + tokens.int16Before()[from + count] - tokens.int16Before()[from];
    }

    /** The row of a token's low bytes; -1 if it is quantized to 8 bits. */
    private int lowRow(int i) {
      int token = from + i;
      int before = tokens.int16Before()[token] - tokens.int16Before()[from];
      return tokens.isInt16(token) ? count + before : -1;
    }

    /** Computes queries, and keys and values, which go into the cache. */
    void projectQkv() {
      putNormed(Site.QKV);
      multiply(qkv, matMuls.qkv(), normed, rows, run.thread);
      for (int i = first; i < end; i++) {
        storeQkv(i);
      }
    }

    /** Adds the attention's output to the residual stream. */
    void addAttention() {
      projectQkv();
      // A token may attend to those of other threads.
      team.await();
      Arrays.fill(attentionSums, first * queryWidth, end * queryWidth, 0);
      scratch.attention.begin((end - first) * config.heads());
      for (int keyHead = 0; keyHead < config.keyValueHeads() && first < end; keyHead++) {
        attendToPrefixes(keyHead);
        attendToOwn(keyHead);
      }
      for (int i = first; i < end; i++) {
        int start = i * queryWidth;
        scratch.attention.finish(
            attentionSums, start, (i - first) * config.heads(), config.heads());
        scratch.kernels.subtract(attentionSums, start, matMuls.oProj().inputMean());
        tileScales[i] = attended.quantize(i, lowRow(i), attentionSums, start, scratch.kernels);
        show(Site.O_PROJ, i, attended);
      }
      multiply(oProj, matMuls.oProj(), attended, rows, run.thread);
      addToResidual(oProj, matMuls.oProj().bias(), matMuls.gateUp());
    }

    private void putNormed(Site site) {
      for (int i = first; i < end; i++) {
        VectorSession.this.putNormed(tokens, from + i, i, lowRow(i));
        showNormed(site, layer, from + i);
      }
    }

    private void storeQkv(int i) {
      int token = from + i;
      int size = config.headSize();
      float[] row = scratch.row;
      RowKernels kernels = scratch.kernels;
      qkv.get(i, lowRow(i), row, 0, kernels, scratch.lowRow);
      kernels.scale(row, 0, normedScales[token], matMuls.qkv().bias(), queryWidth + 2 * keyWidth);
      for (int head = 0; head < queryWidth + keyWidth; head += size) {
        kernels.rope(
            row, head, size, weights.cosines(), weights.sines(), tokens.positions()[token]);
      }
      // Spreads outlier channels of keys over all, so that 8 bits suffice (QuaRot).
      kernels.hadamard(row, 0, queryWidth + keyWidth, size);
      System.arraycopy(row, 0, queries, i * queryWidth, queryWidth);
      Int8KvCache target = (Int8KvCache) run.input.target();
      Int8KvCache.LayerCache stored = target.layer(layer);
      int index = tokens.cacheIndices()[token];
      // Keys, then values, by one call: the more is inlined here, the sooner the compiler stops in
      // the middle of a vector, which then becomes an object.
      for (int head = 0; head < 2 * config.keyValueHeads(); head++) {
        int keyHead = head % config.keyValueHeads();
        int firstScale =
            target.firstScale(run.input.firstSlot() + tokens.sequences()[token], keyHead);
        float scale = Int8KvLayout.pack(row, queryWidth + head * size, size, scratch.packedHead, 0);
        if (head < config.keyValueHeads()) {
          stored.keyScales()[firstScale + index] = scale;
          Int8KvLayout.putKey(
              scratch.packedHead,
              target.words(),
              stored.keys(),
              firstScale * target.words(),
              index);
        } else {
          stored.valueScales()[firstScale + index] = scale;
          int value = (firstScale + index) * target.words();
          System.arraycopy(scratch.packedHead, 0, stored.values(), value, target.words());
        }
      }
    }

    /** Attends to the template's prefix and each group's prompt, which all its tokens see whole. */
    private void attendToPrefixes(int keyHead) {
      if (run.input.shared().isEmpty()) {
        return;
      }
      SharedPrefixes shared = run.input.shared().get();
      attendTo(
          keyHead, (Int8KvCache) shared.templateCache(), 0, shared.templateLength(), first, end);
      for (int i = first; i < end; ) {
        int group = shared.groups()[from + i];
        int next = i + 1;
        while (next < end && shared.groups()[from + next] == group) {
          next++;
        }
        int length = shared.groupLengths()[group];
        attendTo(keyHead, (Int8KvCache) shared.groupCache(), group, length, i, next);
        i = next;
      }
    }

    /** Lets tokens {@code i} to {@code next} attend to {@code length} tokens of a prefix's slot. */
    private void attendTo(int keyHead, Int8KvCache prefix, int slot, int length, int i, int next) {
      for (int start = 0; start < length; start += Int8Attention.TILE) {
        int keys = Math.min(Int8Attention.TILE, length - start);
        dequantize(keyHead, prefix, slot, start, keys);
        for (int query = i; query < next; query++) {
          attend(query, keyHead, keys);
        }
      }
    }

    /** Causal attention to a sequence's own tokens: each token sees itself and those before it. */
    private void attendToOwn(int keyHead) {
      Int8KvCache own = (Int8KvCache) run.input.target();
      for (int i = first; i < end; ) {
        int sequence = tokens.sequences()[from + i];
        int next = i + 1;
        while (next < end && tokens.sequences()[from + next] == sequence) {
          next++;
        }
        int length = tokens.cacheIndices()[from + next - 1] + 1;
        for (int start = 0; start < length; start += Int8Attention.TILE) {
          int keys = Math.min(Int8Attention.TILE, length - start);
          dequantize(keyHead, own, run.input.firstSlot() + sequence, start, keys);
          for (int query = i; query < next; query++) {
            int visible = tokens.cacheIndices()[from + query] + 1 - start;
            if (visible > 0) {
              attend(query, keyHead, Math.min(keys, visible));
            }
          }
        }
        i = next;
      }
    }

    private void dequantize(int keyHead, Int8KvCache source, int slot, int start, int keys) {
      Int8KvCache.LayerCache stored = source.layer(layer);
      int firstScale = source.firstScale(slot, keyHead);
      scratch.attention.dequantize(
          stored.keys(),
          stored.keyScales(),
          stored.values(),
          stored.valueScales(),
          firstScale * source.words(),
          firstScale,
          start,
          keys);
    }

    private void attend(int i, int keyHead, int keys) {
      int queryHead = keyHead * (config.heads() / config.keyValueHeads());
      scratch.attention.attend(
          queries,
          i * queryWidth + queryHead * config.headSize(),
          (i - first) * config.heads() + queryHead,
          attentionSums,
          keys);
    }

    /** Adds the MLP's output to the residual stream. */
    void addMlp() {
      putNormed(Site.GATE_UP);
      multiply(gateUp, matMuls.gateUp(), normed, rows, run.thread);
      float[] row = scratch.row;
      RowKernels kernels = scratch.kernels;
      for (int i = first; i < end; i++) {
        gateUp.get(i, lowRow(i), row, 0, kernels, scratch.lowRow);
        kernels.scale(row, 0, normedScales[from + i], matMuls.gateUp().bias(), 2 * intermediate);
        kernels.gate(row, 0, row, intermediate, intermediate);
        kernels.hadamard(row, 0, intermediate, Int8Weights.DOWN_HADAMARD_SIZE);
        kernels.subtract(row, 0, matMuls.downProj().inputMean());
        tileScales[i] = gated.quantize(i, lowRow(i), row, 0, kernels);
        show(Site.DOWN_PROJ, i, gated);
      }
      multiply(downProj, matMuls.downProj(), gated, rows, run.thread);
      boolean last = layer == config.layers() - 1;
      addToResidual(
          downProj,
          matMuls.downProj().bias(),
          last ? weights.lmHead() : weights.layer(layer + 1).qkv());
    }

    private void show(Site site, int i, QuantizedActivations activations) {
      activations.show(observer, site, layer, from + i, i, tileScales[i]);
    }

    /** Adds a projection's output to the residual stream, and norms it for the next reader. */
    private void addToResidual(
        MatMulOutputs added, float[] bias, VectorWeights.ShardedMatMul reader) {
      for (int i = first; i < end; i++) {
        float[] row = scratch.row;
        added.get(i, lowRow(i), row, 0, scratch.kernels, scratch.lowRow);
        scratch.kernels.add(residual, (from + i) * hidden, row, 0, tileScales[i], bias, hidden);
        norm(run, from + i, reader);
      }
    }
  }

  @Override
  public void close() {
    caches.close();
    List.of(normed, attended, gated).forEach(QuantizedActivations::close);
    List.of(qkv, oProj, gateUp, downProj, lmHead).forEach(MatMulOutputs::close);
  }
}
