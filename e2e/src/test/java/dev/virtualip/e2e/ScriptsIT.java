package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Proc;
import dev.virtualip.e2e.lab.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Checks and notifications by command in a container of the image, with nothing but what the image
 * has and the pod allows.
 */
@InLab
class ScriptsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Map<String, String> SCRIPTS =
      Map.of(
          "who.sh",
          """
          #!/bin/sh
          echo "$(id -u) $(grep CapEff /proc/self/status | cut -f 2) $*"
          [ $# -gt 0 ] || exit 4
          """,
          "hangs.sh",
          """
          #!/bin/sh
          trap '' TERM
          sleep 1000 &
          echo begun
          wait
          """);

  /** Each check runs once: nothing of a second run is there when somebody looks. */
  private static final Map<String, String> VIRTUAL_IPS =
      Map.of(
          "asked", "healthChecks: [{name: who, interval: 1h, exec: {command: [who.sh]}}]",
          "told", "notifications: {exec: {command: [who.sh]}}",
          "hangs",
              """
              healthChecks: [{name: it, interval: 1h, timeout: 1s, exec: {command: [hangs.sh]}}]
                notifications: {exec: {command: [hangs.sh], timeout: 1s}}
              """);

  private static final List<String> NAMES = VIRTUAL_IPS.keySet().stream().sorted().toList();

  @BeforeEach
  void imagesAreBuilt() {
    assumeTrue(Program.imagesMissing().isEmpty(), () -> "SKIPPED: " + Program.imagesMissing());
  }

  @Test
  void commandsRunAsNobodyAndEndWithAllTheyHaveStarted() {
    run(
        Program.images(),
        (cluster, agent) -> {
          awaitMessage(cluster, "asked", "exit 4: 65534 0000000000000000");
          agent.awaitOutput(
              "name=told line=\"65534 0000000000000000 INSTANCE told MASTER 100\"", SOON);
          awaitMessage(cluster, "hangs", "timeout after 1s");
          agent.awaitOutput("name=hangs line=\"begun\"", SOON);
          agent.awaitOutput(
              "lane=\"exec of VirtualIP hangs\" .* error=\"not done after 1s, ended\"", SOON);
          // Zombies too: each takes a place of the pod's processes for good.
          Await.until("no command's process is left", SOON, () -> others(agent), List::isEmpty);
        });
  }

  @Test
  void theImageWithoutAShellSaysWhichOneIsMeant() {
    var plain = new LinkedHashMap<>(Program.images());
    plain.remove("-exec");
    var why =
        "there is no setpriv here: use the agent's image whose tag ends with -exec, or on a host"
            + " install util-linux and coreutils";
    run(
        plain,
        (cluster, _) -> {
          awaitMessage(cluster, "asked", why);
          awaitMessage(cluster, "told", "spec.notifications.exec: " + why);
        });
  }

  private static void run(Map<String, Program> programs, BiConsumer<Cluster, Proc> claims) {
    try (var lab = Lab.open();
        var pair = ClassicPair.build(lab);
        var cluster = Cluster.install(lab, pair, ApiServer.start(lab, ClassicPair.CONTROL))) {
      cluster.run(programs);
      cluster.enableScripts(SCRIPTS);
      cluster.startOperator();
      cluster.join(pair.nodeA(), "10.0.0.11", Map.of(), programs);
      NAMES.stream().map(ScriptsIT::manifest).forEach(cluster::apply);
      var node = cluster.node("node-a");
      cluster.await("an agent runs", SOON, () -> node.runs(Cluster.AGENT));
      claims.accept(cluster, node.proc(Cluster.AGENT));
    }
  }

  private static String manifest(String name) {
    int vrid = 30 + NAMES.indexOf(name);
    return """
    apiVersion: virtualip.dev/v1alpha1
    kind: VirtualIP
    metadata: {name: %s}
    spec:
      vrid: %d
      interface: eth0
      advertInterval: 100ms
      addresses: [{address: 10.0.0.%d/24}]
      %s
    """
        .formatted(name, vrid, 100 + vrid, VIRTUAL_IPS.get(name));
  }

  private static void awaitMessage(Cluster cluster, String name, String message) {
    Await.until(
        name + " says what became of it",
        SOON,
        () -> cluster.status(name).nodes().get("node-a").message(),
        message::equals);
  }

  /** Names of what runs in a container beside the agent itself. */
  private static List<String> others(Proc runc) {
    var container = ProcessHandle.of(runc.container()).orElseThrow();
    return Stream.concat(Stream.of(container), container.descendants())
        .map(process -> name(Path.of("/proc", Long.toString(process.pid()), "comm")))
        .filter(name -> !Set.of("java", "tini").contains(name))
        .toList();
  }

  private static String name(Path comm) {
    try {
      return Files.readString(comm).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
