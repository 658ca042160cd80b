package dev.virtualip.agent.net;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The packet port of each link, and its unicast port of each family, opened when first needed. A
 * link on which addresses are only announced has a port that does not receive. One on which
 * addresses are probed has a further port for that time. Used by one thread.
 */
public final class PacketPorts implements AutoCloseable {
  private final Map<Integer, PacketPort> ports = new HashMap<>();
  private final Map<Integer, PacketPort> senders = new HashMap<>();
  private final Map<Integer, PacketPort> probers = new HashMap<>();
  private final Map<Family, UnicastPort> unicastPorts = new HashMap<>();
  private final PacketPort.Opener opener;
  private final PacketPort.Receiver receiver;
  private final UnicastPort.Opener unicastOpener;
  private final PacketPort.Opener prober;

  private record Family(int linkIndex, boolean ipv6) {}

  /** Ports by which nothing is probed. */
  public PacketPorts(
      PacketPort.Opener opener, PacketPort.Receiver receiver, UnicastPort.Opener unicastOpener) {
    this(opener, receiver, unicastOpener, null);
  }

  /**
   * @param prober opens ports that receive what neighbours answer to probes, or null
   */
  public PacketPorts(
      PacketPort.Opener opener,
      PacketPort.Receiver receiver,
      UnicastPort.Opener unicastOpener,
      PacketPort.Opener prober) {
    this.opener = opener;
    this.receiver = receiver;
    this.unicastOpener = unicastOpener;
    this.prober = prober;
  }

  /**
   * The link's port, which receives and sends.
   *
   * @throws IOException if it cannot be opened; the message says what to do
   */
  public PacketPort open(Link link) throws IOException {
    var port = ports.get(link.index());
    if (port == null) {
      port = opener.open(link, receiver);
      ports.put(link.index(), port);
    }
    return port;
  }

  /**
   * A port of the link that can send, and receives only if {@link #open} has been called.
   *
   * @throws IOException if it cannot be opened; the message says what to do
   */
  public PacketPort openToSend(Link link) throws IOException {
    var port = ports.getOrDefault(link.index(), senders.get(link.index()));
    if (port == null) {
      port = opener.open(link, null);
      senders.put(link.index(), port);
    }
    return port;
  }

  /** Whether addresses can be probed at all. */
  public boolean canProbe() {
    return prober != null;
  }

  /**
   * A port of the link that can send, and receives the answers to probes.
   *
   * @throws IOException if it cannot be opened; the message says what to do
   */
  public PacketPort openToProbe(Link link) throws IOException {
    var port = probers.get(link.index());
    if (port == null) {
      port = prober.open(link, receiver);
      probers.put(link.index(), port);
    }
    return port;
  }

  /** Whether any link has a port that receives the answers to probes. */
  public boolean areProbing() {
    return !probers.isEmpty();
  }

  /** Closes the ports that receive the answers to probes on all other links. */
  public void retainProbers(Set<Integer> linkIndexes) {
    for (int linkIndex : Set.copyOf(probers.keySet())) {
      if (!linkIndexes.contains(linkIndex)) {
        probers.remove(linkIndex).close();
      }
    }
  }

  /**
   * The link's unicast port of a family.
   *
   * @throws IOException if it cannot be opened; the message says what to do
   */
  public UnicastPort openUnicast(Link link, boolean ipv6) throws IOException {
    var family = new Family(link.index(), ipv6);
    var port = unicastPorts.get(family);
    if (port == null) {
      port = unicastOpener.open(link, ipv6);
      unicastPorts.put(family, port);
    }
    return port;
  }

  /** Closes a link's ports; the next use opens them again. */
  public void close(int linkIndex) {
    for (var all : List.of(ports, senders, probers)) {
      var port = all.remove(linkIndex);
      if (port != null) {
        port.close();
      }
    }
    for (boolean ipv6 : new boolean[] {false, true}) {
      var unicastPort = unicastPorts.remove(new Family(linkIndex, ipv6));
      if (unicastPort != null) {
        unicastPort.close();
      }
    }
  }

  /** Closes the ports of all other links: the report of a removed link may have been lost. */
  public void retain(Set<Integer> linkIndexes) {
    var open = new HashSet<>(ports.keySet());
    open.addAll(senders.keySet());
    open.addAll(probers.keySet());
    unicastPorts.keySet().forEach(family -> open.add(family.linkIndex()));
    open.removeAll(linkIndexes);
    open.forEach(this::close);
  }

  @Override
  public void close() {
    ports.values().forEach(PacketPort::close);
    ports.clear();
    senders.values().forEach(PacketPort::close);
    senders.clear();
    retainProbers(Set.of());
    unicastPorts.values().forEach(UnicastPort::close);
    unicastPorts.clear();
  }
}
