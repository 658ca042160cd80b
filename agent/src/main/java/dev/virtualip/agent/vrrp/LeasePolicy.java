package dev.virtualip.agent.vrrp;

/** What matters more when a master ends without resigning: no gap, or no second owner. */
public enum LeasePolicy {
  /** No gap: its addresses stay until any backup has taken over. */
  Overlap,
  /** No second owner: its addresses are gone before any backup takes over. */
  Exclusive
}
