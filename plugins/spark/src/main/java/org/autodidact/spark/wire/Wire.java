package org.autodidact.spark.wire;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;

/**
 * Requests and results as bytes. Texts are written as Java's chars and numbers as their bits: what
 * is read is what was written, half a surrogate pair and the last bit of a log-probability too.
 * Both sides have the same version, so the form has no versions.
 */
public final class Wire {
  private Wire() {}

  @FunctionalInterface
  private interface Writer<T> {
    void write(DataOutputStream out, T value) throws IOException;
  }

  @FunctionalInterface
  private interface Reader<T> {
    T read(DataInputStream in) throws IOException;
  }

  public static byte[] bytes(GenerationRequest request) {
    return bytes(
        out -> {
          prompt(out, request.prompt());
          list(out, request.seeds(), DataOutputStream::writeLong);
          SamplingParameters s = request.sampling();
          out.writeInt(s.maxTokens());
          out.writeDouble(s.temperature());
          out.writeInt(s.topK());
          out.writeDouble(s.topP());
          out.writeDouble(s.minP());
          out.writeDouble(s.repetitionPenalty());
          list(out, s.stop(), Wire::text);
          out.writeBoolean(s.ignoreEndOfText());
        });
  }

  public static GenerationRequest generationRequest(byte[] bytes) {
    return read(
        bytes,
        in ->
            new GenerationRequest(
                prompt(in),
                list(in, DataInputStream::readLong),
                new SamplingParameters(
                    in.readInt(),
                    in.readDouble(),
                    in.readInt(),
                    in.readDouble(),
                    in.readDouble(),
                    in.readDouble(),
                    list(in, Wire::text),
                    in.readBoolean())));
  }

  public static byte[] bytes(Generation generation) {
    return bytes(
        out -> {
          text(out, generation.promptId());
          list(out, generation.promptTokens(), DataOutputStream::writeInt);
          list(out, generation.candidates(), Wire::candidate);
        });
  }

  public static Generation generation(byte[] bytes) {
    return read(
        bytes,
        in ->
            new Generation(
                text(in), list(in, DataInputStream::readInt), list(in, Wire::candidate)));
  }

  public static byte[] bytes(ScoringRequest request) {
    return bytes(
        out -> {
          prompt(out, request.prompt());
          text(out, request.prefix());
          list(out, request.continuations(), Wire::text);
          out.writeBoolean(request.endOfText());
          list(out, request.tokens(), (o, ids) -> list(o, ids, DataOutputStream::writeInt));
        });
  }

  public static ScoringRequest scoringRequest(byte[] bytes) {
    return read(
        bytes,
        in ->
            new ScoringRequest(
                prompt(in),
                text(in),
                list(in, Wire::text),
                in.readBoolean(),
                list(in, i -> list(i, DataInputStream::readInt))));
  }

  public static byte[] bytes(Scoring scoring) {
    return bytes(
        out -> {
          text(out, scoring.promptId());
          list(out, scoring.logProbabilities(), DataOutputStream::writeDouble);
          list(out, scoring.tokens(), DataOutputStream::writeInt);
        });
  }

  public static Scoring scoring(byte[] bytes) {
    return read(
        bytes,
        in ->
            new Scoring(
                text(in),
                list(in, DataInputStream::readDouble),
                list(in, DataInputStream::readInt)));
  }

  /** A number of tokens, whose rounding is asked for. */
  public static byte[] bytes(int number) {
    return bytes(out -> out.writeInt(number));
  }

  public static int number(byte[] bytes) {
    return read(bytes, DataInputStream::readInt);
  }

  public static byte[] bytes(OptionalDouble number) {
    return bytes(out -> optional(out, number));
  }

  public static OptionalDouble optional(byte[] bytes) {
    return read(bytes, Wire::optionalDouble);
  }

  private static void candidate(DataOutputStream out, Candidate c) throws IOException {
    out.writeLong(c.seed());
    text(out, c.text());
    list(out, c.tokens(), DataOutputStream::writeInt);
    out.writeBoolean(c.tokenCount().isPresent());
    out.writeInt(c.tokenCount().orElse(0));
    optional(out, c.logProbability());
    text(out, c.finishReason().name());
  }

  private static Candidate candidate(DataInputStream in) throws IOException {
    long seed = in.readLong();
    String text = text(in);
    List<Integer> tokens = list(in, DataInputStream::readInt);
    boolean counted = in.readBoolean();
    int count = in.readInt();
    return new Candidate(
        seed,
        text,
        tokens,
        counted ? OptionalInt.of(count) : OptionalInt.empty(),
        optionalDouble(in),
        FinishReason.valueOf(text(in)));
  }

  private static void prompt(DataOutputStream out, Prompt prompt) throws IOException {
    text(out, prompt.id());
    list(
        out,
        prompt.messages(),
        (o, message) -> {
          text(o, message.role());
          text(o, message.content());
        });
    text(out, prompt.templatePrefix());
    list(
        out,
        List.copyOf(prompt.fields().entrySet()),
        (o, field) -> {
          text(o, field.getKey());
          text(o, field.getValue());
        });
  }

  private static Prompt prompt(DataInputStream in) throws IOException {
    String id = text(in);
    List<Message> messages = list(in, i -> new Message(text(i), text(i)));
    String prefix = text(in);
    Map<String, String> fields = new HashMap<>();
    list(in, i -> fields.put(text(i), text(i)) == null);
    return new Prompt(id, messages, prefix, fields);
  }

  private static void optional(DataOutputStream out, OptionalDouble value) throws IOException {
    out.writeBoolean(value.isPresent());
    out.writeDouble(value.orElse(0));
  }

  private static OptionalDouble optionalDouble(DataInputStream in) throws IOException {
    boolean present = in.readBoolean();
    double value = in.readDouble();
    return present ? OptionalDouble.of(value) : OptionalDouble.empty();
  }

  private static void text(DataOutputStream out, String text) throws IOException {
    out.writeInt(text.length());
    out.writeChars(text);
  }

  private static String text(DataInputStream in) throws IOException {
    char[] chars = new char[in.readInt()];
    for (int i = 0; i < chars.length; i++) {
      chars[i] = in.readChar();
    }
    return new String(chars);
  }

  private static <T> void list(DataOutputStream out, List<T> values, Writer<T> writer)
      throws IOException {
    out.writeInt(values.size());
    for (T value : values) {
      writer.write(out, value);
    }
  }

  private static <T> List<T> list(DataInputStream in, Reader<T> reader) throws IOException {
    int count = in.readInt();
    List<T> values = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      values.add(reader.read(in));
    }
    return values;
  }

  @FunctionalInterface
  private interface Body {
    void write(DataOutputStream out) throws IOException;
  }

  private static byte[] bytes(Body body) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      body.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // never: it is written to memory
    }
    return bytes.toByteArray();
  }

  private static <T> T read(byte[] bytes, Reader<T> reader) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      return reader.read(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // never: it is what bytes(...) wrote
    }
  }
}
