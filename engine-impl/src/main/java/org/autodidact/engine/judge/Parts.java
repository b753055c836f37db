package org.autodidact.engine.judge;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a call in parts, for judges that know a judgement only after several passes: what a part
 * found is handed over, and so kept, before the next begins.
 */
final class Parts {
  private static final int SIZE = 64;

  private Parts() {}

  static <T> List<List<T>> of(List<T> all) {
    List<List<T>> parts = new ArrayList<>();
    for (int i = 0; i < all.size(); i += SIZE) {
      parts.add(all.subList(i, Math.min(all.size(), i + SIZE)));
    }
    return parts;
  }
}
