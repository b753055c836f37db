package org.autodidact.engine.prompts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptFilterProvider;
import org.autodidact.api.PromptFilterProvider.FilterSettings;
import org.autodidact.api.SamplingParameters;
import org.autodidact.engine.text.RougeL;
import org.junit.jupiter.api.Test;

class SelfInstructTest {
  private static final FilterSettings FILTERS = new FilterSettings(2, 6, List.of("image"), "en");

  private static final List<Prompt> SEEDS =
      IntStream.range(0, 8).mapToObj(i -> Prompt.of("s" + i, "seed number " + i)).toList();

  private static SelfInstruct maker(List<Prompt> seeds, List<Prompt> excluded) {
    return new SelfInstruct(
        "a",
        new SelfInstruct.Settings(6, 2, 0.7, SamplingParameters.candidates(9)),
        seeds,
        excluded,
        PromptFilters.providers().stream()
            .collect(Collectors.toMap(PromptFilterProvider::name, p -> p.create(FILTERS))),
        1);
  }

  /** Writes what {@code text} says of the attempt's number; notes what it was asked. */
  private static Generator writing(Function<Integer, String> text, List<GenerationRequest> asked) {
    return new Generator() {
      @Override
      public void generate(
          List<GenerationRequest> requests, Consumer<Generation> to, Cancellation c) {
        c.throwIfCancelled();
        asked.addAll(requests);
        for (int i = requests.size() - 1; i >= 0; i--) {
          GenerationRequest r = requests.get(i);
          String written = text.apply(Integer.valueOf(r.prompt().id().substring(1)));
          to.accept(
              new Generation(
                  r.prompt().id(),
                  List.of(1),
                  List.of(
                      new Candidate(
                          r.seeds().get(0),
                          written,
                          List.of(1),
                          -1,
                          written.endsWith("…")
                              ? FinishReason.MAX_TOKENS
                              : FinishReason.END_OF_TEXT))));
        }
      }

      @Override
      public void close() {}
    };
  }

  private static String text(int attempt) {
    return switch (attempt) {
      case 1 -> "cut off here…";
      case 2 -> "one";
      case 3 -> "far more words than six are here";
      case 4 -> "Draw an IMAGE of it";
      case 5 -> " Seed   NUMBER 3 ";
      case 6 -> "the seed number 3";
      case 7 -> "imagery is fine";
      case 8 -> "held out prompt of ours";
      default -> "word" + attempt + " w" + attempt;
    };
  }

  private static List<CreatedPrompt> create(
      SelfInstruct maker, int count, List<GenerationRequest> asked) {
    List<CreatedPrompt> all = new ArrayList<>();
    maker.create(count, writing(SelfInstructTest::text, asked), all::addAll, new Cancellation());
    return all;
  }

  @Test
  void eachFilterRejectsItsOwnAndIsCounted() {
    List<GenerationRequest> asked = new ArrayList<>();
    SelfInstruct maker = maker(SEEDS, List.of(Prompt.of("e", "the held out prompt of ours")));
    List<CreatedPrompt> all = create(maker, 30, asked);
    assertThat(all.subList(0, 10))
        .extracting(CreatedPrompt::outcome)
        .containsExactly(
            "kept",
            "unfinished",
            "length",
            "length",
            "keywords",
            "duplicate",
            "similar",
            "kept",
            "similar",
            "kept");
    assertThat(maker.rejected(all))
        .isEqualTo(
            Map.of("unfinished", 1, "length", 2, "keywords", 1, "duplicate", 1, "similar", 2));
    assertThat(all).hasSize(37).filteredOn(CreatedPrompt::kept).hasSize(30);
    assertThat(all.get(36).kept()).as("nothing is made beyond what is wanted").isTrue();
  }

