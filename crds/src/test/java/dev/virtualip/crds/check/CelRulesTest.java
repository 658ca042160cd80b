package dev.virtualip.crds.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The CRD's CEL rules refuse what they are for, and nothing else, and the validator, which serves
 * where the API server knows no CEL, is never more lenient than they are.
 */
class CelRulesTest {
  private static final YAMLMapper YAML = new YAMLMapper();
  private static final CelRules RULES = new CelRules(schema());

  /** A bad spec for each rule; the rule is known by how its message begins. */
  private static final List<String> BAD =
      """
      no host can have | {addresses: [{address: 224.0.0.18/24}]}
      no host can have | {addresses: [{address: 127.0.0.1/8}]}
      no host can have | {addresses: [{address: 0.0.0.0/24}]}
      no host can have | {addresses: [{address: 240.0.0.1/24}]}
      no host can have | {addresses: [{address: 255.255.255.255/32}]}
      no host can have | {addresses: [{address: 'FF02::12/64'}]}
      no host can have | {addresses: [{address: '::1/128'}]}
      no host can have | {addresses: [{address: '0:0::/64'}]}
      no host can have | {routes: [{to: default, via: 224.0.0.1}]}
      no host can have | {routes: [{to: default, via: 203.0.113.1, source: 127.0.0.1}]}
      no host can have | {routes: [{to: default, via: '::'}]}
      the kernel would route all | {addresses: [{address: 203.0.113.10/7}]}
      the kernel would route all | {addresses: [{address: 203.0.113.10/0}]}
      the kernel would route all | {addresses: [{address: '2001:db8::10/15'}]}
      it is the network itself | {addresses: [{address: 203.0.113.0/24}]}
      it is the network itself | {addresses: [{address: 203.0.113.255/24}]}
      it is the network itself | {addresses: [{address: 10.1.0.0/16}]}
      it is the network itself | {addresses: [{address: 10.255.255.255/8}]}
      adverts need an address | {addresses: [{address: 10.0.0.1/24, advertised: false}]}
      an advert lists at most 255 addresses | {addresses: [MANY]}
      one advert lists IPv4 or IPv6 | {addresses: [{address: 10.0.0.1/24}, {address: '2001:db8::1/64'}]}
      VRRPv2 has no IPv6 | {vrrpVersion: 2, addresses: [{address: '2001:db8::1/64'}]}
      rfc9568Checksum is about VRRPv3 | {vrrpVersion: 2, rfc9568Checksum: true}
      authentication exists in VRRPv2 only | {authentication: {passwordSecretRef: {name: a, key: b}}}
      VRRPv2 adverts have whole seconds | {vrrpVersion: 2, advertInterval: 500ms}
      VRRPv2 adverts have whole seconds | {vrrpVersion: 2, advertInterval: 1.5s}
      with whenAllFail KeepMaster | {whenAllFail: KeepMaster, priority: 1}
      with whenAllFail KeepMaster | {whenAllFail: KeepMaster, nodes: {overrides: [{name: a, priority: 1}]}}
      the kernel ends leases within a second | {lease: {policy: Exclusive}, advertInterval: 999ms}
      peers are for unicast | {transport: {peers: [10.0.0.2]}}
      a health check has exactly one kind | {healthChecks: [{name: a}]}
      a health check has exactly one kind | {healthChecks: [{name: a, http: {}, tcp: {port: 80}}]}
      tls is for HTTPS | {healthChecks: [{name: a, http: {tls: {verify: true}}}]}
      ca is for verification | {healthChecks: [{name: a, http: {scheme: HTTPS, tls: {ca: x}}}]}
      reverse turns a weight round | {trackInterfaces: [{name: eth2, reverse: true}]}
      a rule without from and to | {rules: [{table: 100, priority: 9}]}
      from and to are of different families | {rules: [{from: 10.0.0.1, to: '2001:db8::1', table: 1, priority: 9}]}
      every packet asks table 255 | {rules: [{from: 10.0.0.1, table: 255, priority: 9}]}
      a webhook has one URL | {notifications: {webhook: {}}}
      a webhook has one URL | {notifications: {webhook: {url: 'http://a/', urlSecretRef: {name: a, key: b}}}}
      body and format Custom | {notifications: {webhook: {url: 'http://a/', format: Custom}}}
      contentType is about body | {notifications: {webhook: {url: 'http://a/', contentType: text/plain}}}
      a header has one value | {notifications: {webhook: {url: 'http://a/', headers: [{name: A}]}}}
      credentials would cross | {notifications: {email: {from: a@b.c, to: [a@b.c], smtp: {host: a, tls: None, credentialsSecretRef: {name: a}}}}}
      ca is for TLS | {notifications: {email: {from: a@b.c, to: [a@b.c], smtp: {host: a, ca: x}}}}
      """
          .lines()
          .toList();

