package org.autodidact.engine.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.natives.NativeLibraries;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.util.LibraryLoaderUtil;

/**
 * A run's SQLite file: transactions, queries, and failures that say what to do. Thread-safe, as a
 * timer commits what is left.
 */
final class Database implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  /** The advice for a damaged file. */
  private static final String RESTORE =
      "put back a copy of it, try 'sqlite3 run.db .recover', or begin a new run in another folder";

  /** Characters of a value that a message shows. */
  private static final int SHOWN = 40;

  // SQLite's primary result codes, https://sqlite.org/rescode.html
  private static final int ERROR = 1;
  private static final int PERMISSION = 3;
  private static final int READ_ONLY = 8;
  private static final int INPUT_OUTPUT = 10;
  private static final int CORRUPT = 11;
  private static final int FULL = 13;
  private static final int CANNOT_OPEN = 14;
  private static final int MISMATCH = 20;
  private static final int NOT_A_DATABASE = 26;

  /** Of the time, at most this part is spent on grouped commits. */
  private static final int COMMIT_SHARE = 20;

  private static final int COMMIT_MILLIS = 100;

  private final Path file;
  private final Connection connection;
  private final Optional<Path> copy;
  private final Map<String, PreparedStatement> updates = new HashMap<>();
  private final ScheduledExecutorService committer =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "autodidact-store");
            thread.setDaemon(true);
            return thread;
          });
  private boolean pending;
  private long lastCommit = System.nanoTime();
  private long commitNanos;
  private Optional<RuntimeException> failed = Optional.empty();

  private Database(Path file, Connection connection) {
    this(file, connection, Optional.empty());
  }

  /** A database on a copy, whose folder is deleted on close. */
  private Database(Path file, Connection connection, Optional<Path> copy) {
    this.file = file;
    this.connection = connection;
    this.copy = copy;
  }

  /** Opens the file, or makes it, with the tables of {@code schema.sql}. */
  static Database open(Path file) {
    loadLibrary();
    try {
      return prepared(file, DriverManager.getConnection("jdbc:sqlite:" + file.toAbsolutePath()));
    } catch (SQLException e) {
      throw failure(file, "cannot be opened", e);
    }
  }

  private static Database prepared(Path file, Connection connection) throws SQLException {
    boolean prepared = false;
    try {
      try (Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA journal_mode = WAL");
        statement.execute("PRAGMA synchronous = FULL");
        statement.execute("PRAGMA foreign_keys = ON");
        connection.setAutoCommit(false);
        requireSound(file, statement);
        for (String table : schema().split(";\\R")) {
          statement.execute(table);
        }
      }
      connection.commit();
      prepared = true;
      return new Database(file, connection);
    } finally {
      if (!prepared) {
        connection.close();
      }
    }
  }

  /**
   * Opens a file to be read, while another process may write it; what is read is as it was when the
   * first of it was read. On a medium that cannot be written it is opened as it lies there, or,
   * where its last writes are in a journal beside it, a copy is.
   */
  static Database read(Path file) {
    loadLibrary();
    try {
      try {
        return reading(file, uri(file, "mode=ro"), Optional.empty());
      } catch (SQLException e) {
        if (Files.isWritable(file.toAbsolutePath().getParent())) {
          throw e;
        }
        Path journal = file.resolveSibling(file.getFileName() + "-wal");
        if (!Files.exists(journal) || Files.size(journal) == 0) {
          return reading(file, uri(file, "mode=ro&immutable=1"), Optional.empty());
        }
        Path folder = Files.createTempDirectory("autodidact-run");
        Path copy = folder.resolve(file.getFileName().toString());
        Files.copy(file, copy);
        Files.copy(journal, folder.resolve(journal.getFileName().toString()));
        return reading(file, uri(copy, "mode=rw"), Optional.of(folder));
      }
    } catch (SQLException e) {
      throw failure(file, "cannot be opened", e);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  private static Database reading(Path file, String uri, Optional<Path> copy) throws SQLException {
    Connection connection = DriverManager.getConnection(uri);
    boolean opened = false;
    try {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        requireSound(file, statement);
      }
      connection.commit();
      opened = true;
      return new Database(file, connection, copy);
    } finally {
      if (!opened) {
        connection.close();
        copy.ifPresent(AtomicFolders::deleteIfThere);
      }
    }
  }

  private static String uri(Path file, String how) {
    return "jdbc:sqlite:file:" + file.toUri().getRawPath() + "?" + how;
  }

  /**
   * Reads all of the file once: what is damaged is said before anything is computed from it. What a
   * run does not make, views and triggers, could show or do anything.
   */
  private static void requireSound(Path file, Statement statement) throws SQLException {
    try (ResultSet found = statement.executeQuery("PRAGMA quick_check(1)")) {
      if (found.next() && !"ok".equals(found.getString(1))) {
        throw new StorageException(file + ": is damaged: " + found.getString(1) + "; " + RESTORE);
      }
    }
    try (ResultSet odd =
        statement.executeQuery(
            "SELECT type, name FROM sqlite_master WHERE type NOT IN ('table', 'index')")) {
      if (odd.next()) {
        throw new StorageException(
            file
                + ": has the "
                + odd.getString(1)
                + " '"
                + odd.getString(2)
                + "', which no run makes; "
                + RESTORE);
      }
    }
  }

  /** Once for all processes; SQLite by itself unpacks into the temporary folder in each. */
  private static void loadLibrary() {
    Library.load();
  }

  private static final class Library {
    private static final boolean LOADED =
        NativeLibraries.load(
            List.of(
                NativeLibraries.Library.unpacked(
                    "sqlite-" + SQLiteJDBCLoader.getVersion(),
                    SQLiteJDBCLoader.class.getClassLoader(),
                    List.of(
                        LibraryLoaderUtil.getNativeLibResourcePath().substring(1)
                            + "/"
                            + LibraryLoaderUtil.getNativeLibName()),
                    "org.sqlite.lib.path",
                    "org.sqlite.lib.name",
                    "org.sqlite.tmpdir")),
            Library::initialize);

    static boolean load() {
      return LOADED;
    }

    private static boolean initialize() {
      try {
        return SQLiteJDBCLoader.initialize();
      } catch (Exception e) {
        throw new StorageException("SQLite does not load here: " + e.getMessage(), e);
      }
    }
  }

  private static String schema() {
    try (InputStream in = Database.class.getResourceAsStream("schema.sql")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Something that SQL may refuse. */
  interface Work {
    void run() throws SQLException;
  }

  interface RowReader<T> {
    T read(Row row) throws SQLException;
  }

  /** Something that is done with a row. */
  interface RowWork {
    void run(Row row) throws SQLException;
  }

  /** All of the work, or none of it; once this returns it is on the disk. */
  synchronized void transaction(Work work) {
    flush();
    try {
      work.run();
      connection.commit();
    } catch (SQLException e) {
      rollBack(e);
      throw failure(file, "cannot be written", e);
    } catch (RuntimeException | Error e) {
      rollBack(e);
      throw e;
    }
  }

  private void rollBack(Throwable cause) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  /**
   * All of the work, or none of it, committed with what comes within moments. A commit waits for
   * the disk: where results come faster than that, each would wait for its own. So the next commit
   * comes once the last one was a {@value #COMMIT_SHARE}th of the time since, and never later than
   * {@value #COMMIT_MILLIS} ms: a process that is killed loses no more than that.
   */
  synchronized void grouped(Work work) {
    flushFailed();
    try {
      update("SAVEPOINT one");
      work.run();
      update("RELEASE one");
    } catch (SQLException e) {
      undo(e);
      throw failure(file, "cannot be written", e);
    } catch (RuntimeException | Error e) {
      undo(e);
      throw e;
    }
    if (System.nanoTime() - lastCommit >= COMMIT_SHARE * commitNanos) {
      pending = true;
      flush();
    } else if (!pending) {
      pending = true;
      committer.schedule(this::flushLater, COMMIT_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  /** Takes the work of one call back; what came before it stays. */
  private void undo(Throwable cause) {
    try {
      update("ROLLBACK TO one");
      update("RELEASE one");
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  /** Commits what {@link #grouped} left. */
  private synchronized void flush() {
    flushFailed();
    if (!pending) {
      return;
    }
    long start = System.nanoTime();
    try {
      connection.commit();
    } catch (SQLException e) {
      rollBack(e);
      throw failure(file, "cannot be written", e);
    } finally {
      pending = false;
      lastCommit = System.nanoTime();
      commitNanos = lastCommit - start;
    }
  }

  /** In a thread of its own, where nobody is told of a failure: the next write is. */
  private synchronized void flushLater() {
    try {
      flush();
    } catch (RuntimeException e) {
      failed = Optional.of(e);
    }
  }

  private void flushFailed() {
    if (failed.isPresent()) {
      RuntimeException e = failed.get();
      failed = Optional.empty();
      throw e;
    }
  }

  /** Writes; part of a {@link #transaction} or of {@link #grouped} work. */
  void update(String sql, Object... values) throws SQLException {
    PreparedStatement statement = updates.get(sql);
    if (statement == null) {
      statement = connection.prepareStatement(sql);
      updates.put(sql, statement);
    }
    bind(statement, values);
    statement.executeUpdate();
  }

  /**
   * Reads rows.
   *
   * @param what they are, for messages, as "candidates"
   * @throws StorageException where the file cannot be read, or a row holds what no run stores
   */
  <T> List<T> query(String what, String sql, RowReader<T> reader, Object... values) {
    List<T> rows = new ArrayList<>();
    forEach(what, sql, row -> rows.add(reader.read(row)), values);
    return rows;
  }

  /** Reads rows one by one, for those that are too many for a list. */
  synchronized void forEach(String what, String sql, RowWork work, Object... values) {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      bind(statement, values);
      try (ResultSet result = statement.executeQuery()) {
        for (int index = 0; result.next(); index++) {
          read(what, index, work, new Row(result));
        }
      }
    } catch (SQLException e) {
      throw failure(file, "cannot be read", e);
    }
  }

  /** Whatever a row holds that no run stores must end in words that say where it stands. */
  private void read(String what, int index, RowWork work, Row row) throws SQLException {
    try {
      work.run(row);
    } catch (OddValueException
        | AutodidactException
        | IllegalArgumentException
        | NullPointerException
        | IndexOutOfBoundsException e) {
      throw odd(what + ", row " + (index + 1), e);
    }
  }

  /** A stored value that no run stores. */
  StorageException odd(String where, RuntimeException e) {
    return new StorageException(
        file + ", " + where + ": holds what no run stores: " + e.getMessage() + "; " + RESTORE, e);
  }

  private static void bind(PreparedStatement statement, Object[] values) throws SQLException {
    for (int i = 0; i < values.length; i++) {
      statement.setObject(i + 1, values[i]);
    }
  }

  private static StorageException failure(Path file, String what, SQLException e) {
    return new StorageException(file + ": " + what + ": " + e.getMessage() + "; " + advice(e), e);
  }

  private static String advice(SQLException e) {
    int code = e instanceof SQLiteException known ? known.getResultCode().code : e.getErrorCode();
    if (code == SQLiteErrorCode.SQLITE_IOERR_SHORT_READ.code) {
      return RESTORE; // shorter than it says
    }
    return switch (code & 0xff) {
      case CORRUPT, NOT_A_DATABASE, ERROR, MISMATCH -> RESTORE;
      case FULL, INPUT_OUTPUT ->
          "what was stored before stays: free space, and 'autodidact resume' goes on from it";
      case CANNOT_OPEN, READ_ONLY, PERMISSION ->
          "it, or its folder, cannot be written: change that, or choose another folder";
      default -> "what was stored before stays, 'autodidact resume' goes on from it";
    };
  }

  /** The value of a JSON column. */
  static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Reads a column of JSON.
   *
   * @throws OddValueException where it is not what the type says
   */
  static <T> T parse(String json, TypeReference<T> type) {
    try {
      T value = JSON.readValue(json, type);
      if (value == null) {
        throw new OddValueException("null for " + type.getType());
      }
      return value;
    } catch (JsonProcessingException e) {
      throw new OddValueException("JSON that cannot be read: " + e.getOriginalMessage());
    }
  }

  @Override
  public synchronized void close() {
    committer.shutdownNow();
    try (connection) {
      flush();
      for (PreparedStatement statement : updates.values()) {
        statement.close();
      }
    } catch (SQLException e) {
      throw failure(file, "cannot be closed", e);
    } finally {
      copy.ifPresent(AtomicFolders::deleteIfThere);
    }
  }

  /** A value that no run stores; {@link #query} says where it stands. */
  static final class OddValueException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OddValueException(String message) {
      super(message);
    }
  }

  /**
   * A row. SQLite stores any type in any column: what another type is than the column's is refused,
   * not turned into 0 or a text.
   */
  static final class Row {
    private final ResultSet row;

    private Row(ResultSet row) {
      this.row = row;
    }

    String text(int column) throws SQLException {
      return value(column, String.class, "a text");
    }

    Optional<String> textIfThere(int column) throws SQLException {
      return row.getObject(column) == null ? Optional.empty() : Optional.of(text(column));
    }

    long integer(int column) throws SQLException {
      Number number = value(column, Number.class, "a whole number");
      if (number instanceof Double || number instanceof Float) {
        throw odd(column, "a whole number");
      }
      return number.longValue();
    }

    /** An index, counted from 0, or a count. */
    int count(int column) throws SQLException {
      long found = integer(column);
      if (found < 0 || found > Integer.MAX_VALUE) {
        throw odd(column, "a number from 0 to " + Integer.MAX_VALUE);
      }
      return (int) found;
    }

    double number(int column) throws SQLException {
      double found = value(column, Number.class, "a number").doubleValue();
      if (!Double.isFinite(found)) {
        throw odd(column, "a finite number");
      }
      return found;
    }

    /** A number that may be infinite, as a perplexity. */
    double measured(int column) throws SQLException {
      return value(column, Number.class, "a number").doubleValue();
    }

    OptionalInt countIfThere(int column) throws SQLException {
      return row.getObject(column) == null ? OptionalInt.empty() : OptionalInt.of(count(column));
    }

    OptionalDouble numberIfThere(int column) throws SQLException {
      return row.getObject(column) == null
          ? OptionalDouble.empty()
          : OptionalDouble.of(number(column));
    }

    private <T> T value(int column, Class<T> type, String expected) throws SQLException {
      Object found = row.getObject(column);
      if (!type.isInstance(found)) {
        throw odd(column, expected);
      }
      return type.cast(found);
    }

    <E extends Enum<E>> E oneOf(int column, Class<E> type) throws SQLException {
      String found = text(column);
      for (E value : type.getEnumConstants()) {
        if (value.name().equals(found)) {
          return value;
        }
      }
      throw odd(column, "one of " + Arrays.toString(type.getEnumConstants()));
    }

    <E extends Enum<E>> Optional<E> optionalOf(int column, Class<E> type) throws SQLException {
      return row.getObject(column) == null ? Optional.empty() : Optional.of(oneOf(column, type));
    }

    OddValueException odd(int column, String expected) throws SQLException {
      return new OddValueException(
          "'"
              + row.getMetaData().getColumnName(column)
              + "' should be "
              + expected
              + ", found '"
              + ShownText.of(row.getObject(column), SHOWN)
              + "'");
    }
  }
}