  @Test
  void sixOfPeopleAndTwoOfItsOwnAreShown() {
    List<GenerationRequest> asked = new ArrayList<>();
    List<CreatedPrompt> all = create(maker(SEEDS, List.of()), 100, asked);
    assertThat(all.get(0).shots()).hasSize(8).allMatch(id -> id.startsWith("s"));
    List<String> late = all.get(all.size() - 1).shots();
    assertThat(late).hasSize(8).doesNotHaveDuplicates();
    assertThat(late).filteredOn(id -> id.startsWith("s")).hasSize(6);
    List<Message> shown = asked.get(asked.size() - 1).prompt().messages();
    assertThat(shown).hasSize(17);
    assertThat(shown.get(16).role()).isEqualTo("user");
    Map<String, String> texts =
        all.stream().collect(Collectors.toMap(CreatedPrompt::id, CreatedPrompt::text));
    SEEDS.forEach(s -> texts.put(s.id(), s.instruction()));
    CreatedPrompt first = all.get(0);
    assertThat(asked.get(0).prompt().messages())
        .filteredOn(m -> m.role().equals("assistant"))
        .extracting(Message::content)
        .as("an attempt can be traced to what was shown")
        .isEqualTo(first.shots().stream().map(texts::get).toList());
  }

  @Test
  void noTwoThatAreKeptAreAlike() {
    List<String> kept =
        create(maker(SEEDS, List.of()), 60, new ArrayList<>()).stream()
            .filter(CreatedPrompt::kept)
            .map(CreatedPrompt::text)
            .toList();
    for (int i = 0; i < kept.size(); i++) {
      for (int j = 0; j < i; j++) {
        assertThat(RougeL.f1(kept.get(i), kept.get(j))).isLessThanOrEqualTo(0.7);
      }
    }
  }

  @Test
  void takenUpAfterAnyRoundItGoesOnAsIfNeverStopped() {
    List<List<CreatedPrompt>> rounds = new ArrayList<>();
    maker(SEEDS, List.of())
        .create(
            150,
            writing(SelfInstructTest::text, new ArrayList<>()),
            rounds::add,
            new Cancellation());
    List<CreatedPrompt> whole = rounds.stream().flatMap(List::stream).toList();
    assertThat(rounds).hasSizeGreaterThan(2);
    for (int stop = 0; stop < rounds.size(); stop++) {
      List<CreatedPrompt> all =
          new ArrayList<>(rounds.subList(0, stop).stream().flatMap(List::stream).toList());
      SelfInstruct maker = maker(SEEDS, List.of());
      maker.restore(all);
      all.addAll(create(maker, 150, new ArrayList<>()));
      assertThat(all).isEqualTo(whole);
    }
    for (int stop = 0; stop <= whole.size(); stop++) {
      List<CreatedPrompt> found = SelfInstruct.wholeBatches(whole.subList(0, stop), 150);
      int done = 0;
      int size = 0;
      while (done < rounds.size() && size + rounds.get(done).size() <= stop) {
        size += rounds.get(done++).size();
      }
      assertThat(found).hasSize(size);
    }
  }

  @Test
  void aModelThatIsUnableAndTooFewSeedsAreNamed() {
    assertThatThrownBy(
            () ->
                maker(SEEDS, List.of())
                    .create(
                        3,
                        writing(i -> "the same again", new ArrayList<>()),
                        r -> {},
                        new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("of 62 prompts that the model made 1 were kept, 3 are wanted")
        .hasMessageContaining("duplicate=61");
    List<Prompt> long1 = new ArrayList<>(SEEDS.subList(0, 7));
    long1.add(Prompt.of("l", "a seed of more than six words is not shown"));
    assertThatThrownBy(() -> maker(long1, List.of()))
        .hasMessageContaining("shows 8 prompts; of 8 seeds the filters let 7 through");
    assertThatThrownBy(() -> new FilterSettings(3, 2, List.of(), "en"))
        .hasMessageContaining("max-words");
    assertThat(Optional.of(PromptFilters.words("  a  b\nc "))).hasValue(3);
  }
}
