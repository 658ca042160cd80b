package dev.virtualip.agent.check;

/** The conclusion from the results of a check. */
public enum Verdict {
  /** No result yet. */
  Unknown,
  /** The target serves. */
  Good,
  /** The target serves for its last moments, so another node should take over. */
  Leaving,
  /** The target does not serve. */
  Failed
}
