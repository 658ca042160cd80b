package dev.virtualip.agent.check;

/** Why a check of weight 0 keeps the node from taking part. */
public sealed interface CheckFault {
  /** Name of the check. */
  String name();

  /** The check failed. */
  record CheckFailed(String name) implements CheckFault {
    @Override
    public String toString() {
      return "CheckFailed(" + name + ")";
    }
  }

  /** The check is good, and its weight is turned round. */
  record CheckGood(String name) implements CheckFault {
    @Override
    public String toString() {
      return "CheckGood(" + name + ")";
    }
  }

  /** The check has no result yet; keepalived waits for the first one, too. */
  record CheckPending(String name) implements CheckFault {
    @Override
    public String toString() {
      return "CheckPending(" + name + ")";
    }
  }
}
