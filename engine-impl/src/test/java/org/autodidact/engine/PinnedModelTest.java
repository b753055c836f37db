package org.autodidact.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.RunListener;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A run goes on with the very models that it stored, or says which file is another. */
class PinnedModelTest {
  @TempDir Path folder;
  private Path model;
  private Path run;

  @BeforeEach
  void write() throws Exception {
    model = Files.createDirectories(folder.resolve("model"));
    for (String name : new String[] {"config.json", "tokenizer.json", "model.safetensors"}) {
      Files.writeString(model.resolve(name), "what is in " + name);
    }
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      prompts.append("{\"id\":\"p" + i + "\",\"prompt\":\"question " + i + "\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
    Files.writeString(folder.resolve("ift.jsonl"), "{\"prompt\":\"q\",\"response\":\"a\"}\n");
    run = folder.resolve("run");
  }

  private RunConfig config(Map<String, String> more) {
    return ConfigFile.parse(
        """
        {model: model, generator: fake, trainer: fake, prompts: {file: prompts.jsonl, per-iteration: 6},
         candidates: {count: 4}, judge: {samples: 1}}
        """,
        "test",
        more,
        folder);
  }

  /** Cancelled in the judgements of the second iterate. */
  private void begin(Map<String, String> more) {
    Cancellation cancellation = new Cancellation();
    RunListener stopping =
        new RunListener() {
          @Override
          public void progressed(Stage stage, int done, int total) {
            if (stage.model().equals("M2") && stage.kind() == Kind.JUDGEMENTS && done == 2) {
              cancellation.cancel();
            }
          }
        };
    Autodidact engine =
        Autodidact.builder().plugin(new FakePlugin(true)).listener(stopping).build();
    assertThatThrownBy(() -> engine.run(config(more), run, cancellation))
        .isInstanceOf(CancelledException.class);
  }

  private void resume() {
    Autodidact.builder().plugin(new FakePlugin(true)).build().resume(run, new Cancellation());
  }

  private void assertRefused(String what, Path file) {
    assertThatThrownBy(this::resume)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining(what)
        .hasMessageContaining(file.getFileName().toString())
        .hasMessageContaining("put");
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "tokenizer.json", "model.safetensors"})
  void aChangedByteOfTheFirstModelIsNamed(String name) throws Exception {
    begin(Map.of());
    Path file = model.resolve(name);
    Files.writeString(file, Files.readString(file).replace("what", "whot"));
    assertRefused("the model M0", file);
  }

  @Test
  void aChangeIsSeenThoughSizeAndDateWerePutBack() throws Exception {
    begin(Map.of());
    Path file = model.resolve("model.safetensors");
    FileTime date = Files.getLastModifiedTime(file);
    Files.writeString(file, Files.readString(file).replace("what", "whot"));
    Files.setLastModifiedTime(file, date);
    assertRefused("another content", file);
  }

  @Test
  void anIteratesOwnFilesAreHeldToo() throws Exception {
    begin(Map.of("fine-tuning", "{ift: " + folder.resolve("ift.jsonl") + "}"));
    for (String name : new String[] {"M1", "M2"}) {
      Path file = run.resolve(name).resolve("made-of");
      String before = Files.readString(file);
      Files.writeString(file, "M9");
      assertRefused("the model " + name, file);
      Files.writeString(file, before);
    }
    assertThatCode(this::resume).doesNotThrowAnyException();
  }

  @Test
  void whatIsCutGoneOrNewIsNamed() throws Exception {
    begin(Map.of());
    Path weights = model.resolve("model.safetensors");
    String whole = Files.readString(weights);
    Files.writeString(weights, whole.substring(3));
    assertRefused("bytes, it had", weights);
    Files.delete(weights);
    assertRefused("is gone", weights);
    Files.writeString(weights, whole);
    Path template = Files.writeString(model.resolve("chat_template.jinja"), "{{ messages }}");
    assertRefused("was not there", template);
    Files.delete(template);
    Files.writeString(model.resolve("README.md"), "no part of the model");
    assertThatCode(this::resume).doesNotThrowAnyException();
  }

  @Test
  void aModelThatIsGoneIsMissedWhenItIsNeeded() throws Exception {
    begin(Map.of("fine-tuning", "{ift: " + folder.resolve("ift.jsonl") + "}"));
    AtomicFolders.deleteIfThere(run.resolve("M1")); // M2 is made of it already
    AtomicFolders.deleteIfThere(run.resolve("M2"));
    assertThatThrownBy(this::resume)
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("the model M2 of this run is gone");
  }

  @Test
  void aRunThatIsCopiedWithOtherDatesGoesOn() throws Exception {
    begin(Map.of("fine-tuning", "{ift: " + folder.resolve("ift.jsonl") + "}"));
    Path copy = folder.resolve("copied/elsewhere");
    try (Stream<Path> files = Files.walk(run)) {
      for (Path file : files.toList()) {
        Path to = copy.resolve(run.relativize(file).toString());
        Files.createDirectories(to.getParent());
        Files.copy(file, to);
      }
    }
    AtomicFolders.deleteIfThere(run);
    run = copy;
    assertThatCode(this::resume).doesNotThrowAnyException();
    Files.writeString(run.resolve("M3/made-of"), "M9");
    assertThatThrownBy(this::resume).hasMessageContaining("the model M3");
  }

  @Test
  void aRunOfBeforeIsPinnedWhenItIsOpened() throws Exception {
    begin(Map.of());
    try (java.sql.Connection c =
            java.sql.DriverManager.getConnection("jdbc:sqlite:" + run.resolve("run.db"));
        java.sql.Statement s = c.createStatement()) {
      s.execute("DELETE FROM property WHERE name LIKE 'files of %' OR name = 'scale'");
    }
    assertThatCode(this::resume).doesNotThrowAnyException();
    try (RunStore store = RunStore.open(run)) {
      assertThat(store.properties("files of ")).containsKeys("files of M0", "files of M3");
    }
  }
}
