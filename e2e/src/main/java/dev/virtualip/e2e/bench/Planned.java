package dev.virtualip.e2e.bench;

/**
 * A planned hand-over, or keepalived's graceful stop for comparison. All times in milliseconds.
 *
 * @param setup name of the {@link Setup}
 * @param move name of the move, as in {@link PlannedMoves}
 * @param run number of the run, from 1
 * @param outage longest time between two answers to the client
 * @param twoOwners time for which both nodes had the address
 * @param noOwner time for which no node had the address
 */
record Planned(
    String setup, String move, int run, double outage, double twoOwners, double noOwner) {}
