/**
 * The interfaces, records and failures that hosts and plugins of Autodidact share. It depends on
 * annotations alone.
 */
module org.autodidact.api {
  requires static transitive org.apiguardian.api;
  requires static transitive org.jspecify;

  exports org.autodidact.api;

  uses org.autodidact.api.Plugin;
}
