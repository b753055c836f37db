package org.autodidact.engine.evaluation;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.engine.seeds.Seeds;

/** A model answers, a conversation's turns one after another, each turn of all in one call. */
public final class Conversations {
  private Conversations() {}

  /** The sampling of candidates with another temperature; 0 is greedy. */
  public static SamplingParameters sampling(int maxTokens, double temperature) {
    SamplingParameters s = SamplingParameters.candidates(maxTokens);
    return new SamplingParameters(
        maxTokens,
        temperature,
        s.topK(),
        s.topP(),
        s.minP(),
        s.repetitionPenalty(),
        s.stop(),
        false);
  }

  /** An answer to each prompt, in their order. */
  public static List<String> answer(
      List<Prompt> prompts,
      SamplingParameters sampling,
      Generator generator,
      long seed,
      Cancellation cancellation) {
    return turn(
        prompts.stream().map(Prompt::messages).toList(),
        i -> sampling,
        generator,
        seed,
        0,
        cancellation);
  }

  /**
   * The answers to each conversation's turns.
   *
   * @param questions what the user says, turn by turn
   * @param sampling by the conversation's index
   */
  public static List<List<String>> answerTurns(
      List<List<String>> questions,
      IntFunction<SamplingParameters> sampling,
      Generator generator,
      long seed,
      Cancellation cancellation) {
    List<List<Message>> said = new ArrayList<>();
    List<List<String>> answers = new ArrayList<>();
    questions.forEach(
        q -> {
          said.add(new ArrayList<>());
          answers.add(new ArrayList<>());
        });
    int longest = questions.stream().mapToInt(List::size).max().orElse(0);
    for (int turn = 0; turn < longest; turn++) {
      int now = turn;
      int[] open =
          IntStream.range(0, questions.size()).filter(i -> questions.get(i).size() > now).toArray();
      for (int i : open) {
        said.get(i).add(Message.user(questions.get(i).get(turn)));
      }
      List<String> found =
          turn(
              IntStream.of(open).mapToObj(said::get).toList(),
              k -> sampling.apply(open[k]),
              generator,
              seed,
              turn,
              cancellation);
      for (int k = 0; k < open.length; k++) {
        said.get(open[k]).add(Message.assistant(found.get(k)));
        answers.get(open[k]).add(found.get(k));
      }
    }
    return answers;
  }

  private static List<String> turn(
      List<List<Message>> conversations,
      IntFunction<SamplingParameters> sampling,
      Generator generator,
      long seed,
      int turn,
      Cancellation cancellation) {
    List<GenerationRequest> requests =
        IntStream.range(0, conversations.size())
            .mapToObj(
                i ->
                    new GenerationRequest(
                        new Prompt(Integer.toString(i), conversations.get(i)),
                        List.of(Seeds.of(seed, i, turn)),
                        sampling.apply(i)))
            .toList();
    Map<String, String> found = new HashMap<>();
    generator.generate(
        requests, g -> found.put(g.promptId(), g.candidates().get(0).text()), cancellation);
    return IntStream.range(0, requests.size())
        .mapToObj(i -> found.get(Integer.toString(i)))
        .toList();
  }
}
