package org.autodidact.checkpoints.jinja;

/** What is written, charged to the budget. */
final class Output {
  private final StringBuilder text = new StringBuilder();
  private final Budget budget;

  Output(Budget budget) {
    this.budget = budget;
  }

  void write(String part) {
    budget.text(part.length());
    text.append(part);
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
