package dev.virtualip.operator.decide;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Fault;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.watch.Vips.A;
import static dev.virtualip.operator.watch.Vips.B;
import static dev.virtualip.operator.watch.Vips.C;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.operator.watch.Vips;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SwitchOversTest {
  private static final Map<String, NodeStatus> A_IS_MASTER =
      Map.of("a", report(Master, 2), "b", report(Backup, 2));

  private static VirtualIp vip(String to, SwitchOver before, Map<String, NodeStatus> nodes) {
    var vip = Vips.edge("web", 77);
    vip.getMetadata().setAnnotations(to == null ? Map.of() : Map.of(VirtualIp.SWITCH_TO, to));
    vip.setStatus(new VirtualIpStatus(null, null, null, null, nodes, null, before, null));
    return vip;
  }

  private static String text(Map<String, SwitchOver> switchOvers) {
    var switchOver = switchOvers.get("web");
    return switchOver == null
        ? "none"
        : "%s %s: %s".formatted(switchOver.to(), switchOver.result(), switchOver.message());
  }

  private static Map<String, SwitchOver> decide(VirtualIp... vips) {
    return SwitchOvers.of(List.of(vips), Set.of(), List.of(A, B, C), Map.of(), null);
  }

  @Test
  void withoutTheAnnotationThereIsNone() {
    assertEquals("none", text(decide(vip(null, null, A_IS_MASTER))));
  }

  @Test
  void itIsInProgressUntilTheNodeIsMaster() {
    assertEquals(
        "b InProgress: a is asked to hand over", text(decide(vip("b", null, A_IS_MASTER))));
    var nodes = Map.of("a", report(Backup, 2), "b", report(Master, 2));
    assertEquals("b Done: b is master", text(decide(vip("b", null, nodes))));
  }

  @Test
  void aNodeThatIsNotFitIsRefusedWithTheReason() {
    var sick = report(Fault, 2, "CheckFailed(nginx)", "connection refused");
    var nodes = Map.of("a", report(Master, 2), "b", sick);
    assertEquals(
        "b Refused: b can't serve VirtualIP web: Fault (CheckFailed(nginx)): connection refused",
        text(decide(vip("b", null, nodes))));
    assertEquals(
        "c Refused: c does not run VirtualIP web: is it selected by spec.nodes?",
        text(decide(vip("c", null, A_IS_MASTER))));
    assertEquals("x Refused: there is no node x", text(decide(vip("x", null, A_IS_MASTER))));
    assertEquals(
        "b Refused: b is being drained: cordoned",
        text(
            SwitchOvers.of(
                List.of(vip("b", null, A_IS_MASTER)),
                Set.of(),
                List.of(A, B),
                Map.of("b", "cordoned"),
                null)));
    assertEquals(
        "b Refused: the agent of b is being replaced",
        text(
            SwitchOvers.of(
                List.of(vip("b", null, A_IS_MASTER)), Set.of(), List.of(A, B), Map.of(), "b")));
  }

  @Test
  void whatWasRefusedStaysRefusedUntilAskedAnew() {
    var refused = new SwitchOver("b", SwitchOver.Result.Refused, "sick");
    assertEquals("b Refused: sick", text(decide(vip("b", refused, A_IS_MASTER))));
    assertEquals("none", text(decide(vip(null, refused, A_IS_MASTER))));
    assertEquals("a Done: a is master", text(decide(vip("a", refused, A_IS_MASTER))));
  }

  @Test
  void oneThatIsInForceStaysSoWhenTheNodeFails() {
    var done = new SwitchOver("b", SwitchOver.Result.Done, "b is master");
    var nodes = Map.of("a", report(Master, 2), "b", report(Fault, 2, "LinkDown(eth1)", null));
    assertEquals(
        "b InProgress: b can't serve VirtualIP web: Fault (LinkDown(eth1))",
        text(decide(vip("b", done, nodes))));
  }

  @Test
  void aWholeSyncGroupIsSwitched() {
    var web = vip("b", null, A_IS_MASTER);
    web.setSpec(spec("{vrid: 77, interface: eth0, syncGroup: g, addresses: []}"));
    var inside = vip(null, null, A_IS_MASTER);
    inside.getMetadata().setName("inside");
    inside.setSpec(spec("{vrid: 78, interface: eth0, syncGroup: g, addresses: []}"));
    var switchOvers = decide(web, inside);
    assertEquals("b", switchOvers.get("inside").to());
    inside.setStatus(
        new VirtualIpStatus(
            null, null, Map.of("a", report(Master, 2), "b", report(Fault, 2)), null));
    assertEquals("b Refused: b can't serve VirtualIP inside: Fault", text(decide(web, inside)));
  }

  /** Whoever may write a VirtualIP may name any sync group in it. */
  @Test
  void oneThatIsRefusedSpeaksForNoSyncGroup() {
    var web = vip("b", null, A_IS_MASTER);
    web.setSpec(spec("{vrid: 77, interface: eth0, syncGroup: g, addresses: []}"));
    var refused = vip("c", null, Map.of());
    refused.getMetadata().setName("intruder");
    refused.setSpec(spec("{vrid: 78, interface: eth0, syncGroup: g, addresses: []}"));
    var switchOvers =
        SwitchOvers.of(List.of(web, refused), Set.of("intruder"), List.of(A, B, C), Map.of(), null);
    assertEquals("b InProgress: a is asked to hand over", text(switchOvers));
  }

  private static VirtualIpSpec spec(String yaml) {
    return Serialization.unmarshal("---\n" + yaml, VirtualIpSpec.class);
  }
}
