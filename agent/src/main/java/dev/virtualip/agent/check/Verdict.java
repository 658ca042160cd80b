package dev.virtualip.agent.check;

/** What the results of a check mean. */
public enum Verdict {
  /** No result yet. */
  Unknown,
  /** It serves. */
  Good,
  /** It serves for its last moments: somebody else had better do so. */
  Leaving,
  /** It does not serve. */
  Failed
}
