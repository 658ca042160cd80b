package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Advertisement;
import dev.virtualip.agent.vrrp.AdvertisementCodec;
import dev.virtualip.agent.vrrp.Datagram;
import dev.virtualip.agent.vrrp.Freshness;
import dev.virtualip.agent.vrrp.HmacTrailer;
import dev.virtualip.agent.vrrp.Password;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.Version;
import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the adverts of one virtual router by each of its paths: to the VRRP multicast group or,
 * with unicast, to each peer.
 */
final class AdvertTransport {
  private static final Logger LOG = LoggerFactory.getLogger(AdvertTransport.class);
  private static final int HEADER = 8;

  private final Node node;
  private int datagramId;
  private long sequence;

  /** The configuration whose addresses {@link #advertised} has found. */
  private InstanceConfig advertisedOf;

  private List<InetAddress> advertised;

  AdvertTransport(Node node) {
    this.node = node;
  }

  /**
   * The paths whose NICs exist, the first one first. A further path on a NIC that has one already
   * is none.
   */
  List<AdvertPath> paths(InstanceConfig config) {
    var first = node.network().link(config.interfaceName());
    if (config.heartbeats().isEmpty()) {
      return first == null ? List.of() : List.of(AdvertPath.first(config, first));
    }
    var paths = new LinkedHashMap<Integer, AdvertPath>();
    if (first != null) {
      paths.put(first.index(), AdvertPath.first(config, first));
    }
    for (int i = 0; i < config.heartbeats().size(); i++) {
      var heartbeat = config.heartbeats().get(i);
      var link = node.network().link(heartbeat.interfaceName());
      if (link != null) {
        paths.putIfAbsent(link.index(), AdvertPath.further(i + 1, link, heartbeat));
      }
    }
    return List.copyOf(paths.values());
  }

  /**
   * The source address of adverts on a path. For IPv6 it is link-local if adverts go to the group
   * or if a peer's address is link-local. Unicast prefers the address by which the peers know this
   * node, then one that shares a prefix with a peer.
   *
   * @return null if the link has no such address
   */
  InetAddress source(InstanceConfig config, AdvertPath path) {
    var members = path.members();
    boolean linkLocal =
        !path.unicast() || members.stream().anyMatch(InetAddress::isLinkLocalAddress);
    return node.network()
        .ownAddressesOn(path.link().index(), config.virtual())
        .filter(own -> own.isIpv6() == config.ipv6())
        .filter(own -> !own.isIpv6() || own.address().isLinkLocalAddress() == linkLocal)
        .min(
            Comparator.comparing((IpPrefix own) -> !members.contains(own.address()))
                .thenComparing(own -> members.stream().noneMatch(own::contains)))
        .map(IpPrefix::address)
        .orElse(null);
  }

  /** Addresses of the other routers; null with multicast, where any address may be a router's. */
  Set<InetAddress> peers(AdvertPath path) {
    return path.unicast()
        ? path.members().stream()
            .filter(member -> !node.network().has(member))
            .collect(Collectors.toSet())
        : null;
  }

  /**
   * Opens the raw socket for unicast, or joins the multicast group.
   *
   * @throws IOException if the kernel refuses
   */
  void open(InstanceConfig config, AdvertPath path, InetAddress source) throws IOException {
    if (path.unicast()) {
      node.ports().openUnicast(path.link(), config.ipv6());
    } else {
      node.ports().open(path.link()).join(source);
    }
  }

  /**
   * Adds the faults that keep adverts from being sent: each reason, and what to do about it.
   *
   * @param source source address of adverts, or null while there is none
   */
  void addFaults(
      InstanceConfig config, AdvertPath path, InetAddress source, Map<Reason, String> faults) {
    var link = path.link();
    boolean hasOutsiders = path.isFirst() && config.hasOutsiders();
    if (path.unicast() && peers(path).isEmpty() && !hasOutsiders) {
      faults.put(
          Reason.of(Kind.NoPeers),
          "no peer to send adverts to is known: list the nodes in %s, or see that"
                  .formatted(path.peersField())
              + " other selected nodes have an InternalIP");
    } else if (path.unicast() && source != null && !path.members().contains(source)) {
      // It would hear nobody answer to its adverts, and be a second master.
      var address = IpPrefix.text(source);
      faults.put(
          new Reason(Kind.NotListed, address),
          ("the peers drop adverts from %s, this node's address on %s: add it to"
                  + " %s, or without a list see that it is the InternalIP of this"
                  + " node; or do not select the node")
              .formatted(address, link.name(), path.peersField()));
    }
    if (!path.unicast() && !link.isEthernet()) {
      faults.putIfAbsent(
          new Reason(Kind.NotEthernet, link.name()),
          "%s has %s, and adverts to the group need Ethernet: %s, or name another NIC"
              .formatted(
                  link.name(),
                  link.mac().description(),
                  path.isFirst()
                      ? "set spec.transport.mode to Unicast"
                      : "give this heartbeat its peers"));
    }
    int room = link.mtu() - Frames.ipHeader(config.ipv6()) - HEADER;
    room -= config.router().version() == Version.V2 ? Password.LENGTH : 0;
    room -= config.signs() ? HmacTrailer.LENGTH : 0;
    int excess = config.advertised().size() - room / (config.ipv6() ? 16 : 4);
    if (excess > 0) {
      faults.put(
          new Reason(Kind.AdvertTooLong, link.name()),
          "an advert of %d addresses does not fit the MTU of %d: set advertised: false on %d of them"
              .formatted(config.advertised().size(), link.mtu(), excess));
    }
  }

