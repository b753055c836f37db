package org.autodidact.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Judge;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.StorageException;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.FakePlugin;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.report.HtmlReport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunStoreTest {
  @TempDir Path folder;

  private Path run() throws Exception {
    Files.createDirectories(folder.resolve("model"));
    Files.writeString(folder.resolve("p.jsonl"), "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n");
    Path run = folder.resolve("run");
    Autodidact.builder()
        .plugin(new FakePlugin(true))
        .build()
        .run(
            ConfigFile.parse(
                "{model: model, generator: fake, trainer: fake, iterations: 1,"
                    + " prompts: {file: p.jsonl, per-iteration: 2}, candidates: {count: 4}}",
                "test",
                Map.of(),
                folder),
            run);
    return run;
  }

  private static void change(Path run, String sql) throws Exception {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + run.resolve("run.db"));
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA foreign_keys = OFF");
      for (String one : sql.split(" ;; ")) {
        statement.execute(one);
      }
    }
  }

  private static void readAll(Path run) throws Exception {
    try (RunStore store = RunStore.read(run)) {
      store.models().forEach(m -> store.model(m.name()));
      store.trainingLog().steps("M2");
      store.iterations().metrics(1);
      store.iterations().earlierScores(1);
      store.iterations().created(1);
      HtmlReport.write(store);
    }
  }

  /** Each was taken silently or ended in a stack trace. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "UPDATE model SET location = 'M1' || char(0) || 'x' WHERE name = 'M2'",
        "UPDATE model SET location = '/etc' WHERE name = 'M2'",
        "UPDATE model SET location = '../../etc' WHERE name = 'M2'",
        "UPDATE model SET location = '.' WHERE name = 'M2'",
        "UPDATE prompt SET messages = '[{\"content\":\"no role\"}]'",
        "UPDATE prompt SET messages = '[]'",
        "UPDATE prompt SET messages = 'null'",
        "UPDATE prompt SET messages = '{'",
        "UPDATE prompt SET messages = x'00ff'",
        "UPDATE prompt SET messages = '[{\"role\":\"user\",\"content\":\"a\",\"beginning\":\"7\"}]'",
        "UPDATE candidate SET finish_reason = 'BORED'",
        "UPDATE candidate SET log_probability = 'much'",
        "UPDATE candidate SET log_probability = -9e999",
        "UPDATE candidate SET tokens = '[1,\"x\"]'",
        "UPDATE candidate SET position = -1 WHERE prompt = 0 AND position = 0",
        "UPDATE candidate SET seed = 'none'",
        "UPDATE judgement_sample SET shown = 'SIDEWAYS'",
        "UPDATE judgement_sample SET score = 1e308",
        "UPDATE judgement SET score = 'five'",
        "UPDATE judgement SET score = 1e308",
        "UPDATE judgement SET score = -1",
        "UPDATE pair SET chosen = 99",
        "UPDATE pair SET prompt = 5 WHERE prompt = (SELECT max(prompt) FROM pair)",
        "UPDATE pair SET prompt = 4294967296 WHERE prompt = (SELECT max(prompt) FROM pair)",
        "DELETE FROM candidate WHERE prompt = 1",
        "UPDATE metric SET value = 'text'",
        "UPDATE training_step SET metrics = '[]'",
        "UPDATE property SET value = '[1]' WHERE name = 'scale'",
        "INSERT OR REPLACE INTO property VALUES ('compared: M2', '{')",
        "INSERT OR REPLACE INTO property VALUES ('compared: M2', '{\"probes\":1}')",
        "ALTER TABLE pair RENAME TO p2 ;; CREATE VIEW pair AS SELECT * FROM p2",
        "CREATE TRIGGER t AFTER INSERT ON stage BEGIN DELETE FROM stage; END",
        "DROP TABLE judgement",
        "ALTER TABLE candidate RENAME COLUMN text TO words"
      })
  void whatNoRunStoresIsOneLine(String sql) throws Exception {
    Path run = run();
    readAll(run);
    change(run, sql);
    assertThatThrownBy(() -> readAll(run))
        .isInstanceOf(AutodidactException.class)
        .hasMessageContaining("run.db")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n").hasSizeLessThan(300));
  }

  @Test
  void aDamagedFileIsNamedWhenItIsOpenedWithWhatHelps() throws Exception {
    Path run = run();
    try (FileChannel file = FileChannel.open(run.resolve("run.db"), StandardOpenOption.WRITE)) {
      byte[] noise = new byte[4096];
      new java.util.Random(1).nextBytes(noise);
      file.write(ByteBuffer.wrap(noise), 3 * 4096);
    }
    for (ThrowingOpener opener : List.<ThrowingOpener>of(RunStore::open, RunStore::read)) {
      assertThatThrownBy(() -> opener.open(run).close())
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("sqlite3 run.db .recover");
    }
    Files.writeString(
        run.resolve("run.db"), "no database, but longer than its header is. ".repeat(9));
    assertThatThrownBy(() -> RunStore.open(run))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("sqlite3 run.db .recover");
  }

  private interface ThrowingOpener {
    RunStore open(Path run);
  }

  @Test
  void aRunThatIsAtWorkCanBeReadAsItIs() throws Exception {
    Path run = run();
    try (RunStore working = RunStore.open(run);
        RunStore reading = RunStore.read(run)) {
      assertThat(reading.counts()).isEqualTo(working.counts());
      working.put("more", "now");
      assertThat(HtmlReport.write(reading)).exists();
      assertThatThrownBy(() -> reading.put("a", "b")).isInstanceOf(StorageException.class);
    }
    try (RunStore later = RunStore.read(run)) {
      assertThat(later.property("more")).contains("now");
    }
  }

  @Test
  void whatPromptsHaveInCommonIsStored() {
    Prompt prompt =
        new Prompt("p", List.of(Message.user("Begin. Go on."), Message.assistant("x")), "Begin. ");
    try (RunStore store = RunStore.open(folder)) {
      store.iterations().addPrompts(1, List.of(prompt, Prompt.of("q", "plain")));
      assertThat(store.iterations().prompts(1)).containsExactly(prompt, Prompt.of("q", "plain"));
    }
  }

  @Test
  void keysHaveOneOrder() throws Exception {
    try (RunStore store = RunStore.open(folder)) {
      store.iterations().addPrompts(1, List.of(Prompt.of("q", "plain")));
    }
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("run.db"));
        var rows = connection.createStatement().executeQuery("SELECT messages FROM prompt")) {
      assertThat(rows.getString(1)).isEqualTo("[{\"role\":\"user\",\"content\":\"plain\"}]");
    }
    assertThat(Provenance.imported("m")).isEqualTo("{\"version\":1,\"source\":\"m\"}");
  }

  @Test
  void theJudgesScaleIsKeptAndAnotherIsRefused() {
    try (RunStore store = RunStore.open(folder)) {
      assertThat(store.scale()).isEqualTo(Judge.Scale.FIVE_POINTS);
      store.storeScale(new Judge.Scale(0, 10));
      store.storeScale(new Judge.Scale(0, 10));
      assertThat(store.scale()).isEqualTo(new Judge.Scale(0, 10));
      assertThatThrownBy(() -> store.storeScale(Judge.Scale.FIVE_POINTS))
          .hasMessageContaining("scale");
    }
  }

  @Test
  void whatAKilledRunLeftHalfWrittenGoesWhenItIsOpened() throws Exception {
    Path half = Files.createDirectories(folder.resolve("M2.part-1f"));
    Files.writeString(half.resolve("model.safetensors"), "half");
    Files.createFile(folder.resolve("M2.part-1f.lock"));
    RunStore.open(folder).close();
    assertThat(half).doesNotExist();
    assertThat(folder.resolve("M2.part-1f.lock")).doesNotExist();
  }

  /** What a chat template writes of the day stays when a run is resumed on another. */
  @Test
  void theTimeOfARunStandsStill() {
    Clock first;
    try (RunStore store = RunStore.open(folder.resolve("timed"))) {
      first = store.clock();
      assertThat(store.clock()).isEqualTo(first);
    }
    try (RunStore store = RunStore.open(folder.resolve("timed"))) {
      assertThat(store.clock()).isEqualTo(first);
    }
  }
}
