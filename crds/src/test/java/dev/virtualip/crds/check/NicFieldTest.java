package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.VirtualIpSpec;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class NicFieldTest {
  private static final VirtualIpSpec SPEC =
      spec(
          "{addresses: [{address: 10.0.0.1/24}, {address: 10.0.0.2/24, interface: eth1}],"
              + " routes: [{to: 10.1.0.0/16, interface: eth2}, {to: 10.2.0.0/16}],"
              + " trackInterfaces: [{name: eth3, weight: 5}, {name: eth4}],"
              + " detection: {bfd: {peers: [{address: 10.3.0.1, interface: eth5, weight: 5},"
              + " {address: 10.4.0.1, interface: eth6}, {address: 10.0.0.9}]}},"
              + " nodes: {overrides: [{name: a, priority: 7}, {name: b, interface: ens3}]}}");

  private static String text(String nodeName) {
    return NicField.of(SPEC, nodeName).stream()
        .map(field -> field.position().substring("spec.".length()) + "=" + field.selector())
        .collect(Collectors.joining(" "));
  }

  @Test
  void fieldsThatAreSetNameTheNicsThatHaveToWork() {
    var others =
        " addresses[1].interface=eth1 routes[0].interface=eth2 trackInterfaces[1].name=eth4"
            + " detection.bfd.peers[1].interface=eth6";
    assertEquals("interface=eth0" + others, text(null));
    assertEquals("interface=eth0" + others, text("a"));
    assertEquals("nodes.overrides[1].interface=ens3" + others, text("b"));
    assertEquals(
        "spec.nodes.overrides[name=b].interface", NicField.of(SPEC, "b").getFirst().path());
  }

  @Test
  void nothingIsNamedByWhatIsNotThere() {
    var empty =
        spec(
            "{interface: null, addresses: [null], routes: [null], trackInterfaces: [null, {}],"
                + " detection: {bfd: {peers: [null, {}]}}}");
    assertEquals(List.of(), NicField.of(empty, "a"));
  }
}
