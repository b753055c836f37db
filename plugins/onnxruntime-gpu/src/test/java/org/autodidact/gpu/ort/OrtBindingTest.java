package org.autodidact.gpu.ort;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.gpu.CLibraries;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ONNX Runtime's C interface, on its CPU provider. */
class OrtBindingTest {
  @TempDir static Path folder;

  private static final OrtLibrary LIBRARY = OrtLibrary.load(Optional.empty());

  /** y = x + w, [3]. */
  private static byte[] addition() {
    OnnxGraphBuilder graph = new OnnxGraphBuilder(Path.of(""));
    graph.input("x", DataType.FLOAT, 3);
    graph.input("w", DataType.FLOAT, 3);
    graph.node("", "Add", List.of("x", "w"), List.of("y"));
    graph.output("y", DataType.FLOAT, 3);
    return graph.toModel();
  }

  private static OrtValue value(MemoryInfo memory, DeviceBuffer buffer) {
    return OrtValue.over(memory, buffer.address(), buffer.bytes(), ElementType.FLOAT, 3);
  }

  /** A step over buffers at fixed addresses: its output is its next input. */
  private static float[] runs(int count) {
    try (HostDevice device = new HostDevice(1);
        Arena arena = Arena.ofConfined();
        OrtEnvironment environment = new OrtEnvironment(LIBRARY);
        OrtSessionOptions options = new OrtSessionOptions(LIBRARY).threads(1);
        OrtSession session = new OrtSession(environment, addition(), options);
        MemoryInfo memory = device.memoryInfo(LIBRARY);
        DeviceBuffer state = device.allocate(12);
        DeviceBuffer weight = device.allocate(12);
        OrtValue x = value(memory, state);
        OrtValue w = value(memory, weight);
        IoBinding binding = new IoBinding(session);
        RunOptions run = new RunOptions(LIBRARY).entry("gpu_graph_id", "1")) {
      device.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3), state, 0);
      device.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 10, 20, 30), weight, 0);
      binding.input("x", x);
      binding.input("w", w);
      binding.output("y", x);
      for (int i = 0; i < count; i++) {
        session.run(run, binding);
      }
      // A hand-over is a copy into what is bound.
      device.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0, 0, 1), weight, 0);
      session.run(run, binding);
      MemorySegment found = arena.allocate(12);
      device.download(state, 0, found);
      return found.toArray(ValueLayout.JAVA_FLOAT);
    }
  }

  @Test
  void aBoundOutputIsTheNextRunsInputAndWeightsChangeInPlace() {
    assertThat(runs(3)).containsExactly(31, 62, 94);
  }

  @Test
  void nothingStaysOpen() {
    for (int i = 0; i < 50; i++) {
      runs(1);
    }
    assertThat(LIBRARY.live().counts()).isEmpty();
  }

  @Test
  void closingTwiceReleasesOnceAndAClosedObjectIsRefused() {
    OrtEnvironment environment = new OrtEnvironment(LIBRARY);
    environment.close();
    environment.close();
    assertThat(LIBRARY.live().counts()).isEmpty();
    assertThatThrownBy(() -> environment.handle().address())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ENVIRONMENT of ONNX Runtime is closed");
  }

  @Test
  void aStatusIsOneLine() {
    try (OrtEnvironment environment = new OrtEnvironment(LIBRARY);
        OrtSessionOptions options = new OrtSessionOptions(LIBRARY)) {
      byte[] noModel = "no model".getBytes(StandardCharsets.UTF_8);
      assertThatThrownBy(() -> new OrtSession(environment, noModel, options))
          .isInstanceOf(OrtFailure.class)
          .hasMessageStartingWith("ONNX Runtime failed to create session from array (")
          .message()
          .doesNotContain("\n");
      try (OrtSession session = new OrtSession(environment, addition(), options);
          IoBinding binding = new IoBinding(session);
          RunOptions run = new RunOptions(LIBRARY)) {
        assertThatThrownBy(() -> session.run(run, binding))
            .isInstanceOf(OrtFailure.class)
            .hasMessageContaining("run with binding");
        try (HostDevice device = new HostDevice(1);
            MemoryInfo memory = device.memoryInfo(LIBRARY);
            DeviceBuffer small = device.allocate(8)) {
          assertThatThrownBy(() -> value(memory, small))
              .hasMessageContaining("needs 12 bytes, the buffer has 8");
          try (OrtValue two = OrtValue.over(memory, small.address(), 8, ElementType.FLOAT, 2)) {
            assertThatThrownBy(() -> binding.input("z", two))
                .isInstanceOf(OrtFailure.class)
                .hasMessageContaining("bind input");
          }
        }
      }
    }
    assertThat(LIBRARY.live().counts()).isEmpty();
  }

  @Test
  void cudaAndTensorRtAreRefusedByALibraryWithoutThem() {
    assertThat(LIBRARY.availableProviders()).contains("CPUExecutionProvider");
    Assumptions.assumeFalse(LIBRARY.hasCuda() || LIBRARY.hasTensorRt(), "one that has them");
    try (OrtEnvironment environment = new OrtEnvironment(LIBRARY);
        OrtSessionOptions options = new OrtSessionOptions(environment.library())) {
      assertThatThrownBy(() -> options.cuda(Map.of("device_id", "0"), MemorySegment.NULL))
          .isInstanceOf(OrtFailure.class)
          .hasMessageContaining("cuda");
      assertThatThrownBy(() -> options.tensorRt(Map.of(), MemorySegment.NULL))
          .isInstanceOf(OrtFailure.class)
          .hasMessageContaining("tensorrt options");
    }
    assertThat(LIBRARY.live().counts()).isEmpty();
  }

  @Test
  void theLibraryOfTheJarIsTheVersionOfTheJar() {
    assertThat(LIBRARY.version()).isEqualTo("1.28.0");
    assertThat(OrtLibrary.load(Optional.of(LIBRARY.file()))).isSameAs(LIBRARY);
  }

  @Test
  void aMissingOrWrongLibraryIsSaidInOneLine() throws Exception {
    assertThatThrownBy(() -> OrtLibrary.load(Optional.of(folder.resolve("none.so"))))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("none.so is not there")
        .hasMessageContaining("name another file");
    Path text = Files.writeString(folder.resolve("text.so"), "no library");
    assertThatThrownBy(() -> OrtLibrary.load(Optional.of(text)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("text.so cannot be loaded as a library of ONNX Runtime");
    Path other = CLibraries.compile(folder, "host_cudart");
    assertThatThrownBy(() -> OrtLibrary.load(Optional.of(other)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("is no ONNX Runtime: it has no function OrtGetApiBase");
    Path old = CLibraries.compile(folder, "old_onnxruntime");
    assertThatThrownBy(() -> OrtLibrary.load(Optional.of(old)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("is ONNX Runtime 1.2.3, whose C interface is older than version 17");
  }
}