  /**
   * Whether a datagram is for this virtual router, by VRID, link, address family and destination.
   */
  boolean takes(InstanceConfig config, int linkIndex, Datagram datagram) {
    if (AdvertisementCodec.vrid(datagram.payload()) != config.router().vrid()) {
      return false;
    }
    var path = path(config, linkIndex);
    if (path == null || datagram.source() instanceof Inet6Address != config.ipv6()) {
      return false;
    }
    return path.unicast()
        ? node.network()
            .addressesOn(linkIndex)
            .anyMatch(a -> a.prefix().address().equals(datagram.destination()))
        : datagram.destination().equals(Frames.group(config.ipv6()));
  }

  /** The path on a link, or null. */
  AdvertPath path(InstanceConfig config, int linkIndex) {
    return paths(config).stream()
        .filter(path -> path.link().index() == linkIndex)
        .findFirst()
        .orElse(null);
  }

  /** Whether a datagram is for this virtual router, but has come by another NIC than its own. */
  boolean strays(InstanceConfig config, int linkIndex, Datagram datagram) {
    var link = node.network().link(config.interfaceName());
    return config.unicast()
        && AdvertisementCodec.vrid(datagram.payload()) == config.router().vrid()
        && link != null
        && link.index() != linkIndex
        && node.network()
            .addressesOn(link.index())
            .anyMatch(a -> a.prefix().address().equals(datagram.destination()));
  }

  /**
   * Sends an advert by all paths. A failure is counted and logged, not thrown: the next advert may
   * succeed.
   *
   * @param priority 0 (resignation) to 255
   * @param source source address of adverts on the first path
   * @return whether it has been sent to at least one destination
   */
  boolean send(InstanceConfig config, int priority, InetAddress source) {
    var paths = paths(config);
    if (paths.isEmpty() || source == null) {
      return false;
    }
    var advert =
        new Advertisement(
            config.router().version(),
            config.router().vrid(),
            priority,
            config.router().advertInterval(),
            advertised(config));
    datagramId++;
    if (config.signs()) {
      sequence =
          Freshness.next(
              sequence, node.clock().instant(), Freshness.window(config.router().advertInterval()));
    }
    boolean sent = false;
    for (var path : paths) {
      var from = path.isFirst() ? source : furtherSource(config, path);
      sent |= from != null && send(config, path, advert, from);
    }
    return sent;
  }

  /** Found once for a configuration: an advert of 250 addresses would sort them each second. */
  private List<InetAddress> advertised(InstanceConfig config) {
    if (config != advertisedOf) {
      advertisedOf = config;
      advertised = config.advertised();
    }
    return advertised;
  }

  /** A further path that does not work is told in the status, not by each advert. */
  private InetAddress furtherSource(InstanceConfig config, AdvertPath path) {
    boolean works = path.link().up() && (path.unicast() || path.link().isEthernet());
    return works ? source(config, path) : null;
  }

  private boolean send(
      InstanceConfig config, AdvertPath path, Advertisement advert, InetAddress source) {
    boolean sent = false;
    var destinations = path.unicast() ? peers(path) : Set.of(Frames.group(config.ipv6()));
    for (var destination : destinations) {
      var payload = payload(config, advert, source, destination);
      try {
        send(config, path, source, destination, payload);
        node.metrics().sent(config.name(), advert.priority());
        sent = true;
      } catch (IOException e) {
        node.metrics().sendFailed(config.name());
        LOG.warn(
            "advert_not_sent vip={} to={} error=\"{}\"",
            config.name(),
            IpPrefix.text(destination),
            e.getMessage());
      }
    }
    return sent;
  }

  private byte[] payload(
      InstanceConfig config, Advertisement advert, InetAddress source, InetAddress destination) {
    var message =
        AdvertisementCodec.encode(
            advert, config.password(), source, destination, config.checksum());
    return config.signs()
        ? HmacTrailer.append(message, config.hmac().ring().sends(), sequence, source, destination)
        : message;
  }

  private void send(
      InstanceConfig config,
      AdvertPath path,
      InetAddress source,
      InetAddress destination,
      byte[] payload)
      throws IOException {
    var link = path.link();
    if (path.unicast()) {
      node.ports()
          .openUnicast(link, config.ipv6())
          .send(destination, Frames.packet(source, destination, datagramId, payload));
    } else {
      node.ports()
          .open(link)
          .send(Frames.advertisement(config.advertMac(link), source, datagramId, payload));
    }
  }
}
