package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.vip.keepalived.Import.Host;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code keepalived -t} of 2.2.7 refuses or warns of, and what the import says of it. */
class RefusedTest {
  /** The exit code for a configuration with faults. */
  private static final int FAULTS = 5;

  /** keepalived looks for the NIC, so there has to be one of this name. */
  private static final String IN_A_NETWORK_OF_ITS_OWN =
      "ip link add eth0 type veth peer name eth9 && ip link set eth0 up &&"
          + " ip addr add 192.0.2.9/24 dev eth0 || exit 77; exec keepalived -t -f \"$0\"";

  private static final int NO_NETWORK = 77;

  @TempDir private Path folder;

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          4:1: the block of virtual_ipaddress      | instance A 1 ; virtual_ipaddress { ; 192.0.2.1
          8:1: no block is open here               | instance A 1 ; addresses ; } ; }
          4:8: expected a "                        | instance A 1 ; notify "/bin/true ; addresses ; }
          has no name                              | instance '' 1 ; addresses ; }
          spec.vrid is missing                     | instance A 0 ; addresses ; }
          expected a number from 1 to 255          | instance A 1 ; priority 256 ; addresses ; }
          spec.addresses is empty                  | instance A 1 ; }
          is not an IPv4 address                   | instance A 1 ; virtual_ipaddress { ; 300.0.2.1 ; } ; }
          binds it as one of a host                | instance A 1 ; virtual_ipaddress { ; 192.0.2.1/33 ; } ; }
          is out of range                          | instance A 1 ; advert_int 0 ; addresses ; }
          is out of range                          | instance A 1 ; preempt_delay 5000 ; addresses ; }
          expected seconds                         | instance A 1 ; garp_master_delay x ; addresses ; }
          the owner                                | instance A 1 ; state MASTER ; nopreempt ; addresses ; }
          no password is given                     | instance A 1 ; authentication { ; auth_type PASS ; } ; addresses ; }
          of passwords there is PASS alone         | instance A 1 ; authentication { ; auth_type XX ; auth_pass y ; } ; addresses ; }
          its first 8 bytes                        | instance A 1 ; authentication { ; auth_type PASS ; auth_pass ninechars ; } ; addresses ; }
          give the peer's address of that family   | instance A 1 ; unicast_src_ip 192.0.2.9 ; unicast_peer { ; 2001:db8::1 ; } ; addresses ; }
          nothing defines it                       | instance A 1 ; addresses ; track_script { ; gone ; } ; }
          nothing defines it, so it stays          | instance A 1 ; interface $NIC ; addresses ; }
          lo is no way to other hosts              | instance A 1 ; interface lo ; addresses ; }
          does not know frob 3                     | instance A 1 ; addresses ; virtual_routes { ; 10.0.0.0/8 frob 3 ; } ; }
          and would match others without           | instance A 1 ; addresses ; virtual_rules { ; from 192.0.2.1 frob 3 ; } ; }
          has the name of the one at               | instance A 1 ; addresses ; } ; instance A 2 ; addresses ; }
          spec.vrid 1 on eth0 is taken             | instance A 1 ; addresses ; } ; instance B 1 ; addresses ; }
          there is no instance B                   | instance A 1 ; addresses ; } ; group G { ; A ; B ; }
          has no members                           | instance A 1 ; addresses ; } ; group G { ; }
          has one member                           | instance A 1 ; addresses ; } ; group G { ; A ; }
          is in another group already              | instance A 1 ; addresses ; } ; instance B 2 ; addresses ; } ; group G { ; A ; B ; } ; group H { ; A ; B ; }
          expected a number from 2 to 3            | global_defs { ; vrrp_version 4 ; } ; instance A 1 ; addresses ; }
          unknown here                             | frobnicate 1 ; instance A 1 ; addresses ; }
          """)
  void theImportSaysWhatKeepalivedRefuses(String said, String lines) throws Exception {
    var file = Files.writeString(folder.resolve("t.conf"), text(lines));
    assertTrue(imported(file).contains(said), imported(file));
    assertRefused(file);
  }

  /** Short words for what all of them have. */
  private static String text(String lines) {
    return lines
        .replaceAll(
            "instance (\\S+) (\\d)", "vrrp_instance $1 {\ninterface eth0\nvirtual_router_id $2")
        .replace("addresses", "virtual_ipaddress {\n192.0.2.1\n}")
        .replaceAll("group (.) \\{(.*?)}", "vrrp_sync_group $1 {\ngroup {$2}\n}")
        .replace("''", "")
        .replace(" ; ", "\n")
        .concat("\n");
  }

  private static String imported(Path file) {
    try {
      var report = Import.of(List.of(new Host("", file, "", null)), null, false).report();
      return report.entries().stream().map(Object::toString).collect(Collectors.joining("\n"))
          + report.notes();
    } catch (SyntaxException e) {
      return e.getMessage();
    }
  }

  private static void assertRefused(Path file) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/keepalived")), "install keepalived 2.2");
    var process =
        new ProcessBuilder("unshare", "--net", "sh", "-c", IN_A_NETWORK_OF_ITS_OWN, file.toString())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    assumeTrue(code != NO_NETWORK && !output.contains("unshare"), "needs root: " + output);
    assertEquals(FAULTS, code, output);
  }
}
