package dev.virtualip.operator.watch;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Backup;
import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;

class VirtualIpReconcilerTest {
  private static final Node NODE =
      new NodeBuilder()
          .withNewMetadata()
          .withName("a")
          .addToLabels("edge", "true")
          .endMetadata()
          .withNewSpec()
          .endSpec()
          .build();

  @Test
  void heartbeatOfANodeIsNothing() {
    var beat =
        NODE.edit()
            .withNewStatus()
            .addNewCondition()
            .withType("Ready")
            .withLastHeartbeatTime("2026-01-01T00:00:00Z")
            .endCondition()
            .endStatus()
            .build();
    assertFalse(matters(beat));
  }

  @Test
  void labelsAndTaintsOfANodeMatter() {
    assertTrue(matters(NODE.edit().editMetadata().addToLabels("edge", "no").endMetadata().build()));
    assertTrue(
        matters(
            NODE.edit()
                .editSpec()
                .addNewTaint()
                .withKey("dedicated")
                .withEffect("NoSchedule")
                .endTaint()
                .endSpec()
                .build()));
  }

  @Test
  void whatDrainsANodeMatters() {
    assertTrue(matters(NODE.edit().editSpec().withUnschedulable(true).endSpec().build()));
  }

  @Test
  void specAndReportsOfAVirtualIpMatter() {
    var vip = backup();
    var edited = backup();
    edited.getMetadata().setGeneration(3L);
    var master = Vips.reported(Vips.edge("web", 77), null, Map.of("a", report(Master, 2)));
    var annotated = backup();
    annotated.getMetadata().setResourceVersion("7");
    var switched = backup();
    switched.getMetadata().setAnnotations(Map.of(VirtualIp.SWITCH_TO, "b"));
    assertTrue(VirtualIpReconciler.SPEC_OR_STATUS.accept(switched, vip));
    assertTrue(VirtualIpReconciler.SPEC_OR_STATUS.accept(edited, vip));
    assertTrue(VirtualIpReconciler.SPEC_OR_STATUS.accept(master, vip));
    assertFalse(VirtualIpReconciler.SPEC_OR_STATUS.accept(annotated, vip));
  }

  private static VirtualIp backup() {
    return Vips.reported(Vips.edge("web", 77), null, Map.of("a", report(Backup, 2)));
  }

  private static boolean matters(Node now) {
    return VirtualIpReconciler.placementOrDrain(DrainTrigger.parse("cordon")).accept(now, NODE);
  }
}
