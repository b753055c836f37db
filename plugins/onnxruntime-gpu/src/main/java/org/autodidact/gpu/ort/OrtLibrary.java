package org.autodidact.gpu.ort;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.onnxruntime.ort.OrtRuntime;

/**
 * A loaded ONNX Runtime: its table of functions. Loaded once for each file and never unloaded, as
 * the JVM does with libraries of its own. Thread-safe.
 */
@SuppressWarnings("restricted") // the module's purpose; its errors say which option allows it
public final class OrtLibrary {
  /** The interface's version that is asked for: the least that has all functions used here. */
  static final int API_VERSION = 17;

  /** Names the library where no option does. */
  public static final String VARIABLE = "AUTODIDACT_ONNXRUNTIME_LIBRARY";

  private static final Map<Path, OrtLibrary> LOADED = new HashMap<>();

  private final Path file;
  private final String version;
  private final Map<OrtFunction, MethodHandle> functions = new EnumMap<>(OrtFunction.class);
  private final MethodHandle errorCode;
  private final MethodHandle errorMessage;
  private final MethodHandle releaseStatus;
  private final LiveHandles live = new LiveHandles();

  private OrtLibrary(Path file, SymbolLookup symbols) {
    this.file = file;
    MemorySegment getBase =
        symbols
            .find("OrtGetApiBase")
            .orElseThrow(
                () ->
                    new UnsupportedModelException(
                        file
                            + " is no ONNX Runtime: it has no function OrtGetApiBase; name its"
                            + " libonnxruntime.so"));
    MemorySegment base =
        ((MemorySegment) call(handle(getBase, FunctionDescriptor.of(ADDRESS))))
            .reinterpret(2 * ADDRESS.byteSize());
    this.version =
        text(
            (MemorySegment)
                call(handle(base.getAtIndex(ADDRESS, 1), FunctionDescriptor.of(ADDRESS))));
    MemorySegment table =
        (MemorySegment)
            call(
                handle(base.getAtIndex(ADDRESS, 0), FunctionDescriptor.of(ADDRESS, JAVA_INT)),
                API_VERSION);
    if (table.equals(MemorySegment.NULL)) {
      throw new UnsupportedModelException(
          file
              + " is ONNX Runtime "
              + version
              + ", whose C interface is older than version "
              + API_VERSION
              + "; take 1."
              + API_VERSION
              + " or newer");
    }
    MemorySegment api = table.reinterpret((OrtFunction.last() + 1) * ADDRESS.byteSize());
    this.errorCode = handle(api.getAtIndex(ADDRESS, 1), FunctionDescriptor.of(JAVA_INT, ADDRESS));
    this.errorMessage = handle(api.getAtIndex(ADDRESS, 2), FunctionDescriptor.of(ADDRESS, ADDRESS));
    this.releaseStatus = handle(api.getAtIndex(ADDRESS, 93), FunctionDescriptor.ofVoid(ADDRESS));
    for (OrtFunction function : OrtFunction.values()) {
      functions.put(
          function, handle(api.getAtIndex(ADDRESS, function.place()), function.descriptor()));
    }
  }

  /**
   * Loads the library of a file, or of {@link #VARIABLE}, or that of the jar of ONNX Runtime.
   *
   * @throws UnsupportedModelException where there is none, or not one that can be used
   */
  public static OrtLibrary load(Optional<Path> option) {
    Path file =
        option
            .or(() -> named(VARIABLE))
            .or(OrtLibrary::ofJar)
            .orElseThrow(
                () ->
                    new UnsupportedModelException(
                        "no library of ONNX Runtime was found: put its jar on the class path, or"
                            + " let the option 'library' or the variable "
                            + VARIABLE
                            + " name libonnxruntime.so"));
    synchronized (LOADED) {
      return LOADED.computeIfAbsent(file.toAbsolutePath().normalize(), OrtLibrary::open);
    }
  }

