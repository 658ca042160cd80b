package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.operator.decide.DnsDecision.Endpoint;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DnsDecisionTest {
  private static VirtualIp vip(String name, String dns, String... addresses) {
    var list =
        Stream.of(addresses)
            .map(a -> "{address: '%s', advertised: %s}".formatted(a, !a.contains(":")))
            .toList();
    return Serialization.unmarshal(
        """
        metadata: {name: %s}
        spec: {vrid: 1, interface: eth0, addresses: %s, dns: %s}
        """
            .formatted(name, list, dns),
        VirtualIp.class);
  }

  private static DnsDecision wanted(Map<String, List<Problem>> problems, VirtualIp... vips) {
    return DnsDecision.of(Stream.of(vips).map(CheckedSpec::check).toList(), problems);
  }

  @Test
  void aNameHasTheAddressesOfAllThatListIt() {
    var one = vip("one", "{hostnames: [www.a.b, a.b]}", "203.0.113.12/24");
    var two =
        vip(
            "two",
            "{hostnames: [www.a.b], ttl: 30}",
            "203.0.113.11/32",
            "2001:db8::1/64",
            "fe80::1/64");
    var silent = vip("silent", "null", "203.0.113.13/24");
    assertEquals(
        new DnsDecision(
            List.of(
                new Endpoint("a.b", "A", 60, List.of("203.0.113.12")),
                new Endpoint("www.a.b", "A", 30, List.of("203.0.113.11", "203.0.113.12")),
                new Endpoint("www.a.b", "AAAA", 30, List.of("2001:db8::1"))),
            Set.of()),
        wanted(Map.of("one", List.of(), "two", List.of(), "silent", List.of()), one, two, silent));
  }

  @Test
  void aBadEditLeavesTheRecordsOfItsNamesAsTheyAre() {
    var one = vip("one", "{hostnames: [www.a.b, a.b]}", "203.0.113.12/24");
    var bad = vip("bad", "{hostnames: [www.a.b]}", "203.0.113.11");
    bad.setStatus(new VirtualIpStatus(null, null, Map.of("a", report(Master, 1)), null));
    var problems =
        Map.of("one", List.<Problem>of(), "bad", List.of(new Problem("spec.vrid", "is missing")));
    assertEquals(
        new DnsDecision(
            List.of(new Endpoint("a.b", "A", 60, List.of("203.0.113.12"))), Set.of("www.a.b")),
        wanted(problems, one, bad));
  }

  @Test
  void oneThatHasNeverRunTakesNoNamesOutOfTheDns() {
    var one = vip("one", "{hostnames: [www.a.b]}", "203.0.113.12/24");
    var intruder = vip("intruder", "{hostnames: [www.a.b]}", "203.0.113.11");
    var outside = List.of(new Problem("spec.addresses", "is outside of all pools"));
    assertEquals(
        new DnsDecision(
            List.of(new Endpoint("www.a.b", "A", 60, List.of("203.0.113.12"))), Set.of()),
        wanted(Map.of("one", List.of(), "intruder", outside), one, intruder));
  }
}
