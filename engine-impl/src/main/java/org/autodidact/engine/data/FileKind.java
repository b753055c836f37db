package org.autodidact.engine.data;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.autodidact.api.InvalidInputException;

/** Files that are no JSON, recognized by their first bytes, and how to make JSON lines of them. */
final class FileKind {
  /** Bytes that are looked at. */
  static final int LENGTH = 16;

  private record Kind(String magicBytes, String name, String advice) {
    boolean is(byte[] first) {
      byte[] magic = magicBytes.getBytes(StandardCharsets.ISO_8859_1);
      return first.length >= magic.length
          && Arrays.equals(first, 0, magic.length, magic, 0, magic.length);
    }
  }

  private static final String PANDAS =
      "python -c \"import pandas; pandas.%s('%s').to_json('%s.jsonl', orient='records', lines=True)\"";

  private static final List<Kind> KINDS =
      List.of(
          new Kind("PAR1", "Parquet", "read_parquet"),
          new Kind("PARE", "encrypted Parquet", "read_parquet"),
          new Kind("ARROW1", "Arrow", "read_feather"),
          new Kind("FEA1", "Feather", "read_feather"),
          new Kind("ORC", "ORC", "read_orc"),
          new Kind("\u0089HDF\r\n", "HDF5", "read_hdf"),
          new Kind("\u0080\u0004\u0095", "a pickle", "read_pickle"),
          new Kind("\u0080\u0005\u0095", "a pickle", "read_pickle"),
          new Kind(
              "\u00ff\u00ff\u00ff\u00ff",
              "an Arrow stream",
              "python -c \"import datasets; datasets.Dataset.from_file('%s').to_json('%s.jsonl')\""),
          new Kind("Obj\u0001", "Avro", "convert it to JSON lines"),
          new Kind("PK\u0003\u0004", "zip", "unpack it by unzip"),
          new Kind("\u00fd7zXZ\u0000", "xz", "unpack it by xz -d"),
          new Kind("(\u00b5/\u00fd", "zstd", "unpack it by zstd -d"),
          new Kind("BZh", "bzip2", "unpack it by bunzip2"),
          new Kind("\u0004\"M\u0018", "lz4", "unpack it by lz4 -d"),
          new Kind("7z\u00bc\u00af\u0027\u001c", "7-Zip", "unpack it by 7z x"),
          new Kind("\u001f\u009d", "compress", "unpack it by uncompress"),
          new Kind("LZIP", "lzip", "unpack it by lzip -d"),
          new Kind("SQLite format 3\u0000", "an SQLite database", "export its rows as JSON lines"),
          new Kind("GGUF", "a model (GGUF)", "give --model a model, and data here"),
          new Kind("%PDF", "PDF", "write its text as JSON lines"),
          new Kind(
              "version https:/", "a pointer of Git LFS, not the file", "fetch it by git lfs pull"),
          new Kind("\u00ff\u00fe", "UTF-16 text", "convert it by iconv -f UTF-16 -t UTF-8"),
          new Kind("\u00fe\u00ff", "UTF-16 text", "convert it by iconv -f UTF-16 -t UTF-8"));

  private FileKind() {}

  /** The magic bytes of gzip, which no UTF-8 text begins with. */
  static boolean isGzip(byte[] first) {
    return first.length >= 2 && first[0] == 0x1f && first[1] == (byte) 0x8b;
  }

  /**
   * Refuses by name what is no text, and says what makes one of it.
   *
   * @param expected what is read there, as the error says it
   */
  static void refuse(Path file, byte[] first, String expected) {
    for (Kind kind : KINDS) {
      if (kind.is(first)) {
        throw new InvalidInputException(
            file
                + ": is "
                + kind.name()
                + "; expected "
                + expected
                + ": "
                + advice(kind.advice(), file));
      }
    }
  }

  private static String advice(String advice, Path file) {
    String command =
        advice.startsWith("read_")
            ? String.format(Locale.ROOT, PANDAS, advice, "%s", "%s")
            : advice;
    if (!command.contains("%s")) {
      return command;
    }
    String name = String.valueOf(file.getFileName());
    // what a shell would read otherwise, or is too long for a line, is left to the reader
    String shown = name.matches("[A-Za-z0-9._-]{1,32}") ? name : "FILE";
    int dot = shown.lastIndexOf('.');
    String base = dot > 0 && !shown.endsWith(".jsonl") ? shown.substring(0, dot) : shown;
    return String.format(Locale.ROOT, command, shown, base);
  }
}
