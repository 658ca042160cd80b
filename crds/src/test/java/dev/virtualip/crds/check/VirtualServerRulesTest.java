package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.spec;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VirtualServerRulesTest {
  private static final String DUAL =
      "addresses: [{address: 203.0.113.10/24}, {address: '2001:db8::10/64', advertised: false}]";
  private static final String LINK_LOCAL =
      "addresses: [{address: '2001:db8::10/64'}, {address: 'fe80::10/64'}]";

  /** A good one with other fields on top; a field that is null is taken away. */
  private static String server(String fields) {
    var server =
        Specs.yaml(
            """
            {name: web, port: 443, forwarding: Masquerade,
             realServers: {addresses: [{address: 10.0.0.21}]}}
            """,
            ObjectNode.class);
    Specs.yaml("{" + fields + "}", JsonNode.class)
        .properties()
        .forEach(
            field -> {
              server.remove(field.getKey());
              if (!field.getValue().isNull()) {
                server.set(field.getKey(), field.getValue());
              }
            });
    return server.toString();
  }

  private static List<String> problems(String spec, String... servers) {
    var more = spec.isEmpty() ? "" : spec + ", ";
    return Validator.problems(
            spec("{" + more + "virtualServers: [" + String.join(", ", servers) + "]}"))
        .stream()
        .map(problem -> problem.toString().replace("spec.virtualServers[0].", ""))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "port: 1",
        "endPort: 506",
        "port: 65534, endPort: 65535, protocol: SCTP",
        "port: 0, persistence: {}",
        "port: null, fwmark: 1",
        "port: null, fwmark: 4294967295, persistence: {timeout: 24h, prefix: 32}",
        "port: null, fwmark: 7, realServers: {addresses: [{address: 10.0.0.21, port: 8443}]}",
        "port: null, fwmark: 7, onePacket: true",
        "addresses: [203.0.113.10]",
        "scheduler: sh, schedulerFlags: [Port, Fallback]",
        "scheduler: mh, schedulerFlags: [Fallback]",
        "scheduler: ovf",
        "protocol: UDP, onePacket: true, persistence: null",
        "persistence: {timeout: 1s, prefix: 1}",
        "persistence: {timeout: 90.0s}",
        "forwarding: DirectRoute",
        "forwarding: DirectRoute, realServers: {addresses: [{address: 10.0.0.21, port: 443}]}",
        "forwarding: DirectRoute, sorryServer: {address: 127.0.0.1}",
        "forwarding: Tunnel",
        "forwarding: Tunnel, tunnel: {type: GUE, port: 6081, checksum: Remote}",
        "forwarding: Tunnel, tunnel: {type: GRE, checksum: Full}",
        "forwarding: Tunnel, tunnel: {type: IPIP, checksum: None}",
        "forwarding: Tunnel, realServers: {addresses: [{address: '2001:db8::21'}]}",
        "forwarding: Tunnel, sorryServer: {address: '2001:db8::21', port: 443}",
        "quorum: 16776960, hysteresis: 16776959",
        "sorryServer: {address: 10.0.0.9, port: 80}, onFailure: Quiesce",
        "checks: [{name: a, http: {}}, {name: b, tcp: {}}, {name: c, exec: {command: [a]}}]",
        "port: 0, persistence: {}, checks: [{name: a, http: {port: 80}}, {name: b, tcp: {port: 1}}]",
        "checks: [{name: a, udp: {}}, {name: b, dns: {}}, {name: c, smtp: {}}, {name: d, ping: {}}]",
        "port: 0, persistence: {}, checks: [{name: a, dns: {}}, {name: b, smtp: {}}, {name: c, ping: {}}]",
        "checks: [{name: a, exec: {command: [a], weightByExitCode: true}}]",
        "realServers: {addresses: [{address: 10.0.0.21, weight: 0}, {address: 10.0.0.21, port: 1}]}",
        "realServers: {addresses: [{address: 10.0.0.21, port: 65535, weight: 65535}]}",
        "realServers: {nodes: {selector: {matchLabels: {a: b}}, port: 8443, weight: 0}}",
        "realServers: {pods: {namespace: web, selector: {matchLabels: {a: b}}, port: 8443}}",
        "endPort: 444, realServers: {addresses: [{address: 10.0.0.21, port: 80}]}",
        "endPort: 444, forwarding: Tunnel, realServers: {pods: {namespace: web, selector:"
            + " {matchExpressions: [{key: a, operator: Exists}]}}}",
      })
  void aGoodVirtualServerHasNoProblems(String server) {
    assertEquals(List.of(), problems("", server(server)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          name: null | name: is missing: give the virtual server a short name, as in https
          name: "A b" | name: "A b" is no name: use 1 to 63 of a-z, 0-9 and -
          port: null | port: a virtual server needs a port, or a fwmark: give one of them
          port: 65536 | port: 65536 is not a port: use 0 to 65535
          port: 0 | port: port 0 is every port, for which IPVS needs persistence, and no endPort: change that, or give a port
          port: 0, endPort: 9, persistence: {} | port: port 0 is every port, for which IPVS needs persistence, and no endPort: change that, or give a port
          fwmark: 7 | fwmark: fwmark stands in place of protocol, port, endPort and addresses: remove those, or fwmark
          port: null, protocol: TCP, fwmark: 7 | fwmark: fwmark stands in place of protocol, port, endPort and addresses: remove those, or fwmark
          port: null, addresses: [203.0.113.10], fwmark: 7 | fwmark: fwmark stands in place of protocol, port, endPort and addresses: remove those, or fwmark
          port: null, fwmark: 0 | fwmark: 0 is not a firewall mark: use 1 to 4294967295
          endPort: 443 | endPort: a range of ports goes up and has at most 64: use port + 1 to port + 63
          endPort: 507 | endPort: a range of ports goes up and has at most 64: use port + 1 to port + 63
          port: 65500, endPort: 65536 | endPort: 65536 is not a port: use 1 to 65535
          addresses: [203.0.113.11] | addresses[0]: 203.0.113.11 is no address of this VirtualIP: add it to spec.addresses first
          addresses: [203.0.113.10/24] | addresses[0]: "203.0.113.10/24" is not an IPv4 address: write four numbers, as in 203.0.113.10
          addresses: [203.0.113.10, 203.0.113.10] | addresses[1]: stands in the list twice: remove one
          addresses: [null] | addresses[0]: is missing: give an address of spec.addresses, without its prefix
          schedulerFlags: [Port] | schedulerFlags: schedulerFlags are for sh and mh: set scheduler to one of these, or remove them
          scheduler: mh, schedulerFlags: [null] | schedulerFlags: has an empty item: remove it
          forwarding: null | forwarding: is missing: write Masquerade, DirectRoute or Tunnel
          tunnel: {} | tunnel: tunnel is for forwarding Tunnel: set that, or remove tunnel
          forwarding: Tunnel, tunnel: {port: 6080} | tunnel.port: the port is that of GUE: set type to GUE, or remove it
          forwarding: Tunnel, tunnel: {type: GUE, port: 0} | tunnel.port: 0 is not a UDP port: use 1 to 65535
          forwarding: Tunnel, tunnel: {checksum: Full} | tunnel.checksum: GRE has the checksums None and Full, IPIP has none: use one of these, or type GUE
          forwarding: Tunnel, tunnel: {type: GRE, checksum: Remote} | tunnel.checksum: GRE has the checksums None and Full, IPIP has none: use one of these, or type GUE
          persistence: {timeout: 500ms} | persistence.timeout: 500ms is out of range: use 1s to 24h
          persistence: {timeout: 24.5h} | persistence.timeout: 24.5h is out of range: use 1s to 24h
          persistence: {timeout: 1.5s} | persistence.timeout: IPVS counts in seconds: round 1.5s to whole ones
          persistence: {timeout: long} | persistence.timeout: "long" is not a duration: write a number and a unit (ms, s, m, h), as in 1s
          persistence: {prefix: 33} | persistence.prefix: 33 is longer than an IPv4 address: use 1 to 32 for those
          persistence: {prefix: 129} | persistence.prefix: 129 is not a prefix length: use 1 to 128
          onePacket: true | onePacket: onePacket is for UDP: set protocol to UDP, or remove it
          protocol: UDP, onePacket: true, persistence: {} | onePacket: onePacket forgets the client at once, persistence remembers it: remove one of them
          quorum: 0 | quorum: 0 is not a quorum: use 1 to 16776960
          hysteresis: 1 | hysteresis: hysteresis has to be less than quorum: lower it, or raise quorum
          hysteresis: -1 | hysteresis: -1 is not a hysteresis: use 0 to 16776960
          checks: [{name: a}] | checks[0]: a health check has exactly one kind: set one of http, tcp, udp, dns, smtp, ping, pod, exec, process
          checks: [{name: a, tcp: {}}, {name: a, tcp: {}}] | checks[1].name: two checks are called a: rename one
          checks: [null] | checks[0].name: is missing: give the check a short name, as in ingress
          checks: [{name: a, process: {name: nginx}}] | checks[0].process: pod and process look at this node, not at a server: use another kind
          checks: [{name: a, pod: {namespace: n, selector: {matchLabels: {a: b}}}}] | checks[0].pod: pod and process look at this node, not at a server: use another kind
          checks: [{name: a, tcp: {}, weight: 5}] | checks[0].weight: weight and reverse are about the election, and servers are none of it: remove them
          checks: [{name: a, tcp: {}, reverse: true}] | checks[0].reverse: weight and reverse are about the election, and servers are none of it: remove them
          port: 0, persistence: {}, checks: [{name: a, udp: {}}] | checks[0].udp.port: with port 0 or a fwmark servers have no port to ask at: give the check one
          checks: [{name: a, dns: {host: x}}] | checks[0].dns.host: "x" is not an IPv4 address: write four numbers, as in 203.0.113.10
          checks: [{name: a, http: {path: b}}] | checks[0].http.path: is no path: start it with a slash and write other than plain characters as in %20
          port: 0, persistence: {}, checks: [{name: a, tcp: {}}] | checks[0].tcp.port: with port 0 or a fwmark servers have no port to ask at: give the check one
          port: null, fwmark: 1, checks: [{name: a, http: {}}] | checks[0].http.port: with port 0 or a fwmark servers have no port to ask at: give the check one
          """)
  void aBadVirtualServerHasOneProblemThatNamesFieldAndFix(String server, String problem) {
    assertEquals(List.of(problem), problems("", server(server)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          realServers: null | realServers: a virtual server has at least one kind of server: give addresses, nodes or pods
          realServers: {addresses: []} | realServers: a virtual server has at least one kind of server: give addresses, nodes or pods
          realServers: {addresses: [null]} | realServers.addresses[0].address: is missing: give the server's address, as in 10.0.0.21
          realServers: {addresses: [{address: web}]} | realServers.addresses[0].address: "web" is not an IPv4 address: write four numbers, as in 203.0.113.10
          realServers: {addresses: [{address: 224.0.0.1}]} | realServers.addresses[0].address: 224.0.0.1 is a multicast address: give the server's own
          forwarding: DirectRoute, realServers: {addresses: [{address: 127.0.0.1}]} | realServers.addresses[0].address: 127.0.0.1 is a loopback address: give the server's own
          realServers: {addresses: [{address: 169.254.0.1}]} | realServers.addresses[0].address: 169.254.0.1 is link-local, and IPVS does not look at the NIC: give another
          realServers: {addresses: [{address: 203.0.113.10}]} | realServers.addresses[0].address: 203.0.113.10 is a virtual address: give the server's own
          realServers: {addresses: [{address: "2001:db8::21"}]} | realServers.addresses[0].address: no virtual address is of this server's family, and only Tunnel without connectionSync reaches it: use servers of the other
          realServers: {addresses: [{address: 10.0.0.21}, {address: 10.0.0.21, port: 443}]} | realServers.addresses[1]: stands in the list twice with the same port: remove one
          endPort: 450, realServers: {addresses: [{address: 10.0.0.21}, {address: 10.0.0.21, port: 450}]} | realServers.addresses[1]: stands in the list twice with the same port: remove one
          realServers: {addresses: [{address: 10.0.0.21, port: 0}]} | realServers.addresses[0].port: 0 is not a port: use 1 to 65535
          realServers: {addresses: [{address: 10.0.0.21, weight: 65536}]} | realServers.addresses[0].weight: 65536 is not a weight: use 0 to 65535
          forwarding: DirectRoute, realServers: {addresses: [{address: 10.0.0.21, port: 80}]} | realServers.addresses[0].port: only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give the virtual port, or none
          forwarding: Tunnel, endPort: 444, realServers: {addresses: [{address: 10.0.0.21, port: 443}]} | realServers.addresses[0].port: only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give the virtual port, or none
          port: 0, persistence: {}, realServers: {addresses: [{address: 10.0.0.21, port: 80}]} | realServers.addresses[0].port: only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give the virtual port, or none
          port: null, fwmark: 7, persistence: {}, realServers: {addresses: [{address: 10.0.0.21, port: 80}]} | realServers.addresses[0].port: only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give the virtual port, or none
          realServers: {nodes: {}} | realServers.nodes.selector: is missing: give labels to select by
          realServers: {nodes: {selector: {}}} | realServers.nodes.selector: an empty selector takes all there are: give labels that they have
          realServers: {nodes: {selector: {matchLabels: {a: b}}, weight: -1}} | realServers.nodes.weight: -1 is not a weight: use 0 to 65535
          forwarding: Tunnel, realServers: {nodes: {selector: {matchLabels: {a: b}}, port: 80}} | realServers.nodes.port: only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give the virtual port, or none
          realServers: {nodes: {selector: {matchExpressions: [{key: a, operator: In}]}}} | realServers.nodes.selector.matchExpressions[0].values: In needs at least one value
          realServers: {pods: {selector: {matchLabels: {a: b}}}} | realServers.pods.namespace: is missing: name the namespace of the pods
          realServers: {pods: {namespace: A/b, selector: {matchLabels: {a: b}}}} | realServers.pods.namespace: no namespace is called "A/b": use 1 to 63 of a-z, 0-9 and -
          realServers: {pods: {namespace: a, selector: {}}} | realServers.pods.selector: an empty selector takes all there are: give labels that they have
          forwarding: DirectRoute, realServers: {pods: {namespace: a, selector: {matchLabels: {a: b}}}} | realServers.pods: DirectRoute needs servers that have the virtual address, and pods have another: use Masquerade or Tunnel
          sorryServer: {} | sorryServer.address: is missing: give the server's address, as in 10.0.0.21
          sorryServer: {address: 127.0.0.1} | sorryServer.address: 127.0.0.1 is a loopback address: give the server's own
          sorryServer: {address: 203.0.113.10} | sorryServer.address: 203.0.113.10 is a virtual address: give the server's own
          sorryServer: {address: "2001:db8::9"} | sorryServer.address: no virtual address is of this server's family, and only Tunnel without connectionSync reaches it: use servers of the other
          forwarding: DirectRoute, sorryServer: {address: 10.0.0.9, port: 80} | sorryServer.port: only Masquerade changes ports, and not of port 0, nor of a fwmark with persistence: give the virtual port, or none
          """)
  void aBadServerHasOneProblemThatNamesFieldAndFix(String server, String problem) {
    assertEquals(List.of(problem), problems("", server(server)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          Masquerade | [{address: 10.0.0.21}, {address: "2001:db8::21"}] |
          Masquerade | [{address: 10.0.0.21}] | realServers.addresses: has no IPv6 server, and the \
          virtual server has such addresses: add one, or list the others in addresses
          DirectRoute | [{address: "2001:db8::21"}] | realServers.addresses: has no IPv4 server, and \
          the virtual server has such addresses: add one, or list the others in addresses
          Tunnel | [{address: "2001:db8::21"}] |
          """)
  void withAddressesOfBothFamiliesEachHasAServer(
      String forwarding, String servers, String problem) {
    var server =
        server("forwarding: %s, realServers: {addresses: %s}".formatted(forwarding, servers));
    assertEquals(problem == null ? List.of() : List.of(problem), problems(DUAL, server));
  }

  @Test
  void nodesAndMarksAndListedAddressesNeedNoServerOfTheOtherFamily() {
    var four = "realServers: {addresses: [{address: 10.0.0.21}]";
    var nodes = four + ", nodes: {selector: {matchLabels: {a: b}}}}";
    assertEquals(List.of(), problems(DUAL, server(nodes)));
    assertEquals(List.of(), problems(DUAL, server("port: null, fwmark: 7, " + four + "}")));
    assertEquals(List.of(), problems(DUAL, server("addresses: [203.0.113.10], " + four + "}")));
  }

  @Test
  void aSorryServerServesOneFamily() {
    var both = "realServers: {addresses: [{address: 10.0.0.21}, {address: '2001:db8::21'}]}";
    assertEquals(
        List.of(
            "sorryServer.address: serves one family, and the virtual server has addresses of both:"
                + " make two of it, each with its addresses"),
        problems(DUAL, server("sorryServer: {address: 10.0.0.9}, " + both)));
    assertEquals(
        List.of(),
        problems(DUAL, server("sorryServer: {address: 10.0.0.9}, addresses: [203.0.113.10]")));
  }

  @Test
  void theKernelDoesNotCopyConnectionsFromOneFamilyToTheOther() {
    var sync = "connectionSync: {interface: eth0}";
    var six = "realServers: {addresses: [{address: '2001:db8::21'}]}";
    assertEquals(
        List.of(
            "realServers.addresses[0].address: no virtual address is of this server's family, and"
                + " only Tunnel without connectionSync reaches it: use servers of the other"),
        problems(sync, server("forwarding: Tunnel, " + six)));
  }

  @Test
  void linkLocalAddressesAreLeftOut() {
    var six = "realServers: {addresses: [{address: '2001:db8::21'}]}";
    assertEquals(List.of(), problems(LINK_LOCAL, server(six)));
    assertEquals(
        List.of(
            "addresses[0]: fe80::10 is link-local, and IPVS does not look at the NIC: use another"),
        problems(LINK_LOCAL, server("addresses: ['fe80::10'], " + six)));
    assertEquals(
        List.of(
            "addresses: the VirtualIP has link-local addresses only, and IPVS does not look at the"
                + " NIC: add another to spec.addresses"),
        problems("addresses: [{address: 'fe80::10/64'}]", server(six)));
  }

  @Test
  void ofIpv6AlonePrefixesAreLonger() {
    var server = "persistence: {prefix: 64}, addresses: %s, realServers: %s";
    var servers = "{addresses: [{address: '2001:db8::21'}]}";
    assertEquals(List.of(), problems(DUAL, server(server.formatted("['2001:db8::10']", servers))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          port: 443 | port: 80 |
          port: 443 | protocol: UDP |
          addresses: [203.0.113.10] | addresses: [203.0.113.11] |
          port: 443 | port: 0, persistence: {} |
          port: null, fwmark: 7 | port: null, fwmark: 8 |
          port: null, fwmark: 7 | port: null, fwmark: 7, realServers: {addresses: [{address: "2001:db8::21"}]} |
          port: 443 | protocol: TCP | port: TCP 203.0.113.11 port 443 is that of virtual server web: \
          give one of the two another
          endPort: 450 | port: 440, endPort: 444 | port: TCP 203.0.113.11 port 443 is that of virtual \
          server web: give one of the two another
          addresses: [203.0.113.11] | port: 443 | port: TCP 203.0.113.11 port 443 is that of virtual \
          server web: give one of the two another
          port: null, fwmark: 7 | port: null, fwmark: 7 | fwmark: fwmark 7 of IPv4 is that of virtual \
          server web: give one of the two another
          """)
  void noTwoHaveTheSameProtocolAddressAndPort(String one, String other, String problem) {
    var three = DUAL.replace("[", "[{address: 203.0.113.11/24}, ");
    var both = "realServers: {nodes: {selector: {matchLabels: {a: b}}}}";
    var first = server(one.contains("fwmark") ? one : one + ", " + both);
    var second = server("name: other, " + other + (other.contains("fwmark") ? "" : ", " + both));
    assertEquals(
        problem == null ? List.of() : List.of("spec.virtualServers[1]." + problem),
        problems(three, first, second));
  }

  @Test
  void namesAreUnique() {
    assertEquals(
        List.of("spec.virtualServers[1].name: two virtual servers are called web: rename one"),
        problems("", server(""), server("port: 80")));
  }

  @Test
  void aVirtualIpHasAtMost64VirtualServers() {
    for (int problems = 0; problems <= 1; problems++) {
      var servers =
          IntStream.range(0, 64 + problems)
              .mapToObj(i -> server("name: s%d, port: %d".formatted(i, 64 * i + 1)))
              .toArray(String[]::new);
      assertEquals(problems, problems("", servers).size());
    }
  }

  @Test
  void aVirtualIpHasAtMost4096VirtualServices() {
    var addresses =
        IntStream.rangeClosed(1, 65)
            .mapToObj(i -> "{address: 203.0.113." + i + "/24}")
            .collect(Collectors.joining(", ", "addresses: [", "]"));
    assertEquals(
        List.of(
            "spec.virtualServers: 4160 ports of addresses are too many: use up to 4096, or a fwmark"),
        problems(addresses, server("endPort: 506")));
  }

  @Test
  void aVirtualServerHasAtMost256ListedServers() {
    for (int problems = 0; problems <= 1; problems++) {
      var list =
          IntStream.rangeClosed(1, 256 + problems)
              .mapToObj(i -> "{address: 10.0.1." + i % 128 + ", port: " + i + "}")
              .toList();
      assertEquals(problems, problems("", server("realServers: {addresses: " + list + "}")).size());
    }
  }

  @Test
  void itHasAtMost8Checks() {
    for (int problems = 0; problems <= 1; problems++) {
      var list =
          IntStream.rangeClosed(1, 8 + problems)
              .mapToObj(i -> "{name: c" + i + ", tcp: {}}")
              .toList();
      assertEquals(problems, problems("", server("checks: " + list)).size());
    }
  }

  @Test
  void aNullIsAProblemAndNoCrash() {
    assertEquals(
        List.of(
            "spec.virtualServers[0]: is empty: give at least name, port, forwarding and realServers"),
        problems("", "null"));
    assertEquals(4, problems("", "{}").size());
  }

  @Test
  void allProblemsAreNamedAtOnce() {
    var bad =
        "name: A, port: 0, schedulerFlags: [Port], onePacket: true, hysteresis: 7, tunnel: {port: 1},"
            + " checks: [{name: a}], sorryServer: {address: x}, realServers: {addresses: [{}]}";
    assertEquals(10, problems("", server(bad)).size(), () -> problems("", server(bad)).toString());
  }

  @Test
  void anAddressThatCannotBeReadIsOneProblem() {
    assertEquals(
        List.of(
            "spec.addresses[0].address: \"203.0.113.300\" is not an IPv4 address: write four"
                + " numbers, as in 203.0.113.10"),
        problems("addresses: [{address: 203.0.113.300/24}]", server("addresses: [203.0.113.10]")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          connectionSync: {interface: eth0} |
          connectionSync: {interface: 10.0.0.0/24, syncId: 0} |
          connectionTimeouts: {} |
          connectionTimeouts: {tcp: 744h, tcpFin: 1s, udp: 90s} |
          connectionSync: {} | spec.connectionSync.interface: is missing: name the NIC that the copies go by, as in eth0
          connectionSync: {interface: a/b} | spec.connectionSync.interface: "a/b" cannot name a NIC: use 1 to 127 characters without blank, slash, colon, or a prefix such as 10.0.0.0/24
          connectionSync: {interface: eth0, syncId: 256} | spec.connectionSync.syncId: 256 is not a sync ID: use 0 to 255
          connectionTimeouts: {tcp: 745h} | spec.connectionTimeouts.tcp: 745h is out of range: use 1s to 744h
          connectionTimeouts: {tcpFin: 0s} | spec.connectionTimeouts.tcpFin: 0s is out of range: use 1s to 744h
          connectionTimeouts: {udp: 1500ms} | spec.connectionTimeouts.udp: IPVS counts in seconds: round 1500ms to whole ones
          """)
  void connectionsAreCopiedAndForgottenAsTheKernelCan(String spec, String problem) {
    assertEquals(problem == null ? List.of() : List.of(problem), problems(spec, server("")));
  }

  @Test
  void withoutVirtualServersThereAreNoConnections() {
    assertEquals(
        List.of(
            "spec.connectionSync: it is about virtualServers: give one, or remove it",
            "spec.connectionTimeouts: it is about virtualServers: give one, or remove it"),
        problems("connectionSync: {interface: eth0}, connectionTimeouts: {udp: 1m}"));
  }
}
