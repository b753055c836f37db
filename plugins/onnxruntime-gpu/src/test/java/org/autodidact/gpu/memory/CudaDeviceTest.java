package org.autodidact.gpu.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.gpu.CLibraries;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** CUDA's functions by a library that has them over the host's memory. */
class CudaDeviceTest {
  @TempDir static Path folder;

  private static CudaRuntime runtime(String... options) throws Exception {
    return CudaRuntime.load(Optional.of(CLibraries.compile(folder, "host_cudart", options)));
  }

  @Test
  void rowsAreCopied() throws Exception {
    try (Device device = new CudaDevice(runtime());
        Arena arena = Arena.ofConfined();
        DeviceBuffer a = device.allocate(6 * 4);
        DeviceBuffer b = device.allocate(8 * 4)) {
      device.upload(arena.allocateFrom(ValueLayout.JAVA_INT, 1, 2, 3, 4, 5, 6), a, 0);
      device.upload(arena.allocateFrom(ValueLayout.JAVA_INT, 0, 0, 0, 0, 0, 0, 0, 0), b, 0);
      // The first two numbers of each row of three, into the ends of rows of four.
      device.copy(new Device.Rows(a, 0, 12), new Device.Rows(b, 8, 16), 8, 2);
      MemorySegment found = arena.allocate(32);
      device.download(b, 0, found);
      device.synchronize();
      assertThat(found.toArray(ValueLayout.JAVA_INT)).containsExactly(0, 0, 1, 2, 0, 0, 4, 5);
      device.zero(b);
      device.download(b, 0, found);
      assertThat(found.toArray(ValueLayout.JAVA_INT)).containsOnly(0);
      assertThatThrownBy(() -> device.download(b, 4, found))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void tooLittleMemoryIsSaidWithWhatIsFree() throws Exception {
    try (Device device = new CudaDevice(runtime("-DBYTES=10485760"))) {
      DeviceBuffer first = device.allocate(1 << 20);
      assertThat(first.bytes()).isEqualTo(1 << 20);
      assertThatThrownBy(() -> device.allocate(20 << 20))
          .isInstanceOf(StorageException.class)
          .hasMessage(
              "the GPU has no room for 21 MiB more, 9 of 10 MiB are free; lower --memory, or end"
                  + " what else uses it");
      first.close();
      assertThatThrownBy(first::address).hasMessageContaining("freed");
      device.allocate(9 << 20).close();
    }
  }

  @Test
  void aDriverThatIsMissingOrOldAndNoGpuAreSaidInOneLine() {
    assertThatThrownBy(() -> runtime("-DDEVICE_ERROR=35", "-DDRIVER=12040"))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessage(
            "the driver is for CUDA 12.4, the runtime library is of CUDA 13.0; update the driver,"
                + " or take libraries of CUDA 12.4");
    assertThatThrownBy(() -> runtime("-DDEVICE_ERROR=35", "-DDRIVER=0"))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("there is no driver of NVIDIA's here, which CUDA 13.0 needs");
    assertThatThrownBy(() -> runtime("-DDEVICE_ERROR=100"))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessage("CUDA finds no GPU here: no CUDA-capable device is detected; use device cpu");
  }

  @Test
  void aMissingOrWrongLibraryIsSaidInOneLine() {
    assertThatThrownBy(() -> CudaRuntime.load(Optional.of(folder.resolve("libcudart.so"))))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("libcudart.so is not there");
    assertThatThrownBy(
            () -> CudaRuntime.load(Optional.of(CLibraries.compile(folder, "old_onnxruntime"))))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("no runtime library of CUDA that can be used");
  }
}
