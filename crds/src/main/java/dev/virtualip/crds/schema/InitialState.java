package dev.virtualip.crds.schema;

/** The state a router starts in (keepalived: {@code state}). */
public enum InitialState {
  /** Listen first. */
  Backup,
  /** Take over at once, if priority is 255. */
  Master
}
