package org.autodidact.onnxruntime.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtProvider;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.api.Settings;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.onnxruntime.OnnxRuntimePlugin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ExecutionProvidersTest {
  private static final EnumSet<OrtProvider> BOTH = EnumSet.of(OrtProvider.CPU, OrtProvider.CUDA);

  @ParameterizedTest
  @EnumSource(names = {"CUDA", "TENSORRT"})
  void whatIsNotThereIsSaidWithWhatToDo(Device wanted) {
    assertThat(OrtEnvironment.getAvailableProviders()).containsExactly(OrtProvider.CPU);
    assertThatThrownBy(
            () ->
                ExecutionProviders.choose(
                    wanted, OrtEnvironment.getAvailableProviders(), ExecutionProviders::missing))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("device " + Settings.name(wanted))
        .hasMessageContaining("onnxruntime_gpu:1.")
        .hasMessageContaining("use device cpu");
  }

  @Test
  void automaticIsCudaWhereItStarts() {
    assertThat(ExecutionProviders.choose(Device.AUTO, EnumSet.of(OrtProvider.CPU), p -> fail()))
        .isEqualTo(Device.CPU);
    assertThat(ExecutionProviders.choose(Device.AUTO, BOTH, p -> Optional.empty()))
        .isEqualTo(Device.CUDA);
    assertThat(ExecutionProviders.choose(Device.AUTO, BOTH, p -> Optional.of("has no driver")))
        .isEqualTo(Device.CPU);
    assertThat(ExecutionProviders.choose(Device.CPU, BOTH, p -> fail())).isEqualTo(Device.CPU);
  }

  private static Optional<String> fail() {
    throw new AssertionError("not to be tried");
  }

  @Test
  void tensorRtKeepsItsEnginesAndKnowsTheShapes() {
    Map<String, String> settings =
        GpuSessions.settings(Path.of("engines"), new GpuSessions.Shapes("a:1", "a:2", "a:3"));
    assertThat(settings)
        .containsEntry("trt_engine_cache_enable", "1")
        .containsEntry("trt_engine_cache_path", "engines")
        .containsEntry("trt_profile_min_shapes", "a:1")
        .containsEntry("trt_profile_opt_shapes", "a:2")
        .containsEntry("trt_profile_max_shapes", "a:3");
  }

  @Test
  void aPrecisionThatIsNotThereIsSaidWithItsReason() {
    ComputeSettings.Precision precision = ComputeSettings.Precision.BF16;
    assertThatThrownBy(
            () ->
                new OnnxRuntimePlugin()
                    .generators()
                    .get(0)
                    .open(
                        new Checkpoint("M0", Path.of("not asked for")),
                        new ComputeSettings(precision, 0, 0)))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("precision " + precision + " is not supported")
        .hasMessageContaining("use int8");
  }
}
