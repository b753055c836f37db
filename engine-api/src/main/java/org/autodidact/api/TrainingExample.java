package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/** One example to learn from. */
public sealed interface TrainingExample {

  /** The conversation before the answer. */
  List<Message> prompt();

  /**
   * Supervised fine-tuning: the answer to imitate; the loss is on its tokens and the closing
   * end-of-turn token only.
   */
  record Demonstration(List<Message> prompt, String response) implements TrainingExample {
    public Demonstration {
      prompt = List.copyOf(prompt);
      Objects.requireNonNull(response, "response");
    }
  }

  /** Preference optimization: the answer to favour over another. */
  record Preference(List<Message> prompt, String chosen, String rejected)
      implements TrainingExample {
    public Preference {
      prompt = List.copyOf(prompt);
      Objects.requireNonNull(chosen, "chosen");
      Objects.requireNonNull(rejected, "rejected");
    }
  }
}
