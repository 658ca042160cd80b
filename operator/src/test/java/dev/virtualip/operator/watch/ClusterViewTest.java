package dev.virtualip.operator.watch;

import static dev.virtualip.crds.schema.VirtualIpStatus.State.Master;
import static dev.virtualip.operator.watch.Vips.report;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.SwitchOver;
import dev.virtualip.operator.decide.HandOvers;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ClusterViewTest {
  @Test
  void whatAStatusShowsIsNotWhatWasAsked() {
    var forged = new HandOver(1, "Upgrade", "2026-01-01T00:00:00Z");
    var vip =
        Vips.asked(
            Vips.reported(Vips.edge("web", 77), "a", Map.of("a", report(Master, 2))),
            Map.of("a", forged));
    var seen = ClusterView.asked(vip, VirtualIpStatus.EMPTY);
    assertEquals(Map.of(), HandOvers.present(seen));
    assertEquals("a", seen.getStatus().master());
    assertEquals(vip.getStatus().nodes(), seen.getStatus().nodes());
    var drain = new HandOver(1, "Drain(cordoned)", "t");
    var done = new SwitchOver("b", SwitchOver.Result.Done, "b is master");
    var asked = new VirtualIpStatus(null, null, null, null, null, Map.of("a", drain), done, null);
    assertEquals(Map.of("a", drain), HandOvers.present(ClusterView.asked(vip, asked)));
    assertEquals(done, ClusterView.asked(vip, asked).getStatus().switchOver());
  }

  /** As after an upgrade from a version that had no other place for it. */
  @Test
  void aSwitchOverThatWasRefusedIsNotTriedAgain() {
    var refused = new SwitchOver("b", SwitchOver.Result.Refused, "sick");
    var vip = Vips.edge("web", 77);
    vip.setStatus(new VirtualIpStatus(null, null, null, null, Map.of(), null, refused, null));
    assertEquals(refused, ClusterView.asked(vip, VirtualIpStatus.EMPTY).getStatus().switchOver());
    var done = new SwitchOver("b", SwitchOver.Result.Done, "b is master");
    vip.setStatus(new VirtualIpStatus(null, null, null, null, Map.of(), null, done, null));
    assertNull(ClusterView.asked(vip, VirtualIpStatus.EMPTY).getStatus().switchOver());
  }

  @Test
  void aVirtualIpOfWhichNothingIsAskedStaysAsItIs() {
    var vip = Vips.edge("web", 77);
    assertSame(vip, ClusterView.asked(vip, VirtualIpStatus.EMPTY));
  }
}
