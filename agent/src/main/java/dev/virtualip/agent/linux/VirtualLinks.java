package dev.virtualip.agent.linux;

import dev.virtualip.agent.linux.NetlinkMessage.Body.Acknowledged;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change.DeleteVirtualLink;
import dev.virtualip.agent.net.AddressPort.Change.PutVirtualLink;
import dev.virtualip.agent.net.Link;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes and removes the macvlans of virtual MACs, by the socket of {@link Netlink}. */
final class VirtualLinks {
  private static final Logger LOG = LoggerFactory.getLogger(VirtualLinks.class);

  private final NetlinkExchange<NetlinkRequests> exchange;

  VirtualLinks(NetlinkExchange<NetlinkRequests> exchange) {
    this.exchange = exchange;
  }

  /** As {@link AddressPort#virtualLinkObstacle}. */
  String obstacle(boolean ipv4) {
    try {
      // A macvlan on no NIC is refused with EINVAL, if the kernel knows what a macvlan is at all.
      if (ask((out, _, number) -> out.probeMacvlan(number)).errno() == Errno.EOPNOTSUPP) {
        return "the kernel has no macvlan: load the module macvlan on this node (modprobe macvlan; to"
            + " keep it, a line in /etc/modules-load.d)";
      }
      return ipv4 && Netlink.ipv4Setting("all", "rp_filter") == 1
          ? "net.ipv4.conf.all.rp_filter is 1, so the virtual MAC's interface would not answer: set it"
              + " to 0 or 2"
          : null;
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  /**
   * Makes an interface, or takes up one of ours.
   *
   * @param links all links, as just read
   * @return null, or what the kernel refused and what to do about it
   */
  String put(PutVirtualLink put, List<Link> links) throws IOException {
    var nic = links.stream().filter(link -> link.index() == put.parent()).findFirst().orElse(null);
    var there = named(put.name(), links);
    if (nic == null) {
      return "ENODEV: no such interface";
    }
    if (there != null && !isOurs(there)) {
      return "EEXIST: another interface has the name " + put.name() + ": remove it";
    }
    if (there == null) {
      var made = ask((out, _, number) -> out.newMacvlan(number, put, nic.master()));
      if (made.errno() == Errno.EBUSY) {
        return "EBUSY: %1$s belongs to a bridge or bond: name that one instead of %1$s"
            .formatted(nic.name());
      } else if (made.errno() != 0) {
        return Netlink.explain(made);
      }
    }
    return setUp(there == null ? index(put.name()) : there.index(), put);
  }

  private int index(String name) throws IOException {
    return exchange
        .ask(
            NetlinkRequests::dumpLinks,
            body ->
                body instanceof NetlinkMessage.Body.LinkState(_, var link)
                        && link.name().equals(name)
                    ? Optional.of(link.index())
                    : Optional.empty())
        .stream()
        .findFirst()
        .orElseThrow(() -> new IOException(name + " is gone at once"));
  }

  private String setUp(int link, PutVirtualLink put) throws IOException {
    // Who asks by ARP is reached by the NIC, as the route says, and not by this interface.
    var settings =
        exchange.acknowledged(
            3,
            (out, i, number) ->
                out.setInet(
                    number,
                    link,
                    new int[] {
                          Rtnetlink.IPV4_DEVCONF_ARP_IGNORE,
                          Rtnetlink.IPV4_DEVCONF_ARP_ANNOUNCE,
                          Rtnetlink.IPV4_DEVCONF_RP_FILTER
                        }
                        [i],
                    new int[] {1, 2, 0}[i]));
    for (var answer : settings) {
      if (answer.errno() != 0) {
        return Netlink.explain(answer);
      }
    }
    withoutAddressesByItself(link, put.name());
    var up = ask((out, _, number) -> out.setUp(number, link));
    if (up.errno() == Errno.EBUSY) {
      return "EBUSY: another interface on this NIC has the MAC %s: stop the program that has made it (keepalived with use_vmac?)"
          .formatted(put.mac());
    }
    return up.errno() == 0 ? null : Netlink.explain(up);
  }

  /** No link-local address, and none that a router advertisement asks for. */
  private void withoutAddressesByItself(int link, String name) throws IOException {
    if (!Files.exists(Path.of("/proc/sys/net/ipv6/conf", name))) {
      return;
    }
    var generation = ask((out, _, number) -> out.generateNoAddress(number, link));
    if (generation.errno() != 0) {
      LOG.warn("link_local_address interface={} error=\"{}\"", name, Netlink.explain(generation));
    }
    try {
      Files.writeString(Path.of("/proc/sys/net/ipv6/conf", name, "accept_ra"), "0");
    } catch (IOException e) {
      // A container may not write there. Nodes that forward IPv6 accept none in any case.
      LOG.debug("accept_ra interface={} error=\"{}\"", name, e.getMessage());
    }
  }

  /**
   * Removes an interface if it is ours.
   *
   * @param links all links, as just read
   * @return null, or what the kernel refused
   */
  String delete(DeleteVirtualLink delete, List<Link> links) throws IOException {
    var there = named(delete.name(), links);
    if (there == null || !isOurs(there)) {
      return null;
    }
    var answer = ask((out, _, number) -> out.deleteLink(number, there.index()));
    boolean done = answer.errno() == 0 || answer.errno() == Errno.ENODEV;
    return done ? null : Netlink.explain(answer);
  }

  private static Link named(String name, List<Link> links) {
    return links.stream().filter(link -> link.name().equals(name)).findFirst().orElse(null);
  }

  private static boolean isOurs(Link link) {
    return link.virtual() != null && link.virtual().mark() == AddressPort.PROTOCOL;
  }

  private Acknowledged ask(NetlinkExchange.Request<NetlinkRequests> request) throws IOException {
    return exchange.acknowledged(1, request).getFirst();
  }
}
