/** A plugin as a module. Its service file is for hosts on the class path. */
module org.example.standins {
  requires org.autodidact.api;

  provides org.autodidact.api.Plugin with
      org.example.StandIns;
}
