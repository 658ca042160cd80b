package dev.virtualip.agent.linux;

import dev.virtualip.agent.vrrp.Checksum;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends ICMP echo requests and tells their replies apart, for any number of threads by one raw
 * socket of each family (RFC 792, RFC 4443). A reply is told by the random number in it, so it does
 * not matter who else on the node uses the same identifier. The sockets are opened when they are
 * first needed, and stay.
 */
public final class Pinger {
  private static final Logger LOG = LoggerFactory.getLogger(Pinger.class);
  private static final int ECHO = 8;
  private static final int ECHO_REPLY = 0;
  private static final int ECHO6 = 128;
  private static final int ECHO6_REPLY = 129;
  private static final int IPPROTO_ICMP = 1;
  private static final int IPPROTO_ICMPV6 = 58;
  private static final int SOL_RAW = 255;
  private static final int FILTER = 1;
  private static final int MESSAGE = 16;
  private static final int NUMBER_AT = 8;
  private static final int RECEIVED_MAX = 128;

  private final Map<Long, CountDownLatch> waiting = new ConcurrentHashMap<>();
  private int socket4 = -1;
  private int socket6 = -1;

  /**
   * Sends a request and waits for its reply, until it is interrupted.
   *
   * @throws IOException if it cannot be sent
   */
  public void ping(InetAddress address) throws IOException, InterruptedException {
    boolean ipv6 = address instanceof Inet6Address;
    int fd = socket(ipv6);
    long number = ThreadLocalRandom.current().nextLong();
    var reply = new CountDownLatch(1);
    waiting.put(number, reply);
    int scope = address instanceof Inet6Address six ? six.getScopeId() : 0;
    try (var arena = Arena.ofConfined()) {
      Libc.sendto(
          fd,
          arena.allocateFrom(ValueLayout.JAVA_BYTE, request(ipv6, number)),
          arena.allocateFrom(ValueLayout.JAVA_BYTE, SocketAddress.of(address, 0, scope)));
      reply.await();
    } finally {
      waiting.remove(number);
    }
  }

  private static byte[] request(boolean ipv6, long number) {
    var message = ByteBuffer.allocate(MESSAGE);
    message.put((byte) (ipv6 ? ECHO6 : ECHO)).putLong(NUMBER_AT, number);
    if (!ipv6) {
      // The kernel adds that of ICMPv6, which covers the source address.
      message.putShort(2, (short) Checksum.of(message.array()));
    }
    return message.array();
  }

  private synchronized int socket(boolean ipv6) throws IOException {
    if (ipv6) {
      socket6 = socket6 < 0 ? open(true) : socket6;
      return socket6;
    }
    socket4 = socket4 < 0 ? open(false) : socket4;
    return socket4;
  }

  private int open(boolean ipv6) throws IOException {
    int fd = -1;
    try {
      fd =
          Libc.socket(
              ipv6 ? Libc.AF_INET6 : Libc.AF_INET,
              Libc.SOCK_RAW,
              ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
      Libc.setsockopt(fd, ipv6 ? IPPROTO_ICMPV6 : SOL_RAW, FILTER, repliesOnly(ipv6));
    } catch (ErrnoException e) {
      if (fd >= 0) {
        Libc.close(fd);
      }
      throw new IOException(
          "no raw socket: %s (the agent needs the capability NET_RAW)".formatted(e.getMessage()),
          e);
    }
    int opened = fd;
    // A platform thread: the call blocks the carrier of a virtual one.
    Thread.ofPlatform().daemon().name(ipv6 ? "ping6" : "ping4").start(() -> receive(opened, ipv6));
    return fd;
  }

  /** Types that are not received: struct icmp_filter, icmp6_filter, a bit each. */
  private static byte[] repliesOnly(boolean ipv6) {
    var words = ByteBuffer.allocate(ipv6 ? 32 : 4).order(ByteOrder.nativeOrder());
    Arrays.fill(words.array(), (byte) -1);
    int type = ipv6 ? ECHO6_REPLY : ECHO_REPLY;
    words.putInt(type / 32 * 4, ~(1 << type % 32));
    return words.array();
  }

  private void receive(int fd, boolean ipv6) {
    try (var arena = Arena.ofConfined()) {
      var buffer = arena.allocate(RECEIVED_MAX);
      while (true) {
        int length = (int) Libc.recv(fd, buffer, 0);
        // Before an ICMPv4 message there is the IP header, with its length in words.
        var packet = buffer.asSlice(0, length).asByteBuffer();
        int start = ipv6 || length == 0 ? 0 : (packet.get(0) & 0xF) * 4;
        if (length >= start + MESSAGE) {
          var reply = waiting.get(packet.getLong(start + NUMBER_AT));
          if (reply != null) {
            reply.countDown();
          }
        }
      }
    } catch (ErrnoException e) {
      LOG.warn("ping_socket_failed ipv6={}", ipv6, e);
      reopenLater(fd, ipv6);
    }
  }

  private synchronized void reopenLater(int fd, boolean ipv6) {
    Libc.close(fd);
    if (ipv6) {
      socket6 = -1;
    } else {
      socket4 = -1;
    }
  }
}
