package dev.virtualip.e2e.bench;

import java.time.Duration;

/**
 * One move, measured. All times in milliseconds.
 *
 * @param setup name of the {@link Setup}
 * @param move key of the {@link Move}
 * @param contender name of the contender
 * @param run number of the run, from 1
 * @param startToBackup from the start of the program on node-a until its log said Backup
 * @param outage longest time between two answers to the client
 * @param twoOwners time for which both nodes had the address, the worst of all addresses
 * @param twoOwnersAtEnd whether both still had it when the measurement ended
 * @param noOwner time for which no node had the address, the worst of all addresses
 * @param frames ARP frames of both nodes
 * @param cpu processor time of the program on node-b
 * @param parts times of the parts of the move
 */
record Sample(
    String setup,
    String move,
    String contender,
    int run,
    double startToBackup,
    double outage,
    double twoOwners,
    boolean twoOwnersAtEnd,
    double noOwner,
    int frames,
    double cpu,
    Parts parts) {

  /**
   * Milliseconds from the fault on; null for a part that did not happen.
   *
   * @param resigned first advert of node-a with priority 0
   * @param released the last address left node-a
   * @param elected first advert of node-b
   * @param bound the last address came to node-b
   * @param announced the last first gratuitous ARP of an address from node-b, at the upstream
   *     router
   * @param served first answer of node-b to the client
   */
  record Parts(
      Double resigned,
      Double released,
      Double elected,
      Double bound,
      Double announced,
      Double served) {}

  /** In milliseconds, to the tenth. */
  static double millis(Duration duration) {
    return Math.round(duration.toNanos() / 1e5) / 10.0;
  }
}
