package org.autodidact.checkpoints.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.json.JsonFiles;

/** Token by token the text is what the whole detokenization has at that token. */
class IncrementalDecoderTest {
  /** Also those that a special token's text, or bytes of no character, would be mistaken for. */
  private static final List<String> STOPS =
      List.of("a", " b", "é", "\n\n", "€\u4e2d", "\uFFFD", "ab ", "▁", "zz");

  private static Path folder;
  private static PromptEncoder byteLevel;
  private static PromptEncoder sentencePiece;

  @BeforeContainer
  static void open() throws IOException {
    folder = Files.createTempDirectory("decoded");
    byteLevel = PromptEncoder.open(TinyModel.write(folder.resolve("bytes"), 1));
    Path second = TinyModel.write(folder.resolve("pieces"), 1);
    Files.write(second.resolve("tokenizer.json"), JsonFiles.bytes(pieces()));
    sentencePiece = PromptEncoder.open(second);
  }

  @AfterContainer
  static void close() {
    byteLevel.close();
    sentencePiece.close();
    AtomicFolders.deleteIfThere(folder);
  }

  /** As Llama 2 and Mistral have it: spaces as ▁, one dropped at the beginning, bytes as tokens. */
  private static ObjectNode pieces() {
    ObjectNode json =
        JsonFiles.object("{\"version\":\"1.0\"}".getBytes(StandardCharsets.UTF_8), "it");
    ObjectNode model = json.putObject("model");
    model.put("type", "BPE").put("byte_fallback", true).put("fuse_unk", true);
    model.put("unk_token", "<unk>");
    ObjectNode vocabulary = model.putObject("vocab");
    model.putArray("merges");
    int id = 0;
    for (String special : List.of("<unk>", "<s>", "</s>")) {
      json.withArray("added_tokens")
          .addObject()
          .put("id", id)
          .put("content", special)
          .put("single_word", false)
          .put("lstrip", false)
          .put("rstrip", false)
          .put("normalized", false)
          .put("special", true);
      vocabulary.put(special, id++);
    }
    for (int b = 0; b < 256; b++) {
      vocabulary.put(String.format(java.util.Locale.ROOT, "<0x%02X>", b), id++);
    }
    for (String piece :
        List.of("▁", "▁▁", "▁a", "a", "b", "▁b", "ab", "é", "€", "中", "\n", ".", "▁.", "'", "n")) {
      vocabulary.put(piece, id++);
    }
    ObjectNode decoder = json.putObject("decoder").put("type", "Sequence");
    decoder.putArray("decoders");
    decoder
        .withArray("decoders")
        .addObject()
        .put("type", "Replace")
        .put("content", " ")
        .putObject("pattern")
        .put("String", "▁");
    decoder.withArray("decoders").addObject().put("type", "ByteFallback");
    decoder.withArray("decoders").addObject().put("type", "Fuse");
    decoder
        .withArray("decoders")
        .addObject()
        .put("type", "Strip")
        .put("content", " ")
        .put("start", 1)
        .put("stop", 0);
    return json;
  }

  private static void sameAtEachToken(PromptEncoder encoder, int[] tokens) {
    IncrementalDecoder text = new IncrementalDecoder(encoder);
    boolean[] stood = new boolean[STOPS.size()];
    for (int count = 1; count <= tokens.length; count++) {
      text.add(tokens[count - 1]);
      String whole = encoder.decode(Arrays.copyOf(tokens, count));
      assertThat(text.toString()).as("of %s", Arrays.toString(tokens)).isEqualTo(whole);
      for (int i = 0; i < stood.length; i++) {
        if (!stood[i]) {
          int at = whole.indexOf(STOPS.get(i));
          assertThat(text.indexOf(STOPS.get(i)))
              .as("'%s' in %s", STOPS.get(i), whole)
              .isEqualTo(at);
          stood[i] = at >= 0;
        }
      }
    }
  }

  /** Texts of many characters with some bytes among them that are none. */
  @Property(tries = 300)
  void ofBytes(@ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int length) {
    Random random = new Random(seed);
    int[] text = byteLevel.text(characters(random, length));
    int[] tokens = text.clone();
    for (int i = 0; i < tokens.length / 12; i++) {
      tokens[random.nextInt(tokens.length)] = random.nextInt(byteLevel.size());
    }
    sameAtEachToken(byteLevel, tokens);
  }

  @Property(tries = 300)
  void ofAnyBytesAtAll(@ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int length) {
    Random random = new Random(seed);
    int size = byteLevel.size();
    sameAtEachToken(byteLevel, random.ints(length, 0, size).toArray());
  }

  @Property(tries = 300)
  void ofPieces(@ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int length) {
    Random random = new Random(seed);
    int size = sentencePiece.size();
    int[] tokens = new int[length];
    for (int i = 0; i < length; ) {
      if (random.nextInt(4) > 0) {
        tokens[i++] =
            random.nextInt(5) > 0 ? 259 + random.nextInt(size - 259) : random.nextInt(size);
      } else {
        byte[] character = characters(random, 1).getBytes(StandardCharsets.UTF_8);
        for (int b = 0; b < character.length && i < length; b++) {
          tokens[i++] = 3 + (character[b] & 0xFF);
        }
      }
    }
    sameAtEachToken(sentencePiece, tokens);
  }

  private static String characters(Random random, int count) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      text.appendCodePoint(
          switch (random.nextInt(6)) {
            case 0 -> 0xE9;
            case 1 -> 0x20AC;
            case 2 -> 0x1F600 + random.nextInt(50);
            case 3 -> 0x4E2D;
            case 4 -> " \nab.'n".charAt(random.nextInt(7));
            default -> 'a' + random.nextInt(26);
          });
    }
    return text.toString();
  }
}
