package org.autodidact.pytorch.program;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.WeightSource;

/** An adapter in PEFT's format: adapter_config.json and adapter_model.safetensors. */
public final class PeftAdapterFolder {
  private PeftAdapterFolder() {}

  public static void write(
      TrainingRequest request,
      TrainingSettings.Lora lora,
      TrainingProgram program,
      Map<String, byte[]> otherFiles) {
    Map<String, WeightSource> tensors = new LinkedHashMap<>();
    List<ByteBuffer> matrices = program.trained();
    for (int i = 0; i < matrices.size(); i++) {
      String weight = program.names().get(program.adapter().weights()[i / 2]);
      ByteBuffer view = matrices.get(i);
      List<Long> shape = new ArrayList<>();
      for (long d : program.adapter().matrices()[i].getShape().getShape()) {
        shape.add(d);
      }
      tensors.put(
          "base_model.model."
              + weight.substring(0, weight.length() - "weight".length())
              + (i % 2 == 0 ? "lora_A.weight" : "lora_B.weight"),
          new WeightSource(shape, view::duplicate));
    }
    Map<String, byte[]> files = new TreeMap<>(otherFiles);
    files.put("adapter_config.json", config(request, lora));
    ModelFolder.write(request.output().folder(), "adapter_model.safetensors", tensors, files);
  }

  private static byte[] config(TrainingRequest request, TrainingSettings.Lora lora) {
    JsonMapper json = new JsonMapper();
    ObjectNode config =
        json.createObjectNode()
            .put("peft_type", "LORA")
            .put("task_type", "CAUSAL_LM")
            .put("base_model_name_or_path", request.base().folder().toString())
            .put("r", lora.rank())
            .put("lora_alpha", lora.alpha())
            .put("lora_dropout", lora.dropout())
            .put("bias", "none")
            .put("fan_in_fan_out", false)
            .put("init_lora_weights", true)
            .put("inference_mode", true);
    lora.targets().forEach(config.putArray("target_modules")::add);
    try {
      return json.writerWithDefaultPrettyPrinter().writeValueAsBytes(config);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
