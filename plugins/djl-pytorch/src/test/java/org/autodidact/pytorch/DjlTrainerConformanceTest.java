package org.autodidact.pytorch;

import java.nio.file.Path;
import java.util.Arrays;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.conformance.TrainerRules;

class DjlTrainerConformanceTest extends TrainerRules {
  @Override
  protected Trainer create() {
    return new DjlTrainer(ComputeSettings.automatic());
  }

  @Override
  protected void writeBase(Path newFolder) {
    TinyModel.write(newFolder, 3);
  }

  @Override
  protected float[] weights(Path checkpoint) {
    try (ModelFolder model = ModelFolder.open(checkpoint)) {
      float[] all = new float[0];
      for (TensorInfo tensor : model.tensors().values()) {
        float[] more = model.floats(tensor);
        int at = all.length;
        all = Arrays.copyOf(all, at + more.length);
        System.arraycopy(more, 0, all, at, more.length);
      }
      return all;
    }
  }

  @Override
  protected TrainerCapabilities capabilities() {
    return new PyTorchPlugin().trainers().get(0).capabilities();
  }
}
