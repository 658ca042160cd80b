package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.Authentication.HmacAuthentication.Mode;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HmacStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import java.util.HashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusPatchTest {
  private static NodeStatus status(State state) {
    return new NodeStatus(state, 100, null, null, null, null, null, null);
  }

  /** As in {@code b: a=Master b=Backup}: status.master, then the nodes; a lone colon is none. */
  private static VirtualIpStatus cached(String text) {
    if (text.equals("none")) {
      return null;
    }
    var parts = text.split(":", 2);
    var nodes = new HashMap<String, NodeStatus>();
    for (var node : parts[1].strip().split(" ")) {
      if (!node.isEmpty()) {
        nodes.put(node.split("=")[0], status(State.valueOf(node.split("=")[1])));
      }
    }
    var master = parts[0].isEmpty() ? null : parts[0];
    int backups = VirtualIpStatus.backups(nodes);
    return new VirtualIpStatus(null, master, backups, null, nodes, null, null, null);
  }

  @Test
  void everyFieldOfTheNodeIsNamed() {
    var status = new NodeStatus(State.Fault, 100, "t", "LinkDown", null, 3L, null, null);
    assertEquals(
        """
        {"status":{"nodes":{"a":{"state":"Fault","priority":100,"since":"t","reason":"LinkDown",\
        "acceptedGeneration":3,"message":null,"refusedGeneration":null,"refusedReason":null,\
        "transitions":null,"address":null,"heardMaster":null,"speakers":null,"strayAddresses":null,"virtualServers":null,\
        "history":null,"hmac":null,"heartbeats":null}}}}""",
        StatusPatch.of("a", status, false, false, false, null).toString());
  }

  /** Former keys that are forgotten would stay in the status, and be waited for. */
  @Test
  void everyFieldWithinAFieldIsNamed() {
    var keys = new HmacStatus(Mode.Enforce, List.of("2-75e149ce"), null, "2-75e149ce");
    var patch = StatusPatch.of("a", new NodeStatus(State.Backup, keys), false, false, false, null);
    assertEquals(
        """
        {"mode":"Enforce","keys":["2-75e149ce"],"sends":"2-75e149ce","kept":null}""",
        patch.at("/status/nodes/a/hmac").toString());
  }

  @Test
  void removingTakesKeyAndMasterAway() {
    assertEquals(
        "{\"status\":{\"nodes\":{\"a\":null},\"master\":null}}",
        StatusPatch.of("a", null, false, true, false, cached("a: a=Master")).toString());
  }

  @ParameterizedTest
  @CsvSource({
    "true, false, none, \"a\"",
    "true, true, none, \"a\"",
    "true, false, :, \"a\"",
    "true, false, b: b=Master, \"a\"",
    "true, true, b: b=Master, ''",
    "true, true, b: b=Backup, \"a\"",
    "true, true, b:, \"a\"",
    "true, true, a: a=Master, ''",
    "true, true, : a=Master, \"a\"",
    "false, true, a: a=Master, null",
    "false, true, b: b=Master, ''",
    "false, true, none, ''",
    "false, false, a: a=Backup, null"
  })
  void masterIsClaimedCorrectedAndGivenUp(
      boolean master, boolean wasMaster, String cached, String expected) {
    var status = status(master ? State.Master : State.Backup);
    var patch = StatusPatch.of("a", status, master, wasMaster, false, cached(cached)).get("status");
    assertEquals(expected, patch.has("master") ? patch.get("master").toString() : "");
  }

  @Test
  void whoYieldsLeavesItsNameToItsSuccessor() {
    var seen = cached("a: a=Master b=Backup");
    var patch = StatusPatch.of("a", status(State.Backup), false, true, true, seen).get("status");
    assertFalse(patch.has("master"));
    assertFalse(StatusPatch.needed("a", false, true, cached("a: a=Backup b=Backup")));
  }

  @ParameterizedTest
  @CsvSource({
    "true, false, none, ''",
    "true, false, :, 1",
    "true, false, b: b=Master, 8",
    "true, true, :, ''",
    "true, false, a: a=Master, ''",
    "false, true, a: a=Master, ''"
  })
  void takingOverIsCounted(boolean master, boolean wasMaster, String cached, String expected) {
    var seen = cached(cached);
    if (seen != null && seen.master() != null) {
      var nodes = seen.nodes();
      seen = new VirtualIpStatus(null, seen.master(), 0, 7L, nodes, null, null, null);
    }
    var status = status(master ? State.Master : State.Backup);
    var patch = StatusPatch.of("a", status, master, wasMaster, false, seen).get("status");
    assertEquals(expected, patch.path("transitions").asText());
  }

  @Test
  void theMasterKeepsTheNumberOfBackups() {
    var status = status(State.Master);
    var right = cached("a: a=Master b=Backup c=Fault d=Backup");
    assertFalse(StatusPatch.of("a", status, true, true, false, right).at("/status").has("backups"));
    assertFalse(StatusPatch.needed("a", true, false, right));
    var wrong = new VirtualIpStatus(null, "a", 1, 1L, right.nodes(), null, null, null);
    assertEquals(
        2, StatusPatch.of("a", status, true, true, false, wrong).at("/status/backups").asInt());
    assertTrue(StatusPatch.needed("a", true, false, wrong));
    assertFalse(StatusPatch.needed("b", false, false, wrong));
  }

  @Test
  void thatThisNodeIsNotHeardOfIsSeen() {
    assertTrue(StatusPatch.isUnknown("a", cached("b: a=Unknown b=Master")));
    assertFalse(StatusPatch.isUnknown("a", cached("b: a=Backup b=Unknown")));
    assertFalse(StatusPatch.isUnknown("a", cached("none")));
  }

  @ParameterizedTest
  @CsvSource({
    "true, a: a=Master, false",
    "true, b: a=Master b=Master, false",
    "true, b: a=Master b=Backup, true",
    "true, : a=Master, true",
    "true, a: b=Backup, true",
    "false, b: a=Backup, false",
    "false, a: a=Backup, true",
    "false, none, true"
  })
  void whatTheApiServerShowsIsCorrectedOnlyIfWrong(boolean master, String cached, boolean needed) {
    assertEquals(needed, StatusPatch.needed("a", master, false, cached(cached)));
  }
}
