/** Models by their name on a hub. */
module org.autodidact.hub {
  requires transitive org.autodidact.api;
  requires com.fasterxml.jackson.databind;
  requires java.net.http;
  requires org.autodidact.checkpoints;

  exports org.autodidact.hub;
}
