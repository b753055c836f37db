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
 * The matrices of a LoRA adapter in libtorch.
 *
 * @param places of the adapted weights among the program's
 * @param matrices of each adapted weight A, [rank × inputs], and B, [outputs × rank]; the manager
 *     that made them owns them
 */
public record LoraAdapter(int[] places, PtNDArray... matrices) {
  /** No adapter. */
  static final LoraAdapter NONE = new LoraAdapter(new int[0]);

  /** A drawn evenly between ±1/√inputs, as PEFT has it (Kaiming with a = √5); B zero. */
  static LoraAdapter draw(
      TrainingSettings.Lora lora,
      ModelConfig config,
      List<String> names,
      PtNDArray[] factors,
      PtNDManager manager,
      long seed) {
    SplittableRandom random = new SplittableRandom(seed ^ 0x6C6F7261L);
    List<PtNDArray> matrices = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (String projection : TrainingScript.adapted(lora)) {
        int place = names.indexOf("model.layers." + layer + "." + projection + ".weight");
        Shape shape = factors[place].getShape();
        int inputs = Math.toIntExact(shape.get(1));
        float[] drawn = new float[lora.rank() * inputs];
        double bound = 1 / Math.sqrt(inputs);
        for (int i = 0; i < drawn.length; i++) {
          drawn[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        places.add(place);
        matrices.add((PtNDArray) manager.create(drawn, new Shape(lora.rank(), inputs)));
        matrices.add(
            (PtNDArray) manager.zeros(new Shape(shape.get(0), lora.rank()), DataType.FLOAT32));
      }
    }
    return new LoraAdapter(
        places.stream().mapToInt(p -> p).toArray(), matrices.toArray(PtNDArray[]::new));
  }
}
