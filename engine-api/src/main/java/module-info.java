/**
 * The interfaces, records and failures that hosts and plugins of Autodidact share. It depends on
 * nothing.
 */
module org.autodidact.api {
  exports org.autodidact.api;

  uses org.autodidact.api.Plugin;
}
