package org.autodidact.api;

/** Gives pair selectors; found by name through a {@link Plugin}. Stateless and thread-safe. */
public interface PairSelectorProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  PairSelector create();
}
