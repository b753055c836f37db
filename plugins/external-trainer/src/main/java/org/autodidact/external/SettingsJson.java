package org.autodidact.external;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Settings;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Lora;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.LossParameters;
import org.autodidact.api.TrainingSettings.Optimizer;
import org.autodidact.api.TrainingSettings.Schedule;

/** The settings of a training by the keys of a configuration, and by TRL's names. */
final class SettingsJson {
  private static final JsonMapper JSON = new JsonMapper();

  private SettingsJson() {}

  /** All settings, as {@code learning-rate}; those of LoRA only where there is an adapter. */
  static ObjectNode ours(TrainingSettings settings) {
    ObjectNode json = JSON.createObjectNode();
    put(json, "", settings);
    return json;
  }

  private static void put(ObjectNode json, String prefix, Record record) {
    for (Map.Entry<String, Object> entry : Settings.values(record).entrySet()) {
      String key = prefix + Settings.key(entry.getKey());
      if (entry.getValue() instanceof LossParameters parameters) {
        put(json, "", parameters);
      } else if (entry.getValue() instanceof Optional<?> optional) {
        if (optional.isPresent() && optional.get() instanceof Lora lora) {
          put(json, Lora.KEY_PREFIX, lora);
        }
      } else if (entry.getValue() instanceof Enum<?> constant) {
        json.put(key, Settings.name(constant));
      } else if (entry.getValue() instanceof Record name) {
        json.put(key, name.toString());
      } else {
        json.set(key, JSON.valueToTree(entry.getValue()));
      }
    }
  }

  /**
   * What has a name in {@code DPOConfig} or {@code SFTConfig} of TRL 1, under it; the loss only
   * where TRL has it, too.
   */
  static ObjectNode trl(TrainingSettings settings, long seed) {
    boolean sft = settings.loss().equals(Loss.SFT);
    ObjectNode json =
        JSON.createObjectNode()
            .put("learning_rate", settings.learningRate())
            .put("num_train_epochs", settings.epochs())
            .put("per_device_train_batch_size", settings.batchSize())
            .put("max_length", settings.maxLength())
            .put("weight_decay", settings.weightDecay())
            .put("max_grad_norm", settings.maxGradientNorm())
            .put("warmup_steps", settings.warmupSteps())
            .put("save_steps", settings.saveEvery())
            .put("gradient_checkpointing", settings.activationCheckpointing())
            .put(
                "optim",
                settings.optimizer().equals(Optimizer.ADAMW)
                    ? "adamw_torch"
                    : settings.optimizer().name())
            .put("train_sampling_strategy", settings.shuffle() ? "random" : "sequential")
            .put("seed", seed & Integer.MAX_VALUE);
    putSchedule(json, settings);
    if (!sft) {
      json.put("beta", settings.lossParameters().beta());
      lossType(settings.loss()).ifPresent(name -> json.putArray("loss_type").add(name));
    }
    return json;
  }

  private static void putSchedule(ObjectNode json, TrainingSettings settings) {
    if (settings.schedule() == Schedule.CONSTANT) {
      json.put("lr_scheduler_type", "constant_with_warmup");
    } else if (settings.schedule() == Schedule.COSINE) {
      json.put("lr_scheduler_type", "cosine_with_min_lr");
      json.putObject("lr_scheduler_kwargs").put("min_lr", settings.finalLearningRate());
    } else {
      json.put("lr_scheduler_type", "polynomial");
      json.putObject("lr_scheduler_kwargs")
          .put("lr_end", settings.finalLearningRate())
          .put("power", 1.0);
    }
  }

  private static Optional<String> lossType(Loss loss) {
    return List.of(Loss.SIGMOID, Loss.SIGMOID_NORM, Loss.IPO, Loss.HINGE).contains(loss)
        ? Optional.of(loss.name().replace('-', '_'))
        : Optional.empty();
  }
}
