package dev.virtualip.agent.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckTrackerTest {
  @Test
  void case42_withFall2TheSecondFailureCounts() {
    var good = CheckTracker.of(2, 2, Verdict.Unknown).after(true);
    assertEquals(Verdict.Good, good.after(false).verdict());
    var failed = good.after(false).after(false);
    assertEquals(Verdict.Failed, failed.verdict());
    assertEquals(Verdict.Failed, failed.after(true).verdict());
    assertEquals(Verdict.Good, failed.after(true).after(true).verdict());
  }

  /** Results: + success, - failure, ~ leaving. Verdicts after each: G good, L leaving, F failed. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, +-+-, GFGF",
    "3, 2, +, G",
    "3, 2, -, F",
    "3, 2, +-+-+--, GGGGGGF",
    "3, 2, -++-+++, FFFFFFG",
    "3, 2, -+++-+--, FFFGGGGF",
    "2, 3, +---++, GGGFFG",
    "2, 3, +~~-, GLLF",
    "2, 3, +~++, GLLG",
    "2, 3, ~-, LF",
    "2, 3, -~, FF"
  })
  void verdictsFollowResultsInARow(int rise, int fall, String results, String verdicts) {
    assertEquals(verdicts, verdicts(CheckTracker.of(rise, fall, Verdict.Unknown), results));
  }

  @ParameterizedTest
  @CsvSource({"Good, --+, GFF", "Failed, ++-, FGG"})
  void anInitialVerdictHasToBeSpokenAgainst(Verdict initial, String results, String verdicts) {
    assertEquals(verdicts, verdicts(CheckTracker.of(2, 2, initial), results));
  }

  private static String verdicts(CheckTracker tracker, String results) {
    var seen = new StringBuilder();
    for (char result : results.toCharArray()) {
      tracker = result == '~' ? tracker.leaving() : tracker.after(result == '+');
      seen.append(tracker.verdict().name().charAt(0));
    }
    return seen.toString();
  }
}
