import java.nio.file.Files;
import java.nio.file.Path;
import org.autodidact.checkpoints.gguf.Gguf;

/** Imports a GGUF file into a folder, where that is not there. Arguments: file, folder. */
public final class Import {
  private Import() {}

  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[1]);
    if (!Files.exists(folder)) {
      Gguf.importInto(Path.of(arguments[0]), folder);
    }
  }
}
