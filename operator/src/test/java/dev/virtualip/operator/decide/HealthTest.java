package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Fault;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Init;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.watch.Vips.A;
import static dev.virtualip.operator.watch.Vips.B;
import static dev.virtualip.operator.watch.Vips.C;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.DownServer;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.HeartbeatStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.Speaker;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class HealthTest {
  private static final List<NodeFacts> NODES = List.of(A, B, C);

  private static String condition(
      int index, Map<String, NodeStatus> reports, Map<String, HandOver> asked) {
    return condition(index, reports, asked, List.of());
  }

  private static String condition(
      int index,
      Map<String, NodeStatus> reports,
      Map<String, HandOver> asked,
      List<Problem> owned) {
    var vip = Vips.reported(Vips.edge("web", 77), null, reports);
    var condition = Health.of(vip, true, NODES, asked, owned).get(index);
    return "%s %s %s: %s"
        .formatted(
            condition.getType(),
            condition.getStatus(),
            condition.getReason(),
            condition.getMessage());
  }

  @Test
  void allSelectedNodesServe() {
    assertEquals(
        "Degraded False AllNodesServe: 2 of 2 nodes can serve",
        condition(0, Map.of("a", report(Master, 2), "b", report(Backup, 2)), Map.of()));
  }

  @Test
  void whoCantServeIsNamedWithTheReason() {
    assertEquals(
        "Degraded True NodesMissing: 1 of 2 nodes can serve; b: Fault (CheckFailed(nginx))",
        condition(
            0,
            Map.of("a", report(Master, 2), "b", report(Fault, 2, "CheckFailed(nginx)", null)),
            Map.of()));
    assertEquals(
        "Degraded True NodesMissing: 1 of 2 nodes can serve; b: its agent has not reported yet",
        condition(0, Map.of("a", report(Master, 2)), Map.of()));
  }

  @Test
  void whoHandsOverForADrainIsMissingAndForASwitchOverIsNot() {
    var reports = Map.of("a", report(Backup, 2), "b", report(Master, 2));
    assertEquals(
        "Degraded True NodesMissing: 1 of 2 nodes can serve; a: handed over: Drain(cordoned)",
        condition(0, reports, Map.of("a", new HandOver(1, "Drain(cordoned)", "t"))));
    assertEquals(
        "Degraded False AllNodesServe: 2 of 2 nodes can serve",
        condition(0, reports, Map.of("a", new HandOver(1, "SwitchOver(b)", "t"))));
  }

  @Test
  void whoDoesNotComeBackFromAnUpgradeIsNamedWithIt() {
    assertEquals(
        "Degraded True NodesMissing: 1 of 2 nodes can serve; a: Init (AgentStopped), handed over:"
            + " Upgrade",
        condition(
            0,
            Map.of("a", report(Init, 2, "AgentStopped", null), "b", report(Master, 2)),
            Map.of("a", new HandOver(1, "Upgrade", "t"))));
  }

  @Test
  void anEditThatSomeNodeRefusesIsToldWithNodeReasonAndFix() {
    var fix = "spec.interface: there is no NIC eth9 on b (it has eth0): correct the name";
    var goesOn = new NodeStatus(Backup, 100, null, null, "not run: " + fix, 1L, 2L, 0L);
    assertEquals(
        "Degraded True EditRefused: 2 of 2 nodes can serve; b: refuses generation 2 and goes on with"
            + " 1: "
            + fix,
        condition(0, Map.of("a", report(Master, 2), "b", goesOn), Map.of()));
    var neverRan = new NodeStatus(Fault, null, null, "InvalidSpec", fix, null, 2L, 0L);
    assertEquals(
        "Degraded True NodesMissing: 1 of 2 nodes can serve; b: Fault (InvalidSpec); b: refuses"
            + " generation 2 and runs none: "
            + fix,
        condition(0, Map.of("a", report(Master, 2), "b", neverRan), Map.of()));
    assertEquals(
        "Degraded False AllNodesServe: 2 of 2 nodes can serve",
        condition(0, Map.of("a", report(Master, 1), "b", goesOn), Map.of()),
        "what runs nowhere is not accepted");
  }

  @Test
  void severalMastersAreTold() {
    assertEquals(
        "MultipleMasters False OneMaster: a is master",
        condition(1, Map.of("a", report(Master, 2), "b", report(Backup, 2)), Map.of()));
    assertEquals(
        "MultipleMasters True PeersDoNotHearEachOther: a, b are master at once: VRRP adverts (IP"
            + " protocol 112) do not get from one to the other, or are refused; compare their"
            + " messages, firewall and switch",
        condition(1, Map.of("a", report(Master, 2), "b", report(Master, 2)), Map.of()));
  }

  @Test
  void aForeignSpeakerIsAConflictAndANodeIsNot() {
    var a = speaking(Master, "10.0.0.11", new Speaker("10.0.0.99", "AuthFailure"));
    var b = speaking(Backup, "10.0.0.12", new Speaker("10.0.0.99", "AuthFailure"));
    assertEquals(
        "VridConflict True ForeignSpeaker: 10.0.0.99 (AuthFailure) uses the same VRID, heard by a,"
            + " b: give one of the two another VRID",
        condition(2, Map.of("a", a, "b", b), Map.of()));
    var other = speaking(Backup, "10.0.0.12", new Speaker("10.0.0.11", "OtherAddresses"));
    assertEquals(
        "VridConflict False NoForeignSpeaker: nobody else is heard",
        condition(2, Map.of("a", speaking(Master, "10.0.0.11", null), "b", other), Map.of()));
  }

  @Test
  void anAddressThatSomebodyElseHasBoundOnABackupIsNamed() {
    assertEquals(
        "StrayAddresses False NoStrays: only the master has the addresses",
        condition(3, Map.of("a", report(Master, 2), "b", report(Backup, 2)), Map.of()));
    var stray = List.of("203.0.113.77/24 dev eth1");
    var b =
        new NodeStatus(
            Backup, 100, null, null, null, 2L, null, null, null, null, null, null, stray, null,
            null, null);
    assertEquals(
        "StrayAddresses True BoundByOthers: b is not master and has 203.0.113.77/24 dev eth1:"
            + " somebody else has bound it; remove it there with ip addr del",
        condition(3, Map.of("a", report(Master, 2), "b", b), Map.of()));
  }

  @Test
  void anAddressThatANodeHasForItsOwnIsNamedWithTheNode() {
    var owned =
        new Problem("spec.addresses[0].address", "203.0.113.77 is the InternalIP of Node a");
    assertEquals(
        "StrayAddresses True OwnedByCluster: spec.addresses[0].address: 203.0.113.77 is the"
            + " InternalIP of Node a; if a kubelet took it for its node's, start that with --node-ip",
        condition(3, Map.of("a", report(Master, 2)), Map.of(), List.of(owned)));
  }

  private static NodeStatus speaking(State state, String address, Speaker speaker) {
    var speakers = speaker == null ? null : List.of(speaker);
    return new NodeStatus(
        state, 100, null, null, null, 2L, null, null, null, address, null, speakers, null, null,
        null, null);
  }

  @Test
  void aPathOfAdvertsThatIsCutIsToldWithItsNode() {
    assertEquals("False AllHeard: no path is known to be cut", heartbeatLost(null));
    assertEquals(
        "True PathCut: adverts go on by another path; mend this one; b: eth2 is silent",
        heartbeatLost("eth2 is silent"));
  }

  private static String heartbeatLost(String problem) {
    var paths =
        List.of(
            new HeartbeatStatus("eth0", "10.0.0.12", null),
            new HeartbeatStatus("eth2", "10.2.0.12", problem));
    var b =
        new NodeStatus(
            Backup, 100, null, null, null, 2L, null, null, null, null, null, null, null, null, null,
            null, paths);
    var vip = Vips.edge("web", 77);
    vip.setSpec(
        Serialization.unmarshal(
            "---\n{heartbeats: [{interface: eth0}, {interface: eth2}]}", VirtualIpSpec.class));
    Vips.reported(vip, null, Map.of("a", report(Master, 2), "b", b));
    var last = Health.of(vip, true, List.of(), Map.of(), List.of()).getLast();
    assertEquals("HeartbeatLost", last.getType());
    return "%s %s: %s".formatted(last.getStatus(), last.getReason(), last.getMessage());
  }

  @Test
  void aQuorumThatTheMasterFindsLostIsTold() {
    var held = new VirtualServerStatus("http", true, 3, 1, 3, 0, null);
    var down = new DownServer("10.0.0.21", 8443, "connect refused");
    var lost = new VirtualServerStatus("https", false, 1, 2, 1, 1, List.of(down));
    assertEquals("Unknown NoMaster: no master tells of its servers", quorumLost(Backup, lost));
    assertEquals("False QuorumHeld: enough real servers are up", quorumLost(Master, held));
    assertEquals(
        "True ServersDown: https: weight 1 is up, the quorum is 2; servers down: 1,"
            + " 10.0.0.21:8443 (connect refused)",
        quorumLost(Master, held, lost));
  }

  private static String quorumLost(State state, VirtualServerStatus... servers) {
    var report = report(state, 2);
    var told = state == Master ? report.withVirtualServers(List.of(servers)) : report;
    var vip = Vips.edge("web", 77);
    vip.setSpec(
        Serialization.unmarshal(
            "---\n{virtualServers: [{name: http, port: 80, forwarding: Masquerade}]}",
            VirtualIpSpec.class));
    Vips.reported(vip, null, Map.of("a", told));
    var condition = Health.of(vip, true, List.of(), Map.of(), List.of()).getLast();
    return "%s %s: %s"
        .formatted(condition.getStatus(), condition.getReason(), condition.getMessage());
  }
}
