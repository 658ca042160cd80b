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
      vmacXmitBase is about virtualMac | {vmacXmitBase: true}
      a virtual MAC is on one NIC | {virtualMac: true, addresses: [{address: 10.0.0.1/24, interface: eth1}]}
      the owner of an address | {virtualMac: true, priority: 255}
      VRRPv2 learns no interval | {vrrpVersion: 2, maxLearnedInterval: 10s}
      passwords exist in VRRPv2 only | {authentication: {passwordSecretRef: {name: a, key: b}}}
      needs passwordSecretRef, hmac, or both | {authentication: {}}
      VRRPv2 adverts have whole seconds | {vrrpVersion: 2, advertInterval: 500ms}
      VRRPv2 adverts have whole seconds | {vrrpVersion: 2, advertInterval: 1.5s}
      with whenAllFail KeepMaster | {whenAllFail: KeepMaster, priority: 1}
      with whenAllFail KeepMaster | {whenAllFail: KeepMaster, nodes: {overrides: [{name: a, priority: 1}]}}
      the kernel ends leases within a second | {lease: {policy: Exclusive}, advertInterval: 999ms}
      a NIC stands in the list twice | {heartbeats: [{interface: eth2}, {interface: eth2}]}
      spec.transport says how adverts go | {heartbeats: [{interface: eth0, peers: [10.0.0.2]}]}
      peers are for unicast | {transport: {peers: [10.0.0.2]}}
      minTtl is for unicast | {transport: {minTtl: 254}}
      a health check has exactly one kind | {healthChecks: [{name: a}]}
      a health check has exactly one kind | {healthChecks: [{name: a, http: {}, tcp: {port: 80}}]}
      tls is for HTTPS | {healthChecks: [{name: a, http: {tls: {verify: true}}}]}
      ca is for verification | {healthChecks: [{name: a, http: {scheme: HTTPS, tls: {ca: x}}}]}
      caFile is for verification | {healthChecks: [{name: a, http: {scheme: HTTPS, tls: {caFile: /ca}}}]}
      ca and caFile are two sources | {healthChecks: [{name: a, http: {scheme: HTTPS, tls: {verify: true, ca: x, caFile: /ca}}}]}
      reverse turns a weight round | {trackInterfaces: [{name: eth2, reverse: true}]}
      reverse turns a weight round | {detection: {bfd: {peers: [{address: 10.0.0.1, reverse: true}]}}}
      a router is tracked twice | {detection: {bfd: {peers: [{address: 10.0.0.1}, {address: 10.0.0.1}]}}}
      use 10ms to 1s | {detection: {bfd: {interval: 9ms}}}
      use 10ms to 1s | {detection: {bfd: {interval: 1001ms}}}
      a rule without from and to | {rules: [{table: 100, priority: 9}]}
      from and to are of different families | {rules: [{from: 10.0.0.1, to: '2001:db8::1', table: 1, priority: 9}]}
      every packet asks table 255 | {rules: [{from: 10.0.0.1, table: 255, priority: 9}]}
      a webhook has one URL | {notifications: {webhook: {}}}
      a webhook has one URL | {notifications: {webhook: {url: 'http://a/', urlSecretRef: {name: a, key: b}}}}
      body and format Custom | {notifications: {webhook: {url: 'http://a/', format: Custom}}}
      contentType is about body | {notifications: {webhook: {url: 'http://a/', contentType: text/plain}}}
      a header has one value | {notifications: {webhook: {url: 'http://a/', headers: [{name: A}]}}}
      credentials would cross | {notifications: {email: {from: a@b.c, to: [a@b.c], smtp: {host: a, tls: None, credentialsSecretRef: {name: a}}}}}
      a tcp or udp check of the node needs a port | {healthChecks: [{name: a, tcp: {}}]}
      a tcp or udp check of the node needs a port | {healthChecks: [{name: a, udp: {}}]}
      the node answers itself always | {healthChecks: [{name: a, ping: {}}]}
      weightByExitCode is for checks of real servers | {healthChecks: [{name: a, exec: {command: [a], weightByExitCode: true}}]}
      the first failure counts already | {healthChecks: [{name: a, http: {}, retryInterval: 1s}]}
      the first failure counts already | {healthChecks: [{name: a, http: {}, fall: 1, retryInterval: 1s}]}
      only http, tcp, pod and process checks can watch | {healthChecks: [{name: a, ping: {host: 10.0.0.1}, watch: true}]}
      only http, tcp, pod and process checks can watch | {virtualServers: [{name: a, port: 80, checks: [{name: a, dns: {}, watch: true}], NAT, TO}]}
      reply is about an answer | {healthChecks: [{name: a, udp: {port: 1, reply: ff, requireReply: false}}]}
      it is about virtualServers | {connectionSync: {interface: eth0}}
      it is about virtualServers | {connectionTimeouts: {udp: 1m}}
      a virtual server needs a port | {virtualServers: [{name: a, NAT, TO}]}
      fwmark stands in place of | {virtualServers: [{name: a, fwmark: 7, port: 80, NAT, TO}]}
      fwmark stands in place of | {virtualServers: [{name: a, fwmark: 7, protocol: UDP, NAT, TO}]}
      fwmark stands in place of | {virtualServers: [{name: a, fwmark: 7, addresses: [203.0.113.10], NAT, TO}]}
      a range of ports goes up | {virtualServers: [{name: a, port: 80, endPort: 80, NAT, TO}]}
      a range of ports goes up | {virtualServers: [{name: a, port: 80, endPort: 144, NAT, TO}]}
      port 0 is every port | {virtualServers: [{name: a, port: 0, NAT, TO}]}
      port 0 is every port | {virtualServers: [{name: a, port: 0, endPort: 9, persistence: {}, NAT, TO}]}
      schedulerFlags are for sh and mh | {virtualServers: [{name: a, port: 80, schedulerFlags: [Port], NAT, TO}]}
      schedulerFlags are for sh and mh | {virtualServers: [{name: a, port: 80, scheduler: rr, schedulerFlags: [Port], NAT, TO}]}
      tunnel is for forwarding Tunnel | {virtualServers: [{name: a, port: 80, tunnel: {}, NAT, TO}]}
      the port is that of GUE | {virtualServers: [{name: a, port: 80, tunnel: {type: GRE, port: 1}, TUN, TO}]}
      the port is that of GUE | {virtualServers: [{name: a, port: 80, tunnel: {port: 1}, TUN, TO}]}
      GRE has the checksums None and Full | {virtualServers: [{name: a, port: 80, tunnel: {checksum: Full}, TUN, TO}]}
      GRE has the checksums None and Full | {virtualServers: [{name: a, port: 80, tunnel: {type: GRE, checksum: Remote}, TUN, TO}]}
      onePacket is for UDP | {virtualServers: [{name: a, port: 80, onePacket: true, NAT, TO}]}
      onePacket is for UDP | {virtualServers: [{name: a, port: 80, protocol: SCTP, onePacket: true, NAT, TO}]}
      onePacket forgets the client | {virtualServers: [{name: a, port: 80, protocol: UDP, onePacket: true, persistence: {}, NAT, TO}]}
      hysteresis has to be less | {virtualServers: [{name: a, port: 80, hysteresis: 1, NAT, TO}]}
      hysteresis has to be less | {virtualServers: [{name: a, port: 80, quorum: 3, hysteresis: 3, NAT, TO}]}
      only Masquerade changes ports | {virtualServers: [{name: a, port: 80, DR, realServers: {addresses: [{address: 10.0.0.21, port: 81}]}}]}
      only Masquerade changes ports | {virtualServers: [{name: a, port: 80, endPort: 81, TUN, realServers: {addresses: [{address: 10.0.0.21, port: 80}]}}]}
      only Masquerade changes ports | {virtualServers: [{name: a, port: 80, DR, realServers: {nodes: {LABELS, port: 81}}}]}
      only Masquerade changes ports | {virtualServers: [{name: a, port: 80, TUN, realServers: {pods: {namespace: a, LABELS, port: 81}}}]}
      only Masquerade changes ports | {virtualServers: [{name: a, port: 0, persistence: {}, NAT, realServers: {nodes: {LABELS, port: 81}}}]}
      only Masquerade changes ports | {virtualServers: [{name: a, fwmark: 7, persistence: {}, NAT, realServers: {nodes: {LABELS, port: 81}}}]}
      only Masquerade changes ports | {virtualServers: [{name: a, port: 80, DR, TO, sorryServer: {address: 10.0.0.9, port: 81}}]}
      DirectRoute needs servers that have | {virtualServers: [{name: a, port: 80, DR, realServers: {pods: {namespace: a, LABELS}}}]}
      with port 0 or a fwmark servers have | {virtualServers: [{name: a, fwmark: 7, checks: [{name: a, tcp: {}}], NAT, TO}]}
      with port 0 or a fwmark servers have | {virtualServers: [{name: a, port: 0, persistence: {}, checks: [{name: a, http: {}}], NAT, TO}]}
      pod and process look at this node | {virtualServers: [{name: a, port: 80, checks: [{name: a, process: {name: b}}], NAT, TO}]}
      pod and process look at this node | {virtualServers: [{name: a, port: 80, checks: [{name: a, pod: {namespace: n, LABELS}}], NAT, TO}]}
      weight and reverse are about the election | {virtualServers: [{name: a, port: 80, checks: [{name: a, tcp: {}, weight: 1}], NAT, TO}]}
      weight and reverse are about the election | {virtualServers: [{name: a, port: 80, checks: [{name: a, tcp: {}, reverse: true}], NAT, TO}]}
      with port 0 or a fwmark servers have | {virtualServers: [{name: a, fwmark: 7, checks: [{name: a, udp: {}}], NAT, TO}]}
      a virtual server has at least one kind | {virtualServers: [{name: a, port: 80, NAT, realServers: {addresses: []}}]}
      a virtual server has at least one kind | {virtualServers: [{name: a, port: 80, NAT, realServers: {}}]}
      an empty selector takes all | {virtualServers: [{name: a, port: 80, NAT, realServers: {nodes: {selector: {}}}}]}
      an empty selector takes all | {virtualServers: [{name: a, port: 80, NAT, realServers: {pods: {namespace: a, selector: {matchLabels: {}}}}}]}
      no host can have | {virtualServers: [{name: a, port: 80, NAT, realServers: {addresses: [{address: 127.0.0.1}]}}]}
      no virtual address is of this server's family | {virtualServers: [{name: a, port: 80, NAT, realServers: {addresses: [{address: '2001:db8::1'}]}}]}
      no virtual address is of this server's family | {connectionSync: {interface: a}, virtualServers: [{name: a, port: 80, TUN, realServers: {addresses: [{address: '2001:db8::1'}]}}]}
      two virtual servers have the same | {virtualServers: [{name: a, port: 80, NAT, TO}, {name: b, port: 80, protocol: TCP, NAT, TO}]}
      two virtual servers have the same | {virtualServers: [{name: a, port: 80, NAT, TO}, {name: b, port: 70, endPort: 81, NAT, TO}]}
      needs pods or sources | {egress: {}}
      needs pods or sources | {egress: {pods: [], sources: []}}
      is missing: give the networks of pods | {egress: {pods: [{namespace: a, LABELS}]}}
      an empty selector takes all | {egress: {pods: [{namespace: a, selector: {}}], except: [10.244.0.0/16]}}
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
      var all = files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
      return Stream.concat(
          all.stream(), Stream.of(Path.of("../samples/20-control-plane/virtualip.yaml")));
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
    return yaml.replace("MANY", many)
        .replace("NAT", "forwarding: Masquerade")
        .replace("DR", "forwarding: DirectRoute")
        .replace("TUN", "forwarding: Tunnel")
        .replace("TO", "realServers: {addresses: [{address: 10.0.0.21}]}")
        .replace("LABELS", "selector: {matchLabels: {a: b}}");
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

  /** Where the API server knows CEL its user reads the same as from the validator. */
  @Test
  void ofVirtualServersBothSayTheSame() {
    for (var line : BAD) {
      var yaml = spelledOut(line.substring(line.indexOf(" | ") + 3));
      var problems = Validator.problems(Specs.spec(yaml)).stream().map(Problem::message).toList();
      for (var breach : brokenBy(yaml)) {
        if (breach.path().startsWith("spec.virtualServers[")
            && !breach.message().startsWith("no host can have")) {
          assertTrue(problems.contains(breach.message()), line + problems);
        }
      }
    }
  }

  private static boolean isWithin(String path, String outer) {
    return !outer.equals("spec")
        && (path.equals(outer) || path.startsWith(outer + ".") || path.startsWith(outer + "["));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{virtualServers: [{name: a, port: 80, NAT, TO}, {name: b, port: 80, protocol: UDP, NAT, TO}]}",
        "{virtualServers: [{name: a, port: 80, endPort: 143, NAT, TO}, {name: b, port: 144, NAT, TO}]}",
        "{virtualServers: [{name: a, fwmark: 7, onePacket: true, NAT, TO}]}",
        "{virtualServers: [{name: a, port: 0, persistence: {}, NAT, TO}]}",
        "{virtualServers: [{name: a, port: 80, DR, realServers: {nodes: {LABELS, port: 80}}}]}",
        "{virtualServers: [{name: a, port: 80, TUN, realServers: {addresses: [{address: '2001:db8::1'}]}}]}",
        "{virtualServers: [{name: a, port: 80, endPort: 81, NAT, realServers: {pods: {namespace: a, LABELS, port: 8}}}]}",
        "{virtualServers: [{name: a, port: 80, scheduler: mh, schedulerFlags: [Port], NAT, TO}]}",
        "{virtualServers: [{name: a, port: 80, quorum: 3, hysteresis: 2, NAT, TO}]}",
        "{virtualServers: [{name: a, port: 80, checks: [{name: a, tcp: {}}, {name: b, http: {}}], NAT, TO}]}",
        "{virtualServers: [{name: a, fwmark: 7, checks: [{name: a, tcp: {port: 1}}], NAT, TO}]}",
        "{virtualServers: [{name: a, port: 80, tunnel: {type: GUE, port: 1, checksum: Remote}, TUN, TO}]}",
      })
  void theRulesTakeGoodVirtualServers(String yaml) {
    assertEquals(List.of(), brokenBy(spelledOut(yaml)));
    assertEquals(List.of(), Validator.problems(Specs.spec(spelledOut(yaml))));
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
