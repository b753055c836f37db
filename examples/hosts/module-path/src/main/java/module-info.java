/** An application as a module. The stand-ins are found as they provide a plugin. */
module org.example.host {
  requires org.autodidact.engine;
}
