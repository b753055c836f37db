package org.autodidact.gpu.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.gpu.ort.OrtLibrary;

/**
 * CUDA's runtime library, whose functions return an error's number. It is the one that ONNX
 * Runtime's CUDA needs too. Thread-safe.
 */
@SuppressWarnings("restricted") // the class's purpose
public final class CudaRuntime {
  /** Names the library where no option does. */
  public static final String VARIABLE = "AUTODIDACT_CUDA_RUNTIME";

  /** {@code cudaErrorMemoryAllocation}. */
  static final int OUT_OF_MEMORY = 2;

  /** {@code cudaErrorInsufficientDriver}: no driver, or one older than this runtime. */
  private static final int DRIVER_TOO_OLD = 35;

  private static final String[] NAMES = {"libcudart.so.13", "libcudart.so.12", "libcudart.so"};

  /** The functions that are called here. */
  enum Function {
    GET_DEVICE_COUNT("cudaGetDeviceCount", ADDRESS),
    DRIVER_VERSION("cudaDriverGetVersion", ADDRESS),
    RUNTIME_VERSION("cudaRuntimeGetVersion", ADDRESS),
    MALLOC("cudaMalloc", ADDRESS, JAVA_LONG),
    FREE("cudaFree", ADDRESS),
    MEMORY("cudaMemGetInfo", ADDRESS, ADDRESS),
    STREAM_CREATE("cudaStreamCreateWithFlags", ADDRESS, JAVA_INT),
    STREAM_DESTROY("cudaStreamDestroy", ADDRESS),
    STREAM_SYNCHRONIZE("cudaStreamSynchronize", ADDRESS),
    SET("cudaMemsetAsync", ADDRESS, JAVA_INT, JAVA_LONG, ADDRESS),
    COPY("cudaMemcpyAsync", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS),
    COPY_ROWS(
        "cudaMemcpy2DAsync",
        ADDRESS,
        JAVA_LONG,
        ADDRESS,
        JAVA_LONG,
        JAVA_LONG,
        JAVA_LONG,
        JAVA_INT,
        ADDRESS);

    private final String symbol;
    private final FunctionDescriptor descriptor;

    Function(String symbol, MemoryLayout... arguments) {
      this.symbol = symbol;
      this.descriptor = FunctionDescriptor.of(JAVA_INT, arguments);
    }
  }

  private final Map<Function, MethodHandle> functions = new HashMap<>();
  private final MethodHandle errorText;

  private CudaRuntime(SymbolLookup symbols, String from) {
    for (Function function : Function.values()) {
      functions.put(
          function, OrtLibrary.handle(symbol(symbols, function.symbol, from), function.descriptor));
    }
    this.errorText =
        OrtLibrary.handle(
            symbol(symbols, "cudaGetErrorString", from), FunctionDescriptor.of(ADDRESS, JAVA_INT));
  }

  private static MemorySegment symbol(SymbolLookup symbols, String name, String from) {
    return symbols
        .find(name)
        .orElseThrow(
            () ->
                new UnsupportedModelException(
                    from
                        + " is no runtime library of CUDA that can be used: it has no function "
                        + name
                        + "; take libcudart.so of CUDA 12 or 13"));
  }

  /**
   * Loads the library of a file, or of {@link #VARIABLE}, or the one that the system's linker
   * finds.
   *
   * @throws UnsupportedModelException where there is none, no driver, or no GPU
   */
  public static CudaRuntime load(Optional<Path> option) {
    Optional<Path> file = option.or(() -> OrtLibrary.named(VARIABLE));
    CudaRuntime runtime =
        file.isPresent()
            ? new CudaRuntime(
                OrtLibrary.lookup(file.get(), "CUDA's runtime library"), file.get().toString())
            : ofSystem();
    runtime.requireDevice();
    return runtime;
  }

  private static CudaRuntime ofSystem() {
    for (String name : NAMES) {
      try {
        return new CudaRuntime(SymbolLookup.libraryLookup(name, Arena.global()), name);
      } catch (IllegalArgumentException e) {
        // Not on the linker's path under this name.
      }
    }
    throw new UnsupportedModelException(
        "CUDA's runtime library was not found (libcudart.so of CUDA 12 or 13): install it, add its"
            + " folder to LD_LIBRARY_PATH, or let the option 'cuda-runtime' or the variable "
            + VARIABLE
            + " name it");
  }

  private void requireDevice() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment number = arena.allocate(JAVA_INT);
      int error = call(Function.GET_DEVICE_COUNT, number);
      int devices = number.get(JAVA_INT, 0);
      if (error == 0 && devices > 0) {
        return;
      }
      if (error == DRIVER_TOO_OLD) {
        call(Function.DRIVER_VERSION, number);
        int driver = number.get(JAVA_INT, 0);
        call(Function.RUNTIME_VERSION, number);
        int runtime = number.get(JAVA_INT, 0);
        throw new UnsupportedModelException(
            driver == 0
                ? "there is no driver of NVIDIA's here, which CUDA "
                    + version(runtime)
                    + " needs; install one, or use device cpu"
                : "the driver is for CUDA "
                    + version(driver)
                    + ", the runtime library is of CUDA "
                    + version(runtime)
                    + "; update the driver, or take libraries of CUDA "
                    + version(driver));
      }
      throw new UnsupportedModelException(
          "CUDA finds no GPU here: "
              + (error == 0 ? "it counts none" : text(error))
              + "; use device cpu");
    }
  }

  /** CUDA's numbers: 13020 is 13.2. */
  private static String version(int number) {
    return number / 1000 + "." + number % 1000 / 10;
  }

  /** Calls a function; returns its error, 0 for none. */
  int call(Function function, Object... arguments) {
    return (int) OrtLibrary.call(functions.get(function), arguments);
  }

  /** An error in CUDA's words. */
  String text(int error) {
    MemorySegment text = (MemorySegment) OrtLibrary.call(errorText, error);
    return text.equals(MemorySegment.NULL)
        ? "error " + error
        : text.reinterpret(Long.MAX_VALUE).getString(0);
  }
}
