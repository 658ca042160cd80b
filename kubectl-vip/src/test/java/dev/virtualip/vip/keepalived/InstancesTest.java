package dev.virtualip.vip.keepalived;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.vip.keepalived.Import.Host;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Instances of one host and of several, seen in the lab beside keepalived. */
class InstancesTest {
  private static final String INSTANCE =
      """
      vrrp_instance A {
        interface eth0
        virtual_router_id 1
        virtual_ipaddress {
          192.0.2.1/24
        }
        %s
      }
      """;

  @TempDir private Path folder;

  private Import imported(boolean join, String... texts) throws Exception {
    var hosts = new ArrayList<Host>();
    for (var text : texts) {
      var node = "node-" + hosts.size();
      hosts.add(new Host(node, Files.writeString(folder.resolve(node), text), "", null));
    }
    return Import.of(hosts, null, join);
  }

  private static boolean says(Import result, String words) {
    return result.report().entries().stream().anyMatch(entry -> entry.why().contains(words));
  }

  @Test
  void aMasterWithoutPriorityIsTheOwner() throws Exception {
    var spec =
        imported(false, INSTANCE.formatted("state MASTER"))
            .manifests()
            .getFirst()
            .object()
            .getSpec();
    assertEquals(255, spec.priority());
    assertEquals("Master", spec.initialState().toString());
  }

  @Test
  void aGroupIsToldOfByTheNotificationsOfItsMembers() throws Exception {
    var group = "vrrp_sync_group G {\n  group {\n    A\n    B\n  }\n}\n";
    var quiet =
        INSTANCE.formatted("")
            + INSTANCE
                .formatted("")
                .replace(" A ", " B ")
                .replace("id 1", "id 2")
                .replace("2.1/", "2.2/");
    assertFalse(says(imported(false, group + quiet), "tell of the group"));
    var told = quiet.replaceFirst("\n}\n", "\n  notify /bin/told\n}\n");
    assertTrue(says(imported(false, group + told), "tell of the group"));
  }

  @Test
  void nodesThatJoinAreBelowAllHostsAndMayBeAny() throws Exception {
    var result =
        imported(true, INSTANCE.formatted("priority 150"), INSTANCE.formatted("priority 120"));
    assertEquals(List.of(), result.report().errors());
    var spec = result.manifests().getFirst().object().getSpec();
    assertEquals(110, spec.priority());
    assertEquals(true, spec.allowOutside());
    assertNull(spec.nodes().selector());
    assertEquals(List.of(), spec.nodes().overrides());
    assertTrue(says(result, "110, below all hosts, to join them"));
  }

  @Test
  void nobodyJoinsBelowTheLowestPriority() throws Exception {
    var result = imported(true, INSTANCE.formatted("priority 1"));
    assertTrue(result.report().errors().getFirst().contains("no node can be lower"));
  }

  @Test
  void addressesOfNodesThatJoinInUnicastAreMissing() throws Exception {
    var peers = "unicast_src_ip 192.0.2.8\n  unicast_peer {\n    192.0.2.9\n  }";
    assertTrue(says(imported(true, INSTANCE.formatted(peers)), "add the nodes' addresses"));
    assertFalse(says(imported(false, INSTANCE.formatted(peers)), "add the nodes' addresses"));
  }
}
