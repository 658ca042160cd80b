package dev.virtualip.agent.instance;

/**
 * How many leases all virtual routers of a node may still renew before adverts are looked at again.
 * While somebody else changes many addresses, the kernel takes milliseconds for each.
 */
final class Allowance {
  private final int most;
  private int left;

  /** An allowance that is refilled to this number, at least 1. */
  Allowance(int most) {
    this.most = most;
    left = most;
  }

  /** Allows the full number again. */
  void refill() {
    left = most;
  }

  /** Takes up to this number. What cannot wait may be taken without being left. */
  int take(int wanted, boolean canWait) {
    int taken = canWait ? Math.min(wanted, left) : wanted;
    left = Math.max(0, left - taken);
    return taken;
  }
}
