package org.autodidact.gpu.ort;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.util.Arrays;

/**
 * The functions of {@code OrtApi} that are called here, by their place in the table of
 * onnxruntime_c_api.h. The table only grows, so that a place holds for every later version. Each
 * returns a status, {@code Release…} nothing.
 */
enum OrtFunction {
  CREATE_ENV(3, JAVA_INT, ADDRESS, ADDRESS),
  CREATE_SESSION_FROM_ARRAY(8, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS),
  CREATE_SESSION_OPTIONS(10, ADDRESS),
  DISABLE_MEM_PATTERN(17, ADDRESS),
  SET_SESSION_GRAPH_OPTIMIZATION_LEVEL(23, ADDRESS, JAVA_INT),
  SET_INTRA_OP_NUM_THREADS(24, ADDRESS, JAVA_INT),
  CREATE_RUN_OPTIONS(39, ADDRESS),
  CREATE_TENSOR_WITH_DATA(49, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS),
  CREATE_MEMORY_INFO(68, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS),
  RELEASE_ENV(92, true),
  RELEASE_MEMORY_INFO(94, true),
  RELEASE_SESSION(95, true),
  RELEASE_VALUE(96, true),
  RELEASE_RUN_OPTIONS(97, true),
  RELEASE_SESSION_OPTIONS(100, true),
  GET_AVAILABLE_PROVIDERS(125, ADDRESS, ADDRESS),
  RELEASE_AVAILABLE_PROVIDERS(126, ADDRESS, JAVA_INT),
  ADD_SESSION_CONFIG_ENTRY(130, ADDRESS, ADDRESS, ADDRESS),
  RUN_WITH_BINDING(133, ADDRESS, ADDRESS, ADDRESS),
  CREATE_IO_BINDING(134, ADDRESS, ADDRESS),
  RELEASE_IO_BINDING(135, true),
  BIND_INPUT(136, ADDRESS, ADDRESS, ADDRESS),
  BIND_OUTPUT(137, ADDRESS, ADDRESS, ADDRESS),
  ADD_RUN_CONFIG_ENTRY(165, ADDRESS, ADDRESS, ADDRESS),
  APPEND_TENSORRT(170, ADDRESS, ADDRESS),
  CREATE_TENSORRT_OPTIONS(171, ADDRESS),
  UPDATE_TENSORRT_OPTIONS(172, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG),
  RELEASE_TENSORRT_OPTIONS(174, true),
  APPEND_CUDA(204, ADDRESS, ADDRESS),
  CREATE_CUDA_OPTIONS(205, ADDRESS),
  UPDATE_CUDA_OPTIONS(206, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG),
  RELEASE_CUDA_OPTIONS(208, true),
  /** This and the next since 1.16. */
  UPDATE_TENSORRT_OPTION_WITH_VALUE(261, ADDRESS, ADDRESS, ADDRESS),
  UPDATE_CUDA_OPTION_WITH_VALUE(263, ADDRESS, ADDRESS, ADDRESS);

  private final int place;
  private final FunctionDescriptor descriptor;

  OrtFunction(int place, MemoryLayout... arguments) {
    this.place = place;
    this.descriptor = FunctionDescriptor.of(ADDRESS, arguments);
  }

  /** A function that releases one object and returns nothing. */
  OrtFunction(int place, boolean releases) {
    this.place = place;
    this.descriptor =
        releases ? FunctionDescriptor.ofVoid(ADDRESS) : FunctionDescriptor.of(ADDRESS, ADDRESS);
  }

  int place() {
    return place;
  }

  FunctionDescriptor descriptor() {
    return descriptor;
  }

  boolean releases() {
    return descriptor.returnLayout().isEmpty();
  }

  /** Its name in words, for errors. */
  String words() {
    return name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
  }

  /** The highest place that is read of the table. */
  static int last() {
    return Arrays.stream(values()).mapToInt(OrtFunction::place).max().orElseThrow();
  }
}
