package org.autodidact.onnxruntime.quantization;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.KeptFiles;
import org.autodidact.checkpoints.files.KnownHashes;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.vectors.VectorSupport;

/**
 * Quantized weights kept between processes, a file for each content of a checkpoint and all that
 * decides what is made of it. Whatever is wrong with the cache, the model opens: it is then
 * quantized anew, with a warning.
 */
public final class Int8Cache {
  /**
   * To be raised whenever a checkpoint's quantized form changes, be it by a bit, or the file's
   * form; a test holds it against a digest of what is made.
   */
  static final int VERSION = 1;

  /**
   * Bytes of matrices from which on they are kept; smaller models open in no time (not measured).
   */
  private static final long MIN_BYTES = 16L << 20;

  /** What the tokenizer makes of the calibration texts depends on. */
  private static final List<String> TOKENIZER =
      List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json");

  private final KeptFiles files;
  private final long minBytes;

  Int8Cache(KeptFiles files, long minBytes) {
    this.files = files;
    this.minBytes = minBytes;
  }

  /** The user's. */
  public static Int8Cache ofUser() {
    return new Int8Cache(KeptFiles.quantized(), MIN_BYTES);
  }

  /**
   * Opens a model over its matrices, kept or made now.
   *
   * @param exactProducts as of {@link Int8Quantizer}
   * @param calibrated whether {@code made} has calibrated, which depends on more than the weights
   * @param made makes the matrices where they are not kept; asked once
   * @param opener takes each matrix once, or, where what is kept turns out to be damaged, again
   */
  public <T> T open(
      ModelFolder model,
      boolean exactProducts,
      boolean calibrated,
      Cancellation cancellation,
      Supplier<Int8Source> made,
      Function<Int8Source, T> opener) {
    long bytes = model.tensors().values().stream().mapToLong(TensorInfo::elements).sum();
    if (bytes >= minBytes && !files.takes(bytes)) {
      warn(
          String.format(
              Locale.ROOT,
              "not kept: %s would have %d MB, more than half of the cache's limit, so it opens as"
                  + " slowly next time; 'autodidact cache limit' raises it",
              model.path(),
              bytes >> 20));
    }
    if (bytes < minBytes || !files.takes(bytes)) {
      return opener.apply(made.get());
    }
    String name = key(model, exactProducts, calibrated, cancellation) + ".int8";
    Int8Source plain = new Int8Quantizer(model, exactProducts, cancellation);
    Optional<T> opened = openKept(name, plain, opener);
    return opened.isPresent() ? opened.get() : openAndKeep(name, made.get(), opener);
  }

  private <T> Optional<T> openKept(String name, Int8Source plain, Function<Int8Source, T> opener) {
    try (FileChannel channel = files.open(name).orElse(null)) {
      if (channel == null) {
        return Optional.empty();
      }
      return Optional.of(opener.apply(new Kept(Int8File.read(channel, name), plain)));
    } catch (Int8File.DamagedException e) {
      warn("what is kept in " + name + " is damaged: " + e.getMessage() + "; it is made anew");
      discard(name);
    } catch (IOException e) {
      requireNoInterrupt(e);
      warn("what is kept in " + name + " cannot be read: " + e + "; it is made anew");
    }
    return Optional.empty();
  }

  private void discard(String name) {
    try {
      files.discard(name);
    } catch (IOException e) {
      // It is replaced.
    }
  }

  private <T> T openAndKeep(String name, Int8Source source, Function<Int8Source, T> opener) {
    KeptFiles.Part part;
    try {
      part = files.begin(name);
    } catch (IOException e) {
      requireNoInterrupt(e);
      warnUnkept(e);
      return opener.apply(source);
    }
    Keeping keeping = new Keeping(source, new Int8File.Writer(part.channel(), name));
    try {
      T opened = opener.apply(keeping);
      keeping.finish(part);
      return opened;
    } finally {
      try {
        part.close();
      } catch (IOException e) {
        warnUnkept(e);
      }
    }
  }

  /** An interrupt closes the file in hand: nothing is wrong with it then. */
  private static void requireNoInterrupt(IOException e) {
    if (StorageException.of("interrupted", e) instanceof CancelledException cancelled) {
      throw cancelled;
    }
  }

  private void warnUnkept(IOException e) {
    warn(
        "not kept: "
            + e
            + "; the model opens as slowly next time. Free space, or let XDG_CACHE_HOME name a folder"
            + " that can be written");
  }

  private void warn(String what) {
    Warnings.once(files.folder() + ": quantized weights: " + what);
  }

  /** Matrices of a file; all else is the checkpoint's. */
  private record Kept(Int8File file, Int8Source plain) implements Int8Source {
    @Override
    public Int8Matrix take(String name) {
      opening().throwIfCancelled();
      try {
        return file.matrix(name);
      } catch (IOException e) {
        requireNoInterrupt(e);
        throw new Int8File.DamagedException("it cannot be read: " + e);
      }
    }

    @Override
    public RotatedEmbedding embedding() {
      return plain.embedding();
    }

    @Override
    public Cancellation opening() {
      return plain.opening();
    }
  }

  /** Writes what it gives, as long as that succeeds. */
  private final class Keeping implements Int8Source {
    private final Int8Source source;
    private final Int8File.Writer writer;
    private volatile boolean failed;

    Keeping(Int8Source source, Int8File.Writer writer) {
      this.source = source;
      this.writer = writer;
    }

    @Override
    public Int8Matrix take(String name) {
      Int8Matrix matrix = source.take(name);
      try {
        if (!failed) {
          writer.put(name, matrix);
        }
      } catch (IOException e) {
        fail(matrix, e);
      } catch (RuntimeException | Error e) {
        matrix.values().close();
        throw e;
      }
      return matrix;
    }

    private void fail(Int8Matrix matrix, IOException e) {
      failed = true;
      try {
        requireNoInterrupt(e);
      } catch (CancelledException cancelled) {
        matrix.values().close();
        throw cancelled;
      }
      warnUnkept(e);
    }

    void finish(KeptFiles.Part part) {
      try {
        if (!failed) {
          writer.finish();
          part.finish();
        }
      } catch (IOException e) {
        warnUnkept(e);
      }
    }

    @Override
    public RotatedEmbedding embedding() {
      return source.embedding();
    }

    @Override
    public Cancellation opening() {
      return source.opening();
    }
  }

  /** The name of what is made of a checkpoint: a hash of all that decides it. */
  private String key(
      ModelFolder model, boolean exactProducts, boolean calibrated, Cancellation cancellation) {
    MessageDigest digest = Sha256.digest();
    KnownHashes seen = files.hashes();
    add(digest, "version " + VERSION);
    add(digest, Sha256.of(model.path().resolve("config.json"), cancellation));
    add(digest, "exact products " + exactProducts);
    if (calibrated) {
      // Sums of activations are in another order on other vectors.
      add(digest, "lanes " + VectorSupport.lanes() + ", Java " + Runtime.version().feature());
      add(digest, Calibration.rendered(model));
      for (String name : TOKENIZER) {
        Path file = model.path().resolve(name);
        add(digest, Files.exists(file) ? seen.of(file, cancellation) : "none");
      }
    }
    TreeSet<Path> weights = new TreeSet<>();
    model.tensors().values().forEach(tensor -> weights.add(tensor.file()));
    for (Path file : weights) {
      add(digest, seen.of(file, cancellation));
    }
    return Sha256.text(digest);
  }

  private static void add(MessageDigest digest, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
    digest.update(bytes);
  }
}
