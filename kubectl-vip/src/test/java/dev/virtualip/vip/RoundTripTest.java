package dev.virtualip.vip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.vip.keepalived.Export;
import dev.virtualip.vip.keepalived.Import;
import dev.virtualip.vip.keepalived.Import.Host;
import dev.virtualip.vip.tell.CleanManifest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What keepalived can say comes back from an export by an import; the rest is named. */
class RoundTripTest {
  private static final Path EXAMPLES = Path.of("src/test/resources/dev/virtualip/vip/keepalived");
  private static final String KEYS = "1 " + "ab".repeat(32) + "\n7 " + "0c".repeat(64);

  /** Complaints of keepalived about lines, but for those that NICs and scripts are not there. */
  private static final Pattern COMPLAINT = Pattern.compile(".*Line \\d+.*");

  private static final Pattern ABSENT =
      Pattern.compile(".*(exist|unknown interface|cannot track|[Uu]nable to access|not found).*");

  @TempDir private Path folder;

  private static ObjectNode spec(String yaml) throws IOException {
    return (ObjectNode) new YAMLMapper().readTree(yaml);
  }

  private static VirtualIpSpec read(ObjectNode spec) throws IOException {
    return new JsonMapper().treeToValue(spec, VirtualIpSpec.class);
  }

  private static Export export(String node, String name, ObjectNode spec) {
    var first = spec.at("/transport/peers/0").asText("10.0.0.11");
    var addresses = Map.of("node-a", first, "node-b", "10.0.0.12");
    var clean = CleanManifest.withoutDefaults(spec);
    return Export.of(List.of(new Export.Router(name, clean, addresses, "s3cret", KEYS)), node);
  }

  private Import imported(String text, String address) throws Exception {
    var file = Files.writeString(folder.resolve("keepalived.conf"), text);
    return Import.of(List.of(new Host("", file, "", address)), null, false);
  }

  static List<String> specs() {
    return List.of(
        """
        vrid: 77
        vrrpVersion: 2
        interface: eth0
        advertInterval: 2s
        authentication: {passwordSecretRef: {name: vip-auth, key: web}}
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        routes:
          - {to: default, via: 203.0.113.1, interface: eth1}
          - {to: 10.9.0.0/16, via: 10.0.0.1, source: 10.0.0.9, table: 100, metric: 5, onLink: true}
        rules: [{from: 203.0.113.10, table: 100, priority: 1000}, {to: 10.9.0.0/16, table: 7, priority: 9}]
        preempt: {enabled: false}
        """,
        """
        vrid: 7
        interface: eth0
        priority: 90
        advertInterval: 100ms
        rfc9568Checksum: true
        virtualMac: true
        vmacXmitBase: true
        addresses:
          - {address: 203.0.113.10/24}
          - {address: '2001:db8::10/64', advertised: false}
        preempt: {delay: 90s}
        garp: {repeat: 3, delay: 0s, refresh: 0s, interval: 1ms}
        delayAfterBoot: 60s
        linkDownDelay: 100ms
        linkUpDelay: 5s
        trackInterfaces: [{name: eth2}, {name: eth3, weight: -20}, {name: eth4, weight: 5, reverse: true}]
        """,
        """
        vrid: 8
        interface: eth0
        priority: 255
        initialState: Master
        addresses: [{address: 'fe80::8/64'}, {address: '2001:db8::8/64'}]
        routes: [{to: default, via: 'fe80::1'}]
        transport: {mode: Unicast, minTtl: 254, peers: ['2001:db8::11', '2001:db8::12']}
        """,
        """
        vrid: 9
        interface: eth0
        addresses: [{address: 203.0.113.9/32}]
        authentication: {hmac: {keysSecretRef: {name: vip-auth, key: web}, mode: Permissive}}
        healthChecks:
          - {name: page, http: {path: '/a?b=c', port: 8080, hostHeader: shop.example.com}, fall: 3, rise: 2}
          - {name: tls, http: {scheme: HTTPS, tls: {verify: true}, host: 10.0.0.7}, interval: 5s, timeout: 2s}
          - {name: any, http: {scheme: HTTPS, path: /x}, weight: -30, initial: Failed}
          - {name: port, tcp: {port: 25}, interval: 3s, weight: 20, reverse: true}
          - {name: gate, ping: {host: 10.0.0.1}}
          - {name: name, dns: {host: 10.0.0.53, name: example.com, type: AAAA}}
          - {name: nginx, process: {name: nginx}}
          - {name: squid, process: {name: squid}, weight: 7, reverse: true}
          - {name: slow, process: {name: slow}, fall: 2}
          - {name: own, exec: {command: [check-db, '-v', 'x']}, timeout: 9s}
        detection: {bfd: {interval: 100ms, multiplier: 4, peers: [{address: 10.0.0.1, weight: 5}]}}
        notifications: {exec: {command: [moved, web], states: [Master, Fault]}}
        """,
        """
        vrid: 10
        interface: eth0
        addresses: [{address: 203.0.113.9/24}]
        notifications:
          exec: {command: [moved]}
          email:
            from: vip@example.com
            to: [a@example.com, b@example.com]
            routerId: shop
            smtp: {host: 10.0.0.25, port: 26, connectTimeout: 5s, helo: shop.example.com}
        """);
  }

  @ParameterizedTest
  @MethodSource("specs")
  void whatKeepalivedCanSayComesBack(String yaml) throws Exception {
    var spec = spec(yaml);
    var export = export("node-a", "web", spec);
    var result = imported(export.text(), null);
    assertEquals(read(spec), result.manifests().getFirst().object().getSpec(), export::text);
    assertEquals(
        List.of(),
        result.report().entries().stream()
            .filter(entry -> entry.outcome().ordinal() > 1)
            .map(Object::toString)
            .toList());
  }

