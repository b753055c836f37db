package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * One training example.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public sealed interface TrainingExample {

  /** The conversation before the answer. */
  List<Message> prompt();

  /**
   * Supervised fine-tuning: the answer to imitate; the loss is on its tokens only, those that end
   * it included where it {@linkplain Answer ends}.
   */
  record Demonstration(List<Message> prompt, Answer response) implements TrainingExample {
    public Demonstration {
      prompt = List.copyOf(prompt);
      Objects.requireNonNull(response, "response");
    }

    /** A demonstration with a {@linkplain Answer#written written} answer. */
    public Demonstration(List<Message> prompt, String response) {
      this(prompt, Answer.written(response));
    }
  }

  /**
   * Preference optimization: an answer preferred to another.
   *
   * @param consistency C, how sure it is that the chosen answer is the better one, in [0, 1]: the
   *     pair's loss is C times that of chosen over rejected and 1 − C times that of rejected over
   *     chosen (CREAM: Wang et al., 2024, equation 10); 1 where nothing is known
   */
  record Preference(List<Message> prompt, Answer chosen, Answer rejected, double consistency)
      implements TrainingExample {
    public Preference {
      prompt = List.copyOf(prompt);
      Objects.requireNonNull(chosen, "chosen");
      Objects.requireNonNull(rejected, "rejected");
      if (!(consistency >= 0 && consistency <= 1)) {
        throw new InvalidInputException("consistency must be in [0, 1], found " + consistency);
      }
    }

    /** A preference between {@linkplain Answer#written written} answers. */
    public Preference(List<Message> prompt, String chosen, String rejected, double consistency) {
      this(prompt, Answer.written(chosen), Answer.written(rejected), consistency);
    }

    /** A preference between written answers, with consistency 1. */
    public Preference(List<Message> prompt, String chosen, String rejected) {
      this(prompt, chosen, rejected, 1);
    }
  }
}
