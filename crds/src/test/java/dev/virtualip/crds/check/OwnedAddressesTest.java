package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.virtualIp;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.values.IpPrefix;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class OwnedAddressesTest {
  private static final NodeFacts NODE =
      new NodeFacts("n", Map.of(), true, List.of("10.0.0.1", "2001:db8::1"));

  private static List<String> problems(String yaml) {
    var spec = CheckedSpec.check(virtualIp("web", null, yaml)).spec();
    var owned = new OwnedAddresses(List.of(NODE), IpPrefix.parseAddress("10.96.0.1"));
    return owned.problems(spec).stream().map(Problem::toString).toList();
  }

  @Test
  void theAddressesOfNodesAndOfTheApiServerAreTheCluster() {
    assertEquals(
        List.of(
            "spec.addresses[0].address: 10.96.0.1 is the address by which pods reach the API server:"
                + " use an address that no host has",
            "spec.addresses[2].address: 10.0.0.1 is the InternalIP of Node n: use an address that no"
                + " host has",
            "spec.addresses[3].address: 2001:db8::1 is the InternalIP of Node n: use an address that"
                + " no host has"),
        problems(
            "{addresses: [{address: 10.96.0.1/32}, {address: 10.0.0.2/24}, {address: 10.0.0.1/24},"
                + " {address: '2001:DB8:0::1/64', advertised: false}]}"));
    assertEquals(List.of(), problems("{addresses: [{address: 10.0.0.2/24}]}"));
  }

  @Test
  void aNodeIsKnownWithoutVirtualAddressesToo() {
    var virtual = Set.of(IpPrefix.parseAddress("10.0.0.1"));
    assertEquals(List.of("2001:db8::1"), NODE.without(virtual).addresses());
    assertEquals(NODE, NODE.without(Set.of(IpPrefix.parseAddress("10.0.0.2"))));
  }
}
