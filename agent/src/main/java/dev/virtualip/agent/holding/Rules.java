package dev.virtualip.agent.holding;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.Change.DeleteRule;
import dev.virtualip.agent.net.AddressPort.Change.PutRule;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import dev.virtualip.agent.net.AddressPort.NetworkEvent.RuleRemoved;
import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.crds.values.PolicyRule;
import java.util.List;

/**
 * Policy routing rules (keepalived: {@code virtual_rules}). They have no lease: they stay until
 * they are deleted.
 */
final class Rules implements Kind<PolicyRule> {

  @Override
  public List<PolicyRule> wanted(InstanceConfig config, NodeNetwork network) {
    return config.rules();
  }

  @Override
  public Change put(PolicyRule rule, long leaseSeconds) {
    return new PutRule(rule);
  }

  @Override
  public Change delete(PolicyRule rule) {
    return new DeleteRule(rule);
  }

  @Override
  public boolean isLeased(PolicyRule rule) {
    return false;
  }

  @Override
  public boolean mayBeGone(PolicyRule rule, NetworkEvent event) {
    return event instanceof RuleRemoved removed && rule.equals(removed.rule());
  }

  @Override
  public boolean isThere(PolicyRule rule, NodeNetwork network) {
    return network.rules().contains(rule);
  }

  @Override
  public List<PolicyRule> marked(NodeNetwork network) {
    return network.rules();
  }
}
