package org.autodidact.checkpoints.files;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** Which files of a folder are a checkpoint's. */
public final class CheckpointFiles {
  /** What decides what the model computes. */
  private static final Pattern MODEL =
      Pattern.compile(
          "(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens"
              + "|vocab|chat_template|adapter_config)\\.json|merges\\.txt|vocab\\.txt"
              + "|tokenizer\\.model|chat_template\\.jinja|[^.][^/\\\\]*\\.safetensors"
              + "|[^.][^/\\\\]*\\.safetensors\\.index\\.json|[^.][^/\\\\]*\\.onnx([._]data)?");

  /** What says where it comes from. */
  private static final Pattern RECORDS =
      Pattern.compile("training\\.json|provenance\\.json|metrics\\.jsonl");

  private CheckpointFiles() {}

  /**
   * The files that decide what the model computes, by name; of a folder in another layout than
   * Hugging Face's, as a plugin may have, all of its regular files.
   */
  public static List<Path> ofModel(Path folder) {
    List<Path> known = matching(folder, file -> isNamed(MODEL, file) && Files.isRegularFile(file));
    return known.isEmpty()
        ? matching(
            folder,
            file -> !file.getFileName().toString().startsWith(".") && Files.isRegularFile(file))
        : known;
  }

  /**
   * The files that are copied with a checkpoint: the model's and where it comes from, as far as
   * they are regular files of the folder itself and no links out of it.
   */
  public static List<Path> toCopy(Path folder) {
    return matching(
        folder,
        file ->
            (isNamed(MODEL, file) || isNamed(RECORDS, file))
                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS));
  }

  private static boolean isNamed(Pattern names, Path file) {
    return names.matcher(file.getFileName().toString()).matches();
  }

  private static List<Path> matching(Path folder, Predicate<Path> wanted) {
    return AtomicFolders.entries(folder).stream().filter(wanted).toList();
  }
}
