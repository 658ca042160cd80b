package dev.virtualip.agent.check;

/** Why a check starts before its time. */
public enum EarlyCause {
  /** The idle connection to what it asks has ended. */
  ConnectionEnded,
  /** The process that it found has exited. */
  ProcessExited,
  /** The API server has told of a change of the pods that it is about. */
  PodChanged,
  /** The check before was early, and does not decide alone. */
  Repeated
}
