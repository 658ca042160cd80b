package dev.virtualip.agent.linux;

import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.PacketPort;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.log.Defects;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.StandardProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.pcap4j.core.BpfProgram.BpfCompileMode;
import org.pcap4j.core.NotOpenException;
import org.pcap4j.core.PcapHandle;
import org.pcap4j.core.PcapHandle.PcapDirection;
import org.pcap4j.core.PcapNativeException;
import org.pcap4j.core.Pcaps;
import org.pcap4j.core.RawPacketListener;
import org.pcap4j.packet.namednumber.DataLinkType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends and receives frames by libpcap; a platform thread of its own waits for them. */
public final class Pcap4jPacketPort implements PacketPort {
  private static final Logger LOG = LoggerFactory.getLogger(Pcap4jPacketPort.class);
  private static final int WAIT_MILLIS = 1_000;

  /**
   * Length of the longest advert in bytes: 255 IPv6 addresses, with headers and room for IP
   * options.
   */
  private static final int FRAME_MAX = 4_608;

  private static final int ETHERNET_AND_TAG = 18;

  /** Bytes that libpcap puts before a packet where it makes up a header (LINKTYPE_LINUX_SLL). */
  private static final int COOKED_HEADER = 16;

  /**
   * Number of frames in the capture buffer: two adverts of every VRID. libpcap makes slots of the
   * snapshot length plus the kernel's header, rounded up. With a length of 65535 a megabyte would
   * hold only 16 frames, and a peer that resigns from more virtual routers at once would lose the
   * rest. The whole buffer is resident memory.
   */
  private static final int SLOTS = 512;

  private static final int BUFFER_BYTES_MAX = 2 << 20;
  private static final int KERNEL_HEADER = 128;

  private static final String FILTER = "ip proto 112 or ip6 proto 112";

  /** ARP replies and neighbour advertisements: what answers a probe, and little else. */
  private static final String ANSWERS = "arp[6:2] = 2 or (icmp6 and ip6[40] = 136)";

  /** Longer than an ARP frame, and than a neighbour advertisement with its usual option. */
  private static final int ANSWER_MAX = 128;

  private static final int ANSWER_BUFFER_BYTES = 1 << 18;

  /** A filter that matches no frame, for a port that only sends. */
  private static final String NOTHING = "greater 1000000";

  private static final int NO_BUFFER_BYTES = 1 << 16;

  private final Link link;
  private final PcapHandle handle;

  /** Makes Ethernet frames of what is captured; empty if one is not for this link. */
  private final Function<byte[], Optional<byte[]>> framing;

  private final Map<InetAddress, Membership> memberships = new HashMap<>();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread;

  private record Membership(InetAddress source, DatagramChannel channel) {}

  private Pcap4jPacketPort(
      Link link, PcapHandle handle, Function<byte[], Optional<byte[]>> framing, Receiver receiver) {
    this.link = link;
    this.handle = handle;
    this.framing = framing;
    var name = "receive-" + link.name();
    thread =
        receiver == null
            ? null
            : Thread.ofPlatform().name(name).daemon().start(() -> receive(link, receiver));
  }

  /**
   * Loads libpcap in advance, which otherwise the first port does.
   *
   * @throws IOException if it is not there
   */
  public static void load() throws IOException {
    try {
      LOG.debug("libpcap version={}", Pcaps.libVersion());
    } catch (LinkageError e) {
      throw notThere(e);
    }
  }

  /** A library is looked for once in the life of a JVM. */
  private static IOException notThere(LinkageError cause) {
    return new IOException(
        "libpcap cannot be loaded: install it (Debian: libpcap0.8), and restart the agent", cause);
  }

  /** Opens a port on a link that is up. See {@link PacketPort.Opener#open}. */
  public static Pcap4jPacketPort open(Link link, Receiver receiver) throws IOException {
    int length = Math.min(link.mtu() + ETHERNET_AND_TAG, FRAME_MAX);
    return receiver == null
        ? open(link, null, NOTHING, length, NO_BUFFER_BYTES)
        : open(link, receiver, FILTER, length, bufferBytes(length));
  }

  /** Opens a port that receives answers to probes on a link that is up. */
  public static Pcap4jPacketPort openToProbe(Link link, Receiver receiver) throws IOException {
    return open(link, receiver, ANSWERS, ANSWER_MAX, ANSWER_BUFFER_BYTES);
  }

