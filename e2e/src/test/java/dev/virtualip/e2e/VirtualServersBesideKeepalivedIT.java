package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import dev.virtualip.e2e.lab.Nginx;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The same virtual servers by our agent and by Debian's keepalived, of all kinds: what IPVS has of
 * both is the same, whoever of the real servers is up.
 */
@Tag("long")
@NeedsKernel({"ip_vs", "ip_gre", "fou"})
@Timeout(value = 300, unit = SECONDS)
class VirtualServersBesideKeepalivedIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  private static final String MANIFEST =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: web}
      spec:
        vrid: 51
        interface: eth0
        addresses: [{address: 10.0.0.100/24}, {address: "2001:db8::100/64", advertised: false}]
        virtualServers:
          - name: range
            addresses: [10.0.0.100]
            port: 81
            endPort: 83
            scheduler: wrr
            forwarding: Masquerade
            realServers:
              addresses: [{address: 10.0.0.21, weight: 3}, {address: 10.0.0.22, port: 8080, weight: 0}]
          - name: checked
            addresses: [10.0.0.100]
            port: 84
            scheduler: lc
            forwarding: Masquerade
            checks: CHECKS
            quorum: 2
            sorryServer: {address: 10.0.0.29, port: 8081}
            realServers: OURS
          - name: quiesced
            addresses: [10.0.0.100]
            port: 85
            forwarding: Masquerade
            checks: CHECKS
            onFailure: Quiesce
            realServers: OURS
          - name: quiesced-sorry
            addresses: [10.0.0.100]
            port: 86
            forwarding: Masquerade
            checks: CHECKS
            onFailure: Quiesce
            sorryServer: {address: 10.0.0.29, port: 8081}
            realServers: OURS
          - name: direct
            addresses: [10.0.0.100]
            port: 80
            scheduler: sh
            schedulerFlags: [Fallback, Port]
            forwarding: DirectRoute
            checks: CHECKS
            realServers: DIRECT
          - name: maglev
            addresses: [10.0.0.100]
            port: 87
            scheduler: mh
            schedulerFlags: [Port]
            forwarding: DirectRoute
            realServers: DIRECT
          - name: ipip
            addresses: [10.0.0.100]
            port: 88
            forwarding: Tunnel
            realServers: DIRECT
          - name: gre
            addresses: [10.0.0.100]
            port: 89
            forwarding: Tunnel
            tunnel: {type: GRE, checksum: Full}
            realServers: DIRECT
          - name: gue
            addresses: [10.0.0.100]
            port: 90
            forwarding: Tunnel
            tunnel: {type: GUE, port: 6080}
            realServers: DIRECT
          - name: persistent
            addresses: [10.0.0.100]
            port: 0
            persistence: {timeout: 5m, prefix: 24}
            forwarding: DirectRoute
            realServers: DIRECT
          - name: dns
            addresses: [10.0.0.100]
            protocol: UDP
            port: 53
            onePacket: true
            scheduler: rr
            forwarding: DirectRoute
            realServers: DIRECT
          - name: sctp
            addresses: [10.0.0.100]
            protocol: SCTP
            port: 91
            scheduler: sed
            forwarding: DirectRoute
            realServers: DIRECT
          - name: marked
            fwmark: 7
            scheduler: nq
            forwarding: DirectRoute
            persistence: {timeout: 6m}
            realServers: DIRECT
          - name: ipv6
            addresses: ["2001:db8::100"]
            port: 80
            persistence: {timeout: 6m, prefix: 64}
            forwarding: Masquerade
            checks:
              - {name: page, http: {path: /healthz}, interval: 1s, timeout: 5s}
            realServers:
              addresses: [{address: "2001:db8::21"}, {address: "2001:db8::22", weight: 5}]
      """
          .replace(
              "CHECKS",
              "[{name: page, http: {path: /healthz, port: 80}, interval: 1s, timeout: 5s}]")
          .replace(
              "OURS",
              "{addresses: [{address: 10.0.0.21, port: 80}, {address: 10.0.0.22, port: 80}]}")
          .replace("DIRECT", "{addresses: [{address: 10.0.0.21}, {address: 10.0.0.22}]}");

  private static final String DIRECT =
      "real_server 10.0.0.21 %1$d {\n weight 1\n}\nreal_server 10.0.0.22 %1$d {\n weight 1\n}\n";

  private static Lab lab;
  private static Host ours;
  private static Host theirs;
  private static Nginx s1;
  private static Nginx s2;

  @BeforeAll
  static void build() {
    lab = Lab.open();
    var wire = lab.wire("lan");
    ours = lab.host("ours").plug("eth0", wire, "10.0.0.11/24", "2001:db8::11/64");
    theirs = lab.host("theirs").plug("eth0", wire, "10.0.0.12/24", "2001:db8::12/64");
    s1 = Nginx.start(lab.host("s1").plug("eth0", wire, "10.0.0.21/24", "2001:db8::21/64"));
    s2 = Nginx.start(lab.host("s2").plug("eth0", wire, "10.0.0.22/24", "2001:db8::22/64"));
    Keepalived.startBalancing(theirs, config());
    AgentProgram.start(ours, MANIFEST, Map.of());
  }

  @AfterAll
  static void close() {
    lab.close();
  }

  private static String config() {
    var text = new ArrayList<String>();
    for (int port = 81; port <= 83; port++) {
      text.add(
          virtual(
              "10.0.0.100 " + port,
              "lvs_sched wrr\n lvs_method NAT",
              "real_server 10.0.0.21 %d {\n weight 3\n}\n".formatted(port)
                  + "real_server 10.0.0.22 8080 {\n weight 0\n}\n"));
    }
    var sorry = "sorry_server 10.0.0.29 8081\n sorry_server_lvs_method NAT\n";
    text.add(
        virtual(
            "10.0.0.100 84",
            "lvs_sched lc\n lvs_method NAT\n quorum 2\n " + sorry,
            checked("10.0.0.21", "") + checked("10.0.0.22", "")));
    var quiesce = "inhibit_on_failure\n";
    var quiesced = checked("10.0.0.21", quiesce) + checked("10.0.0.22", quiesce);
    text.add(virtual("10.0.0.100 85", "lvs_sched wlc\n lvs_method NAT", quiesced));
    text.add(virtual("10.0.0.100 86", "lvs_sched wlc\n lvs_method NAT\n " + sorry, quiesced));
    text.add(
        virtual(
            "10.0.0.100 80",
            "lvs_sched sh\n sh-fallback\n sh-port\n lvs_method DR",
            checked("10.0.0.21", "") + checked("10.0.0.22", "")));
    text.addAll(
        List.of(
            direct("10.0.0.100 87", "lvs_sched mh\n mh-port\n lvs_method DR", 87),
            direct("10.0.0.100 88", "lvs_sched wlc\n lvs_method TUN", 88),
            direct("10.0.0.100 89", "lvs_sched wlc\n lvs_method TUN type gre csum", 89),
            direct("10.0.0.100 90", "lvs_sched wlc\n lvs_method TUN type gue port 6080 nocsum", 90),
            direct(
                "10.0.0.100 0",
                "lvs_sched wlc\n lvs_method DR\n persistence_timeout 300\n"
                    + " persistence_granularity 255.255.255.0",
                0),
            direct("10.0.0.100 53", "lvs_sched rr\n lvs_method DR\n protocol UDP\n ops", 53),
            direct("10.0.0.100 91", "lvs_sched sed\n lvs_method DR\n protocol SCTP", 91),
            direct("fwmark 7", "lvs_sched nq\n lvs_method DR\n persistence_timeout 360", 0)));
    text.add(
        virtual(
            "2001:db8::100 80",
            "lvs_sched wlc\n lvs_method NAT\n persistence_timeout 360\n persistence_granularity 64",
            checked("2001:db8::21", "")
                + checked("2001:db8::22", "").replace("weight 1", "weight 5")));
    return "global_defs {\n router_id test\n script_user root\n}\n" + String.join("", text);
  }

  private static String virtual(String key, String options, String servers) {
    var protocol = options.contains("protocol") || key.startsWith("fwmark") ? "" : "protocol TCP\n";
    return "virtual_server %s {\n delay_loop 1\n %s\n %s%s}\n"
        .formatted(key, options, protocol, servers);
  }

  private static String direct(String key, String options, int port) {
    return virtual(key, options, DIRECT.formatted(port));
  }

  private static String checked(String address, String options) {
    return """
        real_server %s 80 {
          weight 1
          %s
          HTTP_GET {
            url {
              path /healthz
              status_code 200
            }
            connect_timeout 5
            retry 1
            delay_before_retry 1
          }
        }
        """
        .formatted(address, options);
  }

  private static String shown(Host director) {
    return director.sh("ipvsadm -Ln; ipvsadm -Sn | sort");
  }

  /** Waits until both have the same, of which this is a part. */
  private static void awaitSame(String line) {
    Await.until(
        "ours has " + line, SOON, () -> shown(ours), text -> text.lines().anyMatch(line::equals));
    Await.until(
        "both have the same",
        SOON,
        () -> List.of(shown(ours), shown(theirs)),
        both -> both.getFirst().equals(both.getLast()));
  }

  @Test
  void bothBalanceAlikeWhoeverIsUp() {
    awaitSame("-a -t 10.0.0.100:84 -r 10.0.0.22:80 -m -w 1");
    s2.fail(true);
    awaitSame("-a -t 10.0.0.100:85 -r 10.0.0.22:80 -m -w 0");
    awaitSame("-a -t 10.0.0.100:84 -r 10.0.0.29:8081 -m -w 1");
    s1.fail(true);
    awaitSame("-a -t 10.0.0.100:86 -r 10.0.0.29:8081 -m -w 1");
    s1.fail(false);
    awaitSame("-a -t 10.0.0.100:85 -r 10.0.0.21:80 -m -w 1");
    s2.fail(false);
    awaitSame("-a -t 10.0.0.100:84 -r 10.0.0.22:80 -m -w 1");
  }
}
