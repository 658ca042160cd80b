package dev.virtualip.agent.linux;

import dev.virtualip.agent.bfd.BfdPort;
import dev.virtualip.agent.bfd.ControlPacket;
import dev.virtualip.agent.bfd.Neighbour;
import dev.virtualip.agent.bfd.Nic;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * UDP sockets of BFD (RFC 5881 4, 5): one that receives for each NIC and family, and one that sends
 * for each session, all bound to their NIC.
 */
public final class BfdSockets implements BfdPort {
  private static final Logger LOG = LoggerFactory.getLogger(BfdSockets.class);

  private static final int PORT_MIN = 49_152;
  private static final int PORT_MAX = 65_535;
  private static final int PORT_TRIES = 64;

  /** Datagrams passed on between two looks at the clock. */
  private static final int BATCH_MAX = 256;

  private static final int POLLFD = 8;
  private static final int REVENTS = 6;

  /** Class Selector 6, as adverts of VRRP have. */
  private static final int NETWORK_CONTROL = 0xC0;

  private static final int IPPROTO_IP = 0;
  private static final int IP_TOS = 1;
  private static final int IP_TTL = 2;
  private static final int IP_PKTINFO = 8;
  private static final int IP_RECVTTL = 12;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_UNICAST_HOPS = 16;
  private static final int IPV6_V6ONLY = 26;
  private static final int IPV6_RECVPKTINFO = 49;
  private static final int IPV6_RECVHOPLIMIT = 51;
  private static final int IPV6_TCLASS = 67;

  private final Arena arena = Arena.ofShared();
  private final Datagram datagram = new Datagram(arena);
  private final int wakeFd;
  private final Map<Receiver, Integer> receivers = new LinkedHashMap<>();
  private final Map<Neighbour, Sender> senders = new HashMap<>();
  private final Set<Receiver> warned = new HashSet<>();
  private final Map<Integer, String> names = new HashMap<>();
  private MemorySegment pollfds;
  private boolean closed;

  private record Receiver(int linkIndex, String nic, boolean ipv6) {}

  private record Sender(int fd, int port, InetAddress local) {}

  /**
   * No sockets yet.
   *
   * @throws IOException if the kernel refuses even to wake
   */
  public BfdSockets() throws IOException {
    wakeFd = Libc.eventfd();
    layOut();
  }

  @Override
  public void listen(Collection<Nic> nics) {
    var wanted = new LinkedHashSet<Receiver>();
    names.clear();
    for (var nic : nics) {
      names.put(nic.index(), nic.name());
      wanted.add(new Receiver(nic.index(), nic.name(), false));
      wanted.add(new Receiver(nic.index(), nic.name(), true));
    }
    if (wanted.equals(receivers.keySet())) {
      return;
    }
    for (var receiver : List.copyOf(receivers.keySet())) {
      if (!wanted.contains(receiver)) {
        Libc.close(receivers.remove(receiver));
      }
    }
    warned.retainAll(wanted);
    wanted.removeAll(receivers.keySet());
    wanted.forEach(this::open);
    layOut();
  }

  private void open(Receiver receiver) {
    try {
      receivers.put(receiver, receiving(receiver));
      warned.remove(receiver);
    } catch (ErrnoException e) {
      boolean none = receiver.ipv6() && e.errno() == Errno.EAFNOSUPPORT;
      if (!none && warned.add(receiver)) {
        LOG.warn(
            "bfd_not_received nic={} ipv6={} error=\"{}\"{}",
            receiver.nic(),
            receiver.ipv6(),
            e.getMessage(),
            e.errno() == Errno.EADDRINUSE ? " action=\"stop the other BFD of this node\"" : "");
      }
    }
  }

  private static int receiving(Receiver receiver) throws ErrnoException {
    boolean ipv6 = receiver.ipv6();
    int fd = Libc.socket(ipv6 ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_DGRAM, 0);
    try (var arena = Arena.ofConfined()) {
      bindToDevice(fd, receiver.nic());
      if (ipv6) {
        Libc.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        Libc.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
        Libc.setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
      } else {
        Libc.setsockopt(fd, IPPROTO_IP, IP_RECVTTL, 1);
        Libc.setsockopt(fd, IPPROTO_IP, IP_PKTINFO, 1);
      }
      var any = InetAddress.ofLiteral(ipv6 ? "::" : "0.0.0.0");
      var address = SocketAddress.of(any, ControlPacket.PORT, 0);
      Libc.bind(fd, arena.allocateFrom(ValueLayout.JAVA_BYTE, address));
      return fd;
    } catch (ErrnoException e) {
      Libc.close(fd);
      throw e;
    }
  }