  /** The file that a variable of the environment names; one that is empty names none. */
  public static Optional<Path> named(String variable) {
    return Optional.ofNullable(System.getenv(variable)).filter(v -> !v.isEmpty()).map(Path::of);
  }

  private static Optional<Path> ofJar() {
    return OrtRuntime.nativeFolder()
        .map(folder -> folder.resolve(System.mapLibraryName("onnxruntime")));
  }

  private static OrtLibrary open(Path file) {
    return new OrtLibrary(file, lookup(file, "a library of ONNX Runtime"));
  }

  /** A library's symbols; refused in one line where the file is missing or no library. */
  public static SymbolLookup lookup(Path file, String what) {
    if (!Files.isRegularFile(file)) {
      throw new UnsupportedModelException(
          file
              + (Files.exists(file) ? " is no file" : " is not there")
              + "; expected "
              + what
              + ": name another file");
    }
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new UnsupportedModelException(
          file
              + " cannot be loaded as "
              + what
              + ": it is no library of this platform, or one that it needs is missing ('ldd "
              + file
              + "' shows which)",
          e);
    } catch (IllegalCallerException e) {
      throw new UnsupportedModelException(
          "this JVM loads no native libraries by foreign functions; start java with"
              + " --enable-native-access=ALL-UNNAMED",
          e);
    }
  }

  /** A function at an address. */
  public static MethodHandle handle(MemorySegment address, FunctionDescriptor descriptor) {
    return Linker.nativeLinker()
        .downcallHandle(address, descriptor)
        .asSpreader(Object[].class, descriptor.argumentLayouts().size());
  }

  /** Calls what {@link #handle} returned. */
  public static Object call(MethodHandle handle, Object... arguments) {
    try {
      return handle.invoke(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("a foreign function threw", e);
    }
  }

  /** A text that ends with a zero byte. */
  static String text(MemorySegment address) {
    return address.equals(MemorySegment.NULL)
        ? ""
        : address.reinterpret(Long.MAX_VALUE).getString(0);
  }

  /** Calls a function that returns a status; throws {@link OrtFailure} where it is not OK. */
  void check(OrtFunction function, Object... arguments) {
    MemorySegment status = (MemorySegment) call(functions.get(function), arguments);
    if (status.equals(MemorySegment.NULL)) {
      return;
    }
    int code = (int) call(errorCode, status);
    String message = text((MemorySegment) call(errorMessage, status));
    call(releaseStatus, status);
    throw new OrtFailure(function.words(), code, message);
  }

  /** Calls a function whose last argument is where it writes an object's address. */
  MemorySegment create(OrtFunction function, Object... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + 1);
      all[arguments.length] = out;
      check(function, all);
      return out.get(ADDRESS, 0);
    }
  }

  void release(OrtFunction function, MemorySegment object) {
    call(functions.get(function), object);
  }

  /** Names of the execution providers that this library was built with. */
  public List<String> availableProviders() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment names = arena.allocate(ADDRESS);
      MemorySegment count = arena.allocate(JAVA_INT);
      check(OrtFunction.GET_AVAILABLE_PROVIDERS, names, count);
      int n = count.get(JAVA_INT, 0);
      MemorySegment array = names.get(ADDRESS, 0).reinterpret(n * ADDRESS.byteSize());
      List<String> found = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        found.add(text(array.getAtIndex(ADDRESS, i)));
      }
      check(OrtFunction.RELEASE_AVAILABLE_PROVIDERS, array, n);
      return List.copyOf(found);
    }
  }

  /** Whether it was built with CUDA. */
  public boolean hasCuda() {
    return availableProviders().contains("CUDAExecutionProvider");
  }

  /** Whether it was built with TensorRT, whose libraries may yet be missing. */
  public boolean hasTensorRt() {
    return availableProviders().contains("TensorrtExecutionProvider");
  }

  /** The library's own version, for example {@code 1.28.0}. */
  public String version() {
    return version;
  }

  public Path file() {
    return file;
  }

  /** Counts the objects of this library that are not closed. */
  public LiveHandles live() {
    return live;
  }
}
