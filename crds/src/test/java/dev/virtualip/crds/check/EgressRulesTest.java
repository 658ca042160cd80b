package dev.virtualip.crds.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.values.IpPrefix;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EgressRulesTest {
  private static final String ADDRESSES =
      "addresses: [{address: 203.0.113.10/24, interface: eth1}, {address: 203.0.113.11/24},"
          + " {address: '2001:db8::10/64', advertised: false}]";

  private static List<String> problems(String egress) {
    return Validator.problems(Specs.spec("{%s, egress: {%s}}".formatted(ADDRESSES, egress)))
        .stream()
        .map(problem -> problem.toString().replace("spec.egress", "egress"))
        .toList();
  }

  private static CheckedEgress checked(String spec) {
    var vip = Specs.virtualIp("web", "2026-01-01T00:00:00Z", spec);
    return CheckedSpec.check(vip).spec().egress();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sources: [10.7.0.0/16]",
        "sources: ['2001:db8:7::/48'], addresses: ['2001:db8::10']",
        "sources: [10.7.0.1/32], except: [10.0.0.0/8], addresses: [203.0.113.11, '2001:db8::10']",
        "pods: [{namespace: web, selector: {matchLabels: {a: b}}}], except: [10.244.0.0/16]",
      })
  void theseAreGood(String egress) {
    assertEquals(List.of(), problems(egress));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          except: [10.0.0.0/8] | egress: needs pods or sources: say whose packets leave with the address
          sources: [10.7.0.0] | egress.sources[0]: "10.7.0.0" has no prefix length: write it as in 10.7.0.0/24
          sources: [10.7.0.1/16] | egress.sources[0]: has bits set behind the prefix: write 10.7.0.0/16
          sources: [0.0.0.0/0] | egress.sources[0]: 0.0.0.0/0 is every address: give a longer prefix
          sources: [null] | egress.sources[0]: is empty: give a prefix, as in 10.7.0.0/16
          sources: [10.7.0.0/16], except: ["::/0"] | egress.except[0]: ::/0 is every address: give a longer prefix
          sources: ["2001:db8:7::/48"], addresses: [203.0.113.10] | egress.sources[0]: there is no IPv6 address to leave with: add one, or remove this source
          sources: [10.7.0.0/16], addresses: [203.0.113.12] | egress.addresses[0]: 203.0.113.12 is none of spec.addresses, or link-local: give one of those, or add it
          sources: [10.7.0.0/16], addresses: [203.0.113.10, 203.0.113.11] | egress.addresses[1]: is the second address of its family: remove one, or use two VirtualIPs
          pods: [null], except: [10.0.0.0/8] | egress.pods[0]: is empty: give namespace and selector
          pods: [{selector: {matchLabels: {a: b}}}], except: [10.0.0.0/8] | egress.pods[0].namespace: is missing: name the namespace of the pods
          pods: [{namespace: web}], except: [10.0.0.0/8] | egress.pods[0].selector: is missing: give labels to select by
          pods: [{namespace: web, selector: {matchLabels: {a: b}}}] | egress.except: is missing: give the networks of pods, Services and nodes, which are to see the pods' own addresses, as in 10.244.0.0/16
          """)
  void theseAreNot(String egress, String problem) {
    assertEquals(List.of(problem), problems(egress));
  }

  @Test
  void noSourceBeyondTheNetworkIsLinkLocal() {
    var spec = "{addresses: [{address: 'fe80::10/64'}], egress: {sources: ['2001:db8:7::/48']}}";
    assertEquals(
        List.of(
            "spec.egress.addresses: no address can be a source beyond the network: add one that is"
                + " not link-local"),
        Validator.problems(Specs.spec(spec)).stream().map(Problem::toString).toList());
  }

  @Test
  void thePacketsLeaveWithTheFirstAddressOfEachFamilyByItsNic() {
    var egress = checked("{%s, egress: {sources: [10.7.0.0/16]}}".formatted(ADDRESSES));
    assertEquals(
        List.of(
            new CheckedEgress.Address(IpPrefix.parseAddress("203.0.113.10"), "eth1"),
            new CheckedEgress.Address(IpPrefix.parseAddress("2001:db8::10"), null)),
        egress.addresses());
  }

  @Test
  void orWithThoseThatAreListed() {
    var listed = "{%s, egress: {sources: [10.7.0.0/16], addresses: [203.0.113.11]}}";
    assertEquals(
        List.of(new CheckedEgress.Address(IpPrefix.parseAddress("203.0.113.11"), null)),
        checked(listed.formatted(ADDRESSES)).addresses());
  }
}
