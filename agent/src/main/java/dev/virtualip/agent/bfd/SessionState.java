package dev.virtualip.agent.bfd;

/** State of a session, in the order of its numbers on the wire (RFC 5880 4.1, Sta). */
public enum SessionState {
  /** Held down by its administrator, which says nothing about the path. */
  AdminDown,
  /** Nothing is heard. */
  Down,
  /** The neighbour is heard, and is not known to hear us. */
  Init,
  /** Both hear each other. */
  Up
}