  @ParameterizedTest
  @MethodSource("specs")
  void keepalivedAcceptsWhatIsWritten(String yaml) throws Exception {
    var text = export("node-a", "web", spec(yaml)).text();
    // Debian 12 has keepalived 2.2.7, which does not know these yet.
    text = text.replaceAll("(?s) +auth_hmac \\{.*?}\n", "").replaceAll(".*v3_checksum_as_v2\n", "");
    var file = Files.writeString(folder.resolve("keepalived.conf"), text);
    var complaints = new ArrayList<String>();
    for (var line : said(file)) {
      if (COMPLAINT.matcher(line).matches() && !ABSENT.matcher(line).matches()) {
        complaints.add(line);
      }
    }
    assertEquals(List.of(), complaints, text);
  }

  private static List<String> said(Path file) throws IOException, InterruptedException {
    var process =
        new ProcessBuilder("/usr/sbin/keepalived", "-t", "-f", file.toString())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output.lines().toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"shop-a.conf", "bfd.conf", "edge.d/keepalived.conf", "router.conf"})
  void anImportOfAnExportOfAnImportIsTheImport(String name) throws Exception {
    var first =
        Import.of(List.of(new Host("", EXAMPLES.resolve(name), "left", "10.0.0.11")), null, false);
    for (var manifest : first.manifests()) {
      var spec = (ObjectNode) new YAMLMapper().readTree(manifest.yaml()).path("spec");
      var export = export("node-a", manifest.name(), spec);
      var again = imported(export.text(), null).manifests().getFirst();
      assertEquals(manifest.object().getSpec(), again.object().getSpec(), export::text);
    }
  }

  @Test
  void aNodeHasItsOwnPriorityNicAndAddress() throws Exception {
    var yaml =
        """
        vrid: 7
        interface: eth0
        addresses: [{address: 203.0.113.10/24}]
        nodes: {overrides: [{name: node-b, priority: 80, interface: ens1}]}
        transport: {mode: Unicast, peers: [10.0.0.11, 10.0.0.12, 10.0.0.13]}
        """;
    var b = export("node-b", "web", spec(yaml));
    assertTrue(b.text().contains("    interface ens1\n"), b.text());
    assertTrue(b.text().contains("    priority 80\n"), b.text());
    assertTrue(b.text().contains("    unicast_src_ip 10.0.0.12\n"), b.text());
    assertFalse(b.text().contains("        10.0.0.12\n"), b.text());
    assertEquals(List.of(), b.lost());
    assertEquals(
        List.of(
            "web: spec.transport.peers: say --node NODE, as a router's own address is not in its"
                + " list",
            "web: spec.nodes: say --node NODE for the values of a node"),
        export(null, "web", spec(yaml)).lost());
  }

  @Test
  void whatKeepalivedCannotSayIsNamed() throws Exception {
    var yaml =
        """
        vrid: 7
        interface: 'enp*s0'
        advertRepeat: 3
        allowOutside: true
        pool: web
        lease: {policy: Exclusive}
        whenAllFail: KeepMaster
        addresses: [{address: 203.0.113.10/24}]
        healthChecks:
          - {name: pod, pod: {namespace: web, selector: {matchLabels: {app: nginx}}}}
          - {name: fast, http: {statuses: '200', bodyContains: ok}, interval: 200ms, timeout: 200ms}
        notifications: {webhook: {url: 'https://example.com/'}}
        """;
    assertEquals(
        """
        web: spec.interface: keepalived needs the name of a NIC: put it in place of enp*s0
        web: spec.addresses: keepalived needs the name of a NIC: put it in place of enp*s0
        web: spec.healthChecks[0]: keepalived knows no pods: check its port with http or tcp first
        web: spec.healthChecks[1].http.statuses: curl -f takes statuses below 400
        web: spec.healthChecks[1].interval: keepalived has whole seconds: 1 s instead
        web: spec.healthChecks[1].timeout: keepalived has whole seconds: 1 s instead
        web: spec.healthChecks[1].http.bodyContains: keepalived's scripts have nothing like it
        web: spec.advertRepeat: keepalived sends one advert an interval
        web: spec.allowOutside: it is about the status, which keepalived does not have
        web: spec.pool: it is about the cluster
        web: spec.lease: keepalived has no leases: addresses of one that is killed stay
        web: spec.whenAllFail: a keepalived whose checks fail gives up the addresses
        web: spec.notifications.webhook: let the notify script do it
        """,
        String.join("\n", export("node-a", "web", spec(yaml)).lost()) + "\n");
  }

  @Test
  void instancesShareChecksAndGroups() throws Exception {
    var yaml =
        """
        vrid: %d
        interface: eth0
        syncGroup: gate
        addresses: [{address: 203.0.113.%d/24}]
        healthChecks: [{name: nginx, http: {port: %d}}]
        """;
    var routers = new ArrayList<Export.Router>();
    for (int port : List.of(80, 80, 81)) {
      int vrid = routers.size() + 1;
      var spec = CleanManifest.withoutDefaults(spec(yaml.formatted(vrid, vrid, port)));
      routers.add(new Export.Router("r" + vrid, spec, Map.of(), null, null));
    }
    var text = Export.of(routers, null).text();
    var scripts = text.lines().filter(line -> line.startsWith("vrrp_script")).toList();
    assertEquals(List.of("vrrp_script nginx {", "vrrp_script nginx-2 {"), scripts);
    var result = imported(text, null);
    assertEquals(3, result.manifests().size());
    result.manifests().forEach(m -> assertEquals("gate", m.object().getSpec().syncGroup()));
    assertEquals(
        List.of("r1: spec.syncGroup: name all members of the group together"),
        Export.of(routers.subList(0, 1), null).lost());
  }
}
