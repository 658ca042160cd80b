package dev.virtualip.crds.check;

import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Addresses that the cluster has for its own, so that none of them can be a virtual one. */
public final class OwnedAddresses {
  private final Map<InetAddress, String> owners = new HashMap<>();

  /**
   * The addresses of the nodes, and of the API server.
   *
   * @param nodes all nodes that are known
   * @param apiServer the address by which pods reach it, or null
   */
  public OwnedAddresses(Collection<NodeFacts> nodes, InetAddress apiServer) {
    if (apiServer != null) {
      owners.put(apiServer, "the address by which pods reach the API server");
    }
    for (var node : nodes) {
      node.addresses()
          .forEach(
              address ->
                  owners.put(
                      IpPrefix.parseAddress(address), "the InternalIP of Node " + node.name()));
    }
  }

  /** Whose own each address is. */
  public Map<InetAddress, String> owners() {
    return Map.copyOf(owners);
  }

  /** What is wrong with the addresses of a spec: whose own each of them is. */
  public List<Problem> problems(CheckedSpec spec) {
    var problems = new ArrayList<Problem>();
    for (int i = 0; i < spec.addresses().size(); i++) {
      var address = spec.addresses().get(i).prefix().address();
      var owner = owners.get(address);
      if (owner != null) {
        problems.add(
            new Problem(
                "spec.addresses[" + i + "].address",
                "%s is %s: use an address that no host has"
                    .formatted(IpPrefix.text(address), owner)));
      }
    }
    return problems;
  }
}
