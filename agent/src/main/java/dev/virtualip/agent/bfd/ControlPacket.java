package dev.virtualip.agent.bfd;

import java.nio.ByteBuffer;
import java.util.Set;

/**
 * A BFD Control packet without authentication (RFC 5880 4.1). Intervals are nanoseconds; the wire
 * has whole microseconds, up to some 71 minutes.
 *
 * @param diagnostic why the sender's session was last left, 0 to 31
 * @param state state of the sender's session
 * @param poll whether the sender wants an answer (P)
 * @param answer whether it answers a poll (F)
 * @param demand whether the sender wants no packets while both are up (D); never set by us
 * @param multiplier detection multiplier of the sender, 1 to 255
 * @param mine discriminator of the sender's session, not 0
 * @param yours discriminator of the receiver's session, or 0 while the sender does not know it
 * @param minTx shortest interval at which the sender would like to send
 * @param minRx shortest interval at which it can receive; 0 = it wants no packets
 */
public record ControlPacket(
    int diagnostic,
    SessionState state,
    boolean poll,
    boolean answer,
    boolean demand,
    int multiplier,
    int mine,
    int yours,
    long minTx,
    long minRx) {

  /** Nanoseconds of the wire's unit of time. */
  static final long MICROSECOND = 1_000;

  /** UDP port of single-hop sessions (RFC 5881 4). */
  public static final int PORT = 3784;

  /** TTL or hop limit of all packets, which proves that no router was between (RFC 5881 5). */
  public static final int TTL = 255;

  /** Diagnostic: no packet has come for the detection time. */
  static final int DETECTION_TIME_EXPIRED = 1;

  /** Diagnostic: the neighbour has said that its session is down. */
  static final int NEIGHBOUR_SAID_DOWN = 3;

  /**
   * Diagnostics: its forwarding plane was reset; its path is down, also where it goes on or back.
   */
  private static final Set<Integer> FAILURES = Set.of(4, 5, 6, 8);

  /** Diagnostic: the administrator has ended the session. */
  static final int ADMINISTRATIVELY_DOWN = 7;

  private static final int VERSION = 1;
  private static final int LENGTH = 24;
  private static final int POLL = 0x20;
  private static final int ANSWER = 0x10;
  private static final int AUTHENTICATION = 0x04;
  private static final int DEMAND = 0x02;
  private static final int MULTIPOINT = 0x01;
  private static final long UNSIGNED = 0xFFFF_FFFFL;

  /** The packet, or why it is none. */
  public sealed interface Decoded {
    /** It is valid. */
    record Accepted(ControlPacket packet) implements Decoded {}

    /** It is dropped. */
    record Rejected(Reason reason) implements Decoded {}
  }

  /** Why a packet is dropped. */
  public enum Reason {
    /** It has been forwarded by a router, so it may come from anywhere. */
    Ttl,
    /** It is shorter than it says, or than any packet. */
    Length,
    /** It is of another version of BFD. */
    Version,
    /** It is authenticated, and no password is configured here. */
    Authenticated,
    /** A field has a value that must not be. */
    BadField,
    /** No session has its discriminator. */
    UnknownSession,
    /** The NIC has as many sessions as it may have. */
    TooMany,
    /** The NIC is not used with BFD. */
    UnknownNic
  }

  /** The bytes on the wire. */
  public byte[] encode() {
    return ByteBuffer.allocate(LENGTH)
        .put((byte) (VERSION << 5 | diagnostic))
        .put(
            (byte)
                (state.ordinal() << 6
                    | (poll ? POLL : 0)
                    | (answer ? ANSWER : 0)
                    | (demand ? DEMAND : 0)))
        .put((byte) multiplier)
        .put((byte) LENGTH)
        .putInt(mine)
        .putInt(yours)
        .putInt((int) (minTx / MICROSECOND))
        .putInt((int) (minRx / MICROSECOND))
        .putInt(0)
        .array();
  }

  /** Reads and checks a packet by those rules of RFC 5880 6.8.6 that need no session. */
  public static Decoded decode(byte[] bytes) {
    if (bytes.length < LENGTH) {
      return new Decoded.Rejected(Reason.Length);
    }
    var buffer = ByteBuffer.wrap(bytes);
    int first = buffer.get() & 0xFF;
    int flags = buffer.get() & 0xFF;
    int multiplier = buffer.get() & 0xFF;
    int length = buffer.get() & 0xFF;
    var packet =
        new ControlPacket(
            first & 0x1F,
            SessionState.values()[flags >> 6],
            (flags & POLL) != 0,
            (flags & ANSWER) != 0,
            (flags & DEMAND) != 0,
            multiplier,
            buffer.getInt(),
            buffer.getInt(),
            (buffer.getInt() & UNSIGNED) * MICROSECOND,
            (buffer.getInt() & UNSIGNED) * MICROSECOND);
    if (first >> 5 != VERSION) {
      return new Decoded.Rejected(Reason.Version);
    }
    if (length < LENGTH || length > bytes.length) {
      return new Decoded.Rejected(Reason.Length);
    }
    if ((flags & AUTHENTICATION) != 0) {
      return new Decoded.Rejected(Reason.Authenticated);
    }
    return (flags & MULTIPOINT) != 0 || !packet.isPossible()
        ? new Decoded.Rejected(Reason.BadField)
        : new Decoded.Accepted(packet);
  }

  /** Whether a diagnostic names a failure of the one that says it. */
  static boolean isOwnFailure(int diagnostic) {
    return FAILURES.contains(diagnostic);
  }

  private boolean isPossible() {
    boolean begins = state == SessionState.Down || state == SessionState.AdminDown;
    return multiplier != 0 && mine != 0 && (yours != 0 || begins);
  }
}
