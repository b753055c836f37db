package org.autodidact.checkpoints.jinja;

/** A function, method or macro of a template. */
@FunctionalInterface
interface Callable {
  Object call(Frame frame, Arguments arguments);
}
