package dev.virtualip.agent.check;

/**
 * Counts results in a row, as keepalived does for a vrrp_script: from Unknown the first result
 * decides alone, later {@code fall} failures in a row fail the check and {@code rise} successes
 * make it good. What has been leaving fails at once.
 *
 * @param rise successes in a row that make a failed check good, at least 1
 * @param fall failures in a row that make a good check failed, at least 1
 * @param verdict what the results so far mean
 * @param against results in a row that speak against the verdict, below rise or fall
 */
record CheckTracker(int rise, int fall, Verdict verdict, int against) {

  /** Before the first result; one that begins Good or Failed has a verdict to speak against. */
  static CheckTracker of(int rise, int fall, Verdict initial) {
    return new CheckTracker(rise, fall, initial, 0);
  }

  /** After one more result. */
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
