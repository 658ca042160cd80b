package dev.virtualip.agent.instance;

import dev.virtualip.agent.disk.MasterRecord.Master;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.plan.InstanceConfig.VirtualAddress;
import dev.virtualip.agent.vrrp.LeasePolicy;
import dev.virtualip.agent.vrrp.Timers;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The VirtualIPs that this node was master of when an earlier life of the agent ended. Used by the
 * event loop's thread only.
 */
final class EarlierLife {
  private static final Logger LOG = LoggerFactory.getLogger(EarlierLife.class);

  private final Node node;
  private Map<String, Master> masters;

  EarlierLife(Node node, Map<String, Master> masters) {
    this.node = node;
    this.masters = masters;
  }

  /** Whether it was master of anything and {@link #end} has not been called yet. */
  boolean isOpen() {
    return !masters.isEmpty();
  }

  /** From now on it is decided which virtual routers resume as master; the record is dropped. */
  void end() {
    masters = Map.of();
  }

  /** The record of a master with this configuration. */
  static Master master(InstanceConfig config) {
    return new Master(
        config.router().vrid(),
        config.router().version(),
        config.interfaceName(),
        config.addresses().stream().map(a -> a.prefix() + " " + a.interfaceName()).toList(),
        config.priority());
  }

  /**
   * Names of the VirtualIPs that it was master of and that no backup can have taken over yet. A
   * sync group is resumed as a whole or not at all.
   */
  Set<String> resumable(Collection<InstanceConfig> configs) {
    if (!isOpen()) {
      return Set.of();
    }
    try {
      var bound = node.addresses().addresses();
      var still =
          configs.stream()
              .filter(config -> isStillMaster(config, bound))
              .map(InstanceConfig::name)
              .collect(Collectors.toSet());
      return configs.stream()
          .filter(config -> still.contains(config.name()))
          .filter(
              config ->
                  configs.stream()
                      .filter(config::isInGroupWith)
                      .allMatch(other -> still.contains(other.name())))
          .map(InstanceConfig::name)
          .collect(Collectors.toSet());
    } catch (IOException e) {
      LOG.warn("not_resumed error=\"{}\"", e.getMessage());
      return Set.of();
    }
  }

  /** Whether it was master with this very configuration, and {@link #end} was not called yet. */
  boolean wasMaster(InstanceConfig config) {
    return master(config).equals(masters.get(config.name()));
  }

  /** Whether the configuration is the recorded one and no backup can have taken over yet. */
  private boolean isStillMaster(InstanceConfig config, List<BoundAddress> bound) {
    return wasMaster(config)
        && !isFollowedByBfd(config)
        && config.addresses().stream()
            .allMatch(
                address ->
                    bound.stream()
                        .filter(there -> isOurs(there, config, address))
                        .anyMatch(
                            there -> Timers.isStillMaster(config.router(), there.leaseSeconds())));
  }

  /** A backup may have taken over before any advert was missed. */
  private static boolean isFollowedByBfd(InstanceConfig config) {
    return config.bfd() != null && config.router().leasePolicy() != LeasePolicy.Exclusive;
  }

  private boolean isOurs(BoundAddress there, InstanceConfig config, VirtualAddress address) {
    var link = node.network().link(address.interfaceName());
    // Kernels before 5.18 keep no mark.
    return !node.network().isOfOthers(there)
        && there.leaseSeconds() > 0
        && link != null
        && node.network().placeOn(link, config.virtualMac()) == there.linkIndex()
        && there.prefix().equals(address.prefix());
  }
}
