/**
 * The engine, as hosts see it. {@link org.autodidact.engine.Autodidact} is the way in; packages
 * that are not exported may change at any time.
 */
module org.autodidact.engine {
  requires transitive org.autodidact.api;
  requires com.fasterxml.jackson.databind;
  requires com.fasterxml.jackson.datatype.jdk8;
  requires commons.math3; // named by its file, as it has no module name
  requires java.sql;
  requires org.autodidact.checkpoints;
  requires org.autodidact.hub;
  requires org.xerial.sqlitejdbc;
  requires org.yaml.snakeyaml;
  requires static com.google.guice;
  requires static org.apiguardian.api;

  exports org.autodidact.engine;
  exports org.autodidact.engine.config;
  exports org.autodidact.engine.guice;
  exports org.autodidact.engine.plugins;
  exports org.autodidact.engine.prompts;
  exports org.autodidact.engine.report;
  exports org.autodidact.engine.store;

  // whose records are read and written as JSON
  opens org.autodidact.engine.config to
      com.fasterxml.jackson.databind,
      org.autodidact.checkpoints;
  opens org.autodidact.engine.report to
      com.fasterxml.jackson.databind,
      org.autodidact.checkpoints;
  opens org.autodidact.engine.store to
      com.fasterxml.jackson.databind,
      org.autodidact.checkpoints;

  uses org.autodidact.api.Plugin;
}
