package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.vip.keepalived.Import.Host;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the data dump of keepalived 2.2.7 shows, and what the import makes of the same lines. */
class DataDumpTest {
  @TempDir private Path folder;

  private Import imported(String... texts) throws Exception {
    var hosts = new ArrayList<Host>();
    for (var text : texts) {
      var node = "node-" + hosts.size();
      hosts.add(new Host(node, Files.writeString(folder.resolve(node), text), "", null));
    }
    return Import.of(hosts, null, false);
  }

  /** An instance of these lines; what ends in a brace at the front stands above it. */
  private static String text(String lines) {
    var parts = lines.split(" ;; ");
    var above = parts.length > 1 ? parts[0] + "\n" : "";
    return (above
            + "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n"
            + parts[parts.length - 1]
                .replace("vip4", "virtual_ipaddress {\n192.0.2.1/24\n}")
                .replace("vip6", "virtual_ipaddress {\nfe80::1/64\n}")
            + "\n}\n")
        .replace(" ; ", "\n")
        .replace("PIPE", "|");
  }

  /** The manifests without comments, on one line, and the report. */
  private static String shown(Import result) {
    var report =
        result.report().entries().stream()
            .map(entry -> entry.outcome() + " " + entry.text() + ": " + entry.why())
            .collect(Collectors.joining("\n"));
    return result.manifests().stream()
            .map(manifest -> manifest.yaml().replaceAll(" *#.*", "").replaceAll("\\s+", " "))
            .collect(Collectors.joining("\n"))
        + "\n"
        + report
        + "\n"
        + result.report().notes()
        + result.report().errors();
  }

