package dev.virtualip.agent.check;

/** The conclusion from the results of a check. */
public enum Verdict {
  /** No result yet. */
  Unknown,
  /** The target serves. */
  Good,
  /** The target does not serve. */
  Failed
}
