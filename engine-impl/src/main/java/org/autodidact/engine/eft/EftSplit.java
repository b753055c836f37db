package org.autodidact.engine.eft;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.engine.data.RankedInstruction;
import org.autodidact.engine.text.NearDuplicates;

/**
 * Ranked answers apart by instruction: some to make EFT data from, some to hold judges against.
 *
 * @param train none of whose instructions is like one held out or one of an evaluation
 * @param heldOut the instructions that judges are evaluated on
 * @param left how many are in neither, for being like one of those
 */
public record EftSplit(List<RankedInstruction> train, List<RankedInstruction> heldOut, int left) {
  public EftSplit {
    train = List.copyOf(train);
    heldOut = List.copyOf(heldOut);
  }

  /**
   * Splits at random into training and held-out instructions.
   *
   * @param share fraction of the instructions that is held out, in [0, 1)
   * @param excluded prompts of evaluations
   * @param similarity the ROUGE-L F1 above which two instructions are near-duplicates
   */
  public static EftSplit of(
      List<RankedInstruction> all,
      double share,
      List<Prompt> excluded,
      double similarity,
      long seed) {
    if (!(share >= 0 && share < 1) || !(similarity >= 0 && similarity <= 1)) {
      throw new InvalidInputException(
          "the share held out must be in [0, 1) and similarity in [0, 1], found "
              + share
              + " and "
              + similarity);
    }
    List<RankedInstruction> shuffled = new ArrayList<>(all);
    Collections.shuffle(shuffled, new Random(seed));
    int held = (int) Math.round(share * all.size());
    NearDuplicates known = new NearDuplicates(similarity);
    excluded.forEach(p -> known.add(p.instruction()));
    shuffled.subList(0, held).forEach(r -> known.add(r.instruction()));
    List<RankedInstruction> train =
        shuffled.subList(held, shuffled.size()).stream()
            .filter(r -> known.nearDuplicate(r.instruction()).isEmpty())
            .toList();
    return new EftSplit(train, shuffled.subList(0, held), shuffled.size() - held - train.size());
  }
}