  private static JsonNode schema() {
    try {
      var crd = YAML.readTree(Path.of("virtualips.virtualip.dev.yaml").toFile());
      return crd.at("/spec/versions/0/schema/openAPIV3Schema");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static Stream<Path> samples() throws IOException {
    try (var files = Files.list(Path.of("../samples"))) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList().stream();
    }
  }

  private static List<CelRules.Breach> brokenBy(String yaml) {
    return RULES.broken((ObjectNode) YAML.createObjectNode().set("spec", Specs.tree(yaml)));
  }

  private static String spelledOut(String yaml) {
    var many = new StringBuilder("{address: 10.1.0.1/16}");
    for (int i = 2; i <= 256; i++) {
      many.append(", {address: 10.1.").append(i / 256).append('.').append(i % 256).append("/16}");
    }
    return yaml.replace("MANY", many);
  }

  @Test
  void everyRuleRefusesWhatItIsFor() {
    var rest = new TreeSet<>(RULES.messages());
    var wrong = new ArrayList<String>();
    for (var line : BAD) {
      var message = line.substring(0, line.indexOf(" | "));
      var broken = brokenBy(spelledOut(line.substring(line.indexOf(" | ") + 3)));
      if (broken.stream().noneMatch(breach -> breach.message().startsWith(message))) {
        wrong.add(line + ": " + broken);
      }
      rest.removeIf(told -> told.startsWith(message));
    }
    assertEquals(List.of(), wrong);
    assertEquals(new TreeSet<>(), rest, "rules without a bad spec here");
  }

  @Test
  void theValidatorRefusesWhatTheRulesRefuse() {
    for (var line : BAD) {
      var yaml = spelledOut(line.substring(line.indexOf(" | ") + 3));
      assertFalse(Validator.problems(Specs.spec(yaml)).isEmpty(), line);
    }
  }

  @Test
  void aRuleNamesTheFieldThatTheValidatorNamesOrWhatItIsIn() {
    for (var line : BAD) {
      var yaml = spelledOut(line.substring(line.indexOf(" | ") + 3));
      var named = Validator.problems(Specs.spec(yaml)).stream().map(Problem::path).toList();
      for (var breach : brokenBy(yaml)) {
        assertTrue(named.stream().anyMatch(path -> isWithin(path, breach.path())), line + named);
      }
    }
  }

  private static boolean isWithin(String path, String outer) {
    return !outer.equals("spec")
        && (path.equals(outer) || path.startsWith(outer + ".") || path.startsWith(outer + "["));
  }

  /** What the rules take for addresses of no host is what the validator takes for it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.0.0.1/8",
        "100.64.0.1/10",
        "126.0.0.1/8",
        "128.0.0.1/16",
        "223.255.255.1/24",
        "10.0.0.0/32",
        "10.0.0.255/23",
        "10.1.0.0/8",
        "10.0.1.0/23",
        "10.10.0.25/29",
        "fe80::1/64",
        "fdff::1/64",
        "2001:db8::1/127",
        "2001:db8::/128",
        "::2/64",
        "::10/64",
        "0:1::1/64",
        "ff::1/64",
        "1::1/16",
        "2001:db8::ff02:0/99",
        "64:ff9b::1/96"
      })
  void theRulesTakeAddressesOfHosts(String address) {
    var yaml = "{addresses: [{address: '%s'}]}".formatted(address);
    assertEquals(List.of(), brokenBy(yaml));
    assertEquals(List.of(), Validator.problems(Specs.spec(yaml)));
  }

  @ParameterizedTest
  @MethodSource("samples")
  void theSamplesBreakNoRule(Path sample) throws IOException {
    try (var documents = YAML.readerFor(ObjectNode.class).<ObjectNode>readValues(sample.toFile())) {
      while (documents.hasNext()) {
        var object = documents.next();
        if (object.path("kind").asText().equals("VirtualIP")) {
          assertEquals(List.of(), RULES.broken(object), sample.toString());
        }
      }
    }
  }
}
