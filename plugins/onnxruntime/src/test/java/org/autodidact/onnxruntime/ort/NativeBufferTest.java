package org.autodidact.onnxruntime.ort;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class NativeBufferTest {
  @Test
  void whatIsFreedHasNoRoomAndIsNotTouched() {
    NativeBuffer buffer = NativeBuffer.ofFloats(8);
    NativeBuffer other = NativeBuffer.ofFloats(8);
    assertThat(buffer.capacity()).isEqualTo(8);
    buffer.close();
    buffer.close();
    assertThat(buffer.capacity()).isZero();
    assertThat(buffer.isClosed()).isTrue();
    assertThatThrownBy(buffer::bytes).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> buffer.floats(0, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> buffer.clear(0, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> buffer.copy(0, other, 0, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> other.copy(0, buffer, 0, 1)).isInstanceOf(IllegalStateException.class);
    other.close();
  }
}
