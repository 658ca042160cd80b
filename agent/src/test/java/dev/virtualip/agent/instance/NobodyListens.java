package dev.virtualip.agent.instance;

import dev.virtualip.agent.disk.MasterRecord;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.Nics;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import java.util.Map;
import java.util.Set;

/** For tests that look at the machine itself. */
class NobodyListens implements NodeMachine.Listener {
  @Override
  public void changed(String virtualIp, NodeStatus status) {}

  @Override
  public void removed(String virtualIp) {}

  @Override
  public void services(Set<ServiceKey> keys) {}

  @Override
  public void nics(Nics nics) {}

  @Override
  public void masters(Map<String, MasterRecord.Master> masters) {}
}