  private static Pcap4jPacketPort open(
      Link link, Receiver receiver, String filter, int length, int bufferBytes) throws IOException {
    try {
      var handle =
          new PcapHandle.Builder(link.name())
              .snaplen(length)
              .immediateMode(true)
              .timeoutMillis(WAIT_MILLIS)
              .bufferSize(bufferBytes)
              .build();
      handle.setFilter(filter, BpfCompileMode.OPTIMIZE);
      handle.setDirection(PcapDirection.IN);
      var framing = framing(handle.getDlt());
      if (receiver != null && framing == null) {
        handle.close();
        throw new IOException(
            "no adverts can be received on %s, which has frames of type %s: name another NIC"
                .formatted(link.name(), handle.getDlt()));
      }
      return new Pcap4jPacketPort(link, handle, framing, receiver);
    } catch (PcapNativeException | NotOpenException e) {
      throw new IOException(
          "cannot capture on %s: %s (the agent needs libpcap and the capability NET_RAW)"
              .formatted(link.name(), e.getMessage()),
          e);
    } catch (LinkageError e) {
      throw notThere(e);
    }
  }

  /** How frames of a type become Ethernet's; null where nobody has tried. */
  private static Function<byte[], Optional<byte[]>> framing(DataLinkType type) {
    if (type.equals(DataLinkType.EN10MB)) {
      // The kernel takes tags off before its filter sees a frame, so that adverts of all VLANs pass
      // it; libpcap puts them in again.
      return Frames::untagged;
    }
    if (type.equals(DataLinkType.RAW)) {
      return packet -> Optional.of(Frames.onEthernet(packet, 0));
    }
    if (type.equals(DataLinkType.LINUX_SLL)) {
      return packet -> Optional.of(Frames.onEthernet(packet, COOKED_HEADER));
    }
    return null;
  }

  private static int bufferBytes(int frameBytes) {
    int slot = 2 * Integer.highestOneBit(frameBytes + KERNEL_HEADER - 1);
    return Math.min(SLOTS * slot, BUFFER_BYTES_MAX);
  }

  @Override
  public void join(InetAddress source) throws IOException {
    boolean ipv6 = source instanceof Inet6Address;
    var group = Frames.group(ipv6);
    var before = memberships.get(group);
    if (before != null && before.source().equals(source)) {
      return;
    }
    if (before != null) {
      memberships.remove(group).channel().close();
    }
    var nic = NetworkInterface.getByName(link.name());
    if (nic == null) {
      throw new IOException("there is no NIC " + link.name());
    }
    var channel =
        DatagramChannel.open(ipv6 ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET);
    try {
      channel.join(group, nic);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw new IOException(
          "cannot join %s on %s: %s".formatted(IpPrefix.text(group), link.name(), e.getMessage()),
          e);
    }
    memberships.put(group, new Membership(source, channel));
  }

  private void receive(Link link, Receiver receiver) {
    try {
      handle.loop(
          -1,
          (RawPacketListener)
              captured -> Defects.contain(() -> handOver(captured, link, receiver)));
    } catch (PcapNativeException e) {
      LOG.warn("receiving ended interface={} error=\"{}\"", link.name(), e.getMessage());
      closedSoon(e);
    } catch (InterruptedException | NotOpenException e) {
      LOG.debug("receiving closed interface={}", link.name());
    }
  }

  private void handOver(byte[] captured, Link link, Receiver receiver) {
    framing.apply(captured).ifPresent(frame -> receiver.received(link.index(), frame));
  }

  /**
   * Waits for the port to be closed, as the event loop does when a link is down or removed.
   * Otherwise the capture has failed for another cause, and a node that cannot hear its peers must
   * not go on.
   */
  private void closedSoon(PcapNativeException cause) {
    try {
      if (!closed.await(2 * WAIT_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new IllegalStateException("receiving has ended on " + link.name(), cause);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void send(byte[] frame) throws IOException {
    try {
      handle.sendPacket(frame);
    } catch (PcapNativeException | NotOpenException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /** Returns at once: the event loop must not wait for libpcap. */
  @Override
  public void close() {
    closed.countDown();
    Thread.ofPlatform().name("close-capture").daemon().start(this::release);
  }

  private void release() {
    try {
      if (thread != null) {
        handle.breakLoop();
        thread.join(2 * WAIT_MILLIS);
      }
      handle.close();
      for (var membership : memberships.values()) {
        membership.channel().close();
      }
    } catch (NotOpenException | IOException e) {
      LOG.debug("close error=\"{}\"", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