  @ParameterizedTest(name = "{2}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          NotSupported f: keepalived adds        | exec:        | track_file f { ; file /f ; } ;; vip4 ; track_file { ; f ; }
          NotSupported f weight 10: keepalived   | exec:        | track_file f { ; file /f ; } ;; vip4 ; track_file { ; f weight 10 ; }
          weight: -20                            | NotSupported | track_file f { ; file /f ; weight -20 ; } ;; vip4 ; track_file { ; f ; }
          Approximated file /f: write a script f | weight:      | track_file f { ; file /f ; weight 5 ; } ;; vip4 ; track_file { ; f weight 0 ; }
          Translated auth_pass ***: without      | SecretRef    | vip4 ; authentication { ; auth_pass x ; }
          minTtl: 64                             | NotSupported | vip4 ; unicast_ttl 64 ; unicast_src_ip 192.0.2.8 ; unicast_peer { ; 192.0.2.9 ; }
          Approximated unicast_peer              | minTtl: 255  | vip6 ; unicast_src_ip fe80::8 ; unicast_peer { ; fe80::9 ; }
          Translated unicast_ttl 255             | minTtl       | vip6 ; unicast_ttl 255 ; unicast_src_ip fe80::8 ; unicast_peer { ; fe80::9 ; }
          NotSupported version 2: keepalived     | Version: 2   | version 2 ; vip6
          vrrpVersion: 3                         | Supported    | vip6
          NotSupported vrrp_mcast_group6         |              | global_defs { ; vrrp_mcast_group6 ff02::99 ; } ;; vip6
          Translated vrrp_mcast_group6           | NotSupported | global_defs { ; vrrp_mcast_group6 ff02::12 ; } ;; vip6
          quotes: -0 nginx                       | process:     | vrrp_script s { ; script killall -0 nginx ; } ;; vip4 ; track_script { ; s ; }
          quotes: a b                            | [x, a        | vip4 ; notify /bin/x a b
          process: name: nginx                   | Supported    | vrrp_script s { ; script 'killall -0 nginx' ; } ;; vip4 ; track_script { ; s ; }
          uses no shell                          |              | vrrp_script s { ; script "/bin/x PIPE grep ok" ; } ;; vip4 ; track_script { ; s ; }
          uses no shell                          |              | vrrp_script s { ; script "killall -0 x PIPEPIPE exit 1" ; } ;; vip4 ; track_script { ; s ; }
          weight: 253                            | NotSupported | vrrp_script s { ; script /x ; weight 300 ; } ;; vip4 ; track_script { ; s ; }
          weight: -253                           | NotSupported | vrrp_script s { ; script /x ; weight -255 ; } ;; vip4 ; track_script { ; s ; }
          NotSupported eth1 weight 0 reverse     | trackInterf  | vip4 ; track_interface { ; eth1 weight 0 reverse ; }
          NotSupported b weight 0 reverse        | bfd:         | bfd_instance b { ; neighbor_ip 192.0.2.9 ; } ;; vip4 ; track_bfd { ; b weight 0 reverse ; }
          Approximated interval 0.5: keepalived  | Supported    | vrrp_script s { ; script /x ; interval 0.5 ; } ;; vip4 ; track_script { ; s ; }
          Approximated garp_master_delay 1.5     | Supported    | vip4 ; garp_master_delay 1.5
          repeat: 1                              | Supported    | vip4 ; garp_master_repeat 0
          ignores 192.0.2.8/24, too              |              | virtual_ipaddress { ; 192.0.2.7/24 192.0.2.8/24 ; }
          without preferred_lft                  | ignores      | virtual_ipaddress { ; 192.0.2.7/24 dev eth0 preferred_lft 0 -nodad ; }
          address: 192.0.2.7/32                  | Supported    | virtual_ipaddress { ; 192.0.2.7/33 ; }
          advertInterval: 260ms                  | Supported    | version 3 ; advert_int 0.255 ; vip4
          advertInterval: 40950ms                | Supported    | version 3 ; advert_int 50 ; vip4
          NotSupported 10.0.0.0/8 proto boot     | routes:      | vip4 ; virtual_routes { ; 10.0.0.0/8 proto boot ; }
          via: "fe80::9"                         | Supported    | vip6 ; virtual_routes { ; 2001:db8::/32 via inet6 fe80::9 ; }
          priority: 16383                        | : 16382      | static_rules { ; from 192.0.2.9 table 9 ; to fe80::/64 table 9 ; } ;; vip4 ; virtual_rules { ; from 192.0.2.1 table 9 ; }
          Approximated native_ipv6               |              | vip4 ; native_ipv6
          Approximated garp_master_refresh_r     |              | vip4 ; garp_master_refresh_repeat 3
          NotSupported track_process p           | process:     | track_process p { ; process x ; } ;; vip4 ; track_process { ; p ; }
          """)
  void theImportSaysWhatKeepalivedDoes(String said, String unsaid, String lines) throws Exception {
    var shown = shown(imported(text(lines)));
    assertTrue(shown.contains(said), shown);
    assertFalse(unsaid != null && shown.contains(unsaid), shown);
  }

  @Test
  void theOrderOfAddressesIsNoDifference() throws Exception {
    var text = text("virtual_ipaddress { ; 192.0.2.1/24 ; 192.0.2.2/24 dev eth1 ; }");
    var other = text("virtual_ipaddress { ; 192.0.2.2/24 dev eth1 ; 192.0.2.1/24 ; }");
    assertEquals(List.of(), imported(text, other).report().errors());
    var third = imported(text, other.replace("2.2/24", "2.3/24")).report().errors();
    assertEquals(1, third.size(), third.toString());
  }

  @Test
  void theLowestHopsOfAllHostsAreLetIn() throws Exception {
    var text = text("vip4 ; unicast_src_ip 192.0.2.8 ; unicast_peer { ; 192.0.2.9 ; }");
    var other =
        text("vip4 ; unicast_ttl 9 ; unicast_src_ip 192.0.2.9 ; unicast_peer { ; 192.0.2.8 ; }");
    assertTrue(shown(imported(text, other)).contains("minTtl: 9"));
  }

  @Test
  void aHostWithoutTheInstanceIsNamed() throws Exception {
    var other = text("vip4").replace(" A ", " B ").replace("id 1", "id 2").replace("2.1/", "2.2/");
    var shown = shown(imported(text("vip4"), text("vip4") + other));
    assertTrue(shown.contains("node-0 has no such instance"), shown);
  }

  @Test
  void oddBytesAreTold() throws Exception {
    assertTrue(shown(imported("\uFEFF" + text("vip4"))).contains("byte order mark"));
    for (var line : List.of("interface eth\0", "x".repeat(70_000))) {
      assertThrows(SyntaxException.class, () -> imported(line));
    }
  }

  @Test
  void longCommandsAreReadInTime() {
    var command = "notify \"/bin/x " + "a".repeat(60_000) + "\"";
    assertTimeout(Duration.ofSeconds(10), () -> imported(text("vip4 ; " + command)));
  }
}
