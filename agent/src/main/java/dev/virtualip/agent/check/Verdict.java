package dev.virtualip.agent.check;

/** What the results of a check mean. */
public enum Verdict {
  /** No result yet. */
  Unknown,
  /** It serves. */
  Good,
  /** It does not serve. */
  Failed
}
