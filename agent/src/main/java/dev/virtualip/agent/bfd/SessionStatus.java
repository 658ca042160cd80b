package dev.virtualip.agent.bfd;

/**
 * A session as users see it.
 *
 * @param nic name of the NIC
 * @param since when it entered its state, in nanoseconds of the caller's clock
 * @param detection nanoseconds of silence after which the neighbour counts as gone
 * @param sent packets sent
 * @param received valid packets received
 * @param lost how often the neighbour has been lost
 */
public record SessionStatus(
    Neighbour neighbour,
    String nic,
    SessionState state,
    long since,
    long detection,
    long sent,
    long received,
    long lost) {}
