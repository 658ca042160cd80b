package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.vrrp.Decoded;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/troubleshooting.md explains every reason that agent and operator can give. */
class TroubleshootingTest {
  private static final List<Path> SOURCES =
      List.of(Path.of("../agent/src/main/java"), Path.of("../operator/src/main/java"));

  /** A word in capitals, as reasons are, alone or with something in brackets. */
  private static final Pattern WORD = Pattern.compile("\"((?:[A-Z][a-z]+)+)[(\"]");

  /** What is written so and is no reason: a new word in the sources has to go here or there. */
  private static final Set<String> NO_REASONS =
      Set.copyOf(
          List.of(
              ("Accept Addresses Authorization Before ConfigMap Connection Deployment Down Failed Good GratuitousArp Group Host In"
                      + " Instance Lease List LoadBalancer Local NeighbourAdvertisement Node Normal Origin Pending Pod Priority"
                      + " Ready Reason RequireDualStack Secret Since State Status Stopping Succeeded Total True False TwoOwners Unknown Up Warning")
                  .split(" ")));

  @Test
  void everyReasonIsExplained() throws IOException {
    var page = Files.readString(Path.of("../docs/troubleshooting.md"));
    var missing = new TreeSet<String>();
    for (var folder : SOURCES) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (var file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
          WORD.matcher(Files.readString(file)).results().forEach(w -> missing.add(w.group(1)));
        }
      }
    }
    for (var reason : Decoded.Reason.values()) {
      missing.add(reason.name());
    }
    for (var kind : Reason.Kind.values()) {
      missing.add(kind.name());
    }
    for (var takeover : State.Takeover.values()) {
      missing.add(takeover.name());
    }
    missing.removeAll(NO_REASONS);
    // They are told as another one's: Preempted, MasterDown, MasterResigned.
    for (var told :
        List.of(
            State.Takeover.Claimed,
            State.Takeover.MasterSilent,
            State.Takeover.ResignedAgain,
            State.Takeover.MasterLeaves)) {
      missing.remove(told.name());
    }
    missing.removeIf(
        reason -> page.contains("`" + reason + "`") || page.contains("`" + reason + "("));
    assertEquals(Set.of(), missing);
  }
}
