package org.autodidact.gpu.ort;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.autodidact.gpu.ort.LiveHandles.Kind;

/** How a session is opened: threads, configuration entries, execution provider. */
public final class OrtSessionOptions implements AutoCloseable {
  /** {@code ORT_ENABLE_ALL}. */
  private static final int ALL_OPTIMIZATIONS = 99;

  private final Handle handle;

  public OrtSessionOptions(OrtLibrary library) {
    this.handle =
        new Handle(
            library,
            Kind.SESSION_OPTIONS,
            OrtFunction.RELEASE_SESSION_OPTIONS,
            library.create(OrtFunction.CREATE_SESSION_OPTIONS));
    library.check(
        OrtFunction.SET_SESSION_GRAPH_OPTIMIZATION_LEVEL, handle.address(), ALL_OPTIMIZATIONS);
    // A plan of memory is made for each shape that a run has, and kept.
    library.check(OrtFunction.DISABLE_MEM_PATTERN, handle.address());
  }

  /** Threads of one run on the CPU. */
  public OrtSessionOptions threads(int threads) {
    handle.library().check(OrtFunction.SET_INTRA_OP_NUM_THREADS, handle.address(), threads);
    return this;
  }

  public OrtSessionOptions entry(String key, String value) {
    try (Arena arena = Arena.ofConfined()) {
      handle
          .library()
          .check(
              OrtFunction.ADD_SESSION_CONFIG_ENTRY,
              handle.address(),
              arena.allocateFrom(key),
              arena.allocateFrom(value));
    }
    return this;
  }

  /**
   * Adds CUDA, before the CPU which is always there.
   *
   * @param settings by ONNX Runtime's names, for example {@code enable_cuda_graph}
   * @param stream the {@code cudaStream_t} that its kernels run on
   */
  public OrtSessionOptions cuda(Map<String, String> settings, MemorySegment stream) {
    return provider(
        new Provider(
            Kind.CUDA_OPTIONS,
            OrtFunction.CREATE_CUDA_OPTIONS,
            OrtFunction.UPDATE_CUDA_OPTIONS,
            OrtFunction.UPDATE_CUDA_OPTION_WITH_VALUE,
            OrtFunction.RELEASE_CUDA_OPTIONS,
            OrtFunction.APPEND_CUDA),
        settings,
        stream);
  }

  /**
   * Adds TensorRT, before CUDA, which is added after it for what TensorRT does not take. Its
   * libraries are loaded here.
   *
   * @param settings by ONNX Runtime's names, for example {@code trt_engine_cache_path}
   */
  public OrtSessionOptions tensorRt(Map<String, String> settings, MemorySegment stream) {
    return provider(
        new Provider(
            Kind.TENSORRT_OPTIONS,
            OrtFunction.CREATE_TENSORRT_OPTIONS,
            OrtFunction.UPDATE_TENSORRT_OPTIONS,
            OrtFunction.UPDATE_TENSORRT_OPTION_WITH_VALUE,
            OrtFunction.RELEASE_TENSORRT_OPTIONS,
            OrtFunction.APPEND_TENSORRT),
        settings,
        stream);
  }

  /** The functions of a provider's options. */
  private record Provider(
      Kind kind,
      OrtFunction create,
      OrtFunction update,
      OrtFunction updateWithValue,
      OrtFunction release,
      OrtFunction append) {}

  private OrtSessionOptions provider(
      Provider provider, Map<String, String> settings, MemorySegment stream) {
    OrtLibrary library = handle.library();
    try (Arena arena = Arena.ofConfined();
        Handle options =
            new Handle(
                library, provider.kind(), provider.release(), library.create(provider.create()))) {
      MemorySegment keys = arena.allocate(ADDRESS, settings.size());
      MemorySegment values = arena.allocate(ADDRESS, settings.size());
      int i = 0;
      for (Map.Entry<String, String> setting : settings.entrySet()) {
        keys.setAtIndex(ADDRESS, i, arena.allocateFrom(setting.getKey()));
        values.setAtIndex(ADDRESS, i++, arena.allocateFrom(setting.getValue()));
      }
      library.check(provider.update(), options.address(), keys, values, (long) settings.size());
      library.check(
          provider.updateWithValue(),
          options.address(),
          arena.allocateFrom("user_compute_stream"),
          stream);
      library.check(provider.append(), handle.address(), options.address());
    }
    return this;
  }

  Handle handle() {
    return handle;
  }

  @Override
  public void close() {
    handle.close();
  }
}
