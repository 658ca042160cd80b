package dev.virtualip.agent.bfd;

import dev.virtualip.agent.bfd.ControlPacket.Reason;
import java.util.List;
import java.util.Map;

/**
 * The sessions at a moment.
 *
 * @param rejected packets dropped so far
 */
public record Snapshot(List<SessionStatus> sessions, Map<Reason, Long> rejected) {
  /** Before there is any. */
  public static final Snapshot NONE = new Snapshot(List.of(), Map.of());
}
