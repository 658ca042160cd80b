package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.Rtnetlink.*;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;

/**
 * Writes requests to the kernel, one behind the other, into a buffer in native byte order.
 *
 * <pre>
 * | length 4 | type 2 | flags 2 | sequence 4 | port 4 | fixed part | attributes |
 * attribute: | length 2, without padding | type 2 | value | padding to 4 |
 * </pre>
 */
abstract sealed class NetlinkWriter permits NetlinkRequests, IpvsRequests, NftRequests {
  /** Offset of a request's flags. */
  private static final int FLAGS = 6;

  protected final ByteBuffer out;

  protected NetlinkWriter(ByteBuffer out) {
    this.out = out;
  }

  /** Begins a request; returns where, for {@link #end}. */
  protected final int begin(int type, int flags, int sequence) {
    int start = out.position();
    out.putInt(0).putShort((short) type).putShort((short) (NLM_F_REQUEST | flags));
    out.putInt(sequence).putInt(0);
    return start;
  }

  protected final void end(int start) {
    out.putInt(start, out.position() - start);
  }

  /**
   * Has only the last of the requests acknowledged. The kernel handles them in order, and refusals
   * of the others it tells all the same.
   */
  final void acknowledgeLast() {
    int next = align(out.getInt(0));
    for (int start = 0; next < out.position(); start = next, next += align(out.getInt(next))) {
      out.putShort(start + FLAGS, (short) (out.getShort(start + FLAGS) & ~NLM_F_ACK));
    }
  }

  /** Begins an attribute of attributes; returns where, for {@link #endNested}. */
  protected final int beginNested(int type) {
    int start = out.position();
    out.putShort((short) 0).putShort((short) type);
    return start;
  }

  protected final void endNested(int start) {
    out.putShort(start, (short) (out.position() - start));
  }

  protected final void attribute(int type, int value) {
    out.putShort((short) (ATTRIBUTE_HEADER + Integer.BYTES)).putShort((short) type).putInt(value);
  }

  protected final void attribute(int type, byte[] value) {
    out.putShort((short) (ATTRIBUTE_HEADER + value.length)).putShort((short) type).put(value);
    out.put(new byte[align(value.length) - value.length]);
  }

  protected static byte family(InetAddress address) {
    return (byte) (address instanceof Inet4Address ? AF_INET : AF_INET6);
  }
}
