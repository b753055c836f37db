package org.autodidact.onnxruntime.backend;

import org.autodidact.onnxruntime.graph.PrefixAttentionNodes;

/**
 * What rows of one run attend to beside their own cache ({@link PrefixAttentionNodes}). A row reads
 * the common beginning first, then the prompt of its group, then its own cache.
 *
 * @param common the beginning that all rows have in common, in row 0; nobody's row where {@code
 *     commonLength} is 0
 * @param commonLength its tokens
 * @param cache the rest of the prompts, group i in row i
 * @param lengths tokens of each group's rest
 * @param width rows of the largest group
 * @param groups the group of each row, in the order of the run's rows
 */
public record SharedPrefixes(
    KvCache common, int commonLength, KvCache cache, int[] lengths, int width, int[] groups) {

  /** For each place in a group of {@code width}, the row that stands there; 0 where none does. */
  public long[] rowsOfGroups() {
    long[] rows = new long[lengths.length * width];
    long[] slots = slotsOfRows();
    for (int row = 0; row < slots.length; row++) {
      rows[(int) slots[row]] = row;
    }
    return rows;
  }

  /** For each row, its place among all places of all groups. */
  public long[] slotsOfRows() {
    int[] taken = new int[lengths.length];
    long[] slots = new long[groups.length];
    for (int row = 0; row < groups.length; row++) {
      slots[row] = (long) groups[row] * width + taken[groups[row]]++;
    }
    return slots;
  }
}