  private static void bindToDevice(int fd, String nic) throws ErrnoException {
    var name = nic.getBytes(StandardCharsets.UTF_8);
    Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_BINDTODEVICE, name);
  }

  /** Writes the array of struct pollfd anew: the eventfd, then the receivers in their order. */
  private void layOut() {
    var fds = new ArrayList<>(receivers.values());
    fds.addFirst(wakeFd);
    if (pollfds == null || pollfds.byteSize() < (long) POLLFD * fds.size()) {
      pollfds = arena.allocate((long) POLLFD * fds.size(), 4);
    }
    for (int i = 0; i < fds.size(); i++) {
      pollfds.set(ValueLayout.JAVA_INT, (long) i * POLLFD, fds.get(i));
      pollfds.set(ValueLayout.JAVA_SHORT, (long) i * POLLFD + 4, Libc.POLLIN);
    }
  }

  @Override
  public void receive(long nanos, Consumer<Received> receiver) {
    try {
      int ready = Libc.ppoll(pollfds, 1 + receivers.size(), nanos);
      if (isReady(0)) {
        Libc.read(wakeFd);
      }
      for (int passed = 0; ready > 0 && passed < BATCH_MAX; passed += ready) {
        var readable = readable();
        readable.forEach(from -> receive(from, receiver));
        ready = readable.isEmpty() ? 0 : Libc.ppoll(pollfds, 1 + receivers.size(), 0);
      }
    } catch (ErrnoException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean isReady(int index) {
    return pollfds.get(ValueLayout.JAVA_SHORT, (long) index * POLLFD + REVENTS) != 0;
  }

  private List<Receiver> readable() {
    var readable = new ArrayList<Receiver>();
    int index = 1;
    for (var receiver : receivers.keySet()) {
      if (isReady(index++)) {
        readable.add(receiver);
      }
    }
    return readable;
  }

  private void receive(Receiver from, Consumer<Received> consumer) {
    try {
      var received = datagram.receive(receivers.get(from), from.linkIndex(), from.ipv6());
      if (received != null) {
        consumer.accept(received);
      }
    } catch (ErrnoException e) {
      // EAGAIN: the checksum was wrong. Others are errors of an earlier moment, as of the NIC.
      LOG.debug("bfd_not_received nic={} error=\"{}\"", from.nic(), e.getMessage());
    }
  }

  @Override
  public synchronized void wake() {
    try {
      if (!closed) {
        Libc.write(wakeFd, 1);
      }
    } catch (ErrnoException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void send(Neighbour to, InetAddress local, byte[] packet) throws IOException {
    var sender = senders.get(to);
    if (sender != null && !sender.local().equals(local)) {
      forget(to);
      sender = null;
    }
    if (sender == null) {
      sender = open(to, local);
      senders.put(to, sender);
    }
    try (var memory = Arena.ofConfined()) {
      var address = SocketAddress.of(to.address(), ControlPacket.PORT, to.linkIndex());
      Libc.sendto(
          sender.fd(),
          memory.allocateFrom(ValueLayout.JAVA_BYTE, packet),
          memory.allocateFrom(ValueLayout.JAVA_BYTE, address));
    } catch (ErrnoException e) {
      // The address or the NIC may have gone, and may come back as another.
      forget(to);
      throw e;
    }
  }

  private Sender open(Neighbour to, InetAddress local) throws IOException {
    boolean ipv6 = local instanceof Inet6Address;
    int fd = Libc.socket(ipv6 ? Libc.AF_INET6 : Libc.AF_INET, Libc.SOCK_DGRAM, 0);
    try {
      Libc.attach(fd, SocketFilter.NOTHING);
      bindToDevice(fd, names.getOrDefault(to.linkIndex(), ""));
      if (ipv6) {
        Libc.setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ControlPacket.TTL);
        Libc.setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, NETWORK_CONTROL);
      } else {
        Libc.setsockopt(fd, IPPROTO_IP, IP_TTL, ControlPacket.TTL);
        Libc.setsockopt(fd, IPPROTO_IP, IP_TOS, NETWORK_CONTROL);
      }
      return new Sender(fd, bindToFreePort(fd, to, local), local);
    } catch (IOException e) {
      Libc.close(fd);
      throw e;
    }
  }

  private int bindToFreePort(int fd, Neighbour to, InetAddress local) throws IOException {
    var used = new HashSet<Integer>();
    senders.values().forEach(sender -> used.add(sender.port()));
    for (int i = 0; i < PORT_TRIES; i++) {
      int port = ThreadLocalRandom.current().nextInt(PORT_MIN, PORT_MAX + 1);
      if (!used.contains(port) && bind(fd, local, port, to.linkIndex())) {
        return port;
      }
    }
    throw new IOException("no free port of %d to %d".formatted(PORT_MIN, PORT_MAX));
  }

  private static boolean bind(int fd, InetAddress local, int port, int linkIndex)
      throws ErrnoException {
    try (var memory = Arena.ofConfined()) {
      var address = SocketAddress.of(local, port, linkIndex);
      Libc.bind(fd, memory.allocateFrom(ValueLayout.JAVA_BYTE, address));
      return true;
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EADDRINUSE) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public void forget(Neighbour neighbour) {
    var sender = senders.remove(neighbour);
    if (sender != null) {
      Libc.close(sender.fd());
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    listen(List.of());
    List.copyOf(senders.keySet()).forEach(this::forget);
    Libc.close(wakeFd);
    arena.close();
  }
}
