package dev.virtualip.agent.instance;

import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.disk.MasterRecord.Master;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteAddress;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRoute;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.plan.InstanceConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an earlier life of the agent was master of, and what it has left on the node. One thread.
 */
final class EarlierLife {
  private static final Logger LOG = LoggerFactory.getLogger(EarlierLife.class);

  private final Node node;
  private Map<String, Master> masters;

  EarlierLife(Node node, Map<String, Master> masters) {
    this.node = node;
    this.masters = masters;
  }

  /** Whether it was master of anything, and nobody has decided yet what becomes of that. */
  boolean isOpen() {
    return !masters.isEmpty();
  }

  /** It is decided what goes on as master. */
  void end() {
    masters = Map.of();
  }

  /** What it was master of and nobody can have taken over; groups as a whole. */
  Set<String> resumable(Collection<InstanceConfig> configs) {
    if (!isOpen()) {
      return Set.of();
    }
    try {
      var bound = node.addresses().addresses();
      var still =
          configs.stream()
              .filter(config -> MasterRecord.isStillMaster(config, masters, bound, node.network()))
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

  /** Takes off what it has left on the node and nobody holds now. */
  void clear(List<Holdings> holdings) {
    try {
      var changes = new ArrayList<Change>();
      node.addresses().rules().stream()
          .filter(rule -> holdings.stream().noneMatch(held -> held.holds(rule)))
          .forEach(rule -> changes.add(new DeleteRule(rule)));
      node.addresses().routes().stream()
          .filter(route -> holdings.stream().noneMatch(held -> held.holds(route)))
          .forEach(route -> changes.add(new DeleteRoute(route)));
      node.addresses().addresses().stream()
          .filter(address -> address.protocol() == AddressPort.PROTOCOL)
          .filter(address -> holdings.stream().noneMatch(held -> held.holds(address)))
          .forEach(a -> changes.add(new DeleteAddress(a.linkIndex(), a.prefix())));
      if (!changes.isEmpty()) {
        var failures = node.addresses().apply(changes);
        LOG.warn("left_overs_removed changes={} failures={}", changes, failures);
      }
    } catch (IOException e) {
      LOG.error("left_overs_not_removed error=\"{}\"", e.getMessage());
    }
  }
}
