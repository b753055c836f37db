package org.autodidact.checkpoints.gguf;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.safetensors.Float16;

/**
 * Storage types of GGUF tensors: blocks of elements with shared scales, as llama.cpp's ggml-quants
 * defines them.
 */
public enum GgmlType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  Q4_0(2, 32, 18),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, 32, 34),
  Q4_K(12, 256, 144),
  Q5_K(13, 256, 176),
  Q6_K(14, 256, 210),
  BF16(30, 1, 2);

  private final int number;
  private final int blockElements;
  private final int blockBytes;

  GgmlType(int number, int blockElements, int blockBytes) {
    this.number = number;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  static Optional<GgmlType> of(int number) {
    return Arrays.stream(values()).filter(t -> t.number == number).findFirst();
  }

  /** Bytes of so many elements. */
  long bytes(long elements, String where) {
    if (elements % blockElements != 0) {
      throw new InvalidInputException(
          where
              + ": "
              + this
              + " holds blocks of "
              + blockElements
              + ", found "
              + elements
              + " elements");
    }
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }

  int number() {
    return number;
  }

  /**
   * Encodes whole blocks as llama.cpp's reference quantization does.
   *
   * @param out little-endian, with room for all
   */
  void encode(float[] in, ByteBuffer out) {
    for (int from = 0; from < in.length; from += blockElements) {
      switch (this) {
        case F32 -> out.putFloat(in[from]);
        case F16 -> out.putShort(Float16.toFloat16(in[from]));
        case BF16 -> out.putShort(Float16.toBfloat16(in[from]));
        case Q8_0 -> {
          float largest = 0;
          for (int i = 0; i < blockElements; i++) {
            largest = Math.max(largest, Math.abs(in[from + i]));
          }
          float scale = largest / 127;
          float inverse = scale == 0 ? 0 : 1 / scale;
          out.putShort(Float16.toFloat16(scale));
          for (int i = 0; i < blockElements; i++) {
            float scaled = in[from + i] * inverse;
            out.put((byte) (Math.signum(scaled) * Math.floor(Math.abs(scaled) + 0.5f)));
          }
        }
        default -> throw new UnsupportedOperationException(this + " is only read");
      }
    }
  }

  /** Decodes whole blocks from the start of {@code in}, which is little-endian. */
  void decode(ByteBuffer in, float[] out) {
    for (int block = 0; block * blockElements < out.length; block++) {
      int at = block * blockBytes;
      int to = block * blockElements;
      switch (this) {
        case F32 -> out[to] = in.getFloat(at);
        case F16 -> out[to] = half(in, at);
        case BF16 -> out[to] = Float16.fromBfloat16(in.getShort(at));
        case Q4_0 -> halves(in, at + 2, -1, half(in, at), -8 * half(in, at), out, to);
        case Q4_1 -> halves(in, at + 4, -1, half(in, at), half(in, at + 2), out, to);
        case Q5_0 -> halves(in, at + 6, at + 2, half(in, at), -16 * half(in, at), out, to);
        case Q5_1 -> halves(in, at + 8, at + 4, half(in, at), half(in, at + 2), out, to);
        case Q8_0 -> {
          float scale = half(in, at);
          for (int i = 0; i < 32; i++) {
            out[to + i] = scale * in.get(at + 2 + i);
          }
        }
        case Q4_K -> fourAndMore(in, at, at + 16, -1, out, to);
        case Q5_K -> fourAndMore(in, at, at + 48, at + 16, out, to);
        case Q6_K -> six(in, at, out, to);
      }
    }
  }

  private static float half(ByteBuffer in, int at) {
    return Float16.fromFloat16(in.getShort(at));
  }

  /**
   * 32 elements of 4 bits, low halves of 16 bytes first; a fifth bit each from the 32-bit word at
   * {@code fifth}, where there is one.
   */
  private static void halves(
      ByteBuffer in, int at, int fifth, float scale, float shift, float[] out, int to) {
    int bits = fifth < 0 ? 0 : in.getInt(fifth);
    for (int i = 0; i < 16; i++) {
      int pair = in.get(at + i) & 0xff;
      int low = (pair & 15) | (((bits >>> i) & 1) << 4);
      int high = (pair >>> 4) | (((bits >>> (i + 16)) & 1) << 4);
      out[to + i] = low * scale + shift;
      out[to + 16 + i] = high * scale + shift;
    }
  }

  /** Q4_K and Q5_K: 8 groups of 32, each with a 6-bit scale and minimum under two half scales. */
  private static void fourAndMore(ByteBuffer in, int at, int low, int fifth, float[] out, int to) {
    float scale = half(in, at);
    float minimum = half(in, at + 2);
    for (int group = 0; group < 8; group++) {
      float d = scale * packedScale(in, at + 4, group);
      float m = minimum * packedMinimum(in, at + 4, group);
      for (int i = 0; i < 32; i++) {
        int pair = in.get(low + group / 2 * 32 + i) & 0xff;
        int value = group % 2 == 0 ? pair & 15 : pair >>> 4;
        if (fifth >= 0) {
          value |= ((in.get(fifth + i) >>> group) & 1) << 4;
        }
        out[to + 32 * group + i] = d * value - m;
      }
    }
  }

  private static int packedScale(ByteBuffer in, int at, int group) {
    return group < 4
        ? in.get(at + group) & 63
        : (in.get(at + group + 4) & 15) | (((in.get(at + group - 4) & 0xff) >>> 6) << 4);
  }

  private static int packedMinimum(ByteBuffer in, int at, int group) {
    return group < 4
        ? in.get(at + group + 4) & 63
        : ((in.get(at + group + 4) & 0xff) >>> 4) | (((in.get(at + group) & 0xff) >>> 6) << 4);
  }

  /** Q6_K: 4 low bits in 128 bytes, 2 high bits in 64, 16 signed scales, one half scale. */
  private static void six(ByteBuffer in, int at, float[] out, int to) {
    float scale = half(in, at + 208);
    for (int i = 0; i < 256; i++) {
      int half = i / 128;
      int quarter = i % 128 / 32;
      int lane = i % 32;
      int low = in.get(at + 64 * half + (quarter % 2) * 32 + lane) & 0xff;
      int nibble = quarter < 2 ? low & 15 : low >>> 4;
      int high = (in.get(at + 128 + 32 * half + lane) >>> (2 * quarter)) & 3;
      int value = (nibble | (high << 4)) - 32;
      out[to + i] = scale * in.get(at + 192 + i / 16) * value;
    }
  }
}
