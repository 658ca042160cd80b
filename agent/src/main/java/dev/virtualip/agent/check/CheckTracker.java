package dev.virtualip.agent.check;

/**
 * Counts results in a row, as keepalived does for a vrrp_script. From Unknown the first result
 * decides alone. Later {@code fall} failures in a row fail the check, and {@code rise} successes in
 * a row make it good. A check that is Leaving fails at its first failure.
 *
 * @param rise successes in a row that make a failed check good, at least 1
 * @param fall failures in a row that make a good check failed, at least 1
 * @param verdict verdict from the results so far
 * @param against number of results in a row that contradict the verdict; 0 or more, below rise or
 *     fall
 */
record CheckTracker(int rise, int fall, Verdict verdict, int against) {

  /**
   * The state before the first result. With an initial verdict of Good or Failed the first result
   * does not decide alone.
   */
  static CheckTracker of(int rise, int fall, Verdict initial) {
    return new CheckTracker(rise, fall, initial, 0);
  }

  /** The state after one more result. */
  CheckTracker after(boolean success) {
    return switch (verdict) {
      case Unknown -> with(success ? Verdict.Good : Verdict.Failed, 0);
      case Good -> success ? with(verdict, 0) : against(fall, Verdict.Failed);
      case Leaving -> success ? against(rise, Verdict.Good) : with(Verdict.Failed, 0);
      case Failed -> success ? against(rise, Verdict.Good) : with(verdict, 0);
    };
  }

  /** After the news that it serves for its last moments, which is certain at once. */
  CheckTracker leaving() {
    return with(verdict == Verdict.Failed ? verdict : Verdict.Leaving, 0);
  }

  private CheckTracker against(int needed, Verdict other) {
    return against + 1 >= needed ? with(other, 0) : with(verdict, against + 1);
  }

  private CheckTracker with(Verdict newVerdict, int newAgainst) {
    return new CheckTracker(rise, fall, newVerdict, newAgainst);
  }
}
