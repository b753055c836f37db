package org.autodidact.pytorch.program;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import java.util.ArrayList;
import java.util.List;

/** Arguments and results of the training script's methods. Owns them: closed together. */
final class TorchValues implements AutoCloseable {
  private final PtSymbolBlock script;
  private final List<IValue> open = new ArrayList<>();

  TorchValues(PtSymbolBlock script) {
    this.script = script;
  }

  /** Calls a method of the script. */
  IValue call(String method, IValue... arguments) {
    return keep(IValueUtils.runMethod(script, method, arguments));
  }

  IValue of(PtNDArray array) {
    return keep(IValue.from(array));
  }

  IValue of(double number) {
    return keep(IValue.from(number));
  }

  IValue of(long number) {
    return keep(IValue.from(number));
  }

  IValue of(boolean flag) {
    return keep(IValue.from(flag));
  }

  IValue list(PtNDArray... arrays) {
    return keep(IValue.listFrom(arrays));
  }

  IValue list(long... numbers) {
    return keep(IValue.listFrom(numbers));
  }

  IValue[] parts(IValue tuple) {
    IValue[] parts = tuple.toIValueTuple();
    for (IValue part : parts) {
      keep(part);
    }
    return parts;
  }

  private IValue keep(IValue value) {
    open.add(value);
    return value;
  }

  @Override
  public void close() {
    open.forEach(IValue::close);
  }
}
