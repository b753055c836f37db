package org.autodidact.onnxruntime.backend;

/**
 * Keys and values that the B sequences of a run attend to beside their own cache, so that they are
 * stored and read once for many sequences. In the order of the text: the template's tokens, which
 * all sequences begin with, then the rest of the prompt, which the sequences of a group share, then
 * the sequence's own tokens.
 *
 * @param templateCache the template's tokens, in slot 0
 * @param templateLength the template's tokens; 0 where there is none
 * @param groupCache the rest of each group's prompt, group g in slot g
 * @param groupLengths tokens of each group's rest [G]
 * @param groupSize sequences of the largest group, K
 * @param groups the group of each sequence [B]
 */
public record SharedPrefixes(
    KvCache templateCache,
    int templateLength,
    KvCache groupCache,
    int[] groupLengths,
    int groupSize,
    int[] groups) {

  /** The sequence at each index into G × K; 0 where a group has fewer than K. */
  public long[] sequencesOfGroups() {
    long[] sequences = new long[groupLengths.length * groupSize];
    long[] indices = indicesOfSequences();
    for (int i = 0; i < indices.length; i++) {
      sequences[(int) indices[i]] = i;
    }
    return sequences;
  }

  /** The index into G × K of each sequence [B]. */
  public long[] indicesOfSequences() {
    int[] taken = new int[groupLengths.length];
    long[] indices = new long[groups.length];
    for (int i = 0; i < groups.length; i++) {
      indices[i] = (long) groups[i] * groupSize + taken[groups[i]]++;
    }
    return indices;
  }
}
