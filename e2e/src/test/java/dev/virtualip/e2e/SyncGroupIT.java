package dev.virtualip.e2e;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** An inside and an outside address that only make sense on the same node. */
@InLab
class SyncGroupIT {
  private static final Duration MOVE = Duration.ofSeconds(60);
  private static final String OUTSIDE = "203.0.113.21";
  private static final String INSIDE = "10.0.0.100";

  @Test
  void insideAndOutsideMoveTogether() throws IOException {
    var sample = Files.readString(Lab.root().resolve("samples/05-sync-group.yaml"));
    try (var lab = Lab.open()) {
      var pair = ClassicPair.build(lab);
      try (var a = AgentProgram.start(pair.nodeA(), sample, Map.of());
          var b = AgentProgram.start(pair.nodeB(), sample, Map.of())) {
        awaitBoth(lab, pair.nodeA(), pair.nodeB());

        // Only the outside address has a check, and only its NIC loses the cable.
        pair.nginxA().stop();
        awaitBoth(lab, pair.nodeB(), pair.nodeA());
        a.awaitStatus("inside", "reason", "SyncGroup(outside)");
        pair.nginxA().start();
        awaitBoth(lab, pair.nodeA(), pair.nodeB());

        pair.nodeA().pullCable("eth1");
        awaitBoth(lab, pair.nodeB(), pair.nodeA());
        a.awaitStatus("outside", "reason", "LinkDown(eth1)");
        pair.nodeA().plugCable("eth1");
        awaitBoth(lab, pair.nodeA(), pair.nodeB());

        a.stop();
        awaitBoth(lab, pair.nodeB(), pair.nodeA());
        b.awaitStatus("inside", "state", "Master");
      }
    }
  }

  /** A client outside and a server inside both get there, and to the same node. */
  private static void awaitBoth(Lab lab, Host holder, Host other) {
    Await.until(
        "both addresses on " + holder,
        MOVE,
        () ->
            holder.hasAddress(INSIDE)
                && holder.hasAddress(OUTSIDE)
                && !other.hasAddress(OUTSIDE)
                && !other.hasAddress(INSIDE));
    var name = holder.name() + "\n";
    Await.until(
        "both are served by " + holder,
        MOVE,
        () ->
            List.of(
                lab.host("client").get("http://" + OUTSIDE + "/"),
                lab.control().get("http://" + INSIDE + "/")),
        List.of(name, name)::equals);
  }
}
