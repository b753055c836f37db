package org.autodidact.onnxruntime;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;
import org.autodidact.onnxruntime.batching.UniqueIds;
import org.autodidact.onnxruntime.ort.OrtRuntime;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunTensors;

/**
 * Judges by a reward model: a sequence classifier with one logit, as a folder of {@code model.onnx}
 * (inputs input_ids, attention_mask and optionally token_type_ids) and {@code tokenizer.json}. A
 * score is 5 σ(logit), which keeps the model's order. One answer at a time, so that a judgement
 * depends on its own request alone; seeds are ignored. Too long an answer is truncated at its end.
 */
final class RewardModelJudge implements Judge {
  static final JudgeProvider PROVIDER =
      new JudgeProvider() {
        @Override
        public String name() {
          return "reward-model";
        }

        @Override
        public boolean readsModel() {
          return true;
        }

        @Override
        public Judge open(JudgeContext context) {
          return RewardModelJudge.open(
              context
                  .model()
                  .orElseThrow(
                      () ->
                          new InvalidInputException(
                              "the judge 'reward-model' needs judge.model (--judge-model): a folder"
                                  + " with model.onnx and tokenizer.json")));
        }
      };

  private static final List<String> INPUTS =
      List.of("input_ids", "attention_mask", "token_type_ids");

  private final OwnedSession session;
  private final PromptEncoder encoder;
  private final int longest;

  private RewardModelJudge(OwnedSession session, PromptEncoder encoder, int longest) {
    this.session = session;
    this.encoder = encoder;
    this.longest = longest;
  }

  private static Judge open(Path folder) {
    Path file = folder.resolve("model.onnx");
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          file + ": there is no such file; export the classifier to ONNX into that folder");
    }
    PromptEncoder encoder = PromptEncoder.open(folder);
    try {
      OwnedSession session =
          OwnedSession.of(
              options -> OrtRuntime.environment().createSession(file.toString(), options));
      try {
        check(file, session);
        return new RewardModelJudge(session, encoder, PromptEncoder.longest(folder));
      } catch (OrtException | RuntimeException e) {
        session.close();
        throw e;
      }
    } catch (OrtException | RuntimeException e) {
      encoder.close();
      throw e instanceof AutodidactException known
          ? known
          : new UnsupportedModelException(
              file + ": ONNX Runtime cannot open it: " + e.getMessage(), e);
    }
  }

  private static void check(Path file, OwnedSession session) throws OrtException {
    Set<String> inputs = session.get().getInputNames();
    Set<String> unknown = new HashSet<>(inputs);
    INPUTS.forEach(unknown::remove);
    NodeInfo output = session.get().getOutputInfo().values().iterator().next();
    long[] shape = output.getInfo() instanceof TensorInfo tensor ? tensor.getShape() : new long[0];
    boolean fits =
        unknown.isEmpty()
            && inputs.containsAll(INPUTS.subList(0, 2))
            && shape.length == 2
            && shape[1] == 1;
    if (!fits) {
      throw new UnsupportedModelException(
          file
              + ": a reward model has the inputs input_ids and attention_mask, perhaps"
              + " token_type_ids, and one logit a text; found the inputs "
              + inputs
              + " and the output "
              + output.getName()
              + " of shape "
              + Arrays.toString(shape));
    }
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    UniqueIds.require("judgement", requests, JudgementRequest::id);
    cancellation.throwIfCancelled();
    for (JudgementRequest request : requests) {
      double logit = logit(encoder.exchange(request.instruction(), request.response()));
      OptionalDouble score =
          Double.isNaN(logit)
              ? OptionalDouble.empty()
              : OptionalDouble.of(scale().highest() / (1 + Math.exp(-logit)));
      results.accept(Judgement.of(request.id(), List.of(new JudgementSample(score, ""))));
      cancellation.throwIfCancelled();
    }
  }

  private double logit(long[][] tokens) {
    int length = Math.min(longest, tokens[0].length);
    long[] ids = Arrays.copyOf(tokens[0], length);
    ids[length - 1] = tokens[0][tokens[0].length - 1]; // keeps the token that ends a text
    long[] mask = new long[length];
    Arrays.fill(mask, 1);
    try (RunTensors tensors = new RunTensors()) {
      tensors.input("input_ids", ids, 1, length);
      tensors.input("attention_mask", mask, 1, length);
      if (session.get().getInputNames().contains("token_type_ids")) {
        tensors.input("token_type_ids", Arrays.copyOf(tokens[1], length), 1, length);
      }
      try (OrtSession.Result result = session.run(tensors.inputs())) {
        return ((float[][]) result.get(0).getValue())[0][0];
      }
    } catch (OrtException e) {
      throw new AutodidactException("the reward model failed: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    session.close();
    encoder.close();
  }
}
