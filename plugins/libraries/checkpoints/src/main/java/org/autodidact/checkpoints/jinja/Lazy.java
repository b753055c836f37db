package org.autodidact.checkpoints.jinja;

import java.util.Iterator;

/**
 * Python's generator, as filters like {@code map} give it: can be gone through once, has no length.
 */
record Lazy(Iterator<Object> iterator) implements Iterable<Object> {}
