package dev.virtualip.vip;

/** How a drill makes the master leave, and lets it come back. */
interface Departure {
  /** Brings what has to be there before; nobody moves by it. */
  default void prepare() {}

  /** Makes the master leave; returns when the other node is master. */
  void leave();

  /** Lets it come back, if its priority says so. */
  default void end() {}

  /** Leaves nothing behind, wherever the drill has ended; more than once does no harm. */
  default void undo() {}
}
