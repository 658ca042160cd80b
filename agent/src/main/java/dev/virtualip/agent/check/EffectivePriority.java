package dev.virtualip.agent.check;

import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.VirtualRouterConfig;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * A priority as changed by checks, with the arithmetic of keepalived's weights.
 *
 * @param priority 1 to 254, or 255 for an address owner
 * @param faults why the node may not take part, in the order of the checks; empty if it may
 * @param leaving name of the first check whose subject serves for its last moments, so that a
 *     master has to hand over; null if there is none
 */
public record EffectivePriority(int priority, List<Reason> faults, String leaving) {
  /**
   * Priority of a node whose checks fail where that is no fault ({@code whenAllFail: KeepMaster}).
   * Every node with good checks has a higher one.
   */
  public static final int LAST_RESORT = VirtualRouterConfig.LAST_RESORT;

  private static final int OWNER = 255;

  /**
   * Adds the weights: a positive weight while its check is Good, a negative one while it is Failed.
   * A check of weight 0 is a fault unless it is Good. With {@code reverse} a weight is subtracted
   * instead, and a check of weight 0 is a fault unless it is Failed. An address owner keeps 255
   * whatever the weights. While a check of weight 0 is Leaving, the node is the last resort; a
   * check with a weight that is Leaving counts as Failed.
   *
   * @param base priority without checks, 1 to 255
   */
  public static EffectivePriority of(int base, Collection<CheckState> checks) {
    int sum = base;
    var faults = new ArrayList<Reason>();
    String leaving = null;
    for (var check : checks) {
      if (check.weight() != 0) {
        sum += check.reverse() ? -added(check) : added(check);
        continue;
      }
      if (check.verdict() == Verdict.Unknown) {
        faults.add(new Reason(Kind.CheckPending, check.name()));
      } else if (check.verdict() == Verdict.Good && check.reverse()) {
        faults.add(new Reason(Kind.CheckGood, check.name()));
      } else if (check.verdict() == Verdict.Failed && !check.reverse()) {
        faults.add(new Reason(Kind.CheckFailed, check.name()));
      } else if (check.verdict() == Verdict.Leaving && !check.reverse() && leaving == null) {
        leaving = check.name();
      }
    }
    int priority = base == OWNER ? OWNER : Math.clamp(sum, 1, OWNER - 1);
    return new EffectivePriority(
        leaving == null ? priority : LAST_RESORT, List.copyOf(faults), leaving);
  }

  /** Whether a check of weight 0 fails, or will in a moment. */
  public boolean fails() {
    return !faults.isEmpty() || leaving != null;
  }

  private static int added(CheckState check) {
    return switch (check.verdict()) {
      case Good -> Math.max(check.weight(), 0);
      case Leaving, Failed -> Math.min(check.weight(), 0);
      case Unknown -> 0;
    };
  }

  /**
   * The same where failed checks are no fault but make the node the last resort, which others take
   * over from without being asked to.
   *
   * @param othersFail whether checks of other members of the sync group fail, which counts like its
   *     own
   */
  public EffectivePriority keepingMaster(boolean othersFail) {
    return new EffectivePriority(
        othersFail || fails() ? LAST_RESORT : Math.max(priority, LAST_RESORT + 1), List.of(), null);
  }
}
