package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.ArpForm;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.VirtualAddress;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gratuitous ARP and unsolicited neighbour advertisements of one virtual router. */
final class Announcer {
  private static final Logger LOG = LoggerFactory.getLogger(Announcer.class);

  private final Node node;

  /** The NICs by which addresses were announced last, as they were then. */
  private final Map<String, Link> announcedBy = new HashMap<>();

  Announcer(Node node) {
    this.node = node;
  }

  /**
   * Announces each address.
   *
   * @param rounds how often
   * @return whether anything got out
   */
  boolean announce(InstanceConfig config, int rounds) {
    boolean announced = false;
    for (int round = 0; round < rounds; round++) {
      announcedBy.clear();
      for (var address : config.addresses()) {
        announced |= announce(config.name(), address);
      }
    }
    return announced;
  }

  /** Whether a NIC has another hardware address now than the one that was announced last. */
  boolean isOutdated() {
    return announcedBy.entrySet().stream()
        .anyMatch(
            announced -> {
              var then = announced.getValue();
              var link = node.network().link(announced.getKey());
              return link != null
                  && link.up()
                  && link.index() == then.index()
                  && !link.mac().equals(then.mac());
            });
  }

  private boolean announce(String vip, VirtualAddress virtual) {
    var link = node.network().link(virtual.interfaceName());
    // At the other end of a tunnel nobody asks for a hardware address.
    if (link == null || !link.isEthernet()) {
      return false;
    }
    var address = virtual.prefix().address();
    try {
      var port = node.ports().openToSend(link);
      if (virtual.prefix().isIpv6()) {
        boolean router = node.addresses().forwardsIpv6(link);
        port.send(Frames.neighbourAdvertisement(link.mac(), address, router));
        announcedBy.put(virtual.interfaceName(), link);
        node.metrics().announced(vip, "NeighbourAdvertisement", 1);
        return true;
      }
      for (var form : ArpForm.values()) {
        port.send(Frames.gratuitousArp(link.mac(), address, form));
      }
      announcedBy.put(virtual.interfaceName(), link);
      node.metrics().announced(vip, "GratuitousArp", ArpForm.values().length);
      return true;
    } catch (IOException e) {
      node.metrics().announcementFailed(vip);
      LOG.warn(
          "announcement_not_sent vip={} address={} error=\"{}\"",
          vip,
          virtual.prefix(),
          e.getMessage());
      return false;
    }
  }
}
