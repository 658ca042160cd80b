package dev.virtualip.agent.bfd;

/** What a session says about its neighbour. */
public enum NeighbourState {
  /** It is there. */
  Up,
  /** It was there, and has fallen silent, begun anew or named a failure of its own. */
  Lost,
  /**
   * There is no session, which may have other causes: it never answered, or it is there and does
   * not hear us.
   */
  Down,
  /** Its administrator has ended the session, which is no failure. */
  AdminDown
}
