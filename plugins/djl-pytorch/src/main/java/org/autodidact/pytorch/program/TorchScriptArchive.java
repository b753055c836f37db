package org.autodidact.pytorch.program;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A TorchScript archive of one source file: an uncompressed zip with the source, a pickle that
 * names the class, no constants, the version of the operators. libtorch compiles it at load.
 */
final class TorchScriptArchive {
  private TorchScriptArchive() {}

  /** The archive of {@code class Decoder(Module)}. */
  static byte[] of(String source) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      add(zip, "decoder/code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      add(zip, "decoder/data.pkl", pickle());
      add(zip, "decoder/constants.pkl", latin1("\u0080\u0002)."));
      add(zip, "decoder/version", latin1("10\n"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Pickle protocol 2 of an object of {@code __torch__.Decoder} with a module's two fields. */
  private static byte[] pickle() {
    return latin1(
        "\u0080\u0002c__torch__\nDecoder\nq\u0000)\u0081q\u0001}q\u0002("
            + "X\b\u0000\u0000\u0000trainingq\u0003\u0088"
            + "X\u0016\u0000\u0000\u0000_is_full_backward_hookq\u0004N"
            + "ubq\u0005.");
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    CRC32 crc = new CRC32();
    crc.update(content);
    entry.setCrc(crc.getValue());
    entry.setSize(content.length);
    entry.setCompressedSize(content.length);
    entry.setTime(0);
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
