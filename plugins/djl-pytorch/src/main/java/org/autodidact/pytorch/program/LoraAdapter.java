package org.autodidact.pytorch.program;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelConfig;

/**
 * A LoRA adapter (Hu et al., 2021) in libtorch.
 *
 * @param weights indices of the adapted weights among the program's
 * @param matrices of each adapted weight A, [rank × inputs], and B, [outputs × rank]; the manager
 *     that made them owns them
 */
public record LoraAdapter(int[] weights, PtNDArray... matrices) {
  /** No adapter. */
  static final LoraAdapter NONE = new LoraAdapter(new int[0]);

  /** A uniform within ±1/√inputs, as PEFT initializes it (Kaiming with a = √5); B zero. */
  static LoraAdapter initialize(
      TrainingSettings.Lora lora,
      ModelConfig config,
      ProgramWeights base,
      PtNDManager manager,
      long seed) {
    SplittableRandom random = new SplittableRandom(seed ^ 0x6C6F7261L);
    List<PtNDArray> matrices = new ArrayList<>();
    List<Integer> weights = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String projection : TrainingScript.adapted(lora)) {
        int weight = base.names().indexOf("model.layers." + layer + "." + projection + ".weight");
        Shape shape = base.compute()[weight].getShape();
        int inputs = Math.toIntExact(shape.get(1));
        float[] a = new float[lora.rank() * inputs];
        double bound = 1 / Math.sqrt(inputs);
        for (int i = 0; i < a.length; i++) {
          a[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        weights.add(weight);
        matrices.add((PtNDArray) manager.create(a, new Shape(lora.rank(), inputs)));
        matrices.add(
            (PtNDArray) manager.zeros(new Shape(shape.get(0), lora.rank()), DataType.FLOAT32));
      }
    }
    return new LoraAdapter(
        weights.stream().mapToInt(p -> p).toArray(), matrices.toArray(PtNDArray[]::new));
  }
}
